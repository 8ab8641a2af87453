"""What goes into the engines: events (what happened) and commands (what the application wants).

Plain slotted dataclasses, not frozen: one is made for every message received. Treat them as read-only.
A recorded list of inputs with their times replays a connection.

`attempt` tells which connection attempt of a client an event belongs to; events of any other attempt are stale and
ignored. A server's connection has one attempt, number 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, final

from .websocket.close import ABNORMAL_CLOSURE, NORMAL_CLOSURE, cut_reason, expect_close_code

if TYPE_CHECKING:
    from .config import ClientConfig, LinkConfig, SessionConfig, UpgradeTarget
    from .versions import Version

__all__ = [
    "Accept",
    "BinaryReceived",
    "BytesReceived",
    "CancelCall",
    "ClientInput",
    "Close",
    "CloseLink",
    "Command",
    "Congested",
    "Connect",
    "Decline",
    "Fail",
    "LinkInput",
    "Notify",
    "RareCommand",
    "RareStackInput",
    "Reconfigure",
    "RefuseResult",
    "Reject",
    "Reply",
    "Respond",
    "SendMessage",
    "SendRaw",
    "ServerInput",
    "SessionInput",
    "StackInput",
    "StartCall",
    "StreamFailed",
    "StreamLost",
    "StreamOpened",
    "TextReceived",
    "Tick",
    "TransportFailed",
    "TransportLost",
    "TransportOpened",
    "UpgradeReceived",
]


@dataclass(slots=True)
class Tick:
    """The deadline passed, or any other moment: being ticked early is harmless."""


@dataclass(slots=True)
class Congested:
    """The host's output does not drain (`on`) or drains again: decoding stops, timers and close go on.

    Off also says of output that the host does not hold any more that it still moves: a pong is awaited from then on.
    """

    on: bool


@dataclass(slots=True)
class Reconfigure:
    """New settings from now on; each layer takes the config of its own type and passes the others on."""

    config: "SessionConfig | LinkConfig | ClientConfig | UpgradeTarget"


# Messages and transports


@final
@dataclass(slots=True)
class TextReceived:
    """One whole text message arrived."""

    text: str
    attempt: int = 0


@dataclass(slots=True)
class BinaryReceived:
    """One whole binary message arrived; OCPP-J uses text only, so it is a bad message unless a policy reads it."""

    data: bytes
    attempt: int = 0


@dataclass(slots=True)
class TransportOpened:
    """The WebSocket is open; `subprotocol` is the negotiated one, None where the peer chose none."""

    subprotocol: str | None
    attempt: int = 0


@dataclass(slots=True)
class TransportFailed:
    """The attempt to connect failed.

    `retry` is False for what is a mistake of the settings rather than of the moment (a wrong accept key, an unoffered
    subprotocol): a first attempt then has no successor, a reconnect all the same. `retry_after` is the least wait the
    server asked for, seconds.
    """

    error: Exception
    retry: bool = True
    attempt: int = 0
    retry_after: float = 0.0


@dataclass(slots=True)
class TransportLost:
    """The open WebSocket ended: close code and reason (RFC 6455 §7.4), 1006 where no close frame came."""

    code: int = ABNORMAL_CLOSURE
    reason: str = ""
    attempt: int = 0


# Application commands to a session


@final
@dataclass(slots=True)
class StartCall:
    """Call the peer; settles `token` exactly once.

    `timeout` (seconds from write to answer) and `ttl` (seconds from now to write) default to the session's config.
    `validate=False` skips the schema for this call in both directions. `protocol` names the only version the call
    is meant for. `urgent` puts it before the calls that wait and are not urgent; the window still holds.
    """

    token: int
    action: str
    payload: Mapping[str, Any]
    timeout: float | None = None
    ttl: float | None = None
    message_id: str | None = None
    validate: bool = True
    protocol: str | None = None
    urgent: bool = False


@dataclass(slots=True)
class CancelCall:
    """Give a call up. Its window slot stays taken until answered or timed out if it was sent already."""

    token: int


@dataclass(slots=True)
class Notify:
    """Send a SEND (OCPP 2.1): no answer ever comes, `token` settles with None when it is written."""

    token: int
    action: str
    payload: Mapping[str, Any]
    message_id: str | None = None
    validate: bool = True


@final
@dataclass(slots=True)
class Reply:
    """Answer the dispatched request by a CALLRESULT; for a SEND it only says that the handler is done."""

    request: int
    payload: Mapping[str, Any]


@dataclass(slots=True)
class Fail:
    """Answer the dispatched request by a CALLERROR; `code` in any version's spelling or of your own."""

    request: int
    code: str
    description: str = ""
    details: Mapping[str, Any] | None = None


@dataclass(slots=True)
class Decline:
    """Answer nothing now (NOREPLY): the id stays in flight; one `Reply` or `Fail` is still possible."""

    request: int


