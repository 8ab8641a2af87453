"""What comes out of the engines: everything the host has to do, in one order."""

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
    """Stop (`on` False) or go on reading from the transport: what it brought waits for the application's handlers."""

    on: bool


TURN: Final = 32
"""Units of work until other connections get their turn: a frame is one, and so are 2 KiB of a message.

Whatever a frame is (a text, a ping, an empty fragment, one that is refused), reading it costs about the same.
"""


@dataclass(slots=True)
class Yield:
    """One turn's work is done: read no more, let other connections have their turn, then poll on.

    Comes when the work done since `poll` last returned None reaches `TURN`. A host with nothing else to do may poll on
    at once.
    """


@dataclass(slots=True)
class CloseStream:
    """Close the byte stream after what was sent before; `abort` drops it without waiting for that."""

    abort: bool = False


@dataclass(slots=True)
class CloseTransport:
    """Close the WebSocket after what was sent before; `abort` drops it without a close handshake.

    The host answers by `TransportLost`, whenever and however it ended.
    """

    code: int = NORMAL_CLOSURE
    reason: str = ""
    abort: bool = False


@dataclass(slots=True)
class OpenTransport:
    """Dial.

    A stack's host answers by `StreamOpened` or `StreamFailed`, a message-only host by `TransportOpened` or
    `TransportFailed`, each with this `attempt`. `subprotocols` are offered in order of preference.
    """

    attempt: int
    subprotocols: Sequence[str]


@dataclass(slots=True)
class UpgradeRequested:
    """A WebSocket upgrade request that is well-formed: authenticate, then answer by `Accept` or `Reject`.

    `target` is the request target as received; `headers` are the fields by their names in lower case, the values of a
    repeated one joined by ", " (RFC 9110 §5.3), as latin-1 text; `subprotocols` are the offered ones in the client's
    order.
    """

    target: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    subprotocols: Sequence[str]


@dataclass(slots=True)
class HttpRequest:
    """A plain HTTP GET or HEAD without an upgrade: answer by `Respond`. `headers` are those of `UpgradeRequested`."""

    method: str
    target: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)


@dataclass(slots=True)
class Dispatch:
    """Run the handler of an inbound CALL, then answer exactly one of `Reply`, `Fail`, `Decline` with `request`.

    `expects_reply` is False for a SEND: `Reply` then only says that the handler is done.
    """

    request: int
    action: str
    payload: dict[str, Any]
    message_id: str
    expects_reply: bool = True
    received_at: float = field(default=0.0, compare=False)
    """When the message was decoded, in the host's seconds; the request may have been held since then."""
    text: str = field(default="", compare=False, repr=False)
    """The message as received: a copy of it has the same text. Peer data, never to be sent on or logged."""


@dataclass(slots=True)
class Abandon:
    """The connection of this request is gone: nobody waits for its answer any more."""

    request: int


@dataclass(slots=True)
class Settle:
    """A command with this token is done: `error` is None and `result` holds its value, or `error` says why not."""

    token: int
    result: Any = None
    error: Exception | None = None


@dataclass(slots=True)
class StateChanged:
    """The engine entered this state."""

    state: SessionState | ClientState


class ReportKind(Enum):
    """One member for each thing worth telling that changes nothing for the host."""

    BAD_MESSAGE = "bad message"
    """The peer broke the message format; counts towards `max_bad_messages`."""
    MEND_FAILED = "mend_text failed"
    """Our own `SessionConfig.mend_text` raised or returned no text; the text was read as it came."""
    UNKNOWN_TYPE = "unknown message type"
    """A message type this version does not know, ignored or refused by the version's rule."""
    UNMATCHED_ANSWER = "unmatched answer"
    """An answer to no CALL of ours; counts towards `max_bad_messages`."""
    RAW_ANSWER = "answer to a raw text"
    """An answer that may be to a text which was sent as it is."""
    LATE_ANSWER = "late answer"
    """An answer to a CALL that had timed out."""
    REPEATED_ANSWER = "repeated answer"
    """A further answer to a CALL that was answered; the first one counted."""
    DUPLICATE_ID = "duplicate message id"
    """A CALL with the id of another CALL that is in progress or was answered; it was refused."""
    REPEATED_CALL = "repeated CALL"
    """A further copy of a CALL; both have one outcome, and the handler runs once."""
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
    """Our own handler's result breaks its schema or is no JSON; the peer got an InternalError."""
    INVALID_REQUEST = "invalid payload not sent"
    """An outbound CALL or SEND that breaks its schema; nothing was sent."""
    NOT_SENT = "raw text not sent"
    """A raw text without a token, given where no connection was open; nothing was sent."""
    WAITS_FOR_CONNECT = "call waits for connect()"
    """The first call was put into the offline queue of a client that is not connecting: `Connect` was not given."""
    RESULT_REFUSED = "CALLRESULTERROR"
    """The peer could not use a CALLRESULT of ours (OCPP 2.1)."""
    CANCELLED_ANSWER = "answer to a cancelled call"
    """An answer to a CALL whose caller had given up; it freed the window."""
    PONG_TIMEOUT = "pong timeout"
    """The peer showed no sign of life after a ping; the connection was dropped."""
    PING = "ping"
    PONG = "pong"
    PROTOCOL_ERROR = "WebSocket protocol error"
    """The peer broke RFC 6455 or HTTP; the connection was closed."""
    CONNECT_FAILED = "connection attempt failed"
    """`error` says why; the state that follows says whether another attempt comes."""


@dataclass(slots=True)
class Report:
    """Something happened that only logs, metrics and user events care about.

    `message` is the raw text or payload concerned: peer data, never to be sent on or logged unredacted.
    """

    kind: ReportKind
    detail: str = ""
    message_id: str | None = None
    message: Any = None
    error: Exception | None = None
    action: str | None = None
    """The action of the message concerned, of payloads that break their schema."""


class Direction(Enum):
    """Which way a message went, seen from this side."""

    IN = "in"
    OUT = "out"


@dataclass(slots=True)
class Trace:
    """One OCPP-J message passed; emitted only while `SessionConfig.trace` is on.

    `frame` is the message as a list, see `messages.Frame`. `action` is known for answers too; `latency` is the time
    from CALL to answer, seconds, on answers to our own calls and on our own answers.
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
