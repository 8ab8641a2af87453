"""The inputs of a queue: what the store reports, and the commands of the application."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any, TypeAlias

from ocpp_core._dataclasses import dataclass

from .settings import OutboxConfig
from .stored.records import Binding, KeptOutcome, Lane, OutboxRecord

__all__ = [
    "Acknowledge",
    "CancelTicket",
    "DiscardMessages",
    "Enqueue",
    "OutboxInput",
    "ReconfigureOutbox",
    "Restored",
    "SetClock",
    "SetGate",
    "StoreBack",
    "StoreDegraded",
    "StoreFailed",
    "Stored",
]


@dataclass(slots=True, kw_only=True)
class Restored:
    """The state that a store has read; the first input of a queue.

    A store counts how often it was opened, and makes the count durable before it reports this input.
    """

    wall: float = 0.0
    """The wall-clock time now, in seconds. The host sets it, which has the clock, not the store."""
    first_ticket: int = 1
    """The first new ticket: `opened << 32`, higher than any that an earlier process gave out. A number that is only
    higher than the stored ones would be wrong: a ticket may have been given out and not stored."""
    records: Sequence[OutboxRecord] = ()
    """The stored messages."""
    bindings: Sequence[Binding] = ()
    """The stored transaction IDs."""
    outcomes: Sequence[KeptOutcome] = ()
    """The stored outcomes."""


@dataclass(slots=True)
class Stored:
    """All batches up to this one are durable."""

    number: int
    """The number of the batch, from `Store`."""


@dataclass(slots=True)
class StoreFailed:
    """The store rolled back this batch and all after it, see `Outbox.store_failed`."""

    number: int
    """The number of the batch, from `Store`."""
    error: Exception
    """Why it failed."""


@dataclass(slots=True)
class StoreBack:
    """The store can write again: it gets the whole state after `StoreFailed`, and has it after `StoreDegraded`."""


@dataclass(slots=True)
class StoreDegraded:
    """The store cannot write, and keeps what follows in memory until `StoreBack`: the queue continues."""

    error: Exception
    """Why it failed."""


@dataclass(slots=True, kw_only=True)
class Enqueue:
    """Queue a message until the peer has responded to it."""

    action: str
    """The name of the OCPP action."""
    payload: Mapping[str, Any] = field(repr=False)
    """The payload, a JSON object; it is encoded at once."""
    lane: Lane | None = None
    """The order; None to choose it by the action, see `accepting.lane_of`."""
    key: str | None = None
    """A name of at most 255 characters. If a message with it is queued, or its outcome is not acknowledged, that
    message counts, and nothing is queued."""
    transaction: int | None = None
    """The ticket of the StartTransaction of this message (OCPP 1.6): its response has the `transactionId`."""
    last: bool = False
    """True for the last message of the transaction."""
    droppable: bool | None = None
    """True if a full queue may drop it; None to choose it by the action, see `accepting.is_droppable`."""
    urgent: bool | None = None
    """True to send it before all others, also before the station is registered; None for True if it is a
    BootNotification."""
    ttl: float | None = None
    """Seconds from now to the first transmission; None for `OutboxConfig.ttl`."""
    deadline: float | None = None
    """Seconds from now to the response, with all retries; None for no limit."""
    attempts: int | None = None
    """Failed transmissions after which it is given up; None for `OutboxConfig.attempts`."""
    interval: float | None = None
    """Seconds to wait after a failed transmission; None for `OutboxConfig.interval`."""
    resend: bool | None = None
    """False to never repeat it if the peer may have received it; None for `OutboxConfig.resend`."""
    replaces: str | None = None
    """A name of at most 255 characters. Older messages with it that were never transmitted are removed."""
    protocol: str | None = None
    """The only subprotocol with which it may be sent; None for any."""
    peer: str = ""
    """The peer that it is for, if the store has the messages of several."""
    token: int | None = None
    """The caller's number of this command; an engine settles it with the ticket. None without a caller."""


@dataclass(slots=True)
class CancelTicket:
    """Settle a queued message as cancelled; an unknown ticket is ignored."""

    ticket: int
    """The ticket of the message."""


@dataclass(slots=True)
class Acknowledge:
    """Forget an outcome, which is then not reported again; an unknown ticket is ignored."""

    ticket: int
    """The ticket of the message."""


@dataclass(slots=True)
class DiscardMessages:
    """Settle all queued messages as closed: the queue is in memory only, and its owner closes."""


@dataclass(slots=True)
class SetGate:
    """Let messages out that are not urgent, or hold them."""

    is_open: bool
    """True to let them out."""


@dataclass(slots=True)
class SetClock:
    """The wall clock was set."""

    wall: float
    """The wall-clock time now, in seconds."""


@dataclass(slots=True)
class ReconfigureOutbox:
    """Apply other settings, also to the messages that are queued."""

    config: OutboxConfig
    """The settings."""


OutboxInput: TypeAlias = (
    Restored
    | Stored
    | StoreFailed
    | StoreBack
    | StoreDegraded
    | Enqueue
    | CancelTicket
    | DiscardMessages
    | Acknowledge
    | SetGate
    | SetClock
    | ReconfigureOutbox
)
"""The inputs of a queue, without those that report what a connection does with its messages."""
