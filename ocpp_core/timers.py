"""Named deadlines of an engine."""

from collections.abc import Hashable, Iterator
from heapq import heapify, heappop, heappush
from math import ceil, inf, isfinite
from typing import Final

__all__ = ["GRID", "Timers", "coarse"]

GRID: Final = 0.25
"""Seconds between the possible times of coarse deadlines; a power of two, so that they are exact as floats."""
_EXACT_BELOW: Final = 5.0
"""Seconds of a delay below which deadlines are exact; for longer ones, a quarter of a second does not matter."""


def coarse(now: float, delay: float) -> float:
    """Return `now + delay` in seconds, rounded up to a multiple of `GRID` if the delay is long.

    A delay is long from 5 seconds on. The deadlines of many connections then coincide, and a host needs one timer for
    all of them.
    """
    at = now + delay
    return ceil(at / GRID) * GRID if delay >= _EXACT_BELOW and isfinite(at) else at


class Timers:
    """A set of named deadlines with fast access to the earliest one.

    Cancelled and moved deadlines stay in the heap until they reach its top or outnumber the armed ones. Setting and
    cancelling therefore cost O(log n), and memory is proportional to the number of armed deadlines.
    """

    __slots__ = ("_armed", "_count", "_heap", "next")

    def __init__(self) -> None:
        self.next: float = inf
        """The earliest deadline, `inf` without any; an attribute, because it is read after every input."""
        self._armed: dict[Hashable, tuple[float, int]] = {}
        self._heap: list[tuple[float, int, Hashable]] = []
        self._count = 0

    def __len__(self) -> int:
        return len(self._armed)

    def __contains__(self, name: Hashable) -> bool:
        return name in self._armed

    def set(self, name: Hashable, at: float) -> None:
        """Arm `name` for the absolute time `at` in seconds, replacing its deadline.

        `inf` disarms it.
        """
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
        """Disarm `name`; ignore an unknown one."""
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
        """Remove and yield, in order of time, every name whose deadline is not after `now`."""
        while self.next <= now:
            _, _, name = heappop(self._heap)
            del self._armed[name]
            self._look_up_next()
            yield name

    def clear(self) -> None:
        """Disarm all deadlines."""
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
