"""Clock and tasks on anyio, for the command line on asyncio and trio."""

from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

import anyio
from anyio.abc import TaskGroup

from .clock import Event, Task

__all__ = ["AnyioClock"]


def _utc_now() -> datetime:
    return datetime.now(UTC)


class AnyioClock:
    """A clock that spawns its tasks in a task group. `now` returns the current time, aware and in UTC."""

    def __init__(self, tasks: TaskGroup, now: Callable[[], datetime] = _utc_now) -> None:
        self.now = now
        self._tasks = tasks

    def monotonic(self) -> float:
        """Return the seconds of the event loop's clock."""
        return anyio.current_time()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await anyio.sleep(max(0.0, seconds))

    def spawn(self, coro: Coroutine[Any, Any, None]) -> Task:
        """Run a coroutine in the task group."""
        scope = anyio.CancelScope()

        async def run() -> None:
            with scope:
                await coro

        self._tasks.start_soon(run)
        return scope

    def event(self) -> Event:
        """Return a new event."""
        return anyio.Event()
