"""The inputs of the engines: events (what happened) and commands (what the application requests).

They are slotted dataclasses that are not frozen, because one is made for every received message. Treat them as
read-only. A recorded list of inputs with their times replays a connection.

`attempt` is the connection attempt of a client to which an event belongs; events of any other attempt are stale and
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
    """A deadline may have passed; an early tick is harmless."""


@dataclass(slots=True)
class Congested:
    """The host's output does not drain (`on` True), or drains again.

    While it does not drain, decoding stops; timers and close still work. `on` False also reports progress of output
    that the host no longer holds: the wait for a pong starts again.
    """

    on: bool


@dataclass(slots=True)
class Reconfigure:
    """New settings from now on; each layer applies the config of its own type and passes the others on."""

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
    """One whole binary message arrived.

    OCPP-J uses text only, so it is a bad message unless `Leniency` allows it.
    """

    data: bytes
    attempt: int = 0


@dataclass(slots=True)
class TransportOpened:
    """The WebSocket is open.

    `subprotocol` is the negotiated one, None if the peer chose none.
    """

    subprotocol: str | None
    attempt: int = 0


@dataclass(slots=True)
class TransportFailed:
    """The attempt to connect failed.

    `retry` is False for an error that another attempt is unlikely to solve (a wrong accept key, a subprotocol that was
    not offered): the client stops if it was the first attempt, and retries while it reconnects. `retry_after` is the
    least wait in seconds that the server asked for.
    """

    error: Exception
    retry: bool = True
    attempt: int = 0
    retry_after: float = 0.0


@dataclass(slots=True)
class TransportLost:
    """The open WebSocket ended with this close code and reason (RFC 6455 §7.4).

    1006 without a close frame.
    """

    code: int = ABNORMAL_CLOSURE
    reason: str = ""
    attempt: int = 0


# Application commands to a session


@final
@dataclass(slots=True)
class StartCall:
    """Send a CALL to the peer; settles `token` exactly once.

    `timeout` (seconds from write to response) and `ttl` (seconds from now to write) default to the session's config.
    `validate=False` skips the schema for this call in both directions. `protocol` is the only version with which the
    call may be sent. `urgent` queues it before the calls that are not urgent; the window still applies.
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
    """Cancel a call; one that was sent occupies the window until its response or timeout."""

    token: int


@dataclass(slots=True)
class Notify:
    """Send a SEND (OCPP 2.1), which has no response.

    `token` settles with None when it is written.
    """

    token: int
    action: str
    payload: Mapping[str, Any]
    message_id: str | None = None
    validate: bool = True


@final
@dataclass(slots=True)
class Reply:
    """Answer the dispatched request with a CALLRESULT.

    For a SEND, only report that the handler is done.
    """

    request: int
    payload: Mapping[str, Any]


@dataclass(slots=True)
class Fail:
    """Answer the dispatched request with a CALLERROR.

    `code` is a code in any version's spelling or custom.
    """

    request: int
    code: str
    description: str = ""
    details: Mapping[str, Any] | None = None


@dataclass(slots=True)
class Decline:
    """Send no response now (NOREPLY): the request stays open, and one `Reply` or `Fail` may follow."""

    request: int


@dataclass(slots=True)
class RefuseResult:
    """Report an unusable CALLRESULT to the peer with a CALLRESULTERROR (2.1 Part 4 §4.2.3).

    See also Part 2 use case I08. `message_id` is that of the CALL; `action` is only for the trace. The call is settled
    already. Nothing is sent with versions before OCPP 2.1, which have no such message, or unless the connection is
    open. Raises TypeError or ValueError for texts and details that are not JSON or too large to send.
    """

    message_id: str
    code: str
    description: str = ""
    details: Mapping[str, Any] | None = None
    action: str | None = None


@dataclass(slots=True)
class SendRaw:
    """Send a raw text unchanged; with a `token` it must be a CALL.

    Such a CALL occupies the window, and the token settles with its response.
    """

    text: str
    token: int | None = None
    timeout: float | None = None


@dataclass(slots=True)
class Close:
    """Close the connection and do not reconnect.

    `drain` first waits for the responses to CALLs in progress; `force` ends the transport without a close handshake.
    Raises ValueError for a code that must not be sent (RFC 6455 §7.4), TypeError for a reason that is not a str. A
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
    """Open the connection.

    Settles `token` with the negotiated subprotocol or the error of the first attempt.
    """

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
    """The byte stream broke, and the connection ends immediately.

    Bytes that are not decoded are dropped. After an orderly end, `BytesReceived(b"")`, all received bytes are decoded
    first.
    """

    attempt: int = 0


@dataclass(slots=True)
class UpgradeReceived:
    """An upgrade request arrived at a WebSocket of the host.

    Settles `token` with the decision on it. The decision is `Accept` or `Reject`. It is `Reject` as well if the
    application does not decide in time, or if `subprotocols` are not distinct tokens as RFC 6455 §4.1 requires. All
    fields are as received.
    """

    token: int
    target: str = field(repr=False)
    headers: Sequence[tuple[str, str]] = field(default=(), repr=False)
    subprotocols: Sequence[str] = ()


@dataclass(slots=True)
class Accept:
    """Answer an upgrade request with 101.

    `subprotocol` is sent and must be one that was offered; None sends none. `version` holds the rules of the session
    (default: those of `subprotocol`), `config` replaces the session config made for this connection. `identity` is that
    of the station, under which an `AnswerMemory` stores results for its next connection; None stores nothing.
    """

    subprotocol: str | None
    headers: Sequence[tuple[str, str]] = ()
    config: "SessionConfig | None" = None
    version: "Version | None" = None
    identity: str | None = None


@dataclass(slots=True)
class Reject:
    """Answer an upgrade request with a status of 400 to 599 and close."""

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
    """Start the close handshake; `force` drops the stream immediately."""

    code: int = NORMAL_CLOSURE
    reason: str = ""
    force: bool = False


RareCommand: TypeAlias = CancelCall | Notify | Fail | Decline | RefuseResult | SendRaw | Close | Reconfigure
"""The less frequent commands of the application; the engines check for the other ones first."""
Command: TypeAlias = StartCall | Reply | RareCommand
"""The commands of the application to a session."""
LinkInput: TypeAlias = (
    BytesReceived | StreamLost | Tick | Congested | Accept | Reject | Respond | SendMessage | CloseLink | Reconfigure
)
SessionInput: TypeAlias = TextReceived | BinaryReceived | TransportLost | Congested | Tick | Command
ClientInput: TypeAlias = SessionInput | TransportOpened | TransportFailed | Connect
ServerInput: TypeAlias = SessionInput | TransportOpened | UpgradeReceived | Accept | Reject
RareStackInput: TypeAlias = (
    RareCommand | Tick | Congested | Connect | StreamLost | StreamOpened | StreamFailed | Accept | Reject | Respond
)
"""The inputs that a stack checks for last."""
StackInput: TypeAlias = BytesReceived | StartCall | Reply | RareStackInput
