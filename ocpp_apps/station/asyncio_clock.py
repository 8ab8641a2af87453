"""Clock and tasks on asyncio, also in a browser."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

from .clock import Event, Task

__all__ = ["AsyncioClock"]


def _utc_now() -> datetime:
    return datetime.now(UTC)


class AsyncioClock:
    """The clock of the running event loop. A task that raises is reported by the loop's exception handler.

    `now` returns the current time, aware and in UTC.
    """

    def __init__(self, now: Callable[[], datetime] = _utc_now) -> None:
        self.now = now
        self._tasks: set[asyncio.Task[None]] = set()  # a loop keeps only weak references

    def monotonic(self) -> float:
        """Return the seconds of the event loop's clock."""
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(max(0.0, seconds))

    def spawn(self, coro: Coroutine[Any, Any, None]) -> Task:
        """Run a coroutine as a task."""
        task = asyncio.get_running_loop().create_task(coro)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def event(self) -> Event:
        """Return a new event."""
        return asyncio.Event()
