"""Time and tasks of a simulated station without an event loop: nothing sleeps, and everything has one order."""

import heapq
from collections import deque
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, ClassVar

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
A_DAY = 86_400.0


class Cancelled(BaseException):
    """Thrown into a coroutine that is to end."""


class VirtualTask:
    """A coroutine that is stepped by its clock."""

    def __init__(self, clock, coro):
        self.clock, self.coro = clock, coro
        self.is_over, self.result, self.error = False, None, None
        self.turn = 0
        """Counts the waits; a waking that was meant for an earlier one is void."""

    def cancel(self):
        if not self.is_over:
            self.turn += 1
            self.clock.soon(self, self.turn, Cancelled())

    def step(self, turn, error=None):
        if self.is_over or turn != self.turn:
            return
        self.turn += 1
        try:
            wait = self.coro.throw(error) if error else self.coro.send(None)
        except StopIteration as end:
            self.is_over, self.result = True, end.value
        except Cancelled:
            self.is_over = True
        except BaseException as failure:
            self.is_over, self.error = True, failure
        else:
            wait(self, self.turn)


class Wait:
    def __init__(self, arm):
        self._arm = arm

    def __await__(self):
        yield self._arm


class VirtualEvent:
    def __init__(self, clock):
        self._clock, self._is_set, self._waiting = clock, False, []

    def is_set(self):
        return self._is_set

    def set(self):
        self._is_set = True
        waiting, self._waiting = self._waiting, []
        for task, turn in waiting:
            self._clock.soon(task, turn)

    async def wait(self):
        if not self._is_set:
            await Wait(lambda task, turn: self._waiting.append((task, turn)))


class VirtualClock:
    """Fulfils `Clock`. Time passes in `run_for`, and in `run` as far as the coroutine needs it."""

    made: ClassVar[list[Any]] = []

    def __init__(self):
        self.made.append(self)
        self._time, self._order = 0.0, count()
        self._ready: deque[tuple[VirtualTask, int, BaseException | None]] = deque()
        self._timers: list[tuple[float, int, VirtualTask, int]] = []
        self._tasks: list[VirtualTask] = []

    def now(self):
        return EPOCH + timedelta(seconds=self._time)

    def monotonic(self):
        return self._time

    async def sleep(self, seconds):
        due = self._time + max(0.0, seconds)
        await Wait(lambda task, turn: heapq.heappush(self._timers, (due, next(self._order), task, turn)))

    def spawn(self, coro):
        task = VirtualTask(self, coro)
        self._tasks.append(task)
        self.soon(task, 0)
        return task

    def event(self):
        return VirtualEvent(self)

    def soon(self, task, turn, error=None):
        self._ready.append((task, turn, error))

    def run(self, coro, limit=A_DAY):
        """Run a coroutine to its end, and return its result or raise its error."""
        task, end = VirtualTask(self, coro), self._time + limit
        self.soon(task, 0)
        while not task.is_over and self._advance(end):
            pass
        assert task.is_over, "it waits for something that never happens"
        if task.error is not None:
            raise task.error
        return task.result

    def run_for(self, seconds):
        """Let time pass, and everything happen that happens in it."""
        end = self._time + seconds
        while self._advance(end):
            pass
        self._time = end

    def _advance(self, end):
        """Do the next thing; False if there is none until then."""
        if self._ready:
            task, turn, error = self._ready.popleft()
        elif self._timers and self._timers[0][0] <= end:
            self._time, _, task, turn = heapq.heappop(self._timers)
            error = None
        else:
            return False
        task.step(turn, error)
        if task.error is not None and task in self._tasks:
            raise task.error
        return True

    def close(self):
        """End what still runs."""
        for task in self._tasks:
            task.coro.close()

    @property
    def alive(self):
        """The tasks that have not ended."""
        return [task for task in self._tasks if not task.is_over]
