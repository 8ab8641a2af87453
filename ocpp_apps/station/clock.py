"""The interfaces for time and tasks that the event loop or a test implements."""

from collections.abc import Coroutine
from datetime import datetime
from typing import Any, Protocol

__all__ = ["Clock", "Event", "Task"]


class Task(Protocol):
    """A coroutine that has started."""

    def cancel(self) -> object:
        """Cancel the coroutine where it waits. Does nothing after its end."""


class Event(Protocol):
    """A flag that is set once and can be awaited."""

    def is_set(self) -> bool:
        """Return True if the flag is set."""

    def set(self) -> object:
        """Set the flag. Idempotent."""

    async def wait(self) -> object:
        """Wait until the flag is set."""


class Clock(Protocol):
    """Clock, sleep and tasks."""

    def now(self) -> datetime:
        """Return the current time, aware and in UTC."""

    def monotonic(self) -> float:
        """Return the seconds since an arbitrary moment, which never decrease."""

    async def sleep(self, seconds: float) -> None:
        """Wait for this many seconds. A negative number counts as 0."""

    def spawn(self, coro: Coroutine[Any, Any, None]) -> Task:
        """Run a coroutine in a task. It does not start before the caller waits."""

    def event(self) -> Event:
        """Return a new event."""
