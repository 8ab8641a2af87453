"""A store in memory: the outbox survives lost connections, but not the end of the process."""

from ocpp_core.outbox.commands import Restored, Stored
from ocpp_core.outbox.effects import Store
from ocpp_core.outbox.stored.records import OutboxSnapshot

from ._interface import ReportToOutbox

__all__ = ["MemoryStore"]


class MemoryStore:
    """A store that reports each batch as durable immediately, and ends with the process.

    Args:
        keep: True to keep the messages while the client is closed, for its next `connect`: a device that restarts
            without the end of the process. False settles them as not sent when the client closes.
    """

    def __init__(self, *, keep: bool = False) -> None:
        self.is_durable: bool = keep
        """True if it keeps the messages while the client is closed."""
        self._state = OutboxSnapshot()
        self._opened = 0
        self._report: ReportToOutbox | None = None

    def open(self, report: ReportToOutbox) -> Restored:
        """Return what was kept. Raises RuntimeError if the store is open."""
        if self._report is not None:
            raise RuntimeError("cannot open: the store is open; close it first")
        self._opened += 1
        self._report = report
        state = self._state
        return Restored(
            first_ticket=self._opened << 32,
            records=tuple(state.records.values()),
            bindings=tuple(state.bindings.values()),
            outcomes=tuple(state.outcomes.values()),
        )

    def submit(self, batch: Store) -> None:
        """Report the batch as durable."""
        if self._report is not None:
            self._state.apply(batch.operations)
            self._report(Stored(batch.number))

    def close(self) -> None:
        """Report nothing more."""
        self._report = None
