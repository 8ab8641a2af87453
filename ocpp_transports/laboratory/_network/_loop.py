"""The event loop of the virtual network."""

from asyncio import Handle, TimerHandle
from collections.abc import Callable
from contextvars import Context
from typing import Any, Protocol, TypeVarTuple

__all__ = ["NetworkLoop"]

Ts = TypeVarTuple("Ts")


class NetworkLoop(Protocol):
    """What the network needs of an event loop: that of asyncio, or timers on trio."""

    def time(self) -> float:
        """Return the time in seconds."""

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], /, *args: *Ts, context: Context | None = None
    ) -> TimerHandle:
        """Call a function at a time; functions of one time in the order of these calls."""

    def call_soon(self, callback: Callable[[*Ts], object], /, *args: *Ts, context: Context | None = None) -> Handle:
        """Call a function in the next turn."""

    def call_exception_handler(self, context: dict[str, Any], /) -> None:
        """Report what a function raised."""
