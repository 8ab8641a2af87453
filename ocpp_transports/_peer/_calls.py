"""Outbound calls and SENDs as the application makes them: forms, options, middleware, retries, raw texts."""

import random
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Collection, Generator, Mapping
from dataclasses import replace
from inspect import isawaitable
from typing import Any, ClassVar, Final, Literal, NamedTuple, Unpack, overload

from ocpp_core.action_names import Role
from ocpp_core.backoff import retry_delay
from ocpp_core.errors import (
    ClosedError,
    ConnectionLostError,
    OCPPError,
    RPCError,
    TimeoutError,  # ours, a subclass of the builtin
)
from ocpp_core.inputs import Command, Notify, RefuseResult, SendRaw, StartCall
from ocpp_core.outbound.call import check_command
from ocpp_core.session import Draining, Open, Session
from ocpp_core.typed.message import Message
from ocpp_core.typed.model import RequestModel, ResponseModel
from ocpp_transports._driver._driver import Driver
from ocpp_transports._driver._interfaces import Completion, complete
from ocpp_transports._handlers._call_keywords import CallKeywords
from ocpp_transports._handlers._caller import Caller, DictCallKeywords, Params, ResultModelT, ResultT
from ocpp_transports._handlers._contexts import CallContext
from ocpp_transports._handlers._table import Handlers, compose, layers_of
from ocpp_transports._logging._log import Log
from ocpp_transports._options._connection import PeerOptions
from ocpp_transports.events import CloseEvent

from ._call_options import DEFAULTS, OPTION_NAMES, CallOptions, read_options
from ._directions import expect_sent
from ._requests import read_object, read_send

__all__ = ["CallMixin", "CallRequest", "read_request"]

_random: Final = random.Random()


class CallRequest(NamedTuple):
    """A call as the application made it: `protocol` is None unless the call is for that version only."""

    protocol: str | None
    action: str
    params: Mapping[str, Any]
    options: CallOptions
    urgent: bool = False
    response: type[ResponseModel[Any]] | None = None
    """The model of the response, if the request was one."""

    def command(self, token: int) -> StartCall:
        """Return the engine's command for one attempt."""
        options = self.options
        return StartCall(
            token,
            self.action,
            self.params,
            timeout=options.timeout,
            ttl=options.ttl,
            message_id=options.message_id,
            validate=options.validate,
            protocol=self.protocol,
            urgent=self.urgent,
        )

    def expect_sent(self, role: Role, spoken: Collection[str]) -> None:
        """Raise ValueError if only the peer of `role` sends the action in these subprotocols."""
        if not self.options.custom:
            expect_sent(role, self.action, spoken if self.protocol is None else (self.protocol,))


def read_request(args: tuple[Any, ...], options: Mapping[str, Any], *, urgent: bool = False) -> CallRequest:
    """Read `(message)`, `(request model)`, `(action[, params])` or `(protocol, action[, params])`, and the options.

    Raises TypeError for anything else, and the errors of `CallOptions`.
    """
    params: Any = args[-1] if args else None
    names, params = (args[:-1], params) if isinstance(params, Mapping) else (args, {})
    response = None
    if not (0 < len(names) < 3 and isinstance(names[0], str) and isinstance(names[-1], str) and all(names)):
        names, params, response = read_object(args)
    protocol = names[0] if len(names) == 2 else None
    return CallRequest(protocol, names[-1], params, read_options(options) if options else DEFAULTS, urgent, response)


class _Sent(Awaitable[None]):
    """The result of a plain `send_raw`: done already, and awaitable all the same."""

    def __await__(self) -> Generator[Any, None, None]:
        return
        yield  # makes it a generator


class CallMixin:
    """The calling side of a peer."""

    _role: ClassVar[Role]
    _sent_by_peer: ClassVar[Collection[str]]
    """Actions that `expect_sent` may refuse. A call of any other action costs only this look-up."""
    _options: PeerOptions
    _log: Log
    _protocol: str | None
    _driver: Driver[Command] | None
    _ended: CloseEvent | None
    _registries: tuple[Handlers, ...]
    _pauses: set[Completion[ClosedError | None]] | None = None  # made when needed: most calls are not repeated

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

    def _queueing_driver(self) -> Driver[Command] | None:
        """Return a driver that may queue calls while there is no connection."""
        return None

    @abstractmethod
    def _not_connected(self) -> OCPPError:
        """Return the error of a call without a driver: why nothing was sent, and what to do."""

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

    async def _attempts(self, request: CallRequest) -> dict[str, Any]:
        """Call, and repeat after a pause if no response came in time; a time to live covers all attempts."""
        tries, ttl = 0, request.options.ttl
        while True:
            begun = self._now()
            options = self._for_attempt(request.options, ttl)
            try:
                result: dict[str, Any] = await self._ask(request._replace(options=options).command)
            except TimeoutError as error:
                if not error.sent or tries >= options.retries:
                    raise
                tries += 1
                await self._pause(retry_delay(tries, options.retry_delay, options.retry_max_delay, _random))
                if ttl is not None:
                    ttl -= self._now() - begun
                    if ttl <= 0:
                        raise
            else:
                await self._check(result, request.action, options)
                return result

    def _for_attempt(self, options: CallOptions, ttl: float | None) -> CallOptions:
        """Choose the message id here if the result will be checked: refusing it needs the id."""
        if ttl != options.ttl:
            options = replace(options, ttl=ttl)
        if options.check is not None and options.message_id is None:
            options = replace(options, message_id=self._options.ids())
        return options

    async def _check(self, result: dict[str, Any], action: str, options: CallOptions) -> None:
        if options.check is None:
            return
        try:
            passed = options.check(result)
            if isawaitable(passed):
                await passed
        except RPCError as error:
            # ConnectionLostError is an RPC error by its class only: it concerns another call.
            if not isinstance(error, ConnectionLostError) and self._driver is not None:
                message_id, description = str(options.message_id), str(error.description)
                self._driver.feed(RefuseResult(message_id, error.code, description, error.details, action))
            raise

    async def _ask(self, make: Callable[[int], StartCall | SendRaw | Notify]) -> Any:
        driver = self._driver or self._queueing_driver()
        if driver is None:
            check_command(make(0), self._options.session, 0.0)
            raise self._not_connected()
        return await driver.ask(make)

    def _now(self) -> float:
        return 0.0 if self._driver is None else self._driver.runtime.now()

    async def _pause(self, seconds: float) -> None:
        """Wait before the next attempt; closing ends the wait with ClosedError."""
        if self._driver is None:
            return
        runtime = self._driver.runtime
        completion: Completion[ClosedError | None] = runtime.completion()
        timer = runtime.call_at(runtime.now() + seconds, lambda: complete(completion, None))
        pauses = self._pauses = self._pauses or set()
        pauses.add(completion)
        try:
            closed = await completion
        finally:
            pauses.discard(completion)
            timer.cancel()
        if closed is not None:
            raise closed
