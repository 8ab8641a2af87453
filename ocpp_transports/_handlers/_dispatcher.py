"""From a dispatched request to its one response: run the handler, and turn its result or exception into an input.

A `Dispatcher` serves one connection. Handlers begin in the order of arrival and run concurrently: plain functions at
once, coroutine functions as tasks of the host, so that a handler can call its own peer. A plain function behind a
task that has not begun runs as a task too; otherwise it would overtake that task. Like the driver, this module knows
no event loop.

The session limits how many requests may be here (`SessionConfig.max_inbound`); this module limits how many run, and how
long.
"""

from collections.abc import Callable, Sequence
from inspect import isawaitable
from math import inf
from typing import Any, Final, Generic

from ocpp_core.actions import Dispatch
from ocpp_core.errors import ConnectionLostError, RPCInternalError
from ocpp_core.inputs import Command, Decline, Fail, Reply
from ocpp_core.timers import coarse
from ocpp_core.versions import ErrorCode
from ocpp_transports._callbacks._containment import end_program, is_cancellation
from ocpp_transports._driver._driver import Driver
from ocpp_transports._driver._interfaces import Completion, Handle
from ocpp_transports._driver._limits import SPAN

from ._caller import ClientT_co
from ._contexts import HandlerContext
from ._failures import HandlerObserver, failure_of
from ._held import Held
from ._middleware import compose, layers_of
from ._models import is_model, payload_of_result, response_of
from ._running import Run, Task, TimeLimit, begin_here, requests_here
from ._table import NOREPLY, Handlers, Target

__all__ = ["HANDLER_TIMEOUT", "RUNNING", "UNSERVED", "Dispatcher"]

RUNNING: Final = 32
"""Coroutine handlers of a connection that run at a time; further requests wait."""
HANDLER_TIMEOUT: Final = 30.0
"""Seconds a coroutine handler may run by default; it equals the default timeout of a call."""
UNSERVED: Final = 100
"""Actions without a handler that are reported for one connection; further ones are answered without a report."""
_LONGEST_NAME: Final = 100
"""Characters of such an action that are reported."""
_NONE: Final[frozenset[str]] = frozenset()  # shared: each empty set has 216 bytes


