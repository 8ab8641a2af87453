"""The options of a server: what it speaks, whom it lets in."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import inf, isfinite
from ssl import SSLContext
from typing import Final

from ocpp_core.config import LinkConfig
from ocpp_core.handshake import SecurityProfile, check_deciders, check_server_profile
from ocpp_core.identity import IdentityCharacters, IdentityRule
from ocpp_transports._runtime._base import MAX_TLS_HANDSHAKES, TLS_TIMEOUT
from ocpp_transports._tls._contexts import TLSOptions, expect_tls
from ocpp_transports.handshake import AuthHandler, BrokenEscapes, Credentials, Identify, UnmatchedProtocol

from ._connection import off_at_zero
from ._deciders import expect_auth, expect_choices, expect_credentials, expect_identify, expect_paths
from ._socket import SocketOptions

__all__ = ["ServerOptions"]

_BOUNDS: Final = ("max_connections", "max_handshakes", "max_tls_handshakes")
_DERIVED_BOUNDS: Final = ("max_handshakes_per_address", "max_sockets", "max_sockets_per_address")
"""Those that follow from others where they are None."""


def _expect_bound(name: str, most: object) -> None:
    if isinstance(most, bool) or not isinstance(most, (int, float)) or not most >= 1:
        raise ValueError(f"expected {name} >= 1, got {most!r}")


@dataclass(frozen=True, kw_only=True)
class ServerOptions(SocketOptions):
    """The options of `OCPPServer`."""

    security_profile: SecurityProfile = SecurityProfile.NONE
    """0 to 3: see `SecurityProfile`."""
    credentials: Credentials | None = field(default=None, repr=False)
    """Passwords by identity, for profiles 1 and 2: a mapping, or a function or coroutine function."""
    identify: Identify = "exact"
    """On profile 3, for which identities a client certificate is good: its CN or a subjectAltName equals the identity
    (`exact`), a mapping from CN to identity, a function, or `any`, which is a risk: see `Identify`."""
    auth: AuthHandler | None = None
    """Has the last word on every handshake: `auth(accept, reject, handshake)`."""
    tls: TLSOptions | SSLContext | None = None
    """Certificates for `listen`."""
    tls_terminated: bool = False
    """A proxy in front does the TLS of profile 2 or 3. It has to check client certificates; where it does not hand them
    on, only `auth` can compare them with the identity."""
    default_protocol: str | None = None
    """What a station that offers no subprotocol is taken to speak; None refuses it."""
    unmatched_protocol: UnmatchedProtocol = "reject"
    """No subprotocol in common: 400, or `upgrade-then-close`."""
    broken_escapes: BrokenEscapes = "reject"
    """An identity with a percent escape that cannot be read: 400, or `keep` it as it was sent."""
    identity_characters: IdentityCharacters = "standard"
    """Characters of an identity; 400 for others. OCPP 2.x: letters, digits and `*-_=:+|@.`, else what is printable but
    `/` and `\\`; `printable` and `any` allow more, see `IdentityCharacters`."""
    max_identity_length: float = 48
    """Characters of an identity; beyond, 400. OCPP 2.x has 48, stations of OCPP 1.6 may have more."""
    ignore_identity_case: bool = False
    """Identities that differ in case only are one station: for look-ups, credentials, certificates and eviction."""
    paths_without_identity: Collection[str] = ()
    """Paths, such as `/`, that end without an identity: it is the user name of the Basic credentials, or else the one
    that `auth` gives to `accept(identity=...)`."""
    require_connection_header: bool = True
    """False also takes upgrade requests without a Connection header; on the library's own sockets."""
    handshake_timeout: float = 30.0
    """For the TLS handshake, then dropped; and again from there to the end of the handshake with `auth`, then 408.

    0: never, but 30 s for TLS."""
    max_tls_handshakes: int = MAX_TLS_HANDSHAKES
    """TLS handshakes in progress on one listener; others wait in its backlog, and the oldest one then has 5 s."""
    max_connections: float = inf
    """Stations connected; beyond, 503 once the credentials are right and `auth` has accepted. One that comes back for
    its own place is let in."""
    max_handshakes: float = 5000
    """Handshakes that wait for `credentials`, `identify` or `auth`; beyond, 503, whoever asks."""
    max_handshakes_per_address: float | None = None
    """The same for one address; None means half of `max_handshakes`, so that no address shuts out all others."""
    max_sockets: float | None = None
    """Sockets of all listeners from accepting to closing: in TLS, silent, replaced and lingering ones as well. Beyond,
    they are closed unread. None means `max_connections` + `max_handshakes`."""
    max_sockets_per_address: float | None = None
    """The same for one address; None means `max_connections` + `max_handshakes_per_address`, since a network of mobile
    stations or a proxy may have a single one. IPv6 addresses of one network of 64 bits count as one."""

    def __post_init__(self) -> None:
        derived = [name for name in _DERIVED_BOUNDS if getattr(self, name) is not None]
        for name in (*_BOUNDS, *derived):
            _expect_bound(name, getattr(self, name))
        object.__setattr__(self, "security_profile", SecurityProfile(self.security_profile))
        super().__post_init__()
        expect_tls(self.tls)
        if self.default_protocol is not None and self.default_protocol not in self.protocols:
            raise ValueError(f"expected default_protocol to be one of {self.protocols}, got {self.default_protocol!r}")
        expect_choices(self.unmatched_protocol, self.broken_escapes)
        expect_credentials(self.credentials)
        expect_identify(self.identify)
        expect_auth(self.auth)
        expect_paths(self.paths_without_identity)
        check_server_profile(
            self.security_profile, credentials=self.credentials is not None, identify=self.identify != "exact"
        )
        _ = self.identities

    def expect_deciders(self) -> None:
        """Raise ValueError if nobody decides on passwords; not asked at construction, since `auth` may come later."""
        has_credentials, has_auth = self.credentials is not None, self.auth is not None
        check_deciders(self.security_profile, credentials=has_credentials, auth=has_auth)

    @property
    def tls_limit(self) -> float:
        """Seconds a TLS handshake may take: there is always a limit."""
        return self.handshake_limit if isfinite(self.handshake_limit) else TLS_TIMEOUT

    @cached_property
    def identities(self) -> IdentityRule:
        """The rule for identities."""
        return IdentityRule(
            characters=self.identity_characters,
            max_length=self.max_identity_length,
            ignore_case=self.ignore_identity_case,
        )

    @cached_property
    def link(self) -> LinkConfig:
        """The engine's config of a WebSocket."""
        return replace(super().link, require_connection_header=self.require_connection_header)

    @property
    def handshake_limit(self) -> float:
        """The handshake has this time."""
        return off_at_zero(self.handshake_timeout, "handshake_timeout")

    @cached_property
    def handshake_limit_by_address(self) -> float:
        """Handshakes of one address that may wait for their decision."""
        given = self.max_handshakes_per_address
        return max(1, self.max_handshakes / 2) if given is None else given

    @property
    def socket_limit(self) -> float:
        """Sockets that may be open."""
        return self.max_connections + self.max_handshakes if self.max_sockets is None else self.max_sockets

    @property
    def socket_limit_by_address(self) -> float:
        """Sockets of one address that may be open."""
        given = self.max_sockets_per_address
        return self.max_connections + self.handshake_limit_by_address if given is None else given
