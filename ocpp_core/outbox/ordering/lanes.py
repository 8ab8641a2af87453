"""The queued messages in the order in which they may be sent."""

from dataclasses import field
from heapq import heappop, heappush
from math import inf
from typing import Final

from ocpp_core._dataclasses import dataclass
from ocpp_core.messages import utf8_length
from ocpp_core.outbox.stored.records import Lane, OutboxRecord

__all__ = ["Entry", "Lanes"]

_SPARE: Final = 16
"""Tickets of removed messages that are always allowed, so that a short queue is not compacted at each removal."""


@dataclass(slots=True, eq=False)
class Entry:
    """One queued message: what is stored of it, and what only this process knows. Times are monotonic seconds."""

    record: OutboxRecord
    """What is stored."""
    is_restored: bool = False
    """True if an earlier process enqueued it: its times were read from the wall clock."""
    is_ready: bool = True
    """False while it is being sent, or waits for a retry."""
    failed_at: float = -inf
    """When the last transmission failed."""
    size: int = field(init=False)
    """Bytes of the payload."""

    def __post_init__(self) -> None:
        self.size = utf8_length(self.record.payload)


class Lanes:
    """The messages by ticket, and the first one of each kind that is ready.

    Tickets grow, so that the order of tickets is the order of acceptance.
    """

    def __init__(self) -> None:
        self.entries: dict[int, Entry] = {}
        """All messages by ticket, in the order of acceptance."""
        self.bytes: int = 0
        """Bytes of all payloads."""
        self._transactions: dict[int, Entry] = {}
        self._urgent: list[int] = []
        self._others: list[int] = []

    @property
    def has_transactions(self) -> bool:
        """True if a message of the transaction lane is queued."""
        return bool(self._transactions)

    def add(self, entry: Entry) -> None:
        """Append a message."""
        ticket = entry.record.ticket
        self.entries[ticket] = entry
        self.bytes += entry.size
        if entry.record.lane is Lane.TRANSACTION:
            self._transactions[ticket] = entry
        if entry.is_ready:
            self._push(entry)

    def remove(self, entry: Entry) -> None:
        """Remove a message."""
        ticket = entry.record.ticket
        self.entries.pop(ticket, None)
        self._transactions.pop(ticket, None)
        self.bytes -= entry.size
        if entry.record.lane is Lane.OTHER:
            self._compact(self._urgent if entry.record.urgent else self._others)

    def _compact(self, heap: list[int]) -> None:
        """Forget removed messages once they outnumber the queued ones: without a connection, nothing looks them up."""
        if len(heap) > 2 * len(self.entries) + _SPARE:
            heap[:] = sorted(self.entries.keys() & set(heap))

    def set_ready(self, entry: Entry, is_ready: bool) -> None:
        """Note that a message may be sent now, or that it is being sent or waits for a retry."""
        was_ready, entry.is_ready = entry.is_ready, is_ready
        if is_ready and not was_ready:
            self._push(entry)

    def _push(self, entry: Entry) -> None:
        if entry.record.lane is Lane.OTHER:
            heappush(self._urgent if entry.record.urgent else self._others, entry.record.ticket)

    def urgent(self) -> Entry | None:
        """Return the oldest urgent message that is ready."""
        return self._first(self._urgent)

    def ordinary(self, *, ordered: bool) -> Entry | None:
        """Return the older of the first transaction message, if it is ready, and the first other one.

        The first other one unless `ordered`.
        """
        other = self._first(self._others)
        head = next(iter(self._transactions.values()), None) if ordered else None
        if head is None or not head.is_ready:
            return other
        return head if other is None or head.record.ticket < other.record.ticket else other

    def _first(self, heap: list[int]) -> Entry | None:
        while heap:
            entry = self.entries.get(heap[0])
            if entry is not None and entry.is_ready:
                return entry
            heappop(heap)
        return None
