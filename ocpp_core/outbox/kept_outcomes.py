"""The outcomes that the application has not acknowledged."""

from collections.abc import Callable, Iterable

from .settings import OutboxConfig
from .stored.records import Acknowledged, Delete, KeptOutcome, Operation

__all__ = ["KeptOutcomes"]


class KeptOutcomes:
    """The outcomes of one queue by ticket, bounded in number and bytes."""

    def __init__(self, record: Callable[[Operation], None]) -> None:
        self._record = record
        self._kept: dict[int, KeptOutcome] = {}
        self._bytes = 0
        self._untold: set[int] = set()

    @property
    def all(self) -> tuple[KeptOutcome, ...]:
        """All outcomes, the oldest first."""
        return tuple(self._kept.values())

    def get(self, ticket: int) -> KeptOutcome | None:
        """Return the outcome of a ticket."""
        return self._kept.get(ticket)

    def restore(self, outcomes: Iterable[KeptOutcome]) -> None:
        """Take the stored outcomes."""
        for each in outcomes:
            self._insert(each)

    def keep(self, kept: KeptOutcome) -> None:
        """Store an outcome, and remove its record."""
        self._insert(kept)
        self._record(Delete(kept))

    def told(self, ticket: int) -> None:
        """Note that an outcome was reported."""
        self._untold.discard(ticket)

    def excess(self, config: OutboxConfig) -> list[KeptOutcome]:
        """Forget the oldest outcomes beyond the limits that were reported, except the newest one, and return them."""
        forgotten = []
        while len(self._kept) > 1 and self._is_over(config):
            oldest = next(iter(self._kept.values()))
            if oldest.ticket in self._untold:
                break
            self.forget(oldest.ticket)
            forgotten.append(oldest)
        return forgotten

    def forget(self, ticket: int) -> KeptOutcome | None:
        """Remove an outcome and return it; None if there is none."""
        kept = self.discard(ticket)
        if kept is not None:
            self._record(Acknowledged(ticket))
        return kept

    def discard(self, ticket: int) -> KeptOutcome | None:
        """Remove an outcome that was never stored and return it; None if there is none."""
        kept = self._kept.pop(ticket, None)
        if kept is not None:
            self._bytes -= kept.outcome.size
            self._untold.discard(ticket)
        return kept

    def _insert(self, kept: KeptOutcome) -> None:
        self._untold.add(kept.ticket)
        self._kept[kept.ticket] = kept
        self._bytes += kept.outcome.size

    def _is_over(self, config: OutboxConfig) -> bool:
        return len(self._kept) > config.outcomes_kept or self._bytes > config.outcome_bytes
