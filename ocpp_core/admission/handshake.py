"""The handshake as an application sees it, and the types of its functions and options."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import field
from types import MappingProxyType
from typing import Any, Final, Literal, Protocol, TypeAlias

from ocpp_core._dataclasses import dataclass
from ocpp_core.handshake import SecurityProfile
from ocpp_core.identity import StationKey

__all__ = [
    "MAX_NAMESPACE",
    "AcceptHandshake",
    "AuthHandler",
    "BrokenEscapes",
    "Certificate",
    "ConnectionFacts",
    "Credentials",
    "Handshake",
    "Identify",
    "MatchedPath",
    "Namespace",
    "RejectHandshake",
    "UnmatchedProtocol",
]

MAX_NAMESPACE: Final = 255
"""Characters of a namespace; a longer one gets 400."""

UnmatchedProtocol: TypeAlias = Literal["reject", "upgrade-then-close"]
"""The response to a station that offers none of the server's subprotocols.

`reject` responds with 400, `upgrade-then-close` with 101 without a subprotocol and an immediate close. OCPP-J 1.6 §3.2
and 2.x Part 4 §3.3 require the latter; the certification tests (TC_B_58_CSMS) require the former, which also sends the
station a reason.
"""

BrokenEscapes: TypeAlias = Literal["reject", "keep"]
"""The treatment of a percent escape in the identity that cannot be decoded: 400, or the text unchanged."""

Credentials: TypeAlias = (
    Mapping[Any, str | bytes]  # the key of a Mapping is invariant: with another type, dict[str, str] would be refused
    | Callable[[str], "str | bytes | Awaitable[str | bytes | None] | None"]
)
"""Passwords by identity: a mapping, or a function or coroutine function that returns None for an unknown identity.

In a mapping, a `StationKey` names a station of a namespace. It comes before the identity alone, which names the
stations of all namespaces.
"""


Certificate: TypeAlias = Mapping[str, Any]
"""A verified certificate as `ssl.SSLSocket.getpeercert()` returns it."""

IdentifyFunction: TypeAlias = Callable[[Certificate, str], "bool | str | Awaitable[bool | str | None] | None"]
Identify: TypeAlias = Literal["exact", "any"] | Mapping[str, str] | IdentifyFunction
"""The identities for which a client certificate is valid.

* `exact`: its CN, or an entry of its subjectAltName, equals the identity.
* A mapping from CN to identity, for fleets whose identities are not serial numbers.
* A function or coroutine function of certificate and identity. It returns True or False, or the identity to which the
  certificate belongs, which must equal the one in the URL, or None for an unknown certificate.
* `any`: every certificate of the CA is valid for every identity. One stolen certificate is then enough to connect as
  any station of the fleet, and to replace that station's own connection.
"""


def _nothing() -> Mapping[str, str]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ConnectionFacts:
    """What the host knows of a connection in addition to its request."""

    remote_address: str | None = None
    """Numeric address of the station; behind a proxy that is not in `trusted_proxies`, that of the proxy."""
    client_certificate: Mapping[str, Any] | None = None
    """The verified certificate as `ssl.SSLSocket.getpeercert()` returns it."""
    tls: bool = False
    """True if the connection is TLS, or that of the station to the proxy, as a trusted proxy reports."""
    certificate_fingerprint: str | None = None
    """SHA-256 fingerprint of the verified certificate, as 64 lower-case hexadecimal digits."""
    proxy_address: str | None = None
    """Numeric address of the trusted proxy that reported these facts; None without one, or if it has no address."""
    certificate_absent: bool = False
    """True if the proxy states that the station showed no valid certificate, or must have passed one on."""


@dataclass(frozen=True, slots=True)
class MatchedPath:
    """The parts of a path that a route matches."""

    route: str
    """The pattern of the route."""
    segment: str | None
    """The segment with the identity, percent-encoded; empty if the pattern has none, None without a route."""
    params: Mapping[str, str]
    """The other parts that the pattern names, decoded."""
    namespace: str
    """Those parts, joined."""


@dataclass(frozen=True, slots=True)
class Handshake:
    """The handshake of a station that wants to connect."""

    identity: str
    """The last segment of the path, or the one that the route names `{identity}`, percent-decoded. On a path without an
    identity it is the user name of the Basic credentials, or empty without any."""
    protocols: tuple[str, ...]
    """The subprotocols offered, in the station's order."""
    path: str
    """The path as received, percent-encoded; in an ASGI application the part below its mount point."""
    password: bytes | None = field(default=None, repr=False)
    """The password of the Basic credentials, if they name this identity."""
    headers: Mapping[str, str] = field(default_factory=_nothing, repr=False)
    """Header fields by lower-case name; the values of a repeated one are joined with `, `."""
    query: Mapping[str, str] = field(default_factory=_nothing, repr=False)
    """The query parameters, decoded; the first value of each name."""
    remote_address: str | None = None
    """Numeric address of the station; behind a proxy that is not in `trusted_proxies`, that of the proxy."""
    client_certificate: Mapping[str, Any] | None = None
    """The verified certificate as `ssl.SSLSocket.getpeercert()` returns it."""
    security_profile: SecurityProfile = SecurityProfile.NONE
    """The security profile of the server."""
    certificate_fingerprint: str | None = None
    """SHA-256 fingerprint of the verified certificate, as 64 lower-case hexadecimal digits."""
    route: str = ""
    """The pattern of the route that the path matches; empty on a server without routes."""
    params: Mapping[str, str] = field(default_factory=_nothing)
    """The parts of the path that the route names, without the identity, decoded. In the value of a tail, a `/` within a
    segment stays encoded."""
    namespace: str = ""
    """The namespace of the identity: see the option `namespace`."""

    @property
    def key(self) -> StationKey:
        """The key of the station: its namespace and its identity."""
        return StationKey(self.namespace, self.identity)


Namespace: TypeAlias = str | Callable[[Handshake], "str | Awaitable[str]"]
"""The namespace of all stations, or a function or coroutine function that returns it for a handshake."""


class AcceptHandshake(Protocol):
    """The function that accepts the station."""

    def __call__(
        self, *, protocol: str | None = None, session: Mapping[str, Any] | None = None, identity: str | None = None
    ) -> None:
        """Accept the station.

        `protocol` chooses another of the offered subprotocols. `session` holds the first values of `client.session`.
        `identity` replaces that of the handshake. If the client certificate must be valid for the identity, it must be
        valid for this one as well. `identity` may be what the station claims (`handshake.query.get("id")`), so one that
        breaks the server's rule is the station's mistake: 400. It is 400 as well if neither `auth` nor the request
        names an identity. Raises ValueError for a subprotocol that was not offered, TypeError for an identity that is
        not a str.
        """


class RejectHandshake(Protocol):
    """The function that refuses the station."""

    def __call__(self, status: int = 401, message: str = "Unauthorized") -> None:
        """Respond with this status and body.

        Raises ValueError unless the status is 400 to 599.
        """


AuthHandler: TypeAlias = Callable[[AcceptHandshake, RejectHandshake, Handshake], "Awaitable[None] | None"]
"""A function that calls `accept` or `reject`; the first decision counts.

If it decides nothing or raises, the station gets 500. A plain function is called immediately, outside any task; a
coroutine function runs in a task of its own.
"""
