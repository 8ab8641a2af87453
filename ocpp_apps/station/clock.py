"""What a simulated station needs of time and tasks; the event loop, or a test, brings it."""

from collections.abc import Coroutine
from datetime import datetime
from typing import Any, Protocol

__all__ = ["Clock", "Event", "Task"]


class Task(Protocol):
    """A coroutine that was started."""

    def cancel(self) -> object:
        """End it where it waits. Idempotent, and harmless when it has ended."""


class Event(Protocol):
    """Something that happens once and may be waited for."""

    def is_set(self) -> bool:
        """Return True if it has happened."""

    def set(self) -> object:
        """Say that it has happened. Idempotent."""

    async def wait(self) -> object:
        """Return when it has happened."""


class Clock(Protocol):
    """Clock, sleep and tasks."""

    def now(self) -> datetime:
        """Return the time of day, aware and in UTC."""

    def monotonic(self) -> float:
        """Return the seconds since some moment; they never go back."""

    async def sleep(self, seconds: float) -> None:
        """Wait; a negative number of seconds is none."""

    def spawn(self, coro: Coroutine[Any, Any, None]) -> Task:
        """Run a coroutine beside the caller, which goes on first."""

    def event(self) -> Event:
        """Make an event."""