class Dispatcher(Generic[ClientT_co]):
    """Runs the handlers of one connection.

    `registries` are searched in order, the station's own before its server's: first all for the action, then all for
    a catch-all. `observer` learns of handlers that raised, and of actions without one. With `in_order` a request waits
    until the previous one was served. `detailed_errors` adds the name and text of an exception, never its stack, to the
    InternalError for the peer. A coroutine handler that runs for `handler_timeout` seconds (`inf`: no limit) is
    cancelled: the peer gets InternalError, `observer` a TimeoutError. CALLs without a handler are held until one is
    registered, until `release`, or until the time `hold_until`.
    """

    __slots__ = (
        "_contexts", "_held", "_hold_until", "_in_order", "_limit", "_next_turn", "_observer", "_ready", "_registries",
        "_reported_unserved", "_running", "_time_limit", "_waiting",
        "client", "detailed_errors", "driver", "handler_timeout", "has_ended", "protocol",
    )  # fmt: skip

    def __init__(
        self,
        driver: Driver[Command],
        registries: Sequence[Handlers],
        *,
        client: ClientT_co,
        protocol: str | None,
        observer: HandlerObserver,
        in_order: bool = False,
        detailed_errors: bool = False,
        handler_timeout: float = HANDLER_TIMEOUT,
        hold_until: float = -inf,
    ) -> None:
        self.driver = driver
        self.client = client
        self.protocol = protocol
        self.detailed_errors = detailed_errors
        self.handler_timeout = handler_timeout
        self._registries = registries
        self._observer = observer
        self._reported_unserved = _NONE
        self._in_order = in_order
        self._limit = 1 if in_order else RUNNING
        self._running: dict[int, Run] = {}
        self._time_limit: TimeLimit | None = None  # not needed for plain functions
        self.has_ended = False
        self._waiting: list[Dispatch] = []
        self._next_turn: Handle | None = None  # in which waiting requests are served
        self._ready: list[Run] = []  # those that have not begun
        self._contexts: dict[int, HandlerContext] = {}
        self._hold_until = hold_until
        self._held: Held | None = None  # made when needed: most connections hold nothing

    def search(self, registries: Sequence[Handlers]) -> None:
        """Look for handlers in these registries from now on."""
        self._registries = registries
        if self._held is not None:
            self._held.watch(registries)

    def own_requests(self) -> tuple[int, ...]:
        """Return the requests whose handlers call this."""
        return requests_here(self._running)

    # Requests

    def dispatched(self, action: Dispatch) -> None:
        """Serve a request, now or when it is its turn."""
        active = self._running or self._held  # usually neither
        if not self._waiting and not (active and self._is_busy()):
            self._serve(action)
        else:
            self._waiting.append(action)

    def abandoned(self, request: int) -> None:
        """Mark a request whose response is no longer awaited; its handler continues, or never begins."""
        context = self._contexts.pop(request, None)
        if context is not None:
            context.abandon()
            return
        for queue in (self._waiting, self._held.actions if self._held is not None else []):
            for action in queue:
                if action.request == request:
                    queue.remove(action)
                    self._drop(action)
                    return

    def _drop(self, action: Dispatch) -> None:
        """Report a SEND that was not served; a CALL is repeated by its sender, who got no response."""
        self._record_late(Fail(action.request, ErrorCode.INTERNAL_ERROR))
        if not action.expects_reply:
            lost = ConnectionLostError(f"the connection ended before the handler of {action.action} began", sent=False)
            self._observer.handler_failed(HandlerContext(self, action), lost)

    def _is_busy(self) -> bool:
        return len(self._running) >= self._limit or (
            self._in_order and self._held is not None and bool(self._held.actions)
        )

    def _serve(self, action: Dispatch) -> None:
        target = self._find(action.action)
        if target is None:
            self._hold_or_refuse(action)
        elif target.is_async or self._ready or self._is_wrapped():
            self._start_task(HandlerContext(self, action), target)
        else:
            self._run_at_once(action, target)

    def _hold_or_refuse(self, action: Dispatch) -> None:
        if self._may_hold():
            self._hold(action)
        else:
            self._report_unserved(action.action[:_LONGEST_NAME])
            self._refuse(action, ErrorCode.NOT_IMPLEMENTED, "The action is not known here")

    def _report_unserved(self, name: str) -> None:
        """Report an action once. The peer invents the names, so their number is bounded."""
        if name not in self._reported_unserved and len(self._reported_unserved) < UNSERVED:
            self._reported_unserved |= {name}
            self._observer.handler_missing(name)

    def _refuse(self, action: Dispatch, code: ErrorCode, description: str) -> None:
        if action.expects_reply:
            self.driver.feed(Fail(action.request, code, description))
        else:
            self.driver.feed(Reply(action.request, {}))

    def _serve_waiting(self) -> None:
        if self._waiting and self._next_turn is None:
            self._serve_some()

    def _serve_some(self) -> None:
        """Serve waiting requests for as long as a burst may take in one turn: plain handlers may be slow."""
        self._next_turn = None
        runtime = self.driver.runtime
        until = runtime.now() + SPAN
        while self._waiting and not self._is_busy():
            self._serve(self._waiting.pop(0))
            if runtime.now() > until:
                self._next_turn = runtime.next_turn(self._serve_some)
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
        except BaseException as error:  # every exception of a handler becomes a response
            self._fail(context, error)
            end_program(error, self.driver.runtime.spawn)
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
        runtime = self.driver.runtime
        until = coarse(runtime.now(), self.handler_timeout)
        run = Run(context, target, until)
        self._contexts[run.request] = context
        self._running[run.request] = run
        self._ready.append(run)
        if self._time_limit is None:
            self._time_limit = TimeLimit(runtime, self._running, self._give_up)
        if self._time_limit.alarm is None:
            self._time_limit.arm(until)
        task = Task()
        task.handle = runtime.spawn(self._run(task))

    async def _run(self, task: Task) -> None:
        """Run the handler that has been ready for longest: some event loops start tasks in any order."""
        run = self._ready.pop(0)
        run.task = task
        begin_here(task)
        context = run.context
        try:
            if run.request in self._running:  # otherwise it timed out before it began
                if self._is_wrapped():
                    result = await self._wrapped(context, run.target)
                else:
                    result = self._call(context, run.target)
                    if isawaitable(result):
                        result = await result
                if self._is_done(run):
                    self._succeed(context, result)
        except BaseException as error:
            if self._is_done(run):
                self._fail(context, error)
            if is_cancellation(error):
                raise
            end_program(error, self.driver.runtime.spawn)
        finally:
            self._serve_waiting()
            if self.has_ended:
                self._disarm()

    def _is_done(self, run: Run) -> bool:
        """Remove a handler from the running ones; return False if it had been abandoned."""
        return self._running.pop(run.request, None) is run

    def _give_up(self, runs: list[Run]) -> None:
        """Respond for the handlers that have run too long, and cancel them."""
        for run in runs:
            if self._is_done(run):
                late = TimeoutError(f"the handler did not return within {self.handler_timeout:.15g} s")
                self._fail(run.context, late)
                if run.task is not None:
                    run.task.handle.cancel()
        self._serve_waiting()

    def _disarm(self) -> None:
        if self._time_limit is not None:
            self._time_limit.disarm()

    async def _wrapped(self, context: HandlerContext, target: Target) -> Any:
        """Run a handler within the middleware, which gets the payload, not the model."""

        async def written() -> Any:
            result = self._call(context, target)
            result = await result if isawaitable(result) else result
            return response_of(result, context.action) if is_model(result) else result

        return await compose(layers_of(self._registries), context, written)()

    def _is_wrapped(self) -> bool:
        for registry in self._registries:  # noqa: SIM110 - a generator for `any` costs more than all the rest
            if registry.middleware:
                return True
        return False

    # Answers

    def _succeed(self, context: HandlerContext, result: Any) -> None:
        if context.is_over:
            self._succeed_late(context, result)
        elif not context.expects_reply:
            context.finish(Reply(context.request, {}))  # a SEND has no result; this reports that its handler is done
        elif result is None or isinstance(result, dict):
            context.finish(Reply(context.request, result or {}))
        elif result is NOREPLY:
            self._contexts[context.request] = context
            self.driver.feed(Decline(context.request))
        else:
            self._reply(context, result, context.finish)

    def _succeed_late(self, context: HandlerContext, result: Any) -> None:
        if result is NOREPLY:
            return
        if context.is_late:
            self._reply(context, result, self._record_late)
        elif result is not None and not context.is_gone:
            extra = RuntimeError("expected no result after ctx.reply or ctx.fail, got one")
            self._observer.handler_failed(context, extra)

    def _reply(self, context: HandlerContext, result: Any, send: Callable[[Reply], None]) -> None:
        """Send a result that may be a model."""
        try:
            payload = payload_of_result(result, context.action)
        except BaseException as error:  # the code of a model may raise anything
            self._fail(context, error)
            end_program(error, self.driver.runtime.spawn)
        else:
            send(Reply(context.request, payload))

    def _fail(self, context: HandlerContext, error: BaseException) -> None:
        """Send the error, then report it on this side."""
        if not context.is_over:
            request, detailed = context.request, self.detailed_errors
            is_send = not context.expects_reply
            context.finish(Reply(request, {}) if is_send else failure_of(error, request, detailed=detailed))
        elif context.is_late:
            self._record_late(Fail(context.request, ErrorCode.INTERNAL_ERROR))
        if is_cancellation(error):
            error = RPCInternalError("the handler was cancelled")
        self._observer.handler_failed(context, error)

    def _record_late(self, answer: Reply | Fail) -> None:
        """Record the outcome of a request after its connection has ended; the driver may have stopped."""
        self.driver.feed_late(answer)

    def answered(self, answer: Reply | Fail) -> None:
        """Feed the response to a request, and forget the request."""
        if self._contexts:  # the context of a plain function is not kept
            self._contexts.pop(answer.request, None)
        self.driver.feed(answer)

    def expect_here(self) -> None:
        """Raise RuntimeError in other threads and event loops."""
        self.driver.runtime.expect_here()

    def completion(self) -> Completion[None]:
        """Return a completion that a task can await."""
        return self.driver.runtime.completion()

    # Holding

    def release(self) -> None:
        """End the hold: CALLs that still have no handler get NotImplemented. Idempotent."""
        self._hold_until = -inf
        held, self._held = self._held, None
        if held is not None:
            self._serve_again(held.end())

    def end(self) -> None:
        """Drop held requests after the connection has ended, and keep the timer for running handlers only.

        While the connection lasts, the alarm stays armed when they are done: the next handler needs it. Idempotent.
        """
        self.has_ended = True
        self.release()
        self._disarm()

    def _may_hold(self) -> bool:
        return (self._held is None or self._held.has_room) and self.driver.runtime.now() < self._hold_until

    def _hold(self, action: Dispatch) -> None:
        if self._held is None:
            runtime = self.driver.runtime
            timer = runtime.call_at(self._hold_until, self.release)
            self._held = Held(self._registries, runtime, self._serve_again, timer)
        self._held.actions.append(action)

    def _serve_again(self, actions: list[Dispatch]) -> None:
        self._waiting[:0] = actions
        self._serve_waiting()
