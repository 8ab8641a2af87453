"""The payloads of the events of servers: refused and failed connections, incidents, and events of their stations."""

from dataclasses import dataclass
from typing import Generic, Literal, TypeAlias, TypeVar

from ocpp_core.admission.step import RefusalKind
from ocpp_transports.certificates import LoadedCertificate

from ._connection import PeerEvent

__all__ = [
    "CertificateExpiringEvent",
    "ConnectionEvent",
    "ConnectionFailedEvent",
    "SecurityEvent",
    "SecurityEventKind",
    "StationEvent",
    "UpgradeAbortedEvent",
]

_EventT_co = TypeVar("_EventT_co", covariant=True)
_ClientT_co = TypeVar("_ClientT_co", covariant=True)


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
* `registry_unavailable` (503): the registry of the cluster did not answer, so the station cannot be claimed (the option
  `cluster`)
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
class StationEvent(Generic[_EventT_co, _ClientT_co]):
    """An event of one of a server's connections."""

    client: _ClientT_co
    """The server's handle on the station, an `OCPPServerClient`."""
    event: _EventT_co
    """The payload that the event has on the handle, for example a `MessageEvent`."""


ConnectionEvent: TypeAlias = PeerEvent | ConnectionFailedEvent | SecurityEvent | UpgradeAbortedEvent
"""What an observer receives: every event of a connection, and the outcome of a rejected one."""
