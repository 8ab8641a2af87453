"""From a dispatched request to its one answer: run the handler, turn what it returns or raises into an input.

A `Dispatcher` serves one connection. Handlers begin in the order of arrival and run concurrently: plain functions at
once, coroutine functions as tasks of the host, so that a handler can call its own peer. A plain function that comes
behind a task which has not begun runs as a task too, else it would overtake it. Loop-free, like the driver.

How many requests may be here is for the session to say (`SessionConfig.max_inbound`); how many run, and how long, for
this file.
"""

from collections.abc import Callable, Sequence
from inspect import isawaitable
from math import inf, isfinite
from typing import Any, Final, Generic

from ocpp_core.actions import Dispatch
from ocpp_core.errors import ConnectionLostError, RPCError, RPCInternalError
from ocpp_core.inputs import Decline, Fail, Reply
from ocpp_core.timers import coarse
from ocpp_core.versions import ErrorCode
from ocpp_transports._callbacks._containment import end_program, is_cancellation
from ocpp_transports._driver._driver import EARLY, SPAN, Driver, Handle

from ._caller import ClientT_co
from ._contexts import HandlerContext
from ._table import NOREPLY, Handlers, Target, compose

__all__ = ["GRACE", "HANDLER_TIMEOUT", "HELD", "RUNNING", "UNSERVED", "Dispatcher"]

RUNNING: Final = 32
"""Coroutine handlers of a connection that run at a time; further requests wait."""
HANDLER_TIMEOUT: Final = 30.0
"""Seconds a coroutine handler may run by default: as long as a call waits for its answer."""
HELD: Final = 100
"""CALLs without a handler that a hold keeps; beyond, NotImplemented at once."""
GRACE: Final = 1.0
"""Seconds a hold lasts by default unless it is released before."""
UNSERVED: Final = 100
"""Actions without a handler that a connection is told of; beyond, they are answered all the same."""
_LONGEST_NAME: Final = 100
"""Characters of such an action that are told."""
_LONGEST_TEXT: Final = 500
"""Characters of an exception's text that detailed errors send."""


class _Run:
    """A handler that runs, or is about to, as a task."""

    __slots__ = ("context", "target", "task", "until")

    def __init__(self, context: HandlerContext, target: Target, until: float) -> None:
        self.context = context
        self.target = target
        self.until = until
        self.task: _Task | None = None  # once it has begun


class _Task:
    """A task of the host, whichever handler it comes to run."""

    __slots__ = ("handle",)

    handle: Handle


