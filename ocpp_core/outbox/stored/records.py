"""What a store keeps of a queue: messages, the transaction IDs of OCPP 1.6, and outcomes.

Records are frozen: a changed message is a new record, so that a store may write one while the engine continues.
Times are wall-clock times in seconds of the host, because a process with another monotonic clock reads them.
"""

from collections.abc import Iterable
from dataclasses import field
from enum import StrEnum
from math import inf
from typing import TypeAlias, assert_never

from ocpp_core._dataclasses import dataclass

from .outcomes import MessageOutcome, MessageRefused, MessageUnknown

__all__ = [
    "Acknowledged",
    "Bind",
    "Binding",
    "Delete",
    "KeptOutcome",
    "Lane",
    "Operation",
    "OutboxRecord",
    "OutboxSnapshot",
    "Put",
    "ReplaceAll",
    "Unbind",
]


class Lane(StrEnum):
    """The order in which a message is sent."""

    TRANSACTION = "transaction"
    """In the order of acceptance; each waits until the one before is done (1.6 §3.7)."""
    OTHER = "other"
    """Oldest first, but a message that waits for a retry does not hold up the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRecord:
    """One message, as it is stored."""

    ticket: int
    """The number of the message; it is unique over all restarts, and later messages have higher ones."""
    action: str
    """The name of the OCPP action."""
    payload: str = field(repr=False)
    """The payload as JSON text, without `transactionId` if `start` is set."""
    lane: Lane
    """The order in which it is sent."""
    accepted_at: float
    """When it was enqueued."""
    peer: str = ""
    """The peer that it is for, if the store has the messages of several; empty otherwise."""
    key: str | None = None
    """The application's key: enqueueing it again returns the same ticket."""
    name: str | None = None
    """The name under which a later message may replace it."""
    start: int | None = None
    """The ticket of the StartTransaction whose response has the `transactionId` of this message."""
    last: bool = False
    """True for the last message of the transaction `start`."""
    closed: bool = False
    """True for a start whose last message is done already."""
    droppable: bool = False
    """True if a full queue may drop it although it is about a transaction."""
    urgent: bool = False
    """True to send it before all others, also before the station is registered."""
    resend: bool = True
    """False to never transmit it again if the peer may have received it."""
    attempts: int | None = None
    """Failed transmissions after which it is given up; None for the setting in force at that time."""
    interval: float | None = None
    """Seconds to wait after each failed transmission, times their number; None for the setting in force."""
    expires_at: float = inf
    """When it expires unless a transmission began before."""
    deadline_at: float = inf
    """When it is given up in any state."""
    protocol: str | None = None
    """The only subprotocol with which it may be sent; None for any."""
    message_id: str | None = None
    """The message ID of the last transmission, if the next one repeats it."""
    sending: bool = False
    """True while a transmission is about to be written, or waits for its response."""
    started: bool = False
    """True if a transmission was ever marked."""
    failures: int = 0
    """Number of failed transmissions."""
    cuts: int = 0
    """Number of transmissions that the end of a connection or of the process cut off."""
    failed_at: float = -inf
    """When the last transmission failed."""
    failure: MessageRefused | MessageUnknown | None = None
    """The outcome if the message were given up now: that of the last failed transmission."""


@dataclass(frozen=True, slots=True)
class Binding:
    """The transaction ID of a started transaction (OCPP 1.6)."""

    start: int
    """The ticket of the StartTransaction."""
    transaction_id: int
    """The ID of the response; -1 without a usable response (1.6 errata 3.18)."""
    closed: bool = False
    """True if the last message of the transaction is done."""


@dataclass(frozen=True, slots=True)
class KeptOutcome:
    """An outcome that the application has not acknowledged."""

    ticket: int
    """The ticket of the message."""
    key: str | None
    """The key of the message."""
    outcome: MessageOutcome
    """What became of it."""
    peer: str = ""
    """The peer that the message was for, as in its record."""


@dataclass(frozen=True, slots=True)
class Put:
    """Insert or replace a record."""

    record: OutboxRecord
    """The record."""


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove a record and insert its outcome."""

    outcome: KeptOutcome
    """The outcome, with the ticket of the record."""


@dataclass(frozen=True, slots=True)
class Bind:
    """Insert or replace a binding."""

    binding: Binding
    """The binding."""


@dataclass(frozen=True, slots=True)
class Unbind:
    """Remove a binding."""

    start: int
    """The ticket of the StartTransaction."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """Remove an outcome."""

    ticket: int
    """The ticket of the message."""


@dataclass(frozen=True, slots=True)
class ReplaceAll:
    """Remove everything, then insert this."""

    records: tuple[OutboxRecord, ...]
    """All records."""
    bindings: tuple[Binding, ...]
    """All bindings."""
    outcomes: tuple[KeptOutcome, ...]
    """All outcomes that are not acknowledged."""


Operation: TypeAlias = Put | Delete | Bind | Unbind | Acknowledged | ReplaceAll
"""One change of the stored state."""


class OutboxSnapshot:
    """The stored state, changed by operations: the meaning of every batch, and a store in memory."""

    def __init__(self) -> None:
        self.records: dict[int, OutboxRecord] = {}
        """The records by ticket."""
        self.bindings: dict[int, Binding] = {}
        """The bindings by the ticket of the StartTransaction."""
        self.outcomes: dict[int, KeptOutcome] = {}
        """The outcomes by ticket."""

    @property
    def everything(self) -> ReplaceAll:
        """The operation that makes any state this one."""
        return ReplaceAll(tuple(self.records.values()), tuple(self.bindings.values()), tuple(self.outcomes.values()))

    def apply(self, operations: Iterable[Operation]) -> None:
        """Make the changes of one batch, in order."""
        for operation in operations:
            self._apply(operation)

    def _apply(self, operation: Operation) -> None:
        match operation:
            case Put(record):
                self.records[record.ticket] = record
            case Delete(outcome):
                self.records.pop(outcome.ticket, None)
                self.outcomes[outcome.ticket] = outcome
            case Bind(binding):
                self.bindings[binding.start] = binding
            case Unbind(start):
                self.bindings.pop(start, None)
            case Acknowledged(ticket):
                self.outcomes.pop(ticket, None)
            case ReplaceAll():
                self._replace(operation)
            case _:
                assert_never(operation)

    def _replace(self, state: ReplaceAll) -> None:
        self.records = {record.ticket: record for record in state.records}
        self.bindings = {binding.start: binding for binding in state.bindings}
        self.outcomes = {outcome.ticket: outcome for outcome in state.outcomes}
