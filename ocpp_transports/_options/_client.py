"""The options of a client on sockets: identity, credentials, TLS, and the upgrade request."""

from collections.abc import Mapping
from dataclasses import field
from functools import cached_property
from ssl import SSLContext
from typing import Final

from ocpp_core._dataclasses import dataclass
from ocpp_core._version import __version__
from ocpp_core.config import UpgradeTarget
from ocpp_core.handshake import SecurityProfile, check_client_profile, encode_basic
from ocpp_core.websocket.headers import OWN_IN_REQUEST, expect_header

from ._reconnect import ReconnectOptions
from ._socket import SocketOptions
from ._tls import TLSOptions, expect_tls

__all__ = ["ClientOptions"]

_USER_AGENT: Final = f"ocpp-ws-io/{__version__} (Python)"


@dataclass(frozen=True, kw_only=True)
class ClientOptions(SocketOptions, ReconnectOptions):
    """The options of `OCPPClient`. Raises TypeError and ValueError for invalid ones, alone or combined."""

    security_profile: SecurityProfile = SecurityProfile.NONE
    """0 to 3: see `SecurityProfile`."""
    password: str | bytes | None = field(default=None, repr=False)
    """For profiles 1 and 2: text as UTF-8, bytes unchanged (1.6: `bytes.fromhex(AuthorizationKey)`)."""
    tls: TLSOptions | SSLContext | None = None
    """Certificates, for wss:// endpoints."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Additional header fields of the upgrade request."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "security_profile", SecurityProfile(self.security_profile))
        super().__post_init__()
        expect_tls(self.tls)
        if not isinstance(self.headers, Mapping):
            raise TypeError(f"expected headers as a mapping of str to str, got {type(self.headers).__name__}")
        has_certificate = isinstance(self.tls, SSLContext) or (self.tls is not None and self.tls.cert is not None)
        check_client_profile(
            self.security_profile,
            secure=self.address.secure,
            password=self.password is not None,
            certificate=has_certificate,
            tls_options=self.tls is not None,
        )
        _ = self.upgrade

    @cached_property
    def upgrade(self) -> UpgradeTarget:
        """The upgrade request for the server."""
        given = {name.lower() for name in self.headers}
        headers = [] if "user-agent" in given else [("User-Agent", _USER_AGENT)]
        for name, value in self.headers.items():
            _expect_header(name, value)
            headers.append((name, value))
        if self.password is not None:
            if "authorization" in given:
                raise ValueError("expected no Authorization header beside a password")
            headers.append(("Authorization", encode_basic(self.identity, self.password)))
        return UpgradeTarget(self.address.authority, self.address.target, tuple(headers))


def _expect_header(name: object, value: object) -> None:
    """Raise unless the field is valid and not written by the handshake itself. The value is never repeated."""
    if not isinstance(name, str) or not isinstance(value, str):
        raise TypeError("expected headers as a mapping of str to str")
    expect_header(name, value, OWN_IN_REQUEST)
