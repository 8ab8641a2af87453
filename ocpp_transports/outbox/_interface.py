"""The interface of a store."""

from collections.abc import Callable
from typing import Protocol, TypeAlias

from ocpp_core.outbox.commands import Restored, StoreBack, Stored, StoreDegraded, StoreFailed
from ocpp_core.outbox.effects import Store

__all__ = ["OutboxStore", "ReportToOutbox", "StoreReport"]

StoreReport: TypeAlias = Stored | StoreFailed | StoreBack | StoreDegraded
"""What a store reports to the outbox."""
ReportToOutbox: TypeAlias = Callable[[StoreReport], None]
"""Function that passes a report to the outbox; a store may call it in a thread of its own."""


class OutboxStore(Protocol):
    """A store that makes the batches of one outbox durable, in order.

    After `StoreFailed` it discards every batch until one that begins with `ReplaceAll`. After `StoreDegraded` it keeps
    the batches in memory, reports them as stored, and writes the whole state before `StoreBack`.
    """

    @property
    def is_durable(self) -> bool:
        """True if it keeps the messages when it is closed; False lets a client that closes settle them."""

    def open(self, report: ReportToOutbox) -> Restored:
        """Open the store and return what it has, without blocking for longer than a few commits take.

        Raises StoreError if it cannot be opened; then nothing has changed.
        """

    def submit(self, batch: Store) -> None:
        """Queue a batch. It never blocks; a report follows."""

    def close(self) -> None:
        """Make the queued batches durable, then release everything."""