class Dispatcher(Generic[ClientT_co]):
    """Runs the handlers of one connection.

    `registries` are searched in order, the station's own before its server's: first all for the action, then all for
    a catch-all. `failed` is told of every handler that raised, after the peer was, `unserved` of an action without a
    handler, once an action. With `in_order` a request waits until the one before it was served. `detailed_errors` adds
    the name and text of an exception, never its stack, to the InternalError that the peer gets for it. A coroutine
    handler that runs for `handler_timeout` seconds (`inf`: no limit) is answered for by InternalError, reported to
    `failed` as TimeoutError, and cancelled.
    """

    def __init__(
        self,
        driver: Driver,
        registries: Sequence[Handlers],
        *,
        client: ClientT_co,
        protocol: str | None,
        failed: Callable[[HandlerContext, BaseException], None],
        unserved: Callable[[str], None],
        in_order: bool = False,
        detailed_errors: bool = False,
        handler_timeout: float = HANDLER_TIMEOUT,
    ) -> None:
        self.driver = driver
        self.client = client
        self.protocol = protocol
        self.detailed_errors = detailed_errors
        self.handler_timeout = handler_timeout
        self._registries = registries
        self._failed = failed
        self._unserved = unserved
        self._told_unserved: frozenset[str] = frozenset()
        self._in_order = in_order
        self._limit = 1 if in_order else RUNNING
        self._running: dict[int, _Run] = {}
        self._alarm: Handle | None = None  # for the next of them to run too long
        self._has_ended = False
        self._waiting: list[Dispatch] = []
        self._next_turn: Handle | None = None  # in which they are served further
        self._ready: list[_Run] = []  # those of them that have not begun
        self._contexts: dict[int, HandlerContext] = {}
        self._held: list[Dispatch] = []
        self._hold_until = -inf
        self._grace: Handle | None = None  # armed while something is held

    # Requests

    def dispatched(self, action: Dispatch) -> None:
        """Serve a request, now or when it is its turn."""
        under_way = self._running or self._held  # mostly nothing is
        if not self._waiting and not (under_way and self._is_busy()):
            self._serve(action)
        else:
            self._waiting.append(action)

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
                    self._drop(action)
                    return

    def _drop(self, action: Dispatch) -> None:
        """Tell our side of a SEND that comes to nothing; a CALL is repeated by its sender, who got no answer."""
        self._tell_late(Fail(action.request, ErrorCode.INTERNAL_ERROR))
        if not action.expects_reply:
            lost = ConnectionLostError(f"the connection ended before the handler of {action.action} began", sent=False)
            self._failed(HandlerContext(self, action), lost)

    def _is_busy(self) -> bool:
        return len(self._running) >= self._limit or (self._in_order and bool(self._held))

    def _serve(self, action: Dispatch) -> None:
        target = self._find(action.action)
        if target is None:
            self._hold_or_refuse(action)
        elif target.is_async or self._ready or self._is_wrapped():
            self._start_task(HandlerContext(self, action), target)
        else:
            self._run_at_once(action, target)

    def _hold_or_refuse(self, action: Dispatch) -> None:
        if len(self._held) < HELD and self.driver.host.now() < self._hold_until:
            self._held.append(action)
            self._watch()
        else:
            self._tell_unserved(action.action[:_LONGEST_NAME])
            self._refuse(action, ErrorCode.NOT_IMPLEMENTED, "The action is not known here")

    def _tell_unserved(self, name: str) -> None:
        """Tell of an action once. The peer makes up the names, so they are bounded."""
        if name not in self._told_unserved and len(self._told_unserved) < UNSERVED:
            self._told_unserved |= {name}
            self._unserved(name)

    def _refuse(self, action: Dispatch, code: ErrorCode, description: str) -> None:
        if action.expects_reply:
            self.driver.feed(Fail(action.request, code, description))
        else:
            self.driver.feed(Reply(action.request, {}))

    def _serve_waiting(self) -> None:
        if self._waiting and self._next_turn is None:
            self._serve_some()

    def _serve_some(self) -> None:
        """Serve what waits, no longer in a turn than a burst may take: plain handlers may be slow."""
        self._next_turn = None
        host = self.driver.host
        until = host.now() + SPAN
        while self._waiting and not self._is_busy():
            self._serve(self._waiting.pop(0))
            if host.now() > until:
                self._next_turn = host.next_turn(self._serve_some)
                return

    def _find(self, action: str) -> Target | None:
        for registry in self._registries:
            versions = registry.targets.get(action)
            if versions is not None:
                target = versions.get(self.protocol) or versions.get(None)
                if target is not None:
                    return target
        return next((registry.wildcard for registry in self._registries if registry.wildcard), None)

    # Handlers

    def _run_at_once(self, action: Dispatch, target: Target) -> None:
        context = HandlerContext(self, action)
        try:
            result = target.function(action.action, context) if target.is_wildcard else target.function(context)
        except BaseException as error:  # noqa: BLE001 - whatever a handler raises is an answer
            self._fail(context, error)
            end_program(error, self.driver.host.spawn)
            return
        if type(result) is dict and action.expects_reply and not (context.is_answered or context.is_gone):
            context.is_answered = True
            self.driver.feed(Reply(action.request, result))
        elif isawaitable(result):
            self._start_task(context, Target(lambda _: result, is_async=True, is_wildcard=False))
        else:
            self._succeed(context, result)

    def _call(self, context: HandlerContext, target: Target) -> Any:
        return target.function(context.action, context) if target.is_wildcard else target.function(context)

    def _start_task(self, context: HandlerContext, target: Target) -> None:
        host, request = self.driver.host, context.request
        until = coarse(host.now(), self.handler_timeout)
        self._contexts[request] = context
        run = self._running[request] = _Run(context, target, until)
        self._ready.append(run)
        if self._alarm is None and isfinite(until):
            self._alarm = host.call_at(until, self._expire)
        task = _Task()
        task.handle = host.spawn(self._run(task))

    async def _run(self, task: _Task) -> None:
        """Run the handler that has been ready for longest: some event loops start tasks in any order."""
        run = self._ready.pop(0)
        run.task = task
        context = run.context
        try:
            if context.request in self._running:  # else its time was over before it began
                result = await self._chain(context, run.target)
                if self._is_done(run):
                    self._succeed(context, result)
        except BaseException as error:
            if self._is_done(run):
                self._fail(context, error)
            if is_cancellation(error):
                raise
            end_program(error, self.driver.host.spawn)
        finally:
            self._serve_waiting()
            if self._has_ended:
                self._disarm()

    def _is_done(self, run: _Run) -> bool:
        """Take a handler off the list of those that run; False if it was given up before."""
        return self._running.pop(run.context.request, None) is run

    def _expire(self) -> None:
        """Give up the handlers that have run too long, and wait for the next one."""
        self._alarm = None
        host = self.driver.host
        now = host.now() + EARLY
        for run in [run for run in self._running.values() if run.until <= now]:
            self._give_up(run)
        self._serve_waiting()
        until = min((run.until for run in self._running.values()), default=inf)
        if self._alarm is None and isfinite(until):
            self._alarm = host.call_at(until, self._expire)

    def _disarm(self) -> None:
        if self._alarm is not None and not self._running:
            self._alarm.cancel()
            self._alarm = None

    def _give_up(self, run: _Run) -> None:
        if self._is_done(run):
            self._fail(run.context, TimeoutError(f"the handler did not return within {self.handler_timeout:.15g} s"))
            if run.task is not None:
                run.task.handle.cancel()

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
            if context.is_late and (result is None or isinstance(result, dict)):
                self._tell_late(Reply(context.request, result or {}))
            elif not (result is None or result is NOREPLY):
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
        elif context.is_late:
            self._tell_late(Fail(context.request, ErrorCode.INTERNAL_ERROR))
        self._failed(context, RPCInternalError("the handler was cancelled") if is_cancellation(error) else error)

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

    def _tell_late(self, answer: Reply | Fail) -> None:
        """Let the engine remember what became of a request whose connection is over; the driver may have stopped."""
        self.driver.engine.handle(answer, self.driver.host.now())

    def answered(self, answer: Reply | Fail) -> None:
        """Feed the answer to a request, and forget the request."""
        if self._contexts:  # a plain function's is not kept
            self._contexts.pop(answer.request, None)
        self.driver.feed(answer)

    # Holding

    def hold(self, seconds: float = GRACE) -> None:
        """Keep CALLs without a handler until one is registered, until `release`, or until `seconds` have passed."""
        self._hold_until = self.driver.host.now() + seconds

    def release(self) -> None:
        """End the hold: what still has no handler is answered by NotImplemented. Idempotent."""
        self._hold_until = -inf
        if self._grace is None:
            return
        self._grace.cancel()
        self._grace = None
        for registry in self._registries:
            registry.unwatch(self._wake)
        self._serve_held()

    def end(self) -> None:
        """Hold nothing any more for a connection that has ended, and have no timer hold it but for handlers that run.

        While the connection lasts, the alarm stays armed when they are done: the next one needs it. Idempotent.
        """
        self._has_ended = True
        self.release()
        self._disarm()

    def _watch(self) -> None:
        """Look out for handlers and for the end of the hold, now that something is held."""
        if self._grace is None:
            self._grace = self.driver.host.call_at(self._hold_until, self.release)
            for registry in self._registries:
                registry.watch(self._wake)

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
    except BaseException:  # noqa: BLE001 - a stranger's __str__
        return ""
    return text[:_LONGEST_TEXT].encode(errors="replace").decode()
