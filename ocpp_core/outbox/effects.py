"""The outputs of a queue."""

from collections.abc import Callable
from dataclasses import field
from enum import Enum
from typing import TypeAlias

from ocpp_core._dataclasses import dataclass
from ocpp_core.errors import StoreError

from .stored.outcomes import MessageOutcome
from .stored.records import Operation

__all__ = [
    "EmitEffect",
    "OutboxEffect",
    "OutboxReport",
    "OutboxReportKind",
    "Store",
    "TicketAccepted",
    "TicketRejected",
    "TicketSettled",
    "Transmit",
]


@dataclass(frozen=True, slots=True)
class Store:
    """Make these changes durable, all or none, after all batches with lower numbers."""

    number: int
    """The number of the batch."""
    operations: tuple[Operation, ...]
    """The changes, in order."""


@dataclass(frozen=True, slots=True)
class TicketAccepted:
    """The message is durable: its outcome will be reported."""

    ticket: int
    """The ticket of the message."""


@dataclass(frozen=True, slots=True)
class TicketRejected:
    """The message could not be stored: it is not queued, and was not sent."""

    ticket: int
    """The ticket of the message."""
    error: StoreError
    """Why it could not be stored."""


@dataclass(frozen=True, slots=True)
class TicketSettled:
    """What became of a message. It is reported again after each restart until it is acknowledged."""

    ticket: int
    """The ticket of the message."""
    outcome: MessageOutcome
    """The outcome, which is durable."""


@dataclass(frozen=True, slots=True)
class Transmit:
    """Write this CALL now, in the place of the window that `Outbox.take` took."""

    ticket: int
    """The ticket of the message."""
    message_id: str
    """The message ID."""
    action: str
    """The name of the OCPP action."""
    payload: str = field(repr=False)
    """The payload as JSON text."""
    is_repeated: bool = False
    """True if a transmission of the message began before."""


class OutboxReportKind(Enum):
    """The kinds of `OutboxReport`."""

    DROPPED = "message dropped"
    """A full queue dropped a message."""
    GIVEN_UP = "message given up"
    """All transmissions of a message failed."""
    HELD = "messages held"
    """Messages wait although the connection is open for a minute: the station is not registered."""
    LATE_ACCEPTED = "late answer accepted"
    """A CALLRESULT to an earlier transmission settled a message."""
    LATE_IGNORED = "late answer ignored"
    """A response to a message that was settled before."""
    OUTCOME_FORGOTTEN = "outcome forgotten"
    """Too many outcomes were not acknowledged; the oldest is no longer reported after a restart."""
    BINDING_FORGOTTEN = "transaction ID forgotten"
    """Too many transactions have no last message; the ID of the oldest is forgotten."""
    STORE_LATE = "store does not report"
    """Nothing is sent, and what is enqueued is not accepted, until the store reports."""
    STORE_FAILED = "store failed"
    """Nothing is accepted or sent until the store can write again."""
    STORE_DEGRADED = "store in memory"
    """The queue continues, and what changes does not outlive the process until the store can write again."""
    STORE_BACK = "store works again"
    """The store has or gets the whole state, and what is accepted is durable."""


@dataclass(frozen=True, slots=True)
class OutboxReport:
    """An event for logs, metrics and user events only."""

    kind: OutboxReportKind
    """What happened."""
    ticket: int | None = None
    """The ticket of the message concerned."""
    detail: str = ""
    """One sentence for a log, without data of the peer."""


OutboxEffect: TypeAlias = Store | TicketAccepted | TicketRejected | TicketSettled | Transmit | OutboxReport
"""What a queue emits."""
EmitEffect: TypeAlias = Callable[[OutboxEffect], None]
"""A function that gets the outputs of a queue, in order."""
