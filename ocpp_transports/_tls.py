"""TLS contexts of both roles, from certificates as paths or bytes.

Sources: security whitepaper for 1.6 §3 and OCPP 2.x Part 2 A00 (A00.FR.312, .317, .318, .404, .416).
"""

import os
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from ocpp_core.handshake import SecurityProfile

__all__ = ["Pem", "TLSOptions", "client_context", "expect_tls", "server_context"]

Pem: TypeAlias = str | os.PathLike[str] | bytes
"""A path, or the PEM text itself as bytes (or as str where it begins with `-----BEGIN`)."""

# A00.FR.317 and .318: a central system offers ECDHE_ECDSA and RSA with AES 128 and 256 GCM. OpenSSL's default list
# lacks the two with static RSA.
_SERVER_CIPHERS: Final = "DEFAULT:AES128-GCM-SHA256:AES256-GCM-SHA384"


@dataclass(frozen=True, slots=True, repr=False)
class TLSOptions:
    """Certificates of one side; read at construction of the client, or at `listen`.

    A station needs `ca` unless its system's roots vouch for the server, and `cert` and `key` for profile 3. A server
    needs `cert` and `key`, and `ca` (who vouches for stations) for profile 3, the only one that asks for client
    certificates. Raises TypeError for other types, ValueError for a key without a certificate.
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

    def __post_init__(self) -> None:
        for name in ("cert", "key", "ca"):
            value = getattr(self, name)
            if not isinstance(value, (str, os.PathLike, bytes, type(None))):
                raise TypeError(f"expected {name} as a path or bytes, got {type(value).__name__}")
        if self.key is not None and self.cert is None:
            raise ValueError("expected a cert with the key")
        if not isinstance(self.verify, bool):
            raise TypeError(f"expected verify as bool, got {type(self.verify).__name__}")

    def __repr__(self) -> str:
        given = [f"{name}=…" for name in ("cert", "key", "ca", "passphrase") if getattr(self, name) is not None]
        return f"TLSOptions({', '.join([*given, f'verify={self.verify}'])})"


def expect_tls(tls: object) -> None:
    """Raise TypeError for what is neither None nor certificates in one of the two forms."""
    if not isinstance(tls, (TLSOptions, ssl.SSLContext, type(None))):
        raise TypeError(f"expected tls as TLSOptions or ssl.SSLContext, got {type(tls).__name__}")


def client_context(tls: TLSOptions | ssl.SSLContext | None) -> ssl.SSLContext:
    """Make the context of a station: TLS 1.2 or later, the server's certificate and name checked.

    Raises OSError for a file that cannot be read (ssl.SSLError is one: for what is in it), ValueError for a context
    below TLS 1.2.
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
    context.set_ciphers(_SERVER_CIPHERS)
    if needs_client:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _expect_modern(context: ssl.SSLContext) -> ssl.SSLContext:
    if context.minimum_version < ssl.TLSVersion.TLSv1_2:
        raise ValueError("expected an SSLContext with minimum_version of TLSv1_2 or later (A00.FR.312)")
    return context


def _context(purpose: ssl.Purpose, options: TLSOptions) -> ssl.SSLContext:
    # With a CA given, create_default_context trusts that alone.
    cafile, cadata = _authority(options.ca)
    context = ssl.create_default_context(purpose, cafile=cafile, cadata=cadata)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if options.cert is not None:
        with _as_file(options.cert) as cert, _as_file(options.key) as key:
            # A callback even without a passphrase: otherwise OpenSSL would ask for one on the terminal.
            context.load_cert_chain(str(cert), key, password=_passphrase(options))
    return context


def _passphrase(options: TLSOptions) -> Callable[[], str | bytes]:
    return lambda: options.passphrase or ""


def _authority(ca: Pem | None) -> tuple[str | None, str | bytes | None]:
    """Give a CA as a file name or as data."""
    if ca is None:
        return None, None
    data = _content(ca)
    if data is None:
        return os.fspath(ca), None  # type: ignore[return-value]  # bytes are always content
    return None, data.decode("ascii", "replace") if b"-----BEGIN" in data else data


def _content(pem: Pem) -> bytes | None:
    """Give the bytes of what is no path."""
    if isinstance(pem, bytes):
        return pem
    return pem.encode() if isinstance(pem, str) and pem.lstrip().startswith("-----BEGIN") else None


@contextmanager
def _as_file(pem: Pem | None) -> Iterator[str | None]:
    """Give a path: OpenSSL reads own certificates and keys from files only.

    Bytes go through a file that only this user can read, and that is gone at once.
    """
    data = None if pem is None else _content(pem)
    if pem is None or data is None:
        yield None if pem is None else os.fspath(pem)  # type: ignore[misc]  # bytes are always content
        return
    import tempfile  # noqa: PLC0415 - dear to load, and for certificates given as bytes only

    handle, name = tempfile.mkstemp(prefix="ocpp-ws-io-", suffix=".pem")  # mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        yield name
    finally:
        Path(name).unlink()
