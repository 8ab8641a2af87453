"""The options of one message as keyword arguments."""

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from ocpp_core.outbox.stored.records import Lane

    from ._ticket import Ticket

__all__ = ["EnqueueKeywords", "MessageKeywords", "StationEnqueueKeywords"]


class MessageKeywords(TypedDict, total=False):
    """The options of a message other than its transaction; the defaults are those of `OutboxConfig`."""

    lane: "Lane | None"
    """The order; None chooses it by the action: transaction messages keep theirs."""
    key: str | None
    """A name of at most 255 characters. While a message with it is queued, or its outcome is not acknowledged,
    `enqueue` returns the ticket of that message, and queues nothing."""
    last: bool
    """True for the last message of the transaction."""
    droppable: bool | None
    """True if a full queue may drop it; None chooses it by the action."""
    urgent: bool | None
    """True to send it before all others, also before the station is registered. None chooses it by the action: True
    for a BootNotification."""
    ttl: float | None
    """Seconds from now to the first transmission; then it is settled as not sent. None for `OutboxConfig.ttl`."""
    deadline: float | None
    """Seconds from now to the response, with all retries; None for no limit."""
    attempts: int | None
    """Failed transmissions after which it is given up; None for `OutboxConfig.attempts`."""
    interval: float | None
    """Seconds to wait after a failed transmission; None for `OutboxConfig.interval`."""
    resend: bool | None
    """False to never repeat it if the peer may have received it; None for `OutboxConfig.resend`."""
    replaces: str | None
    """A name of at most 255 characters. Older messages with it that were never transmitted are settled as replaced."""
    custom: bool
    """True also queues an action that only the peer sends according to the specification."""


class EnqueueKeywords(MessageKeywords, total=False):
    """The options of `OCPPClient.enqueue`."""

    transaction: "Ticket | None"
    """The ticket of the StartTransaction of this message (OCPP 1.6). The `transactionId` of its response is filled
    in."""


class StationEnqueueKeywords(TypedDict, total=False):
    """The options of `OCPPServer.enqueue` and of `OCPPServerClient.enqueue`."""

    key: str | None
    """A name of at most 255 characters. While a message of the station with it is queued, or its outcome is not
    acknowledged, `enqueue` returns the ticket of that message, and queues nothing."""
    urgent: bool
    """True to send it before the other messages of the station, and before its calls."""
    ttl: float | None
    """Seconds from now to the first transmission; then it is settled as not sent. None for 3600, `inf` for no limit."""
    deadline: float | None
    """Seconds from now to the response, with all retries; None for no limit."""
    attempts: int | None
    """Transmissions that may fail before it is given up; None for 1."""
    interval: float | None
    """Seconds to wait after a failed transmission, times the number of failures; None for 60."""
    resend: bool | None
    """True to repeat it if the station may have received it: after a lost connection, a timeout or a restart. None for
    False: its outcome is then `MessageUnknown`."""
    replaces: str | None
    """A name of at most 255 characters. Older messages of the station with it that were never transmitted are settled
    as replaced."""
    custom: bool
    """True also queues an action that only stations send according to the specification."""
