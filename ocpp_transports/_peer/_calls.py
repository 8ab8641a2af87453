"""Outbound calls as the application makes them: forms, options, middleware, retries, raw texts."""

import random
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Generator, Sequence
from dataclasses import replace
from inspect import isawaitable
from typing import Any, Final, Literal, Unpack, overload

from ocpp_core.backoff import retry_delay
from ocpp_core.errors import (
    ConnectionLostError,
    OCPPError,
    RPCError,
    TimeoutError,  # noqa: A004 - ours, a subclass of the builtin
)
from ocpp_core.inputs import Notify, RefuseResult, SendRaw, StartCall
from ocpp_core.outbound.call import check_command
from ocpp_core.session import Draining, Open, Session
from ocpp_transports._driver._driver import Completion, Driver
from ocpp_transports._handlers._caller import Caller, CallKeywords, Params
from ocpp_transports._handlers._contexts import CallContext
from ocpp_transports._handlers._table import Handlers, compose
from ocpp_transports._logging._log import Log
from ocpp_transports._options._connection import PeerOptions
from ocpp_transports.events import CloseEvent

from ._call_options import CallOptions, CallRequest, as_command, read_options, read_request

__all__ = ["CallMixin"]

_random: Final = random.Random()


class _Sent(Awaitable[None]):
    """What a plain `send_raw` returns: it is done already, and may be awaited all the same."""

    def __await__(self) -> Generator[Any, None, None]:
        return
        yield  # makes it a generator


