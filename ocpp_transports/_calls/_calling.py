"""The methods that make calls and SENDs, through the middleware, and those that send raw texts."""

from abc import abstractmethod
from collections.abc import Awaitable, Collection, Generator
from typing import Any, ClassVar, Literal, Unpack, overload

from ocpp_core.action_names import Role
from ocpp_core.errors import (
    ConnectionLostError,
    OCPPError,
    TimeoutError,  # ours, a subclass of the builtin
)
from ocpp_core.inputs import Notify, SendRaw
from ocpp_core.outbound.call import check_command
from ocpp_core.session import Draining, Open, Session
from ocpp_core.typed.message import Message
from ocpp_core.typed.model import RequestModel, ResponseModel
from ocpp_transports._handlers._call_keywords import CallKeywords
from ocpp_transports._handlers._caller import Caller, DictCallKeywords, Params, ResultModelT, ResultT
from ocpp_transports._handlers._contexts import CallContext
from ocpp_transports._handlers._table import Handlers, compose, layers_of
from ocpp_transports._logging._log import Log
from ocpp_transports.events import CloseEvent

from ._attempts import AttemptMixin
from ._call_options import OPTION_NAMES, read_options
from ._directions import expect_sent
from ._objects import read_send
from ._request import CallRequest, read_request

__all__ = ["CallMixin"]


class _Sent(Awaitable[None]):
    """The result of a plain `send_raw`: done already, and awaitable all the same."""

    def __await__(self) -> Generator[Any, None, None]:
        return
        yield  # makes it a generator


