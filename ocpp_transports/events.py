"""The events of clients and servers: one small typed payload for each event, and the event names.

Payloads hold messages unchanged; their representations do not show secrets.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Generic, Literal, TypeAlias, TypeVar, get_args

from ocpp_core.actions import Direction
from ocpp_core.messages import Frame, MessageType

from ._logging._redaction import safe_repr

__all__ = [
    "PEER_EVENTS",
    "SERVER_EVENTS",
    "STATION_EVENTS",
    "BadMessageEvent",
    "CloseEvent",
    "ConnectingEvent",
    "ConnectionEvent",
    "ConnectionFailedEvent",
    "DisconnectEvent",
    "ErrorEvent",
    "HandlerErrorEvent",
    "MessageEvent",
    "OpenEvent",
    "OverflowEvent",
    "PeerEventName",
    "PingEvent",
    "PongEvent",
    "PongTimeoutEvent",
    "RateExceededEvent",
    "ReconnectEvent",
    "SecurityEvent",
    "ServerEventName",
    "StationEvent",
    "StationEventName",
    "StrictValidationFailureEvent",
    "UpgradeAbortedEvent",
]


_EventT_co = TypeVar("_EventT_co", covariant=True)
_ClientT_co = TypeVar("_ClientT_co", covariant=True)


@dataclass(frozen=True, slots=True)
class ConnectingEvent:
    """An attempt to connect begins."""

    url: str

    __repr__ = safe_repr


@dataclass(frozen=True, slots=True)
class OpenEvent:
    """The WebSocket is open and speaks `protocol`."""

    protocol: str


@dataclass(frozen=True, slots=True)
class DisconnectEvent:
    """The connection was lost, and not closed by this side.

    The code is that of RFC 6455 §7.4, and 1006 without a close frame.
    """

    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class ReconnectEvent:
    """The next attempt, number `attempt` of this outage, starts in `delay` seconds."""

    attempt: int
    delay: float


@dataclass(frozen=True, slots=True)
class CloseEvent:
    """The connection ended for good: closed by this side, lost without a reconnect, or abandoned (1001)."""

    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class ErrorEvent:
    """A failure that no caller gets as an exception.

    It is a failed attempt to connect, a broken stream, or a listener that raised.
    """

    error: BaseException


@dataclass(slots=True)
class MessageEvent:
    """One OCPP-J message that was sent or received. Treat it as read-only: the payload is the live object."""

    direction: Direction
    frame: Frame
    """The message as a list, `[type, id, …]`."""
    action: str | None
    """The action of the CALL; known for responses too."""
    latency: float | None
    """Seconds from the CALL to its response; set on responses."""

    __repr__ = safe_repr

    @property
    def type(self) -> MessageType:
        """The message type: CALL, CALLRESULT, CALLERROR, CALLRESULTERROR or SEND."""
        return MessageType(self.frame[0])

    @property
    def message_id(self) -> str:
        """The id of the CALL that this message is, or belongs to."""
        return str(self.frame[1])

    @property
    def payload(self) -> Any:
        """The payload of a CALL, CALLRESULT or SEND; the details of an error."""
        return self.frame[-1]

    @property
    def error_code(self) -> str | None:
        """The error code as on the wire; None unless the message is an error."""
        return self.frame[2] if self._is_error else None

    @property
    def error_description(self) -> str | None:
        """The error description; None unless the message is an error."""
        return self.frame[3] if self._is_error else None

    @property
    def _is_error(self) -> bool:
        return self.frame[0] in (MessageType.CALLERROR, MessageType.CALLRESULTERROR)


@dataclass(frozen=True, slots=True)
class BadMessageEvent:
    """The peer sent something that is not an OCPP-J message, or a response to no CALL.

    `message` is the raw text or bytes.
    """

    message: Any
    error: Exception

    __repr__ = safe_repr


@dataclass(frozen=True, slots=True)
class StrictValidationFailureEvent:
    """A payload violates its schema, in either direction.

    The text of `error` names action, message type and path.
    """

    message: Any
    """The payload."""
    error: Exception
    action: str | None = None
    direction: Direction | None = None
    """`IN` for a message from the peer, `OUT` for a message that this side was about to send."""

    __repr__ = safe_repr


@dataclass(frozen=True, slots=True)
class RateExceededEvent:
    """The peer exceeded `inbound_rate` with a CALL, which was `refused` or is held."""

    frame: Frame
    """The CALL as a list, `[2, id, action, payload]`."""
    refused: bool

    __repr__ = safe_repr

    @property
    def action(self) -> str:
        """The action of the CALL."""
        return str(self.frame[2])

    @property
    def message_id(self) -> str:
        """The id of the CALL."""
        return str(self.frame[1])


@dataclass(frozen=True, slots=True)
class HandlerErrorEvent:
    """A handler raised; the peer gets the contents of an `RPCError`, and no details of other exceptions."""

    action: str
    error: BaseException


@dataclass(frozen=True, slots=True)
class PongTimeoutEvent:
    """The peer sent nothing after a ping within the timeout; the connection is dropped."""

    identity: str


@dataclass(frozen=True, slots=True)
class PingEvent:
    """The peer sent a ping."""


@dataclass(frozen=True, slots=True)
class PongEvent:
    """The peer sent a pong."""


@dataclass(frozen=True, slots=True)
class UpgradeAbortedEvent:
    """A server rejected a handshake; `identity` is None if the request has none, or was rejected unread."""

    identity: str | None
    remote_address: str | None
    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class ConnectionFailedEvent:
    """A connection to a server's listener failed before its first request.

    Its TLS handshake failed (`error` is an `ssl.SSLError` if TLS gave the reason), or it could not be accepted, for
    example because the process has no file descriptor left; then `remote_address` is None.
    """

    remote_address: str | None
    reason: str
    """What went wrong, as human-readable text."""
    error: Exception


@dataclass(frozen=True, slots=True)
class SecurityEvent:
    """A server rejected a station in a way that may be an attack, or that shows a misplaced certificate.

    `certificate_mismatch`: on security profile 3 a station showed a certificate of the right CA that is not valid for
    its identity (the option `identify`). The station that owns this identity keeps its connection.
    """

    kind: Literal["certificate_mismatch"]
    identity: str
    """The identity that was claimed."""
    remote_address: str | None
    """Numeric address of the peer."""
    detail: str
    """A human-readable text; quotes the certificate's CN."""


