"""The payloads of the events of clients, and of a server's handles on stations."""

from typing import Any, TypeAlias

from ocpp_core._dataclasses import dataclass
from ocpp_core.actions import Direction, RegistrationStatus
from ocpp_core.config import Kind, Violation
from ocpp_core.messages import Frame, MessageType
from ocpp_transports._logging._redaction import safe_repr

__all__ = [
    "BadMessageEvent",
    "CloseEvent",
    "ConnectingEvent",
    "DisconnectEvent",
    "ErrorEvent",
    "HandlerErrorEvent",
    "MessageEvent",
    "OpenEvent",
    "OverflowEvent",
    "PeerEvent",
    "PingEvent",
    "PongEvent",
    "PongTimeoutEvent",
    "QuirkEvent",
    "RateExceededEvent",
    "ReconnectEvent",
    "RegistrationEvent",
    "ViolationEvent",
]


@dataclass(frozen=True, slots=True)
class ConnectingEvent:
    """An attempt to connect begins."""

    url: str
    """The URL, the identity included."""

    __repr__ = safe_repr


@dataclass(frozen=True, slots=True)
class OpenEvent:
    """The WebSocket is open and speaks `protocol`."""

    protocol: str
    """The negotiated subprotocol."""


@dataclass(frozen=True, slots=True)
class DisconnectEvent:
    """The connection was lost, and not closed by this side."""

    code: int
    """The close code of the peer (RFC 6455 §7.4); 1006 without a close frame."""
    reason: str
    """The reason in the close frame, or this side's description of the loss; may be empty."""


@dataclass(frozen=True, slots=True)
class ReconnectEvent:
    """The next attempt, number `attempt` of this outage, starts in `delay` seconds."""

    attempt: int
    """The number of the attempt, from 1."""
    delay: float
    """Seconds until it starts."""


@dataclass(frozen=True, slots=True)
class CloseEvent:
    """The connection ended for good: closed by this side, lost without a reconnect, or abandoned (1001)."""

    code: int
    """The close code (RFC 6455 §7.4); 1006 without a close frame."""
    reason: str
    """The reason that was sent or received; may be empty."""


@dataclass(frozen=True, slots=True)
class ErrorEvent:
    """A failure that no caller gets as an exception.

    It is a failed attempt to connect, a broken stream, a listener that raised, a store of the outbox that failed, or a
    recording that cannot be written.
    """

    error: BaseException
    """The exception."""


@dataclass(slots=True)
class MessageEvent:
    """One OCPP-J message that was sent or received. Treat it as read-only: the payload is the live object."""

    direction: Direction
    """`IN` for a received message, `OUT` for a sent one."""
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
    """The peer sent something that is not an OCPP-J message, or a response to no CALL."""

    message: Any
    """The raw text or bytes."""
    error: Exception
    """Why it is not accepted."""

    __repr__ = safe_repr


@dataclass(frozen=True, slots=True)
class ViolationEvent:
    """A payload violates its schema, in either direction; strict mode refused it, or only reports it."""

    identity: str
    """The identity of the station."""
    direction: Direction
    """`IN` for a payload of the peer, `OUT` for one of this side."""
    kind: Kind
    """The type of the message: `call`, `result` or `send`."""
    action: str
    """The action of the message; a result has the action of its call."""
    message_id: str | None
    """The message ID; None for a call that has none yet."""
    violation: Violation
    """The rule that the payload breaks, and where: `keyword`, `pointer`, `expected`, `got`, and a `description`."""
    error: Exception
    """The error of a payload that is refused: `call` raises it, the peer gets its code, or the log has it."""
    refused: bool
    """True if the payload was refused, False if it was passed on."""
    payload: Any
    """The payload."""

    __repr__ = safe_repr


@dataclass(frozen=True, slots=True)
class QuirkEvent:
    """A message of the peer was accepted because a profile of `quirks` tolerates its mistake.

    A connection emits it once for each quirk and action.
    """

    profile: str
    """The name of the profile."""
    quirk: str
    """The kind of the quirk, such as `allow_values`, or the name of a repair of texts."""
    at: str
    """Where in the payload the quirk applies; empty for a repair of the text."""
    action: str | None = None
    """The action of the message; None for a repair of the text."""


@dataclass(frozen=True, slots=True)
class RateExceededEvent:
    """The peer exceeded a rate with a CALL or SEND, which was `refused` or is held.

    The rates are `inbound_rate`, `action_rates` and `address_rate`; `inbound_limit` decides.
    """

    frame: Frame
    """The message as a list, `[2, id, action, payload]` or `[6, id, action, payload]`."""
    refused: bool
    """True if it was answered with an error, dropped, or ended the connection, False if it is held."""

    __repr__ = safe_repr

    @property
    def action(self) -> str:
        """The action of the CALL or SEND."""
        return str(self.frame[2])

    @property
    def message_id(self) -> str:
        """The id of the CALL or SEND."""
        return str(self.frame[1])


@dataclass(frozen=True, slots=True)
class HandlerErrorEvent:
    """A handler raised; the peer gets the contents of an `RPCError`, and no details of other exceptions."""

    action: str
    """The action of the CALL or SEND."""
    error: BaseException
    """The exception that the handler raised."""


@dataclass(frozen=True, slots=True)
class PongTimeoutEvent:
    """The peer sent nothing after a ping within the timeout; the connection is dropped."""

    identity: str
    """The identity of the station."""


@dataclass(frozen=True, slots=True)
class RegistrationEvent:
    """The registration of a station changed, on a server with `registration="required"`."""

    status: RegistrationStatus
    """The status in your response to its BootNotification; `Accepted` also for a station that was let in."""
    interval: float | None
    """Seconds between its Heartbeats, or until its next BootNotification unless it was accepted; 0 if the station
    chooses, None if it is not known."""
    is_assumed: bool = False
    """True if the station was let in without a BootNotification: it registered on an earlier connection, or it did not
    send one although the server asked."""


@dataclass(frozen=True, slots=True)
class PingEvent:
    """The peer sent a ping."""


@dataclass(frozen=True, slots=True)
class PongEvent:
    """The peer sent a pong."""


@dataclass(frozen=True, slots=True)
class OverflowEvent:
    """The iteration was too slow: `missed` events are missing at this point."""

    missed: int
    """The number of events that were dropped."""


PeerEvent: TypeAlias = (
    BadMessageEvent
    | CloseEvent
    | ConnectingEvent
    | DisconnectEvent
    | ErrorEvent
    | HandlerErrorEvent
    | MessageEvent
    | OpenEvent
    | PingEvent
    | PongEvent
    | PongTimeoutEvent
    | QuirkEvent
    | RateExceededEvent
    | ReconnectEvent
    | RegistrationEvent
    | ViolationEvent
)
"""The payload of any event of a client, or of a server's handle on a station."""
