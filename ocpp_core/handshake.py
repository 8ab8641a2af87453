"""The rules of a handshake: URLs, identities, Basic credentials, security profiles.

Sources: OCPP-J 1.6 §3 and §6.2, OCPP 2.0.1 and 2.1 Part 4 §3, the security whitepaper for 1.6 (profiles, A00),
RFC 6455 §3 and §4, RFC 7617 (Basic), RFC 3986 (URLs). A caller's mistake raises ValueError or TypeError.
"""

import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import field
from enum import IntEnum
from typing import Final, TypeAlias
from urllib.parse import SplitResult, quote, urlencode, urlsplit

from ._dataclasses import dataclass

__all__ = [
    "CONTROL",
    "Endpoint",
    "Query",
    "SecurityProfile",
    "check_certificate_rule",
    "check_client_profile",
    "check_deciders",
    "check_listener_profile",
    "check_server_profile",
    "encode_basic",
    "expect_basic_user",
    "password_bytes",
    "resolve_endpoint",
]

Query: TypeAlias = Mapping[str, str] | Sequence[tuple[str, str]]
"""Query parameters: a mapping, or pairs in which a name may occur twice."""

_BLANK: Final = re.compile(r"[\x00-\x20\x7f]")
CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_HOST: Final = re.compile(r"[A-Za-z0-9._~-]+|[0-9A-Fa-f:.]+")
_PORT: Final = {"ws": 80, "wss": 443}


class SecurityProfile(IntEnum):
    """The security profiles of OCPP (security whitepaper for 1.6, OCPP 2.x Part 2 A00)."""

    NONE = 0
    """No profile: neither credentials nor TLS are required."""
    BASIC = 1
    """HTTP Basic over plain WebSocket; for trusted networks only."""
    TLS_BASIC = 2
    """TLS with a server certificate, and HTTP Basic."""
    TLS_CERT = 3
    """TLS with a server and a client certificate, no Basic."""

    @classmethod
    def _missing_(cls, value: object) -> None:
        raise ValueError(f"expected a security profile of 0 to 3, got {value!r}")

    @property
    def uses_basic(self) -> bool:
        """True if the station authenticates with a password."""
        return self in (SecurityProfile.BASIC, SecurityProfile.TLS_BASIC)

    @property
    def uses_tls(self) -> bool:
        """True if the connection must use TLS."""
        return self >= SecurityProfile.TLS_BASIC


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The address to which a station connects, and the data of its request."""

    secure: bool
    """True to use TLS."""
    host: str
    """Host name or address to connect to, an IPv6 address without brackets."""
    port: int
    authority: str
    """The value of the Host header, with the port if it is not the scheme's default."""
    target: str = field(repr=False)
    """The request target: path with the encoded identity, and query, which may contain a token."""

    @property
    def url(self) -> str:
        """The whole connection URL."""
        return f"{'wss' if self.secure else 'ws'}://{self.authority}{self.target}"


def resolve_endpoint(endpoint: str, identity: str, query: Query | None = None) -> Endpoint:
    """Return the parts of a station's connection URL.

    It is a ws:// or wss:// endpoint, `/` and the percent-encoded identity (OCPP-J 1.6 §3.1.1, 2.x Part 4 §3.1.1). The
    endpoint's own query is kept; `query` is appended form-encoded. Raises TypeError unless endpoint and identity are
    str. Raises ValueError for a URL with another scheme, a fragment, user information, a missing or invalid host or an
    invalid port, and for an identity that is empty or contains control characters.
    """
    _expect_identity(identity)
    parts = _split_endpoint(endpoint)
    host, port = _host_and_port(parts)
    # RFC 3986 §3.3: pchars and existing escapes are kept; any other character is escaped.
    path = quote(parts.path.removesuffix("/"), safe="/%:@!$&'()*+,;=") + "/" + quote(identity, safe="!*'()")
    own = quote(parts.query, safe="/?%:@!$&'()*+,;=")
    added = _encode_query(query) if query else ""
    joined = "&".join(part for part in (own, added) if part)
    name = f"[{host}]" if ":" in host else host
    return Endpoint(
        secure=parts.scheme == "wss",
        host=host,
        port=port,
        authority=name if port == _PORT[parts.scheme] else f"{name}:{port}",
        target=f"{path}?{joined}" if joined else path,
    )


def _encode_query(query: Query) -> str:
    pairs = list(query.items()) if isinstance(query, Mapping) else list(query)
    if not all(isinstance(pair, (tuple, list)) and len(pair) == 2 for pair in pairs):
        raise TypeError("expected query as a mapping or a list of pairs (name, value)")
    return urlencode(pairs)


def _expect_identity(identity: str) -> None:
    if not isinstance(identity, str):
        raise TypeError(f"expected identity as str, got {type(identity).__name__}")
    if not identity or CONTROL.search(identity) or not _is_utf8(identity):
        raise ValueError(f"expected a non-empty identity without control characters, got {identity!r}")


