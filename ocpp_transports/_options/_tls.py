"""The options of TLS: certificates, as paths or bytes, and what may be tolerated."""

import os
import ssl
from dataclasses import dataclass
from typing import Final, TypeAlias

__all__ = ["Pem", "TLSOptions", "expect_tls"]

Pem: TypeAlias = str | os.PathLike[str] | bytes
"""A path, or the PEM text itself as bytes (or as str where it begins with `-----BEGIN`)."""

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
