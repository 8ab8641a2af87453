"""The transaction IDs of OCPP 1.6: bound by the response to a start, filled into the messages that refer to it.

A message refers to the ticket of its StartTransaction. The start precedes it in the transaction lane, so its end is
known before the message is sent. Its ID is bound in the batch that removes the start: if the process ends before that
batch is durable, the start is sent again, and its messages take the new ID. A start that ends without an ID binds -1
(1.6 errata 3.18). A binding lasts until the last message of the transaction is done and no message refers to it.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Final

from .accepting import START
from .stored.outcomes import MessageAnswered, MessageOutcome
from .stored.records import Bind, Binding, Operation, OutboxRecord, Unbind

__all__ = ["NO_ID", "TransactionIds"]

NO_ID: Final = -1
"""The transaction ID of a start that never got a response (1.6 errata 3.18)."""
_BEYOND: Final = 1 << 63
"""An ID from here on does not fit into the integers of a database."""


class TransactionIds:
    """The bindings of one queue, and how many queued messages refer to each start."""

    def __init__(self, record: Callable[[Operation], None]) -> None:
        self._record = record
        self._bound: dict[int, Binding] = {}
        self._references: Counter[int] = Counter()

    def __len__(self) -> int:
        return len(self._bound)

    @property
    def all(self) -> tuple[Binding, ...]:
        """All bindings."""
        return tuple(self._bound.values())

    def restore(self, bindings: Iterable[Binding]) -> None:
        """Take the stored bindings."""
        self._bound = {binding.start: binding for binding in bindings}

    def of(self, start: int) -> int | None:
        """Return the transaction ID of a start; None if it is not known, or no longer."""
        binding = self._bound.get(start)
        return None if binding is None else binding.transaction_id

    def refer(self, record: OutboxRecord) -> None:
        """Count a queued message."""
        if record.start is not None:
            self._references[record.start] += 1

    def fill(self, record: OutboxRecord) -> str:
        """Return the payload of a message with its transaction ID."""
        if record.start is None:
            return record.payload
        transaction_id = self.of(record.start)
        member = f'"transactionId":{NO_ID if transaction_id is None else transaction_id}'
        return f"{{{member}}}" if record.payload == "{}" else f"{{{member},{record.payload[1:]}"

    def end(self, record: OutboxRecord, outcome: MessageOutcome, *, most: int) -> int | None:
        """Note the end of a message.

        Args:
            record: The message.
            outcome: What became of it.
            most: The number of bindings to keep.

        Returns:
            The start whose ID was forgotten because there are too many, or None.
        """
        self.release(record)
        if record.last and record.start in self._bound:
            self._bind(Binding(record.start, self._bound[record.start].transaction_id, closed=True))
        if record.start is not None:
            self._forget_if_done(record.start)
        if record.action != START or (record.closed and not self._references[record.ticket]):
            return None
        self._bind(Binding(record.ticket, _id_in(outcome), record.closed))
        return self._forget_oldest(most)

    def release(self, record: OutboxRecord) -> None:
        """Count a message out that is no longer queued."""
        start = record.start
        if start is not None:
            self._references[start] -= 1
            if not self._references[start]:
                del self._references[start]

    def release_and_clean(self, record: OutboxRecord) -> None:
        """Count a message out that was rejected, and forget an ID that nothing needs."""
        self.release(record)
        if record.start is not None:
            self._forget_if_done(record.start)

    def unbind(self, start: int) -> None:
        """Forget the ID of a start."""
        if self._bound.pop(start, None) is not None:
            self._record(Unbind(start))

    def _bind(self, binding: Binding) -> None:
        self._bound[binding.start] = binding
        self._record(Bind(binding))

    def _forget_if_done(self, start: int) -> None:
        binding = self._bound.get(start)
        if binding is not None and binding.closed and not self._references[start]:
            self.unbind(start)

    def _forget_oldest(self, most: int) -> int | None:
        if len(self._bound) <= most:
            return None
        start = next((start for start in self._bound if not self._references[start]), None)
        if start is not None:
            self.unbind(start)
        return start


def _id_in(outcome: MessageOutcome) -> int:
    payload: Any = outcome.payload if isinstance(outcome, MessageAnswered) else None
    transaction_id = payload.get("transactionId") if isinstance(payload, dict) else None
    if not isinstance(transaction_id, int) or isinstance(transaction_id, bool) or abs(transaction_id) >= _BEYOND:
        return NO_ID
    return transaction_id
