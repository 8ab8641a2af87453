"""The batches of several outboxes, as one sequence for the store that they share.

Each outbox numbers its batches by itself. Here every batch gets the next number of the store. What the store reports
is passed on to the outboxes concerned, with their own numbers. After a failure the store gets the state of all outboxes
as one batch.
"""

from collections import deque
from collections.abc import Callable, Iterable

from ocpp_core.outbox.effects import Store
from ocpp_core.outbox.stored.records import Operation, ReplaceAll

from .station_outbox import StationOutbox

__all__ = ["SharedBatches"]


class SharedBatches:
    """The batches of one store; `emit` gets them, in order."""

    def __init__(self, emit: Callable[[Store], None]) -> None:
        self.failed: bool = False
        """True from a failure of the store until it works again."""
        self._emit = emit
        self._last = 0
        self._pending: deque[tuple[int, dict[StationOutbox, int]]] = deque()
        self._resumed: dict[StationOutbox, int] | None = None

    def __len__(self) -> int:
        """Return the number of batches that the store has not reported."""
        return len(self._pending)

    def submit(self, outbox: StationOutbox, batch: Store) -> None:
        """Emit a batch of an outbox."""
        if self._resumed is None:
            self._add({outbox: batch.number}, batch.operations)
        else:
            self._resumed[outbox] = batch.number  # the batch with the state of all outboxes follows

    def _add(self, parts: dict[StationOutbox, int], operations: tuple[Operation, ...]) -> None:
        self._last += 1
        self._pending.append((self._last, parts))
        self._emit(Store(self._last, operations))

    def stored(self, number: int) -> Iterable[StationOutbox]:
        """Report to the outboxes that all batches up to `number` are durable, and return these outboxes.

        Raises ValueError for a batch that was not emitted.
        """
        self._expect_emitted(number)
        parts: dict[StationOutbox, int] = {}
        while self._pending and self._pending[0][0] <= number:
            parts |= self._pending.popleft()[1]
        for outbox, own in parts.items():
            outbox.stored(own)
        return parts

    def fail(self, number: int, error: Exception, outboxes: Iterable[StationOutbox]) -> None:
        """Report to all outboxes that the store rolled back this batch and all after it.

        Raises ValueError for a batch that was not emitted.
        """
        self.stored(number - 1)
        rolled_back: dict[StationOutbox, int] = {}
        for _, parts in reversed(self._pending):
            rolled_back |= parts
        self._pending.clear()
        self.failed = True
        for outbox in outboxes:
            outbox.store_failed(rolled_back[outbox], error) if outbox in rolled_back else outbox.halt(error)

    def resume(self, outboxes: Iterable[StationOutbox]) -> None:
        """Emit the state of all outboxes as one batch after a failure: the store can write again."""
        if not self.failed:
            return
        self.failed, self._resumed = False, {}
        states = []
        for outbox in outboxes:
            states.append(outbox.state)
            outbox.store_back()
        parts, self._resumed = self._resumed, None
        records = tuple(record for state in states for record in state.records)
        outcomes = tuple(outcome for state in states for outcome in state.outcomes)
        self._add(parts, (ReplaceAll(records, (), outcomes),))

    def _expect_emitted(self, number: int) -> None:
        if not 0 <= number <= self._last:
            raise ValueError(f"expected the number of an emitted batch, at most {self._last}, got {number}")