def _is_utf8(text: str) -> bool:
    """Return True if the text can be sent: one with a lone surrogate cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _split_endpoint(endpoint: str) -> SplitResult:
    if not isinstance(endpoint, str):
        raise TypeError(f"expected endpoint as str, got {type(endpoint).__name__}")
    # urlsplit drops blanks silently.
    if _BLANK.search(endpoint) or not _is_utf8(endpoint):
        raise ValueError("expected an endpoint URL without blanks and control characters")
    if "#" in endpoint:
        raise ValueError("expected an endpoint URL without a fragment (RFC 6455 §3)")
    try:
        parts = urlsplit(endpoint)
    except ValueError as error:
        raise ValueError(f"expected an endpoint like wss://host:port/path: {error}") from None
    if parts.scheme not in _PORT:
        raise ValueError(f"expected an endpoint that begins with ws:// or wss://, got scheme {parts.scheme!r}")
    if "@" in parts.netloc:  # the text is not shown: it may contain a password
        raise ValueError("expected an endpoint URL without user information; use password= instead")
    return parts


def _host_and_port(parts: SplitResult) -> tuple[str, int]:
    host = parts.hostname or ""
    if not _HOST.fullmatch(host):
        raise ValueError(f"expected an ASCII host name or an address in the endpoint URL, got {host!r}")
    try:
        port = _PORT[parts.scheme] if parts.port is None else parts.port
    except ValueError:
        port = 0
    if not port:
        raise ValueError("expected a port from 1 to 65535 in the endpoint URL")
    return host, port


def password_bytes(password: str | bytes) -> bytes:
    """Return the bytes of a password: text as UTF-8 (OCPP 2.x), bytes unchanged.

    Bytes are a decoded AuthorizationKey of 1.6. Raises TypeError for any other type.
    """
    if isinstance(password, str):
        return password.encode()
    if isinstance(password, (bytes, bytearray)):
        return bytes(password)
    raise TypeError(f"expected password as str or bytes, got {type(password).__name__}")


def expect_basic_user(identity: str) -> None:
    """Raise ValueError for an identity that Basic credentials must not contain (RFC 7617 §2: no colon)."""
    _expect_identity(identity)
    if ":" in identity:
        raise ValueError(f"expected an identity without ':' with Basic credentials, got {identity!r}")


def encode_basic(identity: str, password: str | bytes) -> str:
    """Return the value of an Authorization header with the identity as user name (RFC 7617).

    Raises ValueError for an identity with a colon, which RFC 7617 §2 and OCPP 2.1 forbid.
    """
    expect_basic_user(identity)
    token = binascii.b2a_base64(identity.encode() + b":" + password_bytes(password), newline=False)
    return "Basic " + token.decode()


def check_client_profile(
    profile: SecurityProfile, *, secure: bool, password: bool, certificate: bool, tls_options: bool
) -> None:
    """Raise ValueError if URL, password or TLS options of a station do not meet its profile.

    Args:
        profile: The security profile of the station.
        secure: True if the URL is wss.
        password: True if a password is set.
        certificate: True if a client certificate is set.
        tls_options: True if any TLS options are set.
    """
    if profile.uses_tls and not secure:
        raise ValueError(f"expected a wss:// endpoint with {_name(profile)}")
    if profile is SecurityProfile.BASIC and secure:
        raise ValueError(f"expected a ws:// endpoint with {_name(profile)}; use TLS_BASIC for wss://")
    if tls_options and not secure:
        raise ValueError("expected no tls options with a ws:// endpoint")
    if profile.uses_basic and not password:
        raise ValueError(f"expected a password with {_name(profile)}")
    if password and not profile.uses_basic:
        raise ValueError(f"expected no password with {_name(profile)}: it would not be sent")
    if profile is SecurityProfile.TLS_CERT and not certificate:
        raise ValueError(f"expected tls options with a client certificate (cert and key) with {_name(profile)}")


def check_server_profile(profile: SecurityProfile, *, credentials: bool, verify: bool, identify: bool) -> None:
    """Raise ValueError if the profile of a server does not use its settings.

    Args:
        profile: The security profile of the server.
        credentials: True if passwords are set.
        verify: True if a function that confirms passwords is set.
        identify: True if a rule for certificates is set.
    """
    if credentials and not profile.uses_basic:
        raise ValueError(f"expected no credentials with {_name(profile)}: they would not be checked")
    if verify and not profile.uses_basic:
        raise ValueError(f"expected no verify with {_name(profile)}: it would not be called")
    if verify and credentials:
        raise ValueError("expected credentials or verify, got both")
    if identify and profile is not SecurityProfile.TLS_CERT:
        raise ValueError(f"expected no identify with {_name(profile)}: it would not be used")


def check_certificate_rule(name: str, profile: SecurityProfile, *, is_shown: bool) -> None:
    """Raise ValueError for an option about client certificates on a server that gets none.

    `is_shown` is False if a proxy terminates TLS and does not pass certificates on.
    """
    if profile is not SecurityProfile.TLS_CERT:
        raise ValueError(f"expected no {name} with {_name(profile)}: it would not be used")
    if not is_shown:
        raise ValueError(
            f"expected no {name} with tls_terminated=True: the proxy does not pass certificates on; set "
            "certificate_header"
        )


def check_deciders(profile: SecurityProfile, *, passwords: bool, auth: bool) -> None:
    """Raise ValueError if a server could not enforce its profile when it starts to accept stations."""
    if profile.uses_basic and not (passwords or auth):
        raise ValueError(f"expected credentials, verify or an auth handler with {_name(profile)}")


def check_listener_profile(profile: SecurityProfile, *, tls: bool, tls_terminated: bool) -> None:
    """Raise ValueError if a listening socket does not meet the profile.

    With `tls_terminated` a TLS-terminating proxy meets it.
    """
    if profile.uses_tls and not (tls or tls_terminated):
        raise ValueError(f"expected tls options with {_name(profile)}, or tls_terminated=True behind a TLS proxy")
    if profile is SecurityProfile.BASIC and tls:
        raise ValueError(f"expected no tls options with {_name(profile)}; use TLS_BASIC for wss://")


def _name(profile: SecurityProfile) -> str:
    return f"security profile {profile.value} ({profile.name})"
