"""The virtual clock of a laboratory and its scheduled functions."""

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from math import inf
from random import Random

__all__ = ["LabClock"]


class LabClock:
    """A virtual clock that starts at 0 seconds and moves only when it is advanced."""

    def __init__(self, seed: int, *, record: bool) -> None:
        self.now: float = 0.0
        """The time in seconds."""
        self.random: Random = Random(seed)
        """The source of all randomness."""
        self.record = record
        """True to keep the actions of each endpoint for inspection; False for long runs."""
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._count = count()

    def at(self, when: float, do: Callable[[], None]) -> None:
        """Schedule a function for a time."""
        heappush(self._events, (when, next(self._count), do))

    def every(self, seconds: float, do: Callable[[], object]) -> None:
        """Schedule a function repeatedly, first after `seconds`."""

        def again() -> None:
            do()
            self.at(self.now + seconds, again)

        self.at(self.now + seconds, again)

    @property
    def next_at(self) -> float:
        """Time of the next scheduled function; `inf` without one."""
        return self._events[0][0] if self._events else inf

    def do_next(self) -> None:
        """Advance to the next scheduled function and call it."""
        when, _, do = heappop(self._events)
        self.advance_to(when)
        do()

    def advance_to(self, when: float) -> None:
        """Set the clock to a time, or leave it as it is if that time has passed."""
        self.now = max(self.now, when)
