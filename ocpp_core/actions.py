"""The outputs of the engines: everything that the host must do, in order."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from enum import Enum, StrEnum
from typing import Any, Final, Literal, TypeAlias

from ._dataclasses import dataclass
from .client_states import ClientState
from .config import Kind, Violation
from .inputs import BinaryReceived, TextReceived, TransportFailed, TransportLost, TransportOpened
from .states import SessionState
from .websocket.close import NORMAL_CLOSURE

__all__ = [
    "TURN",
    "Abandon",
    "Action",
    "CloseStream",
    "CloseTransport",
    "Direction",
    "Dispatch",
    "HttpRequest",
    "InvalidPayload",
    "LinkAction",
    "OpenTransport",
    "Reading",
    "RegistrationChanged",
    "RegistrationStatus",
    "Report",
    "ReportKind",
    "SendBytes",
    "SendText",
    "SessionAction",
    "Settle",
    "StateChanged",
    "Trace",
    "UpgradeRequested",
    "Yield",
]


@dataclass(slots=True)
class SendBytes:
    """Append these bytes to the stream."""

    data: bytes
    """The bytes to append."""


@dataclass(slots=True)
class SendText:
    """Send this text as one WebSocket text message."""

    text: str
    """The message."""


@dataclass(slots=True)
class Reading:
    """Stop or resume reading from the transport.

    Reading stops while received messages wait for the application's handlers.
    """

    on: bool
    """True to resume reading, False to stop."""


TURN: Final = 8
"""Units of work until other connections get their turn: each frame is one, and each 2 KiB of a message.

Reading any frame (a text, a ping, an empty fragment, a refused frame) costs about the same.
"""


@dataclass(slots=True)
class Yield:
    """Stop reading, let other connections have their turn, then continue to poll.

    Emitted when the work done since `poll` last returned None reaches `TURN`. A host with nothing else to do may
    continue to poll immediately.
    """


@dataclass(slots=True)
class CloseStream:
    """Close the byte stream once all earlier bytes are written."""

    abort: bool = False
    """True to close it without waiting."""


@dataclass(slots=True)
class CloseTransport:
    """Close the WebSocket once all earlier texts are sent.

    The host must report the end with `TransportLost`, whenever and however it ends.
    """

    code: int = NORMAL_CLOSURE
    """The close code (RFC 6455 §7.4)."""
    reason: str = ""
    """The close reason, at most 123 bytes of UTF-8."""
    abort: bool = False
    """True to end it without a close handshake."""


@dataclass(slots=True)
class OpenTransport:
    """Open a connection.

    The host of a stack reports `StreamOpened` or `StreamFailed`, a message-only host reports `TransportOpened` or
    `TransportFailed`, each with this `attempt`.
    """

    attempt: int
    """The number of this attempt, which the events of this connection repeat."""
    subprotocols: Sequence[str]
    """The subprotocols to offer, in order of preference."""


@dataclass(slots=True)
class UpgradeRequested:
    """Authenticate a well-formed WebSocket upgrade request, then answer with `Accept` or `Reject`."""

    target: str = field(repr=False)
    """The request target as received: path and query, percent-encoded."""
    headers: Mapping[str, str] = field(repr=False)
    """The header fields by their names in lower case, as latin-1 text; the values of a repeated field are joined with
    ", " (RFC 9110 §5.3)."""
    subprotocols: Sequence[str]
    """The offered subprotocols, in the client's order."""


@dataclass(slots=True)
class HttpRequest:
    """Answer a plain HTTP GET, HEAD or OPTIONS without an upgrade with `Respond`."""

    method: str
    """`GET`, `HEAD` or `OPTIONS`."""
    target: str = field(repr=False)
    """The request target as received."""
    headers: Mapping[str, str] = field(repr=False)
    """The header fields in the format of `UpgradeRequested`."""


@dataclass(slots=True)
class Dispatch:
    """Run the handler of an inbound CALL, then pass one of `Reply`, `Fail`, `Decline` with `request`."""

    request: int
    """The number of the request, for the response."""
    action: str
    """The name of the OCPP action."""
    payload: dict[str, Any]
    """The payload; the host may change it."""
    message_id: str
    """The message ID as received."""
    expects_reply: bool = True
    """False for a SEND: `Reply` then only reports that the handler is done."""
    received_at: float = field(default=0.0, compare=False)
    """When the message was decoded, in the host's seconds; the request may have been held since then."""
    text: str = field(default="", compare=False, repr=False)
    """The message as received: a copy of it has the same text. It is peer data: never forward or log it."""


@dataclass(slots=True)
class Abandon:
    """The connection of this request ended: the peer cannot receive a response."""

    request: int
    """The number of the request, from `Dispatch`."""


@dataclass(slots=True)
class Settle:
    """The command with this token is done."""

    token: int
    """The number of the command."""
    result: Any = None
    """The payload of the CALLRESULT, or None for commands without a result."""
    error: Exception | None = None
    """The reason of the failure; None on success."""


@dataclass(slots=True)
class StateChanged:
    """The engine entered this state."""

    state: SessionState | ClientState
    """The new state."""


RegistrationStatus: TypeAlias = Literal["Accepted", "Pending", "Rejected"]
"""The status in the response to a BootNotification."""


@dataclass(slots=True)
class RegistrationChanged:
    """The station was sent the response to its BootNotification, or `Register` took effect.

    Emitted only with `SessionConfig.require_registration`.
    """

    status: RegistrationStatus | None
    """The status that it was sent. None if it sent another CALL first, as stations do that reconnect: a host may then
    ask for a BootNotification with TriggerMessage. Emitted with None at most once."""
    interval: float | None = None
    """Seconds between Heartbeats, or until the next BootNotification unless the station was accepted; None without
    one. It is 0 if the station chooses."""
    is_assumed: bool = False
    """True for the effect of `Register`."""


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


@dataclass(slots=True)
class OutboxChanged:
    """The outbox of a client has outputs: perform what `DurableClientEngine.poll_outbox` returns, until that is None.

    Its changes since the last time are then one batch.
    """


SessionAction: TypeAlias = (
    SendText
    | CloseTransport
    | Dispatch
    | Abandon
    | Settle
    | StateChanged
    | RegistrationChanged
    | Report
    | Trace
    | Reading
)
"""What `Session.poll` returns."""
LinkAction: TypeAlias = (
    SendBytes
    | CloseStream
    | UpgradeRequested
    | HttpRequest
    | TransportOpened
    | TransportFailed
    | TransportLost
    | TextReceived
    | BinaryReceived
    | Report
    | Yield
)
"""What `ServerLink.poll` and `ClientLink.poll` return."""
Action: TypeAlias = (
    SessionAction | OpenTransport | SendBytes | CloseStream | UpgradeRequested | HttpRequest | Yield | OutboxChanged
)
"""What `poll` of an engine or a stack returns."""
