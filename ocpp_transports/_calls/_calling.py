"""Outbound calls as the application makes them: forms, options, middleware, retries."""

from collections.abc import Awaitable, Collection, Mapping
from inspect import isawaitable
from math import inf
from typing import Any, Final, NamedTuple, Unpack, overload

from ocpp_core.action_names import Role
from ocpp_core.actions import Settle
from ocpp_core.errors import (
    CallCancelledError,
    ClosedError,
    ConnectionLostError,
    OCPPError,
    RPCError,
    TimeoutError,  # ours, a subclass of the builtin
)
from ocpp_core.inputs import CancelCall, RefuseResult, StartCall
from ocpp_core.typed.message import Message
from ocpp_core.typed.model import RequestModel, ResponseModel
from ocpp_transports._driver._driver import Driver
from ocpp_transports._driver._interfaces import Completion, Handle, complete
from ocpp_transports._driver._sources import Sources
from ocpp_transports._handlers._call_keywords import CallKeywords
from ocpp_transports._handlers._caller import DictCallKeywords, Params, ResultModelT, ResultT
from ocpp_transports._handlers._contexts import CallContext
from ocpp_transports._handlers._middleware import compose, layers_of
from ocpp_transports._logging._log import Log

from ._attempts import Attempts
from ._call_options import DEFAULTS, OPTION_NAMES, CallOptions, read_options
from ._directions import expect_sent
from ._objects import read_object
from ._sending import SendMixin

__all__ = ["CallMixin", "CallRequest", "read_request"]

_GRACE: Final = 1.0
"""Seconds after its deadline for a cancelled call to settle; a message of the outbox waits for its store."""


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
        if options is DEFAULTS:  # as nearly always; the command has the same defaults
            return StartCall(token, self.action, self.params, protocol=self.protocol, urgent=self.urgent)
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
    if len(args) == 2 and type(args[1]) is dict and type(args[0]) is str and args[0]:  # as nearly always
        return CallRequest(None, args[0], args[1], read_options(options) if options else DEFAULTS, urgent)
    params: Any = args[-1] if args else None
    names, params = (args[:-1], params) if isinstance(params, Mapping) else (args, {})
    response = None
    if not (0 < len(names) < 3 and isinstance(names[0], str) and isinstance(names[-1], str) and all(names)):
        names, params, response = read_object(args)
    protocol = names[0] if len(names) == 2 else None
    return CallRequest(protocol, names[-1], params, read_options(options) if options else DEFAULTS, urgent, response)


