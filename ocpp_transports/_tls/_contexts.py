"""TLS contexts of both roles, from certificates as paths or bytes.

Sources: security whitepaper for 1.6 §3 and OCPP 2.x Part 2 A00 (A00.FR.312, .317, .318, .404, .416).
"""

import os
import ssl
from dataclasses import dataclass
from typing import Final

from ocpp_core.handshake import SecurityProfile

from ._files import Pem, load_own, with_authority

__all__ = ["Pem", "TLSOptions", "client_context", "expect_tls", "server_context"]

_CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Of TLS 1.2: with forward secrecy and authenticated encryption. TLS 1.3 has no others.

A00.FR.317 and .318 demand ECDHE_ECDSA with AES 128 and 256 GCM, and the two with static RSA below.
"""
_STATIC_RSA: Final = "AES128-GCM-SHA256:AES256-GCM-SHA384"
_SWITCHES: Final = ("verify", "x509_strict", "static_rsa")


@dataclass(frozen=True, slots=True, repr=False)
class TLSOptions:
    """Certificates of one side; read at construction of the client or server, of a server again at `listen`.

    A station needs `ca` unless its system's roots vouch for the server, and `cert` and `key` for profile 3. A server
    needs `cert` and `key`, and `ca` (who vouches for stations) for profile 3, the only one that asks for client
    certificates. Every version of Python checks them alike: each certificate in `ca` is trusted, also one that
    another authority issued, and `x509_strict` decides how much of RFC 5280 a chain has to keep. TLS 1.2 gets the
    suites with ECDHE and AES GCM or ChaCha20 only. Raises TypeError for other types, ValueError for a key without a
    certificate.
    """

    cert: Pem | None = None
    """Own certificate, followed by its chain."""
    key: Pem | None = None
    """Its private key; None if it stands in the same file."""
    ca: Pem | None = None
    """Certificates to trust, instead of the system's; bytes may also be one DER certificate."""
    passphrase: str | bytes | None = None
    """Of an encrypted private key."""
    verify: bool = True
    """False accepts any server certificate: for tests only."""
    x509_strict: bool = False
    """Refuse certificates that break RFC 5280, as those of plain `openssl` often do: without key identifiers, say."""
    static_rsa: bool = False
    """Allow the two suites of TLS 1.2 with static RSA and AES GCM, for peers of A00.FR.318 that have no others.

    They have no forward secrecy: who gets the key of the certificate can read what was recorded before."""

    def __post_init__(self) -> None:
        for name in ("cert", "key", "ca"):
            value = getattr(self, name)
            if not isinstance(value, (str, os.PathLike, bytes, type(None))):
                raise TypeError(f"expected {name} as a path or bytes, got {type(value).__name__}")
        if not isinstance(self.passphrase, (str, bytes, type(None))):
            raise TypeError(f"expected passphrase as str or bytes, got {type(self.passphrase).__name__}")
        if self.key is not None and self.cert is None:
            raise ValueError("expected a cert with the key")
        for name in _SWITCHES:
            if not isinstance(getattr(self, name), bool):
                raise TypeError(f"expected {name} as bool, got {type(getattr(self, name)).__name__}")

    def __repr__(self) -> str:
        given = [f"{name}=…" for name in ("cert", "key", "ca", "passphrase") if getattr(self, name) is not None]
        switches = [f"{name}={getattr(self, name)}" for name in _SWITCHES]
        return f"TLSOptions({', '.join([*given, *switches])})"


def expect_tls(tls: object) -> None:
    """Raise TypeError for what is neither None nor certificates in one of the two forms."""
    if not isinstance(tls, (TLSOptions, ssl.SSLContext, type(None))):
        raise TypeError(f"expected tls as TLSOptions or ssl.SSLContext, got {type(tls).__name__}")


def client_context(tls: TLSOptions | ssl.SSLContext | None) -> ssl.SSLContext:
    """Make the context of a station: TLS 1.2 or later, the server's certificate and name checked.

    Raises OSError for a file that cannot be read (ssl.SSLError is one: for what is in it), each with the name of the
    file, and ValueError for a context below TLS 1.2.
    """
    if isinstance(tls, ssl.SSLContext):
        return _expect_modern(tls)
    options = tls or TLSOptions()
    context = _context(ssl.Purpose.SERVER_AUTH, options)
    if not options.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def server_context(tls: TLSOptions | ssl.SSLContext, profile: SecurityProfile) -> ssl.SSLContext:
    """Make the context of a central system; profile 3 demands a client certificate.

    Raises as `client_context` does, and ValueError for options that do not meet the profile.
    """
    needs_client = profile is SecurityProfile.TLS_CERT
    if isinstance(tls, ssl.SSLContext):
        if needs_client and tls.verify_mode != ssl.CERT_REQUIRED:
            raise ValueError("expected an SSLContext with verify_mode=CERT_REQUIRED for security profile 3")
        return _expect_modern(tls)
    if tls.cert is None:
        raise ValueError("expected TLSOptions with cert and key for a server")
    if needs_client and (tls.ca is None or not tls.verify):
        raise ValueError("expected TLSOptions with ca and verify=True for a server on security profile 3")
    context = _context(ssl.Purpose.CLIENT_AUTH, tls)
    if needs_client:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _expect_modern(context: ssl.SSLContext) -> ssl.SSLContext:
    if context.minimum_version < ssl.TLSVersion.TLSv1_2:
        raise ValueError("expected an SSLContext with minimum_version of TLSv1_2 or later (A00.FR.312)")
    return context


def _context(purpose: ssl.Purpose, options: TLSOptions) -> ssl.SSLContext:
    context = with_authority(purpose, options.ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(f"{_CIPHERS}:{_STATIC_RSA}" if options.static_rsa else _CIPHERS)
    # Python 3.13 sets both by default, those before neither.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VERIFY_X509_STRICT
    if not options.x509_strict:
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if options.cert is not None:
        load_own(context, options.cert, options.key, options.passphrase)
    return context