@dataclass(slots=True)
class RefuseResult:
    """Tell the peer by CALLRESULTERROR that its CALLRESULT was of no use (2.1 Part 4 §4.2.3; Part 2 use case I08).

    `message_id` is that of the CALL, `action` only for the trace. The call is settled already. Nothing is sent before
    OCPP 2.1, which has no such message, and nothing unless the connection is open. Raises TypeError or ValueError for
    texts and details that are no JSON or too large to send.
    """

    message_id: str
    code: str
    description: str = ""
    details: Mapping[str, Any] | None = None
    action: str | None = None


@dataclass(slots=True)
class SendRaw:
    """Send text as it is. With a `token` it must be a CALL, takes a window slot, and settles with the answer."""

    text: str
    token: int | None = None
    timeout: float | None = None


@dataclass(slots=True)
class Close:
    """Close the connection and do not come back.

    `drain` waits for the answers to CALLs in flight first; `force` ends the transport without a close handshake.
    Raises ValueError for a code that must not be sent (RFC 6455 §7.4), TypeError for a reason that is no text. A
    reason longer than 123 bytes of UTF-8 is cut (RFC 6455 §5.5).
    """

    code: int = NORMAL_CLOSURE
    reason: str = ""
    drain: bool = True
    force: bool = False

    def __post_init__(self) -> None:
        expect_close_code(self.code)
        self.reason = cut_reason(self.reason)


@dataclass(slots=True)
class Connect:
    """Open the connection; settles `token` with the negotiated subprotocol or the reason of the first failure."""

    token: int


# Streams and link commands


@dataclass(slots=True)
class StreamOpened:
    """The byte stream (TCP or TLS) of an attempt is open."""

    attempt: int = 0


@dataclass(slots=True)
class StreamFailed:
    """The byte stream of an attempt could not be opened."""

    error: Exception
    attempt: int = 0


@final
@dataclass(slots=True)
class BytesReceived:
    """Bytes arrived; `b""` means that the peer ended the stream."""

    data: bytes
    attempt: int = 0


@dataclass(slots=True)
class StreamLost:
    """The byte stream broke: what it brought and nobody has decoded is dropped, and the connection is over at once.

    An orderly end is `BytesReceived(b"")`, before which everything is decoded.
    """

    attempt: int = 0


@dataclass(slots=True)
class UpgradeReceived:
    """An upgrade request arrived at a WebSocket that somebody else speaks; settles `token` with the decision on it.

    That is `Accept`, or `Reject`: also if nobody decided in time, or if `subprotocols` are not distinct tokens as RFC
    6455 §4.1 wants them. All fields are as received.
    """

    token: int
    target: str = field(repr=False)
    headers: Sequence[tuple[str, str]] = field(default=(), repr=False)
    subprotocols: Sequence[str] = ()


@dataclass(slots=True)
class Accept:
    """Answer an upgrade request by 101.

    `subprotocol` is put on the wire and must be one that was offered; None puts none. `version` names the facts to
    speak by (default: those of `subprotocol`), `config` replaces the session config made for this connection.
    `identity` is the station's, by which an `AnswerMemory` knows it on its next connection; None remembers nothing.
    """

    subprotocol: str | None
    headers: Sequence[tuple[str, str]] = ()
    config: "SessionConfig | None" = None
    version: "Version | None" = None
    identity: str | None = None


@dataclass(slots=True)
class Reject:
    """Answer an upgrade request by a status of 400 to 599 and close."""

    status: int
    headers: Sequence[tuple[str, str]] = ()
    body: str = ""


@dataclass(slots=True)
class Respond:
    """Answer a plain HTTP request and close."""

    status: int
    headers: Sequence[tuple[str, str]] = ()
    body: bytes = b""


@final
@dataclass(slots=True)
class SendMessage:
    """Send one WebSocket message: str as text, bytes as binary."""

    data: str | bytes


@dataclass(slots=True)
class CloseLink:
    """Start the close handshake; `force` drops the stream at once."""

    code: int = NORMAL_CLOSURE
    reason: str = ""
    force: bool = False


RareCommand: TypeAlias = CancelCall | Notify | Fail | Decline | RefuseResult | SendRaw | Close | Reconfigure
"""What the application wants of a conversation now and then; the engines look for the other commands first."""
Command: TypeAlias = StartCall | Reply | RareCommand
"""What the application wants of a conversation."""
LinkInput: TypeAlias = (
    BytesReceived | StreamLost | Tick | Congested | Accept | Reject | Respond | SendMessage | CloseLink | Reconfigure
)
SessionInput: TypeAlias = TextReceived | BinaryReceived | TransportLost | Congested | Tick | Command
ClientInput: TypeAlias = SessionInput | TransportOpened | TransportFailed | Connect
ServerInput: TypeAlias = SessionInput | TransportOpened | UpgradeReceived | Accept | Reject
RareStackInput: TypeAlias = (
    RareCommand | Tick | Congested | Connect | StreamLost | StreamOpened | StreamFailed | Accept | Reject | Respond
)
"""What a stack looks for last."""
StackInput: TypeAlias = BytesReceived | StartCall | Reply | RareStackInput
