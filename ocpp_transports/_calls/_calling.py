"""Outbound calls as the application makes them: forms, options, middleware, retries."""

from collections.abc import Awaitable, Collection, Mapping
from dataclasses import replace
from inspect import isawaitable
from typing import Any, NamedTuple, Unpack, overload

from ocpp_core.action_names import Role
from ocpp_core.backoff import retry_delay
from ocpp_core.errors import (
    ClosedError,
    ConnectionLostError,
    OCPPError,
    RPCError,
    TimeoutError,  # ours, a subclass of the builtin
)
from ocpp_core.inputs import RefuseResult, StartCall
from ocpp_core.typed.message import Message
from ocpp_core.typed.model import RequestModel, ResponseModel
from ocpp_transports._driver._interfaces import Completion, complete
from ocpp_transports._driver._sources import Sources
from ocpp_transports._handlers._call_keywords import CallKeywords
from ocpp_transports._handlers._caller import DictCallKeywords, Params, ResultModelT, ResultT
from ocpp_transports._handlers._contexts import CallContext
from ocpp_transports._handlers._middleware import compose, layers_of
from ocpp_transports._logging._log import Log

from ._call_options import DEFAULTS, OPTION_NAMES, CallOptions, read_options
from ._directions import expect_sent
from ._objects import read_object
from ._sending import SendMixin

__all__ = ["CallMixin", "CallRequest", "read_request"]


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


class CallMixin(SendMixin):
    """The calling side of a peer."""

    _log: Log
    _pauses: dict[Completion[ClosedError | None], None] | None = None  # made when needed: most calls are not repeated

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
        tries, ttl, random = 0, request.options.ttl, None
        while True:
            begun = self._now()
            options = self._for_attempt(request.options, ttl)
            try:
                result: dict[str, Any] = await self._ask(request._replace(options=options).command)
            except TimeoutError as error:
                if not error.sent or tries >= options.retries:
                    raise
                tries += 1
                random = random or self._sources().random("retries")
                await self._pause(retry_delay(tries, options.retry_delay, options.retry_max_delay, random))
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
            options = replace(options, message_id=self._sources().ids(self._options.ids)())
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

    def _sources(self) -> Sources:
        return Sources() if self._driver is None else self._driver.runtime.sources

    def _now(self) -> float:
        return 0.0 if self._driver is None else self._driver.runtime.now()

    async def _pause(self, seconds: float) -> None:
        """Wait before the next attempt; closing ends the wait with ClosedError."""
        if self._driver is None:
            return
        runtime = self._driver.runtime
        completion: Completion[ClosedError | None] = runtime.completion()
        timer = runtime.call_at(runtime.now() + seconds, lambda: complete(completion, None))
        pauses = self._pauses = self._pauses or {}
        pauses[completion] = None
        try:
            closed = await completion
        finally:
            pauses.pop(completion, None)
            timer.cancel()
        if closed is not None:
            raise closed