@dataclass(frozen=True, slots=True)
class OverflowEvent:
    """Iteration was too slow: `missed` events are missing at this point."""

    missed: int


@dataclass(frozen=True, slots=True)
class StationEvent(Generic[_EventT_co, _ClientT_co]):
    """An event of one of a server's connections."""

    client: _ClientT_co
    """The server's handle on the station, an `OCPPServerClient`."""
    event: _EventT_co
    """The payload that the event has on the handle, for example a `MessageEvent`."""


ConnectionEvent: TypeAlias = (
    BadMessageEvent
    | CloseEvent
    | ConnectingEvent
    | ConnectionFailedEvent
    | DisconnectEvent
    | ErrorEvent
    | HandlerErrorEvent
    | MessageEvent
    | OpenEvent
    | PingEvent
    | PongEvent
    | PongTimeoutEvent
    | RateExceededEvent
    | ReconnectEvent
    | SecurityEvent
    | StrictValidationFailureEvent
    | UpgradeAbortedEvent
)
"""What an observer receives: every event of a connection, and the outcome of a rejected one."""

PeerEventName: TypeAlias = Literal[
    "open",
    "close",
    "error",
    "connecting",
    "reconnect",
    "disconnect",
    "message",
    "call",
    "call_result",
    "call_error",
    "bad_message",
    "strict_validation_failure",
    "handler_error",
    "rate_exceeded",
    "pong_timeout",
    "ping",
    "pong",
]
"""The events of a client and of a server's handle on a station."""

StationEventName: TypeAlias = Literal[
    "open",
    "close",
    "message",
    "call",
    "call_result",
    "call_error",
    "bad_message",
    "strict_validation_failure",
]
"""The events of a server that report on any of its connections; the payload is a `StationEvent`."""

ServerEventName: TypeAlias = Literal[
    "client", "error", "upgrade_aborted", "connection_failed", "security", "closing", "closed", StationEventName
]
"""The events of a server."""

PEER_EVENTS: Final[Mapping[str, type]] = MappingProxyType(
    {
        "open": OpenEvent,
        "close": CloseEvent,
        "error": ErrorEvent,
        "connecting": ConnectingEvent,
        "reconnect": ReconnectEvent,
        "disconnect": DisconnectEvent,
        "message": MessageEvent,
        "call": MessageEvent,
        "call_result": MessageEvent,
        "call_error": MessageEvent,
        "bad_message": BadMessageEvent,
        "strict_validation_failure": StrictValidationFailureEvent,
        "handler_error": HandlerErrorEvent,
        "rate_exceeded": RateExceededEvent,
        "pong_timeout": PongTimeoutEvent,
        "ping": PingEvent,
        "pong": PongEvent,
    }
)
"""The payload type of each event of a client and of a server's handle on a station."""

STATION_EVENTS: Final[tuple[StationEventName, ...]] = get_args(StationEventName)
"""The events that a server forwards from all its connections, each as a `StationEvent`."""

SERVER_EVENTS: Final[Mapping[str, type]] = MappingProxyType(
    {
        "client": object,
        "error": ErrorEvent,
        "upgrade_aborted": UpgradeAbortedEvent,
        "connection_failed": ConnectionFailedEvent,
        "security": SecurityEvent,
        "closing": CloseEvent,
        "closed": CloseEvent,
        **dict.fromkeys(STATION_EVENTS, StationEvent),
    }
)
"""The payload type of each event of a server; that of `client` is the `OCPPServerClient`."""
