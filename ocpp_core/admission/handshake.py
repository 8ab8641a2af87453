"""What an application sees of a handshake: who wants to connect, the functions it decides with, and its choices."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, Protocol, TypeAlias

from ocpp_core.handshake import SecurityProfile

__all__ = [
    "AcceptHandshake",
    "AuthHandler",
    "BrokenEscapes",
    "Certificate",
    "ConnectionFacts",
    "Credentials",
    "Handshake",
    "Identify",
    "RejectHandshake",
    "UnmatchedProtocol",
]

UnmatchedProtocol: TypeAlias = Literal["reject", "upgrade-then-close"]
"""What a station gets that offers no subprotocol of ours: 400, or 101 without one and an immediate close.

OCPP-J 1.6 §3.2 and 2.x Part 4 §3.3 ask for the latter; the certification tests (TC_B_58_CSMS) for the former, which
also tells a station why.
"""

BrokenEscapes: TypeAlias = Literal["reject", "keep"]
"""What a station gets whose identity holds a percent escape that cannot be read: 400, or that text as its identity."""

Credentials: TypeAlias = (
    Mapping[str, str | bytes] | Callable[[str], "str | bytes | Awaitable[str | bytes | None] | None"]
)
"""Passwords by identity: a mapping, or a function or coroutine function that returns None for an unknown identity."""


Certificate: TypeAlias = Mapping[str, Any]
"""A verified certificate as `ssl.SSLSocket.getpeercert()` returns it."""

IdentifyFunction: TypeAlias = Callable[[Certificate, str], "bool | str | Awaitable[bool | str | None] | None"]
Identify: TypeAlias = Literal["exact", "any"] | Mapping[str, str] | IdentifyFunction
"""For which identities a client certificate is good.

* `exact`: its CN, or an entry of its subjectAltName, equals the identity.
* a mapping from CN to identity, for fleets whose identities are no serial numbers.
* a function or coroutine function of certificate and identity. It returns True or False, or the identity that the
  certificate belongs to, which then has to equal the one in the URL, or None for an unknown certificate.
* `any`: every certificate of the CA is good for every identity. Then one stolen certificate is enough to connect as any
  station of the fleet, and to close that station's own connection.
"""


def _nothing() -> Mapping[str, str]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ConnectionFacts:
    """What the host knows of a connection beside its request."""

    remote_address: str | None = None
    """Numeric address of the peer, of the proxy behind one."""
    client_certificate: Mapping[str, Any] | None = None
    """The verified certificate as `ssl.SSLSocket.getpeercert()` gives it."""
    tls: bool = False


@dataclass(frozen=True, slots=True)
class Handshake:
    """Who wants to connect, and how."""

    identity: str
    """The last segment of the path, percent-decoded; the user name of the Basic credentials, or empty without any, on
    a path of `paths_without_identity`."""
    protocols: tuple[str, ...]
    """The subprotocols offered, in the station's order."""
    path: str
    """As received, percent-encoded."""
    password: bytes | None = field(default=None, repr=False)
    """Of the Basic credentials, if they name this identity."""
    headers: Mapping[str, str] = field(default_factory=_nothing, repr=False)
    """By lower-case name; values of one name joined by `, `."""
    query: Mapping[str, str] = field(default_factory=_nothing, repr=False)
    """Decoded; the first value of each name."""
    remote_address: str | None = None
    """Numeric address of the peer."""
    client_certificate: Mapping[str, Any] | None = None
    """The verified certificate as `ssl.SSLSocket.getpeercert()` gives it."""
    security_profile: SecurityProfile = SecurityProfile.NONE
    """The server's."""


class AcceptHandshake(Protocol):
    """Let the station in."""

    def __call__(
        self, *, protocol: str | None = None, session: Mapping[str, Any] | None = None, identity: str | None = None
    ) -> None:
        """Choose another of the offered subprotocols, start `client.session` with these values, name the station.

        `identity` replaces that of the handshake. Where a client certificate has to vouch for the identity, it has to
        vouch for this one as well. As it may be what the station claims (`handshake.query.get("id")`), one against the
        server's rule is the station's mistake: 400, and so is none if the request names none either. Raises ValueError
        for a subprotocol that was not offered, TypeError for an identity that is no str.
        """


class RejectHandshake(Protocol):
    """Refuse the station."""

    def __call__(self, status: int = 401, message: str = "Unauthorized") -> None:
        """Answer with this status and body. Raises ValueError unless the status is 400 to 599."""


AuthHandler: TypeAlias = Callable[[AcceptHandshake, RejectHandshake, Handshake], "Awaitable[None] | None"]
"""Calls `accept` or `reject`; the first decision counts. Without one, or when it raises, the station gets 500.

A plain function is called at once, in no task; a coroutine function in a task of its own.
"""
