"""Virtual time, and what happens in it."""

from collections.abc import Callable
from heapq import heappop, heappush
from random import Random


class Timeline:
    def __init__(self, random: Random) -> None:
        self.random = random
        self.now = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    def at(self, time: float, event: Callable[[], None]) -> None:
        self._count += 1
        heappush(self._events, (max(time, self.now), self._count, event))

    def after(self, most: float, event: Callable[[], None]) -> None:
        """Let it happen after at most so many seconds."""
        self.at(self.now + self.random.uniform(0.0, most), event)

    @property
    def next(self) -> float:
        return self._events[0][0] if self._events else float("inf")

    def step(self) -> None:
        time, _, event = heappop(self._events)
        self.now = time
        event()
