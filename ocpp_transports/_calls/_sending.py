"""The methods that make SENDs and send raw texts, and what passes their commands to the engine."""

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Collection, Generator, Mapping
from typing import Any, ClassVar, Literal, overload

from ocpp_core.action_names import Role
from ocpp_core.errors import ConnectionLostError, OCPPError
from ocpp_core.inputs import Command, Notify, SendRaw, StartCall
from ocpp_core.outbound.call import check_command
from ocpp_core.session import Draining, Open, Session
from ocpp_core.typed.message import Message
from ocpp_core.typed.model import RequestModel
from ocpp_transports._driver._driver import Driver
from ocpp_transports._handlers._caller import Caller, Params
from ocpp_transports._handlers._contexts import CallContext
from ocpp_transports._handlers._middleware import compose, layers_of
from ocpp_transports._handlers._table import Handlers
from ocpp_transports._options._connection import PeerOptions
from ocpp_transports.events import CloseEvent

from ._directions import expect_sent
from ._objects import SendRequest, read_send

__all__ = ["SendMixin"]


class _Sent(Awaitable[None]):
    """The result of a plain `send_raw`: done already, and awaitable all the same."""

    def __await__(self) -> Generator[Any, None, None]:
        return
        yield  # makes it a generator


class SendMixin:
    """The sending side of a peer: what needs no response."""

    _role: ClassVar[Role]
    _sent_by_peer: ClassVar[Collection[str]]
    """Actions that `expect_sent` may refuse. A call of any other action costs only this look-up."""
    _options: PeerOptions
    _protocol: str | None
    _driver: Driver[Command] | None
    _ended: CloseEvent | None
    _registries: tuple[Handlers, ...]

    @property
    @abstractmethod
    def _as_caller(self) -> Caller:
        """This peer, as middleware sees it."""

    @property
    @abstractmethod
    def _session(self) -> Session | None:
        """The session of the current connection."""

    @property
    def _spoken(self) -> Collection[str]:
        """The subprotocol of the connection; before the first connection, all that are offered."""
        return self._options.protocols if self._protocol is None else (self._protocol,)

    def _queueing_driver(self) -> Driver[Command] | None:
        """Return a driver that may queue calls while there is no connection."""
        return None

    @abstractmethod
    def _not_connected(self) -> OCPPError:
        """Return the error of a call without a driver: why nothing was sent, and what to do."""

    @overload
    async def notify(
        self,
        message: Message[Any, None] | RequestModel[Any, None],
        /,
        *,
        message_id: str | None = None,
        validate: bool = True,
        custom: bool = False,
    ) -> None: ...
    @overload
    async def notify(
        self,
        action: str,
        params: Params,
        /,
        *,
        message_id: str | None = None,
        validate: bool = True,
        custom: bool = False,
    ) -> None: ...
    async def notify(
        self, *args: Any, message_id: str | None = None, validate: bool = True, custom: bool = False
    ) -> None:
        """Send a SEND (OCPP 2.1); return when it is written, because a SEND has no response.

        If the connection's output is congested, it returns when that has drained: a peer that reads nothing must not
        make it grow.

        Args:
            *args: A message or request model, as `notify(v21.NotifyPeriodicEventStream(...))`; or an action and its
                payload, a dict or a model.
            message_id: The message ID, at most 36 characters; None for one of `id_factory`.
            validate: False skips the check of strict mode.
            custom: True sends an action that only the peer sends according to the specification.

        Raises:
            ConnectionLostError: There is no connection (`sent=False`), or it ended before the output drained
                (`sent=True`).
            ClosedError: This side is closed or closing.
            CallDroppedError: The peer reads nothing, and `max_queued_bytes` wait for it.
            RPCError: The payload violates its schema in strict mode.
            ValueError: A version other than the message's or without SEND, an action that is unknown or that only the
                peer sends, or more than `max_outgoing_size` bytes.
            TypeError: An argument of the wrong type, or a message that is not a SEND.
        """
        send = read_send(args)
        if self._protocol is not None and send.protocol not in {None, self._protocol}:
            raise ValueError(f"expected a SEND of {self._protocol}, got one of {send.protocol}")
        for registry in self._registries:
            if registry.middleware:
                await self._notify_through_middleware(send, message_id=message_id, validate=validate, custom=custom)
                return
        await self._notify(send.action, send.params, message_id=message_id, validate=validate, custom=custom)

    def _notify(
        self, action: str, params: Mapping[str, Any], *, message_id: str | None, validate: bool, custom: bool
    ) -> Awaitable[None]:
        if action in self._sent_by_peer and not custom:
            expect_sent(self._role, action, self._spoken)
        return self._ask(lambda token: Notify(token, action, params, message_id, validate))

    async def _notify_through_middleware(self, send: SendRequest, **options: Any) -> None:
        ctx = CallContext(
            action=send.action,
            params=dict(send.params),
            protocol=self._protocol,
            client=self._as_caller,
            options=options,
            expects_reply=False,
        )
        await compose(layers_of(self._registries), ctx, lambda: self._notify(ctx.action, ctx.params, **ctx.options))()

    @overload
    def send_raw(self, text: str) -> Awaitable[None]: ...
    @overload
    def send_raw(self, text: str, *, expect_reply: Literal[False]) -> Awaitable[None]: ...
    @overload
    def send_raw(
        self, text: str, *, expect_reply: Literal[True], timeout: float | None = None
    ) -> Awaitable[dict[str, Any]]: ...
    def send_raw(self, text: str, *, expect_reply: bool = False, timeout: float | None = None) -> Awaitable[Any]:
        """Send text unchanged, regardless of the window of outstanding CALLs.

        The text is sent when this returns; awaiting is optional.

        Args:
            text: The text to send.
            expect_reply: True waits for the window, and then for the response: the text must be a CALL.
            timeout: Seconds to wait for the response; None for `call_timeout`.

        Returns:
            With `expect_reply`, an awaitable of the payload of the CALLRESULT, like `call`; otherwise of None.

        Raises:
            ConnectionLostError: There is no open connection.
            ClosedError: This side is closed.
            CallDroppedError: The peer reads nothing, and `max_queued_bytes` wait for it.
            ValueError: A reply is expected to anything but a CALL, or the text has more than `max_outgoing_size` bytes.
            TypeError: It is not a text.
        """
        if expect_reply:
            return self._ask(lambda token: SendRaw(text, token, timeout))
        check_command(SendRaw(text), self._options.session, 0.0)
        session, driver = self._session, self._driver
        if driver is None or self._ended is not None:
            raise self._not_connected()
        if session is None or not isinstance(session.state, (Open, Draining)):
            raise ConnectionLostError("cannot send the raw text: not connected", sent=False)
        driver.runtime.expect_here()
        if not session.has_room_for(text):
            raise session.no_room("the raw text")
        driver.feed(SendRaw(text))
        return _Sent()

    async def _ask(self, make: Callable[[int], StartCall | SendRaw | Notify]) -> Any:
        driver = self._driver or self._queueing_driver()
        if driver is None:
            check_command(make(0), self._options.session, 0.0)
            raise self._not_connected()
        return await driver.ask(make)
