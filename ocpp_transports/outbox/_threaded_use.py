"""One use of a store that waits for a disk: it is opened and closed in a thread."""

from collections.abc import Callable
from dataclasses import field
from functools import partial
from threading import Lock, get_ident
from typing import Final, TypeVar

from anyio import CancelScope, CapacityLimiter, to_thread

from ocpp_core._dataclasses import dataclass
from ocpp_core.errors import ClosedError
from ocpp_core.outbox.commands import Restored

from ._interface import StoreReport
from ._use import StoreUse

__all__ = ["ThreadedUse"]

_CLOSED: Final = "closed while the outbox was opened"

_T = TypeVar("_T")


async def _in_thread(function: Callable[[], _T], *, leaves: bool = False) -> _T:
    """Run a function in a thread of its own: threads that the application has in use must not delay the store.

    If the task is cancelled, it `leaves` the thread alone, or waits for it.
    """
    return await to_thread.run_sync(function, limiter=CapacityLimiter(1), abandon_on_cancel=leaves)


@dataclass(slots=True, eq=False, kw_only=True)
class ThreadedUse(StoreUse):
    """The use of a store that may wait, and reports from any thread.

    A task that is cancelled does not stop the thread that opens the store. If that succeeds later, it is closed there.
    """

    call_soon: Callable[[Callable[[], object]], object]
    """Function that calls another one in the event loop, from any thread."""
    thread: int = field(default_factory=get_ident)
    """The thread of the event loop."""
    _lock: Lock = field(default_factory=Lock)
    _is_abandoned: bool = False

    async def open(self, report: Callable[[StoreReport], None]) -> Restored:
        """Open the store, in a thread. Raises StoreError, and ClosedError if it was abandoned before."""
        self.is_opening = True
        return await _in_thread(partial(self._open_store, report), leaves=True)

    def _open_store(self, report: Callable[[StoreReport], None]) -> Restored:
        try:
            return self._open_or_close(report)
        finally:
            self.is_opening = False

    def _open_or_close(self, report: Callable[[StoreReport], None]) -> Restored:
        restored = self.store.open(report)
        with self._lock:
            self._is_open = True
            if not self._is_abandoned:
                return restored
        self.store.close()
        raise ClosedError(_CLOSED)

    def abandon(self) -> None:
        """Close the store, or let the thread do it that opens it."""
        with self._lock:
            self._is_abandoned = True
            if not self._is_open:
                return
        self.store.close()

    async def close(self) -> None:
        """Make durable what waits, and close the store, in a thread. Shielded from cancelling."""
        with CancelScope(shield=True):
            await _in_thread(self.store.close)

    def soon(self, function: Callable[[], None]) -> None:
        """Call a function in the event loop, from any thread. Raises RuntimeError if the loop has ended."""
        self.call_soon(function)

    def now_or_soon(self, function: Callable[[], None]) -> None:
        """Call a function in the event loop: at once if this is its thread. Raises the same as `soon`."""
        if get_ident() == self.thread:
            function()
        else:
            self.call_soon(function)
