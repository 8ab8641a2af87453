"""The outbox of `OCPPClient`: stores, tickets and outcomes of messages that outlive connections and restarts.

    async with OCPPClient("CP1", endpoint, outbox=SQLiteStore("station.db")) as station:
        await station.connect()
        ticket = station.enqueue("StatusNotification", status, key="status-17")
        await ticket.accepted()

The guide is `docs/offline.md`; the engine is explained in `docs/design/outbox.md`.
"""

from ocpp_core.errors import StoreError
from ocpp_core.outbox.commands import Restored, StoreBack, Stored, StoreFailed
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
from ._sqlite import SQLiteStore
from ._ticket import Ticket
from ._ticket_stream import TicketStream

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
    "StoreError",
    "StoreFailed",
    "StoreReport",
    "Stored",
    "Ticket",
    "TicketStream",
    "UnknownReason",
]
