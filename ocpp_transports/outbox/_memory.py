"""A store in memory: the outbox survives lost connections, but not the end of the process."""

import time

from ocpp_core.outbox.commands import Restored, Stored
from ocpp_core.outbox.effects import Store

from ._interface import ReportToOutbox

__all__ = ["MemoryStore"]


class MemoryStore:
    """A store that reports each batch as durable immediately, and keeps nothing."""

    is_durable = False
    """It loses the messages when it is closed."""

    def __init__(self) -> None:
        self._opened = 0
        self._report: ReportToOutbox | None = None

    def open(self, report: ReportToOutbox) -> Restored:
        """Return an empty state. Raises RuntimeError if the store is open."""
        if self._report is not None:
            raise RuntimeError("cannot open: the store is open; close it first")
        self._opened += 1
        self._report = report
        return Restored(wall=time.time(), first_ticket=self._opened << 32)

    def submit(self, batch: Store) -> None:
        """Report the batch as durable."""
        if self._report is not None:
            self._report(Stored(batch.number))

    def close(self) -> None:
        """Report nothing more."""
        self._report = None
