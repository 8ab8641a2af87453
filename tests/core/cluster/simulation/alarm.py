"""The timer of an engine in a simulated process."""

from collections.abc import Callable
from math import inf
from typing import Protocol

from .timeline import Timeline


class Clock(Protocol):
    """A process with a clock of its own."""

    timeline: Timeline

    @property
    def clock(self) -> float:
        """The time of its own clock, in seconds."""

    @property
    def speed(self) -> float:
        """Seconds of its clock in one virtual second."""

    def in_this_life(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Return a function that runs a callback in this process, whenever it is called, and in no successor."""


class Alarm:
    """Runs a callback at the deadline of an engine, which may move."""

    def __init__(self, process: Clock, ring: Callable[[], None]) -> None:
        self._process = process
        self._ring = ring
        self._armed = inf

    def set(self, deadline: float) -> None:
        """Run the callback when the clock of the process reaches this time, or before."""
        if deadline < self._armed:
            self._armed = deadline
            process = self._process
            delay = max(0.0, (deadline - process.clock) / process.speed) + 1e-6
            process.timeline.after(delay, process.in_this_life(lambda: self._wake(deadline)))

    def _wake(self, armed: float) -> None:
        if armed == self._armed:
            self._armed = inf
            self._ring()
