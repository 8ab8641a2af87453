"""The options of a server: what it speaks, whom it lets in."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from ssl import SSLContext

from ocpp_core.handshake import SecurityProfile

from ._options import off_at_zero
from ._socket_options import SocketOptions
from ._tls import TLSOptions, expect_tls
from .accept import Admission, AuthHandler, BrokenEscapes, Credentials, UnmatchedProtocol

__all__ = ["ServerOptions"]


@dataclass(frozen=True, kw_only=True)
class ServerOptions(SocketOptions):
    """The options of `OCPPServer`."""

    security_profile: SecurityProfile = SecurityProfile.NONE
    """0 to 3: see `SecurityProfile`."""
    credentials: Credentials | None = field(default=None, repr=False)
    """Passwords by identity, for profiles 1 and 2: a mapping, or a function or coroutine function."""
    auth: AuthHandler | None = None
    """Has the last word on every handshake: `auth(accept, reject, handshake)`."""
    tls: TLSOptions | SSLContext | None = None
    """Certificates for `listen`."""
    tls_terminated: bool = False
    """A proxy in front does the TLS of profile 2 or 3."""
    default_protocol: str | None = None
    """What a station that offers no subprotocol is taken to speak; None refuses it."""
    unmatched_protocol: UnmatchedProtocol = "reject"
    """No subprotocol in common: 400, or `upgrade-then-close`."""
    broken_escapes: BrokenEscapes = "reject"
    """An identity with a percent escape that cannot be read: 400, or `keep` it as it was sent."""
    handshake_timeout: float = 30.0
    """From accept, or the end of TLS (which has 30 s), to the end of the handshake with `auth`; then 408. 0: never."""

    max_connections: float = inf
    """Stations connected or being decided about; beyond, 503. One that comes back for its own place is let in."""

    def __post_init__(self) -> None:
        most = self.max_connections
        if isinstance(most, bool) or not isinstance(most, (int, float)) or not most >= 1:
            raise ValueError(f"expected max_connections >= 1, got {most!r}")
        object.__setattr__(self, "security_profile", SecurityProfile(self.security_profile))
        super().__post_init__()
        expect_tls(self.tls)
        self.admission(lambda text, error: None)  # noqa: ARG005 - made to be checked, and thrown away

    def admission(self, failed: Callable[[str, BaseException], None]) -> Admission:
        """Make the rules for letting stations in; `failed` is told of exceptions of `credentials` and `auth`."""
        return Admission(
            protocols=self.protocols,
            security_profile=self.security_profile,
            credentials=self.credentials,
            auth=self.auth,
            default_protocol=self.default_protocol,
            unmatched_protocol=self.unmatched_protocol,
            broken_escapes=self.broken_escapes,
            failed=failed,
        )

    @property
    def handshake_limit(self) -> float:
        """The handshake has this time."""
        return off_at_zero(self.handshake_timeout, "handshake_timeout")
