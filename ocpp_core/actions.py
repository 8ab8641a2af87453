"""The outputs of the engines: everything that the host must do, in order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, TypeAlias

from .client_states import ClientState
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
    "LinkAction",
    "OpenTransport",
    "Reading",
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


@dataclass(slots=True)
class SendText:
    """Send this text as one WebSocket text message."""

    text: str


@dataclass(slots=True)
class Reading:
    """Stop (`on` False) or resume reading from the transport.

    Reading stops while received messages wait for the application's handlers.
    """

    on: bool


TURN: Final = 32
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
    """Close the byte stream once all earlier bytes are written.

    `abort` closes it without waiting.
    """

    abort: bool = False


@dataclass(slots=True)
class CloseTransport:
    """Close the WebSocket once all earlier texts are sent.

    `abort` closes it without a close handshake. The host must report the end with `TransportLost`, whenever and however
    it ends.
    """

    code: int = NORMAL_CLOSURE
    reason: str = ""
    abort: bool = False


@dataclass(slots=True)
class OpenTransport:
    """Open a connection.

    The host of a stack reports `StreamOpened` or `StreamFailed`, a message-only host reports `TransportOpened` or
    `TransportFailed`, each with this `attempt`. `subprotocols` are offered in order of preference.
    """

    attempt: int
    subprotocols: Sequence[str]


@dataclass(slots=True)
class UpgradeRequested:
    """Authenticate a well-formed WebSocket upgrade request, then answer with `Accept` or `Reject`.

    `target` is the request target as received. `headers` are the fields by their names in lower case, as latin-1 text;
    the values of a repeated field are joined with ", " (RFC 9110 §5.3). `subprotocols` are the offered ones in the
    client's order.
    """

    target: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    subprotocols: Sequence[str]


@dataclass(slots=True)
class HttpRequest:
    """Answer a plain HTTP GET or HEAD without an upgrade with `Respond`.

    `headers` have the format of `UpgradeRequested`.
    """

    method: str
    target: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)


@dataclass(slots=True)
class Dispatch:
    """Run the handler of an inbound CALL, then pass one of `Reply`, `Fail`, `Decline` with `request`.

    `expects_reply` is False for a SEND: `Reply` then only reports that the handler is done.
    """

    request: int
    action: str
    payload: dict[str, Any]
    message_id: str
    expects_reply: bool = True
    received_at: float = field(default=0.0, compare=False)
    """When the message was decoded, in the host's seconds; the request may have been held since then."""
    text: str = field(default="", compare=False, repr=False)
    """The message as received: a copy of it has the same text. It is peer data: never forward or log it."""


@dataclass(slots=True)
class Abandon:
    """The connection of this request ended: the peer cannot receive a response."""

    request: int


@dataclass(slots=True)
class Settle:
    """The command with this token is done: with `result` if `error` is None, otherwise with `error`."""

    token: int
    result: Any = None
    error: Exception | None = None


@dataclass(slots=True)
class StateChanged:
    """The engine entered this state."""

    state: SessionState | ClientState


class ReportKind(Enum):
    """The kinds of `Report`; none of them requires the host to act."""

    BAD_MESSAGE = "bad message"
    """The peer broke the message format; counts towards `max_bad_messages`."""
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
    """A CALL beyond `inbound_rate`; it waits for its turn."""
    RATE_EXCEEDED = "too many CALLs a second"
    """A CALL beyond `inbound_rate` that was refused, because as many as `inbound_burst` wait for their turn."""
    INVALID_CALL = "invalid CALL received"
    """An inbound CALL that breaks its schema; it was refused. (Such a SEND is a bad message.)"""
    INVALID_RESULT = "invalid CALLRESULT received"
    """An inbound CALLRESULT that breaks its schema; the call failed."""
    INVALID_REPLY = "invalid handler result"
    """The result of the application's handler breaks its schema or is not JSON; the peer got an InternalError."""
    INVALID_REQUEST = "invalid payload not sent"
    """An outbound CALL or SEND that breaks its schema; nothing was sent."""
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
    PONG = "pong"
    PROTOCOL_ERROR = "WebSocket protocol error"
    """The peer broke RFC 6455 or HTTP; the connection was closed."""
    CONNECT_FAILED = "connection attempt failed"
    """`error` is the reason; the next state shows if another attempt follows."""


@dataclass(slots=True)
class Report:
    """An event for logs, metrics and user events only.

    `message` is the raw text or payload concerned. It is peer data: never forward it, or log it unredacted.
    """

    kind: ReportKind
    detail: str = ""
    message_id: str | None = None
    message: Any = None
    error: Exception | None = None
    action: str | None = None
    """The action of the message concerned, for payloads that break their schema."""


class Direction(Enum):
    """The direction of a message, seen from this side."""

    IN = "in"
    OUT = "out"


@dataclass(slots=True)
class Trace:
    """One OCPP-J message that was sent or received.

    Emitted only while `SessionConfig.trace` is on. `frame` is the message as a list, see `messages.Frame`. `action` is
    set for responses too. `latency` is the time in seconds from CALL to response, set for responses in both directions.
    """

    direction: Direction
    frame: list[Any]
    action: str | None = None
    latency: float | None = None


SessionAction: TypeAlias = (
    SendText | CloseTransport | Dispatch | Abandon | Settle | StateChanged | Report | Trace | Reading
)
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
Action: TypeAlias = SessionAction | OpenTransport | SendBytes | CloseStream | UpgradeRequested | HttpRequest | Yield
