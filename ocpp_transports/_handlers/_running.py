"""The coroutine handlers of a connection that run, and the limit of their time."""

from collections.abc import Callable, Mapping
from math import inf, isfinite

from ocpp_transports._driver._interfaces import Handle, Runtime
from ocpp_transports._driver._limits import EARLY

from ._contexts import HandlerContext
from ._table import Target

__all__ = ["Run", "Task", "TimeLimit"]


class Run:
    """A handler that runs, or is about to, as a task; at `until` its time is over."""

    __slots__ = ("context", "target", "task", "until")

    def __init__(self, context: HandlerContext, target: Target, until: float) -> None:
        self.context = context
        self.target = target
        self.until = until
        self.task: Task | None = None  # once it has begun


class Task:
    """A task of the runtime, whichever handler it comes to run."""

    __slots__ = ("handle",)

    handle: Handle


class TimeLimit:
    """One alarm for all handlers of a connection: for the next of them to run too long.

    `running` are those that run, by request; `give_up` is called with those whose time is over.
    """

    __slots__ = ("_give_up", "_running", "_runtime", "alarm")

    def __init__(self, runtime: Runtime, running: Mapping[int, Run], give_up: Callable[[list[Run]], None]) -> None:
        self.alarm: Handle | None = None
        self._runtime = runtime
        self._running = running
        self._give_up = give_up

    def arm(self, until: float) -> None:
        """Ring at `until`, unless that is never."""
        if isfinite(until):
            self.alarm = self._runtime.call_at(until, self._ring)

    def disarm(self) -> None:
        """Let nothing hold a connection that has ended, but for handlers that run."""
        if self.alarm is not None and not self._running:
            self.alarm.cancel()
            self.alarm = None

    def _ring(self) -> None:
        self.alarm = None
        now = self._runtime.now() + EARLY
        self._give_up([run for run in self._running.values() if run.until <= now])
        if self.alarm is None:
            self.arm(min((run.until for run in self._running.values()), default=inf))
