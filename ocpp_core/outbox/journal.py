"""Numbered batches, and the outputs that wait for them.

What it is. Every change of the queue is an operation of the open batch. At the end of each input the owner seals it:
`Store` leaves with the next number. Every output that the outside may see (a transmission, an acceptance, an outcome)
waits in one queue with the number of the batch that must be durable first.

What it guarantees. Outputs leave in the order in which they were made, and none before its batch is durable. This is
the only barrier of the outbox: no case has a flag of its own.

What it must never do. While the store fails no batch is sealed: the changes since then are in the whole state, which
the first batch after the failure contains.
"""

from collections import deque
from collections.abc import Callable, Container

from ocpp_core.errors import StoreError

from .effects import (
    EmitEffect,
    OutboxEffect,
    OutboxReport,
    OutboxReportKind,
    Store,
    TicketAccepted,
    TicketRejected,
    TicketSettled,
)
from .stored.records import Operation, ReplaceAll

__all__ = ["Journal"]


class Journal:
    """The batches of one queue, and the outputs that are held.

    Args:
        emit: Function that gets batches and rejections.
        release: Function that gets the outputs whose batch is durable.
        changed: Function that is called with the first change of a batch.
    """

    def __init__(
        self,
        emit: EmitEffect,
        release: EmitEffect,
        changed: Callable[[], None],
    ) -> None:
        self.open: int = 1
        """The number of the open batch."""
        self.failed: bool = False
        """True from a failure of the store until it works again."""
        self._is_degraded = False
        self._emit = emit
        self._release = release
        self._changed = changed
        self._stored = 0
        self._operations: list[Operation] = []
        self._held: deque[tuple[int, OutboxEffect]] = deque()

    def record(self, operation: Operation) -> None:
        """Add a change to the open batch."""
        if self.failed:
            return
        if not self._operations:
            self._changed()
        self._operations.append(operation)

    def hold(self, output: OutboxEffect) -> None:
        """Release an output once all changes made so far are durable."""
        number = self.open if self._operations or self.failed else self.open - 1
        if self._held or number > self._stored:
            self._held.append((number, output))
        else:
            self._release(output)

    @property
    def is_idle(self) -> bool:
        """True if nothing waits for the store, and it works."""
        return not (self._operations or self._held or self.failed) and self._stored == self.open - 1

    def has_stored(self, number: int) -> bool:
        """Return True if all batches up to `number` are durable."""
        return number <= self._stored

    def withdraw(self, output: OutboxEffect) -> None:
        """Forget a held output."""
        self._held = deque(each for each in self._held if each[1] is not output)

    def seal(self) -> None:
        """Emit the open batch, if it has a change, and open the next one."""
        if self._operations:
            operations, self._operations = tuple(self._operations), []
            self._emit(Store(self.open, operations))
            self.open += 1

    def stored(self, number: int) -> None:
        """Release the outputs that waited for batches up to `number`; ignored while the store fails.

        Raises ValueError for a batch that was not emitted.
        """
        self._expect_sealed(number)
        if self.failed:
            return
        self._stored = max(self._stored, number)
        while self._held and self._held[0][0] <= self._stored:
            self._release(self._held.popleft()[1])

    def fail(self, number: int) -> None:
        """Stop: the store rolled back this batch and all after it.

        Raises ValueError for a batch that was not emitted, or that was reported as durable.
        """
        self._expect_sealed(number)
        if number <= self._stored:
            raise ValueError(f"expected a batch after {self._stored}, which is durable, got {number}")
        self.stored(number - 1)
        self.halt()

    def halt(self) -> None:
        """Stop: the store cannot write, and all emitted batches are durable or rolled back."""
        self._operations.clear()
        self.failed = True
        self._held = deque((self.open, output) for _, output in self._held)

    def reject(self, tickets: Container[int], cause: Exception) -> None:
        """Report the rejection of tickets whose acceptance is held, forget their outcomes, and report the failure."""
        error = StoreError(f"the message was not stored: {cause}")
        error.__cause__ = cause
        held, self._held = self._held, deque()
        rejected: set[int] = set()
        for number, output in held:
            if not isinstance(output, TicketAccepted | TicketSettled) or output.ticket not in tickets:
                self._held.append((number, output))
            elif output.ticket not in rejected:
                rejected.add(output.ticket)
                self._emit(TicketRejected(output.ticket, error))
        self._emit(OutboxReport(OutboxReportKind.STORE_FAILED, detail=str(cause)))

    def degrade(self, error: Exception) -> None:
        """Report that the store keeps what follows in memory only."""
        self._is_degraded = True
        self._emit(OutboxReport(OutboxReportKind.STORE_DEGRADED, detail=str(error)))

    def resume(self, state: ReplaceAll) -> None:
        """Continue, after a failure with the whole state in the open batch; ignored if the store did not fail."""
        if not self.failed and not self._is_degraded:
            return
        if self.failed:
            self._operations.append(state)
        self.failed = self._is_degraded = False
        self.seal()
        self._emit(OutboxReport(OutboxReportKind.STORE_BACK))

    def _expect_sealed(self, number: int) -> None:
        if not 0 <= number < self.open:
            raise ValueError(f"expected the number of an emitted batch, at most {self.open - 1}, got {number}")
