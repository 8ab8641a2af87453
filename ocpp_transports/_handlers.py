"""From a dispatched request to its one answer: run the handler, turn what it returns or raises into an input.

A `Dispatcher` serves one connection. Handlers start in the order of arrival and run concurrently: plain functions at
once, coroutine functions as tasks of the host, so that a handler can call its own peer. Loop-free, like the driver.
"""

from collections.abc import Callable, Sequence
from inspect import isawaitable
from math import inf
from typing import Any, Final

from ocpp_core.actions import Dispatch
from ocpp_core.errors import ConnectionLostError, RPCError, RPCInternalError
from ocpp_core.inputs import Decline, Fail, Reply
from ocpp_core.versions import ErrorCode

from ._contexts import HandlerContext
from ._driver import Driver, Handle
from ._registry import NOREPLY, Handlers, Target, compose

__all__ = ["GRACE", "HELD", "RUNNING", "WAITING", "Dispatcher"]

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
        self._hold_until = -inf
        self._grace: Handle | None = None  # armed while something is held

    # Requests

    def dispatched(self, action: Dispatch) -> None:
        """Serve a request, now or when it is its turn."""
        under_way = self._running or self._held  # mostly nothing is
        if not self._waiting and not (under_way and self._is_busy()):
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
                    self._tell_late(Fail(request, ErrorCode.INTERNAL_ERROR))
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
            self._run_at_once(action, target)

    def _hold_or_refuse(self, action: Dispatch) -> None:
        if len(self._held) < HELD and self.driver.host.now() < self._hold_until:
            self._held.append(action)
            self._watch()
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
        except BaseException as error:
            self._fail(context, error)
            if isinstance(error, (KeyboardInterrupt, SystemExit)):
                raise
            return
        if type(result) is dict and action.expects_reply and not context.is_over:
            context.is_answered = True
            self.driver.feed(Reply(action.request, result))
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
    except Exception:  # noqa: BLE001 - a stranger's __str__
        return ""
    return text[:_LONGEST_TEXT].encode(errors="replace").decode()
