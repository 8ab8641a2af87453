"""The virtual time of a laboratory: what is to be done, and when."""

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from math import inf
from random import Random

__all__ = ["LabClock"]


class LabClock:
    """A clock that stands still until it is told to go on; it starts at 0 seconds.

    `random` makes all that is random; `record` keeps the actions of each endpoint for inspection.
    """

    def __init__(self, seed: int, *, record: bool) -> None:
        self.now = 0.0
        self.random = Random(seed)
        self.record = record
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._count = count()

    def at(self, when: float, do: Callable[[], None]) -> None:
        """Do something at a time."""
        heappush(self._events, (when, next(self._count), do))

    def every(self, seconds: float, do: Callable[[], object]) -> None:
        """Do something again and again, first after `seconds`."""

        def again() -> None:
            do()
            self.at(self.now + seconds, again)

        self.at(self.now + seconds, again)

    @property
    def next_at(self) -> float:
        """When something is to be done next; `inf` if nothing is."""
        return self._events[0][0] if self._events else inf

    def do_next(self) -> None:
        """Go on to what is to be done next, and do it."""
        when, _, do = heappop(self._events)
        self.now = max(self.now, when)
        do()