class CallMixin:
    """The calling side of a peer."""

    _options: PeerOptions
    _log: Log
    _protocol: str | None
    _driver: Driver | None
    _ended: CloseEvent | None

    def __init__(self) -> None:
        super().__init__()
        self._pauses: set[Completion] | None = None

    @property
    @abstractmethod
    def _session(self) -> Session | None:
        """The conversation of the present connection."""

    @abstractmethod
    def _registries(self) -> Sequence[Handlers]:
        """Give the handlers and middleware that count here, the peer's own first."""

    @property
    @abstractmethod
    def _as_caller(self) -> Caller:
        """The whole of this peer, for middleware."""

    def _queueing_driver(self) -> Driver | None:
        """Give a driver that may keep calls where there is no connection yet."""
        return None

    @abstractmethod
    def _not_connected(self) -> OCPPError:
        """Make the error of a call without a driver: why nothing was sent, and what to do."""

    @overload
    async def call(self, action: str, params: Params = ..., /, **options: Unpack[CallKeywords]) -> dict[str, Any]: ...
    @overload
    async def call(
        self, protocol: str, action: str, params: Params = ..., /, **options: Unpack[CallKeywords]
    ) -> dict[str, Any]: ...
    async def call(self, *args: Any, **options: Unpack[CallKeywords]) -> dict[str, Any]:
        """Call the peer and return the payload of its CALLRESULT.

        `call(action, params)`, or `call(protocol, action, params)` for a call that makes sense in one version only.
        `timeout` is from the write to the answer, `ttl` from now to the write, seconds; `message_id` and `validate`
        are for this call only; `retries` repeats a call that got no answer in time, after a pause with full jitter
        that doubles from `retry_delay` to `retry_max_delay`. `check`, a function or coroutine function, is given the
        payload of the CALLRESULT: an `RPCError` that it raises ends the call, and is sent to an OCPP 2.1 peer as
        CALLRESULTERROR (2.1 Part 4 §4.2.3). Any other exception only ends the call.

        Raises the `RPCError` of the received code, `TimeoutError`, `ConnectionLostError` or `ClosedError` (whose `sent`
        tells whether the peer may have acted on it), `CallDroppedError`; at once ValueError or TypeError for bad
        arguments, among them another version than the connection's and more than `max_outgoing_size` bytes.
        """
        return await self._request(read_request(args), read_options(options))

    @overload
    async def call_immediate(
        self, action: str, params: Params = ..., /, **options: Unpack[CallKeywords]
    ) -> dict[str, Any]: ...
    @overload
    async def call_immediate(
        self, protocol: str, action: str, params: Params = ..., /, **options: Unpack[CallKeywords]
    ) -> dict[str, Any]: ...
    async def call_immediate(self, *args: Any, **options: Unpack[CallKeywords]) -> dict[str, Any]:
        """Call before the calls that wait; the window of outstanding CALLs still holds. Otherwise like `call`."""
        return await self._request(read_request(args), read_options(options), urgent=True)

    @overload
    async def safe_call(
        self, action: str, params: Params = ..., /, **options: Unpack[CallKeywords]
    ) -> dict[str, Any] | None: ...
    @overload
    async def safe_call(
        self, protocol: str, action: str, params: Params = ..., /, **options: Unpack[CallKeywords]
    ) -> dict[str, Any] | None: ...
    async def safe_call(self, *args: Any, **options: Unpack[CallKeywords]) -> dict[str, Any] | None:
        """Call, and return None where `call` would raise for what happened; logged unless it is a time-out.

        Bad arguments raise all the same.
        """
        request = read_request(args)
        try:
            return await self._request(request, read_options(options))
        except TimeoutError:
            return None
        except OCPPError as error:
            self._log.call_failed(request.action, error)
            return None

    async def notify(
        self, action: str, params: Params, /, *, message_id: str | None = None, validate: bool = True
    ) -> None:
        """Send a SEND (OCPP 2.1); returns when it is written, for no answer ever comes.

        While the connection's output does not drain, it returns when that does: a peer that takes nothing must not make
        it grow. If the connection is lost meanwhile, that is a ConnectionLostError with `sent=True`.

        Raises ValueError on a version without SEND, for an action that is none and for more than `max_outgoing_size`
        bytes, ConnectionLostError or ClosedError where it was not sent, CallDroppedError where the peer reads nothing
        and `max_queued_bytes` wait for it, an `RPCError` where it breaks its schema in strict mode.
        """
        await self._ask(lambda token: Notify(token, action, params, message_id, validate))

    @overload
    def send_raw(self, text: str) -> Awaitable[None]: ...
    @overload
    def send_raw(self, text: str, *, expect_reply: Literal[False]) -> Awaitable[None]: ...
    @overload
    def send_raw(
        self, text: str, *, expect_reply: Literal[True], timeout: float | None = None
    ) -> Awaitable[dict[str, Any]]: ...
    def send_raw(self, text: str, *, expect_reply: bool = False, timeout: float | None = None) -> Awaitable[Any]:
        """Send text as it is, past the window; it is sent when this returns, and awaiting that is optional.

        `await send_raw(text, expect_reply=True)` takes the text of a CALL, waits for the window and returns the payload
        of its answer, like `call`. Raises ConnectionLostError without an open connection, ClosedError after `close`,
        CallDroppedError where the peer reads nothing and `max_queued_bytes` wait for it, TypeError unless it is text,
        ValueError for a reply wanted to anything but a CALL, and for more than `max_outgoing_size` bytes.
        """
        if expect_reply:
            return self._ask(lambda token: SendRaw(text, token, timeout))
        check_command(SendRaw(text), self._options.session, 0.0)
        session, driver = self._session, self._driver
        if driver is None or self._ended is not None:
            raise self._not_connected()
        if session is None or not isinstance(session.state, (Open, Draining)):
            raise ConnectionLostError("not connected: the raw text was not sent", sent=False)
        if not session.has_room_for(text):
            raise session.no_room("the raw text")
        driver.feed(SendRaw(text))
        return _Sent()

    async def _request(self, request: CallRequest, options: CallOptions, *, urgent: bool = False) -> dict[str, Any]:
        """Wrap the middleware around the call, the server's outside the station's."""
        layers = [layer for registry in reversed(self._registries()) for layer in registry.middleware]
        if not layers:
            return await self._attempts(request, options, urgent=urgent)
        ctx = CallContext(
            action=request.action,
            params=dict(request.params),
            protocol=self._protocol,
            client=self._as_caller,
            options={name: getattr(options, name) for name in CallKeywords.__annotations__},
        )

        async def innermost() -> dict[str, Any]:
            changed = CallRequest(request.protocol, ctx.action, ctx.params)
            return await self._attempts(changed, read_options(ctx.options), urgent=urgent)

        result: dict[str, Any] = await compose(layers, ctx, innermost)()
        return result

    async def _attempts(self, request: CallRequest, options: CallOptions, *, urgent: bool) -> dict[str, Any]:
        """Call, and again after a pause where no answer came in time; a time to live covers all attempts."""
        tries, ttl = 0, options.ttl
        while True:
            begun = self._now()
            attempt = self._with_id(options)
            try:
                result = await self._attempt(request, attempt, ttl, urgent=urgent)
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
                await self._check(result, request.action, attempt)
                return result

    def _with_id(self, options: CallOptions) -> CallOptions:
        """Choose the message id here if the result is to be checked: a refusal of it names the id."""
        if options.check is None or options.message_id is not None:
            return options
        return replace(options, message_id=self._options.ids())

    async def _check(self, result: dict[str, Any], action: str, options: CallOptions) -> None:
        if options.check is None:
            return
        try:
            passed = options.check(result)
            if isawaitable(passed):
                await passed
        except RPCError as error:
            # A lost connection is an RPC error by its class only: it is about another call.
            if not isinstance(error, ConnectionLostError) and self._driver is not None:
                message_id, description = str(options.message_id), str(error.description)
                self._driver.feed(RefuseResult(message_id, error.code, description, error.details, action))
            raise

    async def _attempt(
        self, request: CallRequest, options: CallOptions, ttl: float | None, *, urgent: bool
    ) -> dict[str, Any]:
        result: dict[str, Any] = await self._ask(
            lambda token: as_command(token, request, options, ttl=ttl, urgent=urgent)
        )
        return result

    async def _ask(self, make: Callable[[int], StartCall | SendRaw | Notify]) -> Any:
        driver = self._driver or self._queueing_driver()
        if driver is None:
            check_command(make(0), self._options.session, 0.0)
            raise self._not_connected()
        return await driver.ask(make)

    def _now(self) -> float:
        return 0.0 if self._driver is None else self._driver.host.now()

    async def _pause(self, seconds: float) -> None:
        """Wait before the next attempt; closing ends the wait by raising ClosedError."""
        if self._driver is None:
            return
        host = self._driver.host
        completion = host.completion()
        timer = host.call_at(host.now() + seconds, lambda: completion.set(None, None))
        pauses = self._pauses = self._pauses or set()
        pauses.add(completion)
        try:
            await completion.wait()
        finally:
            pauses.discard(completion)
            timer.cancel()