class CallMixin(AttemptMixin):
    """The calling side of a peer."""

    _role: ClassVar[Role]
    _sent_by_peer: ClassVar[Collection[str]]
    """Actions that `expect_sent` may refuse. A call of any other action costs only this look-up."""
    _log: Log
    _protocol: str | None
    _ended: CloseEvent | None
    _registries: tuple[Handlers, ...]

    @property
    @abstractmethod
    def _session(self) -> Session | None:
        """The session of the current connection."""

    @property
    def _spoken(self) -> Collection[str]:
        """The subprotocol of the connection; before the first connection, all that are offered."""
        return self._options.protocols if self._protocol is None else (self._protocol,)

    @property
    @abstractmethod
    def _as_caller(self) -> Caller:
        """This peer, as middleware sees it."""

    @overload
    async def call(self, message: Message[Any, ResultT], /, **options: Unpack[CallKeywords[ResultT]]) -> ResultT: ...
    @overload
    async def call(
        self, request: RequestModel[Any, ResultModelT], /, **options: Unpack[DictCallKeywords]
    ) -> ResultModelT: ...
    @overload
    async def call(
        self, action: str, params: Params = ..., /, **options: Unpack[DictCallKeywords]
    ) -> dict[str, Any]: ...
    @overload
    async def call(
        self, protocol: str, action: str, params: Params = ..., /, **options: Unpack[DictCallKeywords]
    ) -> dict[str, Any]: ...
    async def call(self, *args: Any, **options: Any) -> Any:
        """Call the peer and return the payload of its CALLRESULT.

        `call(v16.Reset(type="Soft"))` is valid in the message's version only; checkers know the types of its payload
        and of the result. `call(v16.models.ResetRequest(type="Soft"))` returns the model of the result, and raises an
        `RPCError` if that has missing members or wrong types. `call(action, params)` sends a dict or a model in any
        version, and `call(protocol, action, params)` in one version only.

        `timeout` limits the wait from the write to the response, `ttl` the wait from now to the write, in seconds.
        `message_id` and `validate` apply to this call only. `retries` repeats a call whose response did not arrive in
        time, after a pause with full jitter that doubles from `retry_delay` to `retry_max_delay`. `custom=True` sends
        an action that only the peer sends according to the specification. `check`, a function or coroutine function,
        gets the payload of the CALLRESULT. If it raises an `RPCError`, the call fails, and an OCPP 2.1 peer gets a
        CALLRESULTERROR (2.1 Part 4 §4.2.3). If it raises any other exception, the call fails.

        Raises the `RPCError` of the received code, `TimeoutError`, `CallDroppedError`, `ConnectionLostError` or
        `ClosedError`; if `sent` is True, the peer may have acted on the call. Raises ValueError or TypeError at once
        for bad arguments, for a version that the connection does not speak, for an action that only the peer sends, and
        for more than `max_outgoing_size` bytes.
        """
        return await self._perform(read_request(args, options))

    @overload
    async def call_immediate(
        self, message: Message[Any, ResultT], /, **options: Unpack[CallKeywords[ResultT]]
    ) -> ResultT: ...
    @overload
    async def call_immediate(
        self, request: RequestModel[Any, ResultModelT], /, **options: Unpack[DictCallKeywords]
    ) -> ResultModelT: ...
    @overload
    async def call_immediate(
        self, action: str, params: Params = ..., /, **options: Unpack[DictCallKeywords]
    ) -> dict[str, Any]: ...
    @overload
    async def call_immediate(
        self, protocol: str, action: str, params: Params = ..., /, **options: Unpack[DictCallKeywords]
    ) -> dict[str, Any]: ...
    async def call_immediate(self, *args: Any, **options: Any) -> Any:
        """Call ahead of the queued calls, within the window of outstanding CALLs; otherwise like `call`."""
        return await self._perform(read_request(args, options, urgent=True))

    @overload
    async def safe_call(
        self, message: Message[Any, ResultT], /, **options: Unpack[CallKeywords[ResultT]]
    ) -> ResultT | None: ...
    @overload
    async def safe_call(
        self, request: RequestModel[Any, ResultModelT], /, **options: Unpack[DictCallKeywords]
    ) -> ResultModelT | None: ...
    @overload
    async def safe_call(
        self, action: str, params: Params = ..., /, **options: Unpack[DictCallKeywords]
    ) -> dict[str, Any] | None: ...
    @overload
    async def safe_call(
        self, protocol: str, action: str, params: Params = ..., /, **options: Unpack[DictCallKeywords]
    ) -> dict[str, Any] | None: ...
    async def safe_call(self, *args: Any, **options: Any) -> Any:
        """Call, and return None if the call fails; the failure is logged unless it is a timeout.

        Bad arguments still raise.
        """
        request = read_request(args, options)
        try:
            return await self._perform(request)
        except TimeoutError:
            return None
        except OCPPError as error:
            self._log.call_failed(request.action, error)
            return None

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

        `notify(v21.NotifyPeriodicEventStream(...))`, or `notify(action, params)` with a dict or a model.

        If the connection's output is congested, it returns when that has drained: a peer that reads nothing must not
        make it grow. If the connection is lost before, it raises ConnectionLostError with `sent=True`.

        Raises TypeError for a message that is not a SEND, ValueError on another version than the message's, on a
        version without SEND, for an unknown action, for one that only the peer sends unless `custom` is True, and for
        more than `max_outgoing_size` bytes, ConnectionLostError or ClosedError if it was not sent, CallDroppedError if
        the peer reads nothing and `max_queued_bytes` wait for it, and an `RPCError` if it violates its schema in strict
        mode.
        """
        send = read_send(args)
        if self._protocol is not None and send.protocol not in {None, self._protocol}:
            raise ValueError(f"expected a SEND of {self._protocol}, got one of {send.protocol}")
        if send.action in self._sent_by_peer and not custom:
            expect_sent(self._role, send.action, self._spoken)
        await self._ask(lambda token: Notify(token, send.action, send.params, message_id, validate))

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

        The text is sent when this returns; awaiting is optional. `await send_raw(text, expect_reply=True)` takes the
        text of a CALL, waits for the window and returns the payload of its response, like `call`. Raises
        ConnectionLostError without an open connection, ClosedError after `close`, and CallDroppedError if the peer
        reads nothing and `max_queued_bytes` wait for it. Raises TypeError unless it is text, ValueError if a reply is
        expected to anything but a CALL, and for more than `max_outgoing_size` bytes.
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

    def _perform(self, request: CallRequest) -> Awaitable[Any]:
        """Return the awaitable call; without middleware, retries and check only the driver is involved."""
        if request.action in self._sent_by_peer:
            request.expect_sent(self._role, self._spoken)
        if request.response is not None:
            return self._with_model(request, request.response)
        for registry in self._registries:
            if registry.middleware:
                return self._wrapped(request)
        if request.options.retries or request.options.check is not None:
            return self._attempts(request)
        driver = self._driver
        return self._ask(request.command) if driver is None else driver.ask(request.command)

    async def _with_model(self, request: CallRequest, response: type[ResponseModel[Any]]) -> Any:
        return response.from_wire(await self._perform(request._replace(response=None)))

    async def _wrapped(self, request: CallRequest) -> dict[str, Any]:
        """Call through the middleware, the server's outside the station's."""
        ctx = CallContext(
            action=request.action,
            params=dict(request.params),
            protocol=self._protocol,
            client=self._as_caller,
            options={name: getattr(request.options, name) for name in OPTION_NAMES},
        )

        def innermost() -> Awaitable[dict[str, Any]]:
            options = read_options(ctx.options)
            changed = CallRequest(request.protocol, ctx.action, ctx.params, options, request.urgent)
            changed.expect_sent(self._role, self._spoken)
            return self._attempts(changed)

        result: dict[str, Any] = await compose(layers_of(self._registries), ctx, innermost)()
        return result
