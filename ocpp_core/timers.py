"""Named deadlines: what an engine waits for, and until when."""

from collections.abc import Hashable, Iterator
from heapq import heapify, heappop, heappush
from math import inf

__all__ = ["Timers"]


class Timers:
    """A set of named deadlines with the earliest one at hand.

    Cancelled and moved deadlines stay in the heap until they surface or outnumber the live ones, so that setting and
    cancelling cost O(log n) and memory stays proportional to what is armed.
    """

    __slots__ = ("_armed", "_count", "_heap")

    def __init__(self) -> None:
        self._armed: dict[Hashable, tuple[float, int]] = {}
        self._heap: list[tuple[float, int, Hashable]] = []
        self._count = 0

    def __len__(self) -> int:
        return len(self._armed)

    def __contains__(self, name: Hashable) -> bool:
        return name in self._armed

    def set(self, name: Hashable, at: float) -> None:
        """Arm `name` for the absolute time `at` (seconds), instead of what it was armed for; `inf` disarms it."""
        if at == inf:
            self.cancel(name)
            return
        self._count += 1
        self._armed[name] = at, self._count
        heappush(self._heap, (at, self._count, name))
        self._compact()

    def cancel(self, name: Hashable) -> None:
        """Disarm `name`; of an unknown one: nothing."""
        if self._armed.pop(name, None) is not None:
            self._compact()

    @property
    def next(self) -> float:
        """The earliest deadline, `inf` when nothing is armed."""
        if not self._armed:
            return inf  # the usual state of most, and asked for after every input
        heap = self._heap
        while heap and not self._is_live(heap[0]):
            heappop(heap)
        return heap[0][0]

    def due(self, now: float) -> Iterator[Hashable]:
        """Take out, in order of time, every name whose deadline is not after `now`."""
        while self.next <= now:
            _, _, name = heappop(self._heap)
            del self._armed[name]
            yield name

    def clear(self) -> None:
        """Disarm everything."""
        self._armed.clear()
        self._heap.clear()

    def _compact(self) -> None:
        if len(self._heap) > 2 * len(self._armed) + 16:
            self._heap = [entry for entry in self._heap if self._is_live(entry)]
            heapify(self._heap)

    def _is_live(self, entry: tuple[float, int, Hashable]) -> bool:
        armed = self._armed.get(entry[2])
        return armed is not None and armed[1] == entry[1]
