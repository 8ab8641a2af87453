"""The running coroutine handlers of a connection, and their time limit."""

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from math import inf, isfinite

from ocpp_transports._driver._interfaces import Handle, Runtime
from ocpp_transports._driver._limits import EARLY

from ._contexts import HandlerContext
from ._table import Target

__all__ = ["Run", "Task", "TimeLimit", "begin_here", "is_in_handler", "requests_here"]


class Run:
    """A handler that runs, or is about to, as a task; `until` is its deadline."""

    __slots__ = ("context", "request", "target", "task", "until")

    def __init__(self, context: HandlerContext, target: Target, until: float) -> None:
        self.context = context
        self.request: int = context.request
        self.target = target
        self.until = until
        self.task: Task | None = None  # once it has begun


class Task:
    """A task of the runtime, whichever handler it runs."""

    __slots__ = ("handle",)

    handle: Handle


_here: ContextVar[Task | None] = ContextVar("ocpp_transports_handler", default=None)
"""The task of the handler in which this code runs, or that started the task in which it runs."""


def begin_here(task: Task) -> None:
    """Note that the running task is that of a handler."""
    _here.set(task)


def is_in_handler() -> bool:
    """Return True for code that a coroutine handler runs."""
    return _here.get() is not None


def requests_here(running: Mapping[int, Run]) -> tuple[int, ...]:
    """Return those of the running requests whose handler runs this code."""
    here = _here.get()
    return () if here is None else tuple(number for number, run in running.items() if run.task is here)


class TimeLimit:
    """One alarm for all handlers of a connection: for the next one to exceed its time.

    `running` holds the running handlers by request; `give_up` is called with those whose time is over.
    """

    __slots__ = ("_give_up", "_running", "_runtime", "alarm")

    def __init__(self, runtime: Runtime, running: Mapping[int, Run], give_up: Callable[[list[Run]], None]) -> None:
        self.alarm: Handle | None = None
        self._runtime = runtime
        self._running = running
        self._give_up = give_up

    def arm(self, until: float) -> None:
        """Set the alarm for `until`, unless that is `inf`."""
        if isfinite(until):
            self.alarm = self._runtime.call_at(until, self._ring)

    def disarm(self) -> None:
        """Stop the alarm unless handlers still run, so that it does not keep an ended connection alive."""
        if self.alarm is not None and not self._running:
            self.alarm.cancel()
            self.alarm = None

    def _ring(self) -> None:
        self.alarm = None
        now = self._runtime.now() + EARLY
        self._give_up([run for run in self._running.values() if run.until <= now])
        if self.alarm is None:
            self.arm(min((run.until for run in self._running.values()), default=inf))