class CallMixin(SendMixin):
    """The calling side of a peer."""

    _log: Log
    _pauses: dict[Completion[ClosedError | None], bool] | None = None  # made when needed: most calls are not repeated
    """The waits for a next attempt; True if a new connection ends them."""

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
        and of the result. `call(v16.models.ResetRequest(type="Soft"))` returns the model of the result.
        `call(action, params)` sends a dict or a model in any version, and `call(protocol, action, params)` in one
        version only.

        Args:
            *args: A message or a request model; or an action and its payload (default `{}`), after a subprotocol if
                the call is for this version only.
            **options: The options of one call, such as `timeout` and `ttl`, both in seconds.

        Returns:
            The payload of the CALLRESULT, or its model for a request model.

        Raises:
            RPCError: The peer responded with this error, or a payload violates its schema or its model.
            TimeoutError: `timeout` or `ttl` has passed. Here and below, the peer may have acted if `sent` is True.
            ConnectionLostError: There was no connection, or it ended before the response.
            CallDroppedError: A queue was full.
            ClosedError: This side is closed or closing.
            ValueError: Before anything is sent: a bad argument, a version that the connection does not speak, an
                action that only the peer sends, or more than `max_outgoing_size` bytes.
            TypeError: Before anything is sent: an argument of the wrong type.
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

        The arguments are those of `call`.

        Raises:
            ValueError: A bad argument, see `call`.
            TypeError: The same, for a wrong type.
        """
        request = read_request(args, options)
        try:
            return await self._perform(request)
        except TimeoutError:
            return None
        except OCPPError as error:
            self._log.call_failed(request.action, error)
            return None

    def _perform(self, request: CallRequest) -> Awaitable[Any]:
        """Return the awaitable call; without middleware, retries and check only the driver is involved."""
        if request.action in self._sent_by_peer:
            request.expect_sent(self._role, self._spoken)
        if request.response is not None:
            return self._with_model(request, request.response)
        for registry in self._registries:
            if registry.middleware:
                return self._wrapped(request)
        options = request.options
        if options is not DEFAULTS and (options.retries or options.check is not None or options.deadline is not None):
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
        """Call, and repeat as the options say; a time to live and a deadline cover all attempts."""
        driver = self._driver or self._queueing_driver()
        now = 0.0 if driver is None else driver.runtime.now()
        sources = self._sources()
        ids, random = sources.ids(self._options.ids), lambda: sources.random("retries")
        attempts = Attempts(request.options, ids=ids, random=random, now=now)
        while True:
            options = attempts.next(self._now())
            try:
                result = await self._attempt(request._replace(options=options), attempts)
            except OCPPError as error:
                await self._wait_for_next(request.action, attempts, error)
            else:
                await self._check(result, request.action, options)
                return result

    async def _attempt(self, request: CallRequest, attempts: Attempts) -> dict[str, Any]:
        """Make one attempt, and cancel it at the deadline of the call."""
        driver = self._driver
        if driver is None or attempts.end == inf:
            result: dict[str, Any] = await self._ask(request.command)
            return result
        token = 0

        def command(number: int) -> StartCall:
            nonlocal token
            token = number
            return request.command(number)

        timers = [driver.runtime.call_at(attempts.end, lambda: timers.append(_cancel(driver, token)))]
        try:
            result = await self._ask(command)
        except CallCancelledError as error:  # only the deadline cancels it by its token
            raise attempts.overdue(request.action, sent=error.sent) from None
        finally:
            for timer in timers:
                timer.cancel()
        return result

    async def _wait_for_next(self, action: str, attempts: Attempts, error: OCPPError) -> None:
        """Wait until the next attempt may begin; raise the error of the call if there is none."""
        pause = attempts.pause_after(error, self._now())
        is_lost = isinstance(error, ConnectionLostError)
        if is_lost and not self._may_return:
            raise attempts.final(error)
        await self._pause(pause)
        while is_lost and self._is_reconnecting:
            rest = attempts.end - self._now()
            if rest <= 0:
                raise attempts.overdue(action, sent=False) from error
            await self._pause(rest, until_open=True)

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

    def _sources(self) -> Sources:
        return Sources() if self._driver is None else self._driver.runtime.sources

    def _now(self) -> float:
        return 0.0 if self._driver is None else self._driver.runtime.now()

    @property
    def _may_return(self) -> bool:
        """True if a lost connection is followed by another one: False for the handle of a station."""
        return False

    @property
    def _is_reconnecting(self) -> bool:
        """True until the next connection is open."""
        return False

    async def _pause(self, seconds: float, *, until_open: bool = False) -> None:
        """Wait before the next attempt; closing ends it with ClosedError, with `until_open` a connection ends it."""
        if self._driver is None:
            return
        runtime = self._driver.runtime
        completion: Completion[ClosedError | None] = runtime.completion()
        timer = runtime.call_at(runtime.now() + seconds, lambda: complete(completion, None))
        pauses = self._pauses = self._pauses or {}
        pauses[completion] = until_open
        try:
            closed = await completion
        finally:
            del pauses[completion]
            timer.cancel()
        if closed is not None:
            raise closed

    def _resume_calls(self) -> None:
        """Let the calls go on that wait for a connection."""
        for completion, until_open in (self._pauses or {}).items():
            if until_open:
                complete(completion, None)


def _cancel(driver: Driver[Any], token: int) -> Handle:
    """Cancel a call; a store that does not report must not delay its end."""
    driver.feed(CancelCall(token))
    late = Settle(token, None, CallCancelledError("cancelled, and not known to be removed", sent=True))
    return driver.runtime.call_at(driver.runtime.now() + _GRACE, lambda: driver.settle(late))
