"""From a dispatched request to its one answer: run the handler, turn what it returns or raises into an input.

A `Dispatcher` serves one connection. Handlers start in the order of arrival and run concurrently: plain functions at
once, coroutine functions as tasks of the host, so that a handler can call its own peer. Loop-free, like the driver.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from inspect import isawaitable
from typing import Any, ClassVar, Final

from ocpp_core.actions import Direction, Dispatch
from ocpp_core.errors import ConnectionLostError, RPCError, RPCInternalError
from ocpp_core.inputs import Decline, Fail, Reply
from ocpp_core.versions import ErrorCode

from ._driver import Driver, Handle, Slot
from ._registry import NOREPLY, Handler, Handlers, Middleware, NoReply, Target, Wildcard, compose

__all__ = [
    "GRACE",
    "HELD",
    "NOREPLY",
    "RUNNING",
    "WAITING",
    "CallContext",
    "Dispatcher",
    "Handler",
    "HandlerContext",
    "Handlers",
    "Middleware",
    "NoReply",
    "Signal",
    "Wildcard",
    "compose",
]

RUNNING: Final = 32
"""Coroutine handlers of a connection that run at a time; further requests wait."""
WAITING: Final = 100
"""Requests that wait for their turn; beyond, a CALL is answered by GenericError."""
HELD: Final = 100
"""CALLs without a handler that a hold keeps; beyond, NotImplemented at once."""
GRACE: Final = 1.0
"""Seconds a hold lasts by default unless it is released before."""
_LONGEST_TEXT: Final = 500
"""Characters of an exception's text that detailed errors send."""


class Signal:
    """Something that happens once; truthy when it has."""

    __slots__ = ("_is_set", "_make_slot", "_waiters")

    def __init__(self, make_slot: Callable[[], Slot]) -> None:
        self._make_slot = make_slot
        self._is_set = False
        self._waiters: list[Slot] = []

    def __bool__(self) -> bool:
        return self._is_set

    def __repr__(self) -> str:
        return f"<Signal: {'set' if self._is_set else 'not set'}>"

    def is_set(self) -> bool:
        """Whether it has happened."""
        return self._is_set

    def set(self) -> None:
        """Say that it has happened. Idempotent."""
        self._is_set = True
        waiters, self._waiters = self._waiters, []
        for slot in waiters:
            slot.set(None, None)

    async def wait(self) -> None:
        """Return when it has happened."""
        if self._is_set:
            return
        slot = self._make_slot()
        self._waiters.append(slot)
        try:
            await slot.wait()
        finally:
            if slot in self._waiters:
                self._waiters.remove(slot)


@dataclass(slots=True, kw_only=True)
class CallContext:
    """An outbound call as middleware sees it; what it changes before `await next()` is what is called."""

    direction: ClassVar[Direction] = Direction.OUT
    action: str
    params: dict[str, Any]
    protocol: str | None = None
    """The subprotocol of the connection, None while there is none."""
    client: Any = None
    options: dict[str, Any] = field(default_factory=dict)
    """The keyword arguments of `call`: `timeout`, `ttl`, `message_id`, `validate`."""


class HandlerContext:
    """A request as its handler sees it."""

    __slots__ = (
        "_dispatcher",
        "_is_answered",
        "_request",
        "_signal",
        "action",
        "is_gone",
        "params",
    )
    direction: ClassVar[Direction] = Direction.IN

    def __init__(self, dispatcher: "Dispatcher", action: Dispatch) -> None:
        self._dispatcher = dispatcher
        self._request = action
        self._is_answered = False
        self.is_gone = False
        self._signal: Signal | None = None
        self.action = action.action
        self.params: dict[str, Any] = action.payload

    def __repr__(self) -> str:
        return f"<HandlerContext {self.action} {self.message_id}>"

    @property
    def client(self) -> Any:
        """The station that asks, or the client that was asked."""
        return self._dispatcher.client

    @property
    def request(self) -> int:
        """The engine's number of the request."""
        return self._request.request

    @property
    def message_id(self) -> str:
        """The message id of the CALL or SEND."""
        return self._request.message_id

    @property
    def expects_reply(self) -> bool:
        """False for a SEND, which has no answer."""
        return self._request.expects_reply

    @property
    def protocol(self) -> str | None:
        """The subprotocol of the connection, e.g. `ocpp2.0.1`."""
        return self._dispatcher.protocol

    @property
    def disconnected(self) -> Signal:
        """Set when the connection is lost or closed: nobody waits for the answer any more."""
        if self._signal is None:
            self._signal = Signal(self._dispatcher.driver.host.slot)
            if self.is_gone:
                self._signal.set()
        return self._signal

    def reply(self, payload: dict[str, Any]) -> None:
        """Answer by a CALLRESULT, now or (after the handler returned NOREPLY) later.

        Raises TypeError unless `payload` is a dict, RuntimeError if the request was answered or is a SEND, and
        ConnectionLostError when the connection is gone.
        """
        if not isinstance(payload, dict):
            raise TypeError(f"expected a dict as payload, got {type(payload).__name__}")
        self._check_due()
        self.finish(Reply(self.request, payload))

    def fail(self, code: str, description: str = "", details: dict[str, Any] | None = None) -> None:
        """Answer by a CALLERROR, now or (after the handler returned NOREPLY) later; raises as `reply` does."""
        if not isinstance(code, str) or not isinstance(description, str):
            raise TypeError("expected an error code and a description, each a str")
        self._check_due()
        self.finish(Fail(self.request, str(code), description, details))

    def _check_due(self) -> None:
        if self.is_gone:
            raise ConnectionLostError(f"nobody waits for the answer to {self.action} any more", sent=False)
        if not self.expects_reply:
            raise RuntimeError(f"expected a CALL to answer; {self.action} is a SEND, which has no answer")
        if self._is_answered:
            raise RuntimeError(f"expected one answer to a CALL; {self.action} has been answered")

    @property
    def is_due(self) -> bool:
        """Whether an answer is expected and was not given."""
        return self._request.expects_reply and not self._is_answered and not self.is_gone

    @property
    def is_over(self) -> bool:
        """Whether it was answered, or nobody waits for an answer any more."""
        return self._is_answered or self.is_gone

    def finish(self, answer: Reply | Fail) -> None:
        """Feed the one answer."""
        self._is_answered = True
        self._dispatcher.answered(answer)

    def abandon(self) -> None:
        """Note that nobody waits any more."""
        self.is_gone = True
        if self._signal is not None:
            self._signal.set()


