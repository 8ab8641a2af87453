"""Clock and tasks on anyio, for the command line on asyncio and trio."""

from collections.abc import Coroutine
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import anyio
from anyio.abc import TaskGroup

from .clock import Event, Task

__all__ = ["AnyioClock"]


class AnyioClock:
    """A clock that spawns its tasks in a task group."""

    def __init__(self, tasks: TaskGroup) -> None:
        self._tasks = tasks

    def now(self) -> datetime:
        """Return the current time, aware and in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return the seconds since an arbitrary moment."""
        return monotonic()

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
