"""Named deadlines: what an engine waits for, and until when."""

from collections.abc import Hashable, Iterator
from heapq import heapify, heappop, heappush
from math import ceil, inf, isfinite
from typing import Final

__all__ = ["GRID", "Timers", "coarse"]

GRID: Final = 0.25
"""Seconds between the instants that coarse deadlines fall on; a power of two, so that they are exact as floats."""
_EXACT_BELOW: Final = 5.0
"""Seconds; a quarter of one is no matter for what is further away."""


def coarse(now: float, delay: float) -> float:
    """Return `now + delay`, seconds, as late as the next point of the grid where a little later is as good.

    That is where the deadlines of many connections fall together, and a host needs one timer for all of them.
    """
    at = now + delay
    return ceil(at / GRID) * GRID if delay >= _EXACT_BELOW and isfinite(at) else at


class Timers:
    """A set of named deadlines with the earliest one at hand.

    Cancelled and moved deadlines stay in the heap until they surface or outnumber the live ones, so that setting and
    cancelling cost O(log n) and memory stays proportional to what is armed.
    """

    __slots__ = ("_armed", "_count", "_heap", "next")

    def __init__(self) -> None:
        self.next = inf
        """The earliest deadline, `inf` when nothing is armed; an attribute, because it is asked for at every input."""
        self._armed: dict[Hashable, tuple[float, int]] = {}
        self._heap: list[tuple[float, int, Hashable]] = []
        self._count = 0

    def __len__(self) -> int:
        return len(self._armed)

    def __contains__(self, name: Hashable) -> bool:
        return name in self._armed

    def set(self, name: Hashable, at: float) -> None:
        """Arm `name` for the absolute time `at` (seconds), instead of what it was armed for; `inf` disarms it."""
        if name in self._armed:
            self.cancel(name)
        if at == inf:
            return
        self._count += 1
        self._armed[name] = at, self._count
        heappush(self._heap, (at, self._count, name))
        if at < self.next:
            self.next = at

    def cancel(self, name: Hashable) -> None:
        """Disarm `name`; of an unknown one: nothing."""
        armed = self._armed.pop(name, None)
        if armed is None:
            return
        if not self._armed:
            self.clear()
            return
        if armed[0] == self.next:
            self._look_up_next()
        if len(self._heap) > 2 * len(self._armed) + 16:
            self._heap = [entry for entry in self._heap if self._is_live(entry)]
            heapify(self._heap)

    def due(self, now: float) -> Iterator[Hashable]:
        """Take out, in order of time, every name whose deadline is not after `now`."""
        while self.next <= now:
            _, _, name = heappop(self._heap)
            del self._armed[name]
            self._look_up_next()
            yield name

    def clear(self) -> None:
        """Disarm everything."""
        self._armed.clear()
        self._heap.clear()
        self.next = inf

    def _look_up_next(self) -> None:
        heap = self._heap
        while heap and not self._is_live(heap[0]):
            heappop(heap)
        self.next = heap[0][0] if heap else inf

    def _is_live(self, entry: tuple[float, int, Hashable]) -> bool:
        armed = self._armed.get(entry[2])
        return armed is not None and armed[1] == entry[1]
