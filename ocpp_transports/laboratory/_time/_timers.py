"""The timers of a virtual event loop, in a stated order.

The heap of asyncio compares times only, and so rings timers of one instant in an order that nobody chose. Here a timer
has a rank too: its number, or a random number for any order that the seed decides.
"""

from asyncio import Handle, TimerHandle
from collections import deque
from collections.abc import Callable, Iterator
from heapq import heapify, heappop, heappush
from math import inf

__all__ = ["OrderedTimers"]

_FEWEST_TO_SWEEP = 100
"""OrderedTimers below which cancelled ones wait for their time, as in asyncio."""


class OrderedTimers:
    """OrderedTimers in the order of (time, rank).

    Args:
        rank: Returns the rank of the next timer among those of the same time.
    """

    __slots__ = ("_cancelled", "_heap", "_rank")

    def __init__(self, rank: Callable[[], float]) -> None:
        self._rank = rank
        self._heap: list[tuple[float, float, TimerHandle]] = []
        self._cancelled = 0

    def __iter__(self) -> Iterator[TimerHandle]:
        """Return the timers that are not cancelled, in their order."""
        return (handle for _, _, handle in sorted(self._heap, key=lambda timer: timer[:2]) if not handle.cancelled())

    def add(self, when: float, handle: TimerHandle) -> None:
        """Add a timer."""
        heappush(self._heap, (when, self._rank(), handle))

    def note_cancelled(self) -> None:
        """Count a cancelled timer; when every second one is, remove them."""
        self._cancelled += 1
        if self._cancelled * 2 > len(self._heap) > _FEWEST_TO_SWEEP:
            self._heap = [timer for timer in self._heap if not timer[2].cancelled()]
            heapify(self._heap)
            self._cancelled = 0

    def next_at(self) -> float:
        """Return the time of the next timer, in seconds; `inf` without one."""
        heap = self._heap
        while heap and heap[0][2].cancelled():
            heappop(heap)
            self._cancelled -= 1
        return heap[0][0] if heap else inf

    def move_due(self, now: float, ready: deque[Handle]) -> None:
        """Append the timers whose time has come to `ready`."""
        heap = self._heap
        while heap and heap[0][0] <= now:
            handle = heappop(heap)[2]
            if handle.cancelled():
                self._cancelled -= 1
            else:
                handle._scheduled = False  # type: ignore[attr-defined]  # so that a later cancel() is not counted
                ready.append(handle)

    def clear(self) -> None:
        """Forget all timers."""
        self._heap.clear()
        self._cancelled = 0
