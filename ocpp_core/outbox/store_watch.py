"""The watch over a store that may stop reporting, such as one whose disk hangs.

A transmission waits for its mark in the slot that calls need too, and the application waits for what it enqueued. So
the queue takes the transmission back after a while, and reports that it waits.
"""

from typing import Final

from ocpp_core.timers import Timers

from .journal import Journal

__all__ = ["StoreWatch"]

_PATIENCE: Final = 10.0
"""Seconds that a commit may take, far more than a sync of a slow disk; a late one is noticed within twice the time."""


class StoreWatch:
    """Notices that the store of a queue has not reported a batch in time; its deadline is among `timers`."""

    def __init__(self, journal: Journal, timers: Timers) -> None:
        self.is_late: bool = False
        """True from the end of the time until the store reports."""
        self._journal = journal
        self._timers = timers
        self._batch: int | None = None

    def expect(self, now: float) -> None:
        """Expect a report about the open batch, unless one about an earlier batch is expected."""
        if self._batch is None:
            self._batch = self._journal.open
            self._timers.set(self, now + _PATIENCE)

    def expire(self, now: float) -> bool:
        """Return True if the report is late; otherwise expect the next one, if the store has something to do."""
        batch, self._batch = self._batch, None
        if self._journal.failed or self._journal.is_idle or batch is None:
            return False
        self.is_late = not self._journal.has_stored(batch)
        if not self.is_late:
            self.expect(now)
        return self.is_late

    def reported(self) -> bool:
        """Note a report of the store; return True if it was late."""
        was_late, self.is_late = self.is_late, False
        return was_late