class Dispatcher:
    """Runs the handlers of one connection.

    `registries` are searched in order, the station's own before its server's: first all for the action, then all for
    a catch-all. `failed` is told of every handler that raised, after the peer was. With `in_order` a request waits
    until the one before it was served. `detailed_errors` adds the name and text of an exception, never its stack, to
    the InternalError that the peer gets for it.
    """

    def __init__(
        self,
        driver: Driver,
        registries: Sequence[Handlers],
        *,
        client: Any,
        protocol: str | None,
        failed: Callable[[HandlerContext, Exception], None],
        in_order: bool = False,
        detailed_errors: bool = False,
    ) -> None:
        self.driver = driver
        self.client = client
        self.protocol = protocol
        self.detailed_errors = detailed_errors
        self._registries = registries
        self._failed = failed
        self._in_order = in_order
        self._limit = 1 if in_order else RUNNING
        self._running = 0
        self._waiting: list[Dispatch] = []
        self._ready: list[tuple[HandlerContext, Target]] = []
        self._contexts: dict[int, HandlerContext] = {}
        self._held: list[Dispatch] = []
        self._grace: Handle | None = None

    # Requests

    def dispatched(self, action: Dispatch) -> None:
        """Serve a request, now or when it is its turn."""
        if not self._waiting and not self._is_busy():
            self._serve(action)
        elif len(self._waiting) < WAITING:
            self._waiting.append(action)
        else:
            self._refuse(action, ErrorCode.GENERIC_ERROR, "too many CALLs in progress, try again later")

    def abandoned(self, request: int) -> None:
        """Tell the handler that nobody waits any more; it goes on. What has not begun never will."""
        context = self._contexts.pop(request, None)
        if context is not None:
            context.abandon()
            return
        for queue in (self._waiting, self._held):
            for action in queue:
                if action.request == request:
                    queue.remove(action)
                    return

    def _is_busy(self) -> bool:
        return self._running >= self._limit or (self._in_order and bool(self._held))

    def _serve(self, action: Dispatch) -> None:
        target = self._find(action.action)
        if target is None:
            self._hold_or_refuse(action)
        elif target.is_async or self._is_wrapped():
            self._start_task(HandlerContext(self, action), target)
        else:
            self._run_at_once(HandlerContext(self, action), target)

    def _hold_or_refuse(self, action: Dispatch) -> None:
        if self._grace is not None and len(self._held) < HELD:
            self._held.append(action)
        else:
            self._refuse(action, ErrorCode.NOT_IMPLEMENTED, "The action is not known here")

    def _refuse(self, action: Dispatch, code: ErrorCode, description: str) -> None:
        if action.expects_reply:
            self.driver.feed(Fail(action.request, code, description))
        else:
            self.driver.feed(Reply(action.request, {}))

    def _serve_waiting(self) -> None:
        while self._waiting and not self._is_busy():
            self._serve(self._waiting.pop(0))

    def _find(self, action: str) -> Target | None:
        for registry in self._registries:
            target = registry.lookup(self.protocol, action)
            if target is not None:
                return target
        return next((registry.wildcard for registry in self._registries if registry.wildcard), None)

    # Handlers

    def _run_at_once(self, context: HandlerContext, target: Target) -> None:
        try:
            result = target.function(context.action, context) if target.is_wildcard else target.function(context)
        except BaseException as error:
            self._fail(context, error)
            if isinstance(error, (KeyboardInterrupt, SystemExit)):
                raise
            return
        if type(result) is dict and context.is_due:
            context.finish(Reply(context.request, result))
        elif isawaitable(result):
            self._start_task(context, Target(lambda _: result, is_async=True, is_wildcard=False))
        else:
            self._succeed(context, result)

    def _call(self, context: HandlerContext, target: Target) -> Any:
        return target.function(context.action, context) if target.is_wildcard else target.function(context)

    def _start_task(self, context: HandlerContext, target: Target) -> None:
        self._running += 1
        self._contexts[context.request] = context
        self._ready.append((context, target))
        self.driver.host.spawn(self._run())

    async def _run(self) -> None:
        """Run the handler that has been ready for longest: some event loops start tasks in any order."""
        context, target = self._ready.pop(0)
        try:
            result = await self._chain(context, target)
        except BaseException as error:
            self._fail(context, error)
            if not isinstance(error, Exception):
                raise
        else:
            self._succeed(context, result)
        finally:
            self._running -= 1
            self._serve_waiting()

    async def _chain(self, context: HandlerContext, target: Target) -> Any:
        async def innermost() -> Any:
            result = self._call(context, target)
            return await result if isawaitable(result) else result

        if not self._is_wrapped():
            return await innermost()
        layers = [layer for registry in reversed(self._registries) for layer in registry.middleware]
        return await compose(layers, context, innermost)()

    def _is_wrapped(self) -> bool:
        for registry in self._registries:  # noqa: SIM110 - a generator for `any` costs more than all the rest
            if registry.middleware:
                return True
        return False

    # Answers

    def _succeed(self, context: HandlerContext, result: Any) -> None:
        if context.is_over:
            if not (result is None or result is NOREPLY):
                self._superfluous(context)
        elif not context.expects_reply:
            context.finish(Reply(context.request, {}))  # a SEND has no result; this says that its handler is done
        elif result is None or isinstance(result, dict):
            context.finish(Reply(context.request, result or {}))
        elif result is NOREPLY:
            self._contexts[context.request] = context
            self.driver.feed(Decline(context.request))
        else:
            kind = type(result).__name__
            self._fail(context, TypeError(f"expected a handler to return a dict, None or NOREPLY, got {kind}"))

    def _superfluous(self, context: HandlerContext) -> None:
        if not context.is_gone:
            self._failed(context, RuntimeError("expected no result from a handler that has answered by its context"))

    def _fail(self, context: HandlerContext, error: BaseException) -> None:
        """Answer, then tell our side."""
        if not context.is_over:
            context.finish(self._failure(context, error))
        self._failed(context, error if isinstance(error, Exception) else RPCInternalError("the handler was cancelled"))

    def _failure(self, context: HandlerContext, error: BaseException) -> Reply | Fail:
        """Make a CALLERROR of an error: an RPC error's own code, description and details, else InternalError.

        A lost connection is an RPC error by its class only: it is about another peer, and its text is not for this one.
        """
        if not context.expects_reply:
            return Reply(context.request, {})
        if isinstance(error, RPCError) and not isinstance(error, ConnectionLostError):
            return Fail(context.request, error.code, str(error.description), error.details)
        details = None
        if self.detailed_errors and isinstance(error, Exception):
            details = {"name": type(error).__name__, "message": _text_of(error)}
        return Fail(context.request, ErrorCode.INTERNAL_ERROR, RPCInternalError.default_description, details)

    def answered(self, answer: Reply | Fail) -> None:
        """Feed the answer to a request, and forget the request."""
        if self._contexts:  # a plain function's is not kept
            self._contexts.pop(answer.request, None)
        self.driver.feed(answer)

    # Holding

    def hold(self, seconds: float = GRACE) -> None:
        """Keep CALLs without a handler until one is registered, until `release`, or until `seconds` have passed."""
        if self._grace is None:
            host = self.driver.host
            self._grace = host.call_at(host.now() + seconds, self.release)
            for registry in self._registries:
                registry.watch(self._wake)

    def release(self) -> None:
        """End the hold: what still has no handler is answered by NotImplemented. Idempotent."""
        if self._grace is None:
            return
        self._grace.cancel()
        self._grace = None
        for registry in self._registries:
            registry.unwatch(self._wake)
        self._serve_held()

    def _wake(self) -> None:
        """Look again in the loop's next turn: a handler must not run in the midst of the code that registers it."""
        if self._held:
            host = self.driver.host
            host.call_at(host.now(), self._serve_held)

    def _serve_held(self) -> None:
        self._waiting[:0] = self._held
        self._held.clear()
        self._serve_waiting()


def _text_of(error: Exception) -> str:
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - a stranger's __str__
        return ""
    return text[:_LONGEST_TEXT].encode(errors="replace").decode()
