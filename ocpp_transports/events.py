"""The payloads of the events of clients and servers: one small type for each event.

Payloads hold messages unchanged; their representations do not show secrets. The names of the events
are in `ocpp_transports.event_names`.
"""

from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from ocpp_core.actions import Direction, RegistrationStatus
from ocpp_core.admission.step import RefusalKind
from ocpp_core.messages import Frame, MessageType

from ._logging._redaction import safe_repr
from .certificates import LoadedCertificate

__all__ = [
    "BadMessageEvent",
    "CertificateExpiringEvent",
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
    "PeerEvent",
    "PingEvent",
    "PongEvent",
    "PongTimeoutEvent",
    "QuirkEvent",
    "RateExceededEvent",
    "ReconnectEvent",
    "RegistrationEvent",
    "SecurityEvent",
    "SecurityEventKind",
    "StationEvent",
    "StrictValidationFailureEvent",
    "UpgradeAbortedEvent",
]


_EventT_co = TypeVar("_EventT_co", covariant=True)
_ClientT_co = TypeVar("_ClientT_co", covariant=True)


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

    It is a failed attempt to connect, a broken stream, a listener that raised, or a store of the outbox that failed.
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
class StrictValidationFailureEvent:
    """A payload violates its schema, in either direction."""

    message: Any
    """The payload."""
    error: Exception
    """The violation; its text names action, message type and path."""
    action: str | None = None
    """The action of the message, if known."""
    direction: Direction | None = None
    """`IN` for a message from the peer, `OUT` for a message that this side was about to send."""

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
class UpgradeAbortedEvent:
    """A server rejected a handshake."""

    identity: str | None
    """The identity in the URL; None if the request has none, or was rejected unread."""
    remote_address: str | None
    """Numeric address of the peer; None if it is not known."""
    status: int
    """The HTTP status of the response."""
    reason: str
    """Why the handshake was rejected, as human-readable text."""
    namespace: str = ""
    """The namespace of the identity; empty without one."""


@dataclass(frozen=True, slots=True)
class ConnectionFailedEvent:
    """A connection to a server's listener failed before its first request.

    Its TLS handshake failed, or it could not be accepted, for example because the process has no file descriptor left.
    """

    remote_address: str | None
    """Numeric address of the peer; None if the connection could not be accepted."""
    reason: str
    """What went wrong, as human-readable text."""
    error: Exception
    """The exception; an `ssl.SSLError` if TLS stated the reason."""


_Unread: TypeAlias = Literal["bad_proxy_header", "forwarded_header_ignored", "tls_failed", "too_many_sockets"]
_Ended: TypeAlias = Literal["output_not_read", "rate_exceeded", "replaced", "serial_number_mismatch"]
_Broken: TypeAlias = Literal["message_too_big", "message_too_slow", "protocol_violation", "too_many_bad_messages"]
SecurityEventKind: TypeAlias = Literal[RefusalKind, _Unread, _Ended, _Broken]
"""The kinds of `SecurityEvent`, a closed set.

Refused handshakes, with the usual HTTP status:

* `handshake_rate` (429), `busy` (503, `max_handshakes`), `full` (503, `max_connections`), `overloaded` (503,
  `shed_lag`)
* `denied_address`, `denied_origin` (403)
* `tls_required` (403): with `trusted_proxies`, a connection that is not TLS
* `malformed_handshake` (400, 405, 426, 431, 505): not HTTP, not a valid upgrade, or an invalid path
* `handshake_timeout` (408)
* `wrong_profile` (403): a route of another security profile than the connection
* `no_route` (404), `bad_identity` (400), `bad_subprotocol` (400, or 1002 with `unmatched_protocol`)
* `bad_credentials` (401): no password, a wrong one, an unknown station, no certificate, or a 401 of `auth`; also for
  `/metrics` with `metrics_credentials`
* `certificate_mismatch` (401): a certificate of the right CA that is not valid for the identity (the options
  `identify`, `certificate_organization` and `certificate_pins`)
* `replacement_refused` (503): where nothing proves the identity, a newcomer claimed the one of a connected station
  (the option `replace`); that connection stays unless it is silent for `pong_timeout`
* `refused_by_application`: a refusal by `auth` or connection middleware with another status
* `decision_failed` (500): a function of the application raised, or decided nothing

Connections without a request: `too_many_sockets` (`max_sockets`, `max_sockets_per_address`), `tls_failed`, and
`bad_proxy_header` (no valid header of the PROXY protocol, or not from one of `trusted_proxies`).

`forwarded_header_ignored` refuses nothing, and comes at most once a minute: a peer that is not in `trusted_proxies`
sent a header field that only a proxy may send, or a trusted proxy sent one that cannot be used.

Connections of stations that the server ended, with the close code:

* `replaced` (4000): by a newer connection of the same identity
* `serial_number_mismatch` (1008): a BootNotification names another station than its certificate (the option
  `check_serial_number`)
* `message_too_big` (1009), `message_too_slow` (1008), `protocol_violation` (1002 or 1007)
* `too_many_bad_messages` (1002, `max_bad_messages`)
* `rate_exceeded` (1008): more CALLs or SENDs than a rate allows (the option `inbound_limit`)
* `output_not_read` (1006): the station read nothing for `send_timeout`
"""


@dataclass(frozen=True, slots=True)
class SecurityEvent:
    """A server refused a station, or ended its connection, for a reason that may be an attack; one for each incident.

    Refusals of a server that closes are no incidents.
    """

    kind: SecurityEventKind
    """What happened."""
    identity: str | None
    """The identity that was claimed; None if the request has none, or was not read so far."""
    remote_address: str | None
    """Numeric address of the peer."""
    detail: str
    """A human-readable text for the operator, perhaps empty; it quotes no credentials, and is not sent to the peer."""
    status: int | None = None
    """The HTTP status that was sent, or the close code of a connection that was open; None without a response, and for
    a request that is not a valid upgrade."""
    reason: str = ""
    """The text that was sent with it."""
    namespace: str = ""
    """The namespace of the identity; empty without one."""


@dataclass(frozen=True, slots=True)
class CertificateExpiringEvent:
    """A certificate that a server's listeners use expires soon, or has expired.

    The server emits it when it loads the certificate, and once a day after that, if less than
    `certificate_warning_days` remain. Stations refuse an expired certificate of the server; the server refuses all
    certificates of an expired CA.
    """

    certificate: LoadedCertificate
    """The certificate, with its file and its time of expiry."""
    days_left: float
    """Days until it expires; negative after that."""


@dataclass(frozen=True, slots=True)
class OverflowEvent:
    """The iteration was too slow: `missed` events are missing at this point."""

    missed: int
    """The number of events that were dropped."""


@dataclass(frozen=True, slots=True)
class StationEvent(Generic[_EventT_co, _ClientT_co]):
    """An event of one of a server's connections."""

    client: _ClientT_co
    """The server's handle on the station, an `OCPPServerClient`."""
    event: _EventT_co
    """The payload that the event has on the handle, for example a `MessageEvent`."""


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
    | StrictValidationFailureEvent
)
"""The payload of any event of a client, or of a server's handle on a station."""

ConnectionEvent: TypeAlias = PeerEvent | ConnectionFailedEvent | SecurityEvent | UpgradeAbortedEvent
"""What an observer receives: every event of a connection, and the outcome of a rejected one."""
