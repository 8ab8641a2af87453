"""Actions for logs, metrics and events of the application; none of them requires the host to act."""

from dataclasses import field
from enum import Enum, StrEnum
from typing import Any

from ocpp_core._dataclasses import dataclass
from ocpp_core.config import Kind, Violation

__all__ = [
    "Direction",
    "InvalidPayload",
    "Report",
    "ReportKind",
    "Trace",
]


class ReportKind(Enum):
    """The kinds of `Report`; none of them requires the host to act."""

    BAD_MESSAGE = "bad message"
    """The peer broke the message format; counts towards `max_bad_messages`."""
    QUIRK = "quirk applied"
    """A received message was accepted because of a quirk; reported once for each quirk, connection and action. The
    message of the report is an `AppliedQuirk`."""
    MEND_FAILED = "mend_text failed"
    """The application's `SessionConfig.mend_text` raised or did not return a text; the text was read as received."""
    UNKNOWN_TYPE = "unknown message type"
    """A message type that this version does not know; ignored or refused, as the version requires."""
    UNMATCHED_ANSWER = "unmatched answer"
    """A response to no CALL of this side; counts towards `max_bad_messages`."""
    RAW_ANSWER = "answer to a raw text"
    """A response that may belong to a raw text that was sent."""
    LATE_ANSWER = "late answer"
    """A response to a CALL that had timed out."""
    REPEATED_ANSWER = "repeated answer"
    """A further response to a CALL; the first one counted."""
    DUPLICATE_ID = "duplicate message id"
    """A CALL with the ID of another CALL that is in progress or has a response; it was refused."""
    REPEATED_CALL = "repeated CALL"
    """A further copy of a CALL; both get the same response, and the handler runs once."""
    OVERLOAD = "too many CALLs in progress"
    """A CALL beyond `max_inbound` that was refused, or held requests that were dropped with the connection."""
    CALL_HELD = "CALL held"
    """A CALL or SEND beyond a rate; it waits for its turn."""
    RATE_EXCEEDED = "too many CALLs a second"
    """A CALL beyond a rate that was refused, or a SEND that was dropped."""
    TOO_FAST = "closed for too many CALLs a second"
    """A CALL or SEND beyond a rate that ended the connection, see `SessionConfig.inbound_limit`."""
    NOT_REGISTERED = "not registered"
    """A CALL of a station whose BootNotification is not accepted, which was refused; or a SEND, which was dropped."""
    INVALID_CALL = "invalid CALL received"
    """An inbound CALL or SEND that breaks its schema; the CALL was refused, the SEND dropped."""
    INVALID_RESULT = "invalid CALLRESULT received"
    """An inbound CALLRESULT that breaks its schema; the call failed."""
    INVALID_REPLY = "invalid handler result"
    """The result of the application's handler breaks its schema or is not JSON; the peer got an InternalError."""
    INVALID_REQUEST = "invalid payload not sent"
    """An outbound CALL or SEND that breaks its schema; nothing was sent."""
    TOLERATED = "violation tolerated"
    """A payload in either direction that breaks its schema and was passed on: the mode is `report`, or it is the
    response to a message of the outbox."""
    NOT_SENT = "raw text not sent"
    """A raw text without a token, passed while no connection was open; nothing was sent."""
    WAITS_FOR_CONNECT = "call waits for connect()"
    """The first call was queued offline in a client that is not connecting: `Connect` was not called."""
    RESULT_REFUSED = "CALLRESULTERROR"
    """The peer could not use a CALLRESULT of this side (OCPP 2.1)."""
    CANCELLED_ANSWER = "answer to a cancelled call"
    """A response to a CALL that its caller had cancelled; it freed the window."""
    PONG_TIMEOUT = "pong timeout"
    """The peer showed no sign of life after a ping; the connection was dropped."""
    PING = "ping"
    """A ping was sent, or received from the peer."""
    PONG = "pong"
    """A pong arrived."""
    PROTOCOL_ERROR = "WebSocket protocol error"
    """The peer broke RFC 6455 or HTTP; the connection was closed."""
    CONNECT_FAILED = "connection attempt failed"
    """`error` is the reason; the next state shows if another attempt follows."""


class Direction(StrEnum):
    """The direction of a message, seen from this side."""

    IN = "in"
    """Received."""
    OUT = "out"
    """Sent."""


@dataclass(frozen=True, slots=True)
class InvalidPayload:
    """A payload that breaks its schema, and the message that it belongs to."""

    direction: Direction
    """Whether the message was received or sent."""
    kind: Kind
    """The type of the message."""
    action: str
    """The action of the message; a result has the action of its call."""
    message_id: str | None
    """The message ID; None for a call that has none yet."""
    payload: Any = field(repr=False)
    """The payload. It is peer data, or the application's: never forward it, or log it unredacted."""
    violation: Violation
    """The rule that it breaks."""

    def report(self, kind: ReportKind, error: Exception) -> "Report":
        """Return the report of this kind."""
        detail = self.violation.description
        return Report(kind, detail, self.message_id, self.payload, error, self.action, self)


@dataclass(slots=True)
class Report:
    """An event for logs, metrics and user events only."""

    kind: ReportKind
    """What happened."""
    detail: str = ""
    """One sentence for a log, without data of the peer that may be secret."""
    message_id: str | None = None
    """The ID of the message concerned, if it has one."""
    message: Any = None
    """The raw text or payload concerned. It is peer data: never forward it, or log it unredacted."""
    error: Exception | None = None
    """The error concerned, if any."""
    action: str | None = None
    """The action of the message concerned, for payloads that break their schema."""
    invalid: InvalidPayload | None = None
    """The payload that breaks its schema, if this is what is reported."""


@dataclass(slots=True)
class Trace:
    """One OCPP-J message that was sent or received.

    Emitted only while `SessionConfig.trace` is on.
    """

    direction: Direction
    """Whether the message was sent or received."""
    frame: list[Any]
    """The message as a list, see `messages.Frame`."""
    action: str | None = None
    """The action, set for responses too; None if it is not known."""
    latency: float | None = None
    """Seconds from CALL to response, set for responses in both directions."""
