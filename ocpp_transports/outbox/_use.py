"""One use of a store by a client or server, from its opening to its end, in the event loop."""

from collections.abc import Callable
from typing import Any, Protocol

from ocpp_core._dataclasses import dataclass
from ocpp_core.outbox.commands import Restored
from ocpp_transports._driver._interfaces import Runtime

from ._interface import OutboxStore, StoreReport

__all__ = ["OutboxDriver", "StoreUse"]


class OutboxDriver(Protocol):
    """Drives the engine that has the outbox."""

    runtime: Runtime

    def feed(self, event: Any, /) -> None:
        """Process an input and everything that follows from it."""


@dataclass(slots=True, eq=False)
class StoreUse:
    """The use of a store that never waits, such as `MemoryStore`: everything happens at once."""

    store: OutboxStore
    driver: OutboxDriver
    is_restored: bool = False
    """True once the stored messages are known."""
    is_opening: bool = False
    """True while a thread opens the store, also for a task that no longer waits."""
    _is_open: bool = False

    async def open(self, report: Callable[[StoreReport], None]) -> Restored:
        """Open the store. Raises StoreError, and ClosedError if it was abandoned before."""
        return self.open_at_once(report)

    def open_at_once(self, report: Callable[[StoreReport], None]) -> Restored:
        """Open a store that never waits."""
        restored = self.store.open(report)
        self._is_open = True
        return restored

    def abandon(self) -> None:
        """Close the store if it is open."""
        if self._is_open:
            self.store.close()

    async def close(self) -> None:
        """Let the store keep what it has, and close it."""
        self.store.close()

    def soon(self, function: Callable[[], None]) -> None:
        """Call a function in the event loop, after what happens now. Raises RuntimeError if the loop has ended."""
        runtime = self.driver.runtime
        runtime.call_at(runtime.now(), function)

    def now_or_soon(self, function: Callable[[], None]) -> None:
        """Call a function in the event loop: at once if this is its thread. Raises the same as `soon`."""
        function()
