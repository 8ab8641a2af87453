"""The outbox of a client: stores, tickets and outcomes of messages that outlive connections and restarts.

    async with OCPPClient("CP1", endpoint, offline_queue="station.db") as station:
        await station.connect()
        ticket = station.enqueue("StatusNotification", status, key="status-17")
        await ticket.accepted()

The guide is `docs/offline.md`; the engine is explained in `docs/design/outbox.md`.
"""

from typing import TYPE_CHECKING, Any

from ocpp_core.errors import StoreError
from ocpp_core.outbox.commands import Restored, StoreBack, Stored, StoreDegraded, StoreFailed
from ocpp_core.outbox.effects import Store
from ocpp_core.outbox.settings import OutboxConfig
from ocpp_core.outbox.stored.outcomes import (
    MessageAnswered,
    MessageDropped,
    MessageNotSent,
    MessageOutcome,
    MessageRefused,
    MessageUnknown,
    NotSentReason,
    UnknownReason,
)
from ocpp_core.outbox.stored.records import Lane

from ._enqueue_keywords import EnqueueKeywords, StationEnqueueKeywords
from ._interface import OutboxStore, ReportToOutbox, StoreReport
from ._memory import MemoryStore
from ._ticket import Ticket
from ._ticket_stream import TicketStream

if TYPE_CHECKING:
    from ._sqlite import SQLiteStore

__all__ = [
    "EnqueueKeywords",
    "Lane",
    "MemoryStore",
    "MessageAnswered",
    "MessageDropped",
    "MessageNotSent",
    "MessageOutcome",
    "MessageRefused",
    "MessageUnknown",
    "NotSentReason",
    "OutboxConfig",
    "OutboxStore",
    "ReportToOutbox",
    "Restored",
    "SQLiteStore",
    "StationEnqueueKeywords",
    "Store",
    "StoreBack",
    "StoreDegraded",
    "StoreError",
    "StoreFailed",
    "StoreReport",
    "Stored",
    "Ticket",
    "TicketStream",
    "UnknownReason",
]


if not TYPE_CHECKING:  # type checkers would accept every name

    def __getattr__(name: str) -> Any:
        """Load `SQLiteStore` when it is first used: a browser has neither threads nor SQLite."""
        if name == "SQLiteStore":
            from ._sqlite import SQLiteStore

            return SQLiteStore
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
