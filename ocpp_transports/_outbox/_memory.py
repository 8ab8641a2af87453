"""A store in memory: the outbox survives lost connections, but not the end of the process."""

import time

from ocpp_core.outbox.commands import Restored, Stored
from ocpp_core.outbox.effects import Store

from ._interface import ReportToOutbox

__all__ = ["MemoryStore"]


class MemoryStore:
    """A store that reports each batch as durable immediately, and keeps nothing."""

    def __init__(self) -> None:
        self._opened = 0
        self._report: ReportToOutbox | None = None

    def open(self, report: ReportToOutbox) -> Restored:
        """Return an empty state."""
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
