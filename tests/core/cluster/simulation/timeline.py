"""Virtual time: what happens when, in order."""

from collections.abc import Callable
from heapq import heappop, heappush


class Timeline:
    """Callbacks by the time at which they run; those of one time run in the order in which they were set."""

    def __init__(self) -> None:
        self.now = 0.0
        """The virtual time, in seconds."""
        self._heap: list[tuple[float, int, Callable[[], object]]] = []
        self._count = 0

    def after(self, delay: float, callback: Callable[[], object]) -> None:
        """Run a callback after a delay in seconds."""
        self._count += 1
        heappush(self._heap, (self.now + delay, self._count, callback))

    def run(self, until: float) -> None:
        """Run everything that is due until a time, which is the time then."""
        while self._heap and self._heap[0][0] <= until:
            self.now, _, callback = heappop(self._heap)
            callback()
        self.now = until
