"""The options of TLS: certificates, as paths or bytes, and permitted weaknesses."""

import os
import ssl
from collections.abc import Sequence
from typing import Final, TypeAlias

from ocpp_core._dataclasses import dataclass

__all__ = ["Pem", "TLSOptions", "expect_tls"]

Pem: TypeAlias = str | os.PathLike[str] | bytes
"""A path, or the PEM text itself as bytes (or as str if it begins with `-----BEGIN`)."""

_SWITCHES: Final = ("verify", "x509_strict", "static_rsa")


@dataclass(frozen=True, slots=True, repr=False)
class TLSOptions:
    """Certificates of one side of a TLS connection.

    They are read when the client or server is constructed, and by a server again at `listen` and `update_tls`.
    A station needs `ca` unless the system's CA certificates cover the server, and `cert` and `key` for profile 3.
    A server needs `cert` and `key`; for profile 3, the only one that demands client certificates, also `ca`, the CA
    certificates of the stations. For an ECDSA and an RSA certificate together, pass lists as `cert` and `key`: each
    peer gets the one that it supports. Every version of Python checks them alike: each certificate in `ca` is trusted,
    even one that another authority issued, and `x509_strict` decides how strictly RFC 5280 is enforced. TLS 1.2 offers
    only the suites with ECDHE and AES GCM or ChaCha20. Raises TypeError for other types, ValueError for a key without a
    certificate and for another number of keys than certificates.
    """

    cert: Pem | Sequence[Pem] | None = None
    """Own certificate, followed by its chain; or several with keys of different types."""
    key: Pem | Sequence[Pem] | None = None
    """Its private key, or one for each certificate; None if each is in the file of its certificate."""
    ca: Pem | None = None
    """Certificates to trust, instead of the system's; bytes may also be one DER certificate."""
    crl: Pem | None = None
    """Revocation lists (PEM) of the authorities that issue the certificates of peers; one for each authority. A peer
    whose certificate is revoked is refused, and so is every peer if a list is missing or past its next update."""
    passphrase: str | bytes | None = None
    """The passphrase of encrypted private keys."""
    verify: bool = True
    """False accepts any server certificate: for tests only."""
    x509_strict: bool = False
    """Refuse certificates that violate RFC 5280, such as those of plain `openssl` without key identifiers."""
    static_rsa: bool = False
    """Allow the two suites of TLS 1.2 with static RSA and AES GCM, for peers that support only these (A00.FR.318).

    They have no forward secrecy: anyone who gets the key of the certificate can decrypt recorded traffic."""

    def __post_init__(self) -> None:
        for name in ("cert", "key"):
            if isinstance(getattr(self, name), (list, tuple)):
                object.__setattr__(self, name, _expect_pems(name, getattr(self, name)))
            else:
                _expect_pem(name, getattr(self, name))
        _expect_pem("ca", self.ca)
        _expect_pem("crl", self.crl)
        if not isinstance(self.passphrase, (str, bytes, type(None))):
            raise TypeError(f"expected passphrase as str or bytes, got {type(self.passphrase).__name__}")
        if self.key is not None and self.cert is None:
            raise ValueError("expected a cert with the key")
        if self.key is not None and len(_listed(self.cert)) != len(_listed(self.key)):
            raise ValueError(f"expected a key for each of {len(_listed(self.cert))} certificates, or None")
        if self.crl is not None and (self.ca is None or not self.verify):
            raise ValueError("expected ca and verify=True with a crl: without them it would not be used")
        for name in _SWITCHES:
            if not isinstance(getattr(self, name), bool):
                raise TypeError(f"expected {name} as bool, got {type(getattr(self, name)).__name__}")

    @property
    def pairs(self) -> tuple[tuple[Pem, Pem | None], ...]:
        """Each own certificate with its key; the key is None if it is in the file of its certificate."""
        certs = _listed(self.cert)
        return tuple(zip(certs, [None] * len(certs) if self.key is None else _listed(self.key), strict=True))

    def __repr__(self) -> str:
        given = [f"{name}=…" for name in ("cert", "key", "ca", "crl", "passphrase") if getattr(self, name) is not None]
        switches = [f"{name}={getattr(self, name)}" for name in _SWITCHES]
        return f"TLSOptions({', '.join([*given, *switches])})"


def _listed(given: Pem | Sequence[Pem] | None) -> tuple[Pem, ...]:
    """Return the elements of a list, one value as the only one, and None as none."""
    if given is None:
        return ()
    return given if isinstance(given, tuple) else (given,)


def _expect_pem(name: str, value: object) -> None:
    if not isinstance(value, (str, os.PathLike, bytes, type(None))):
        raise TypeError(f"expected {name} as a path or bytes, got {type(value).__name__}")


def _expect_pems(name: str, values: Sequence[object]) -> tuple[object, ...]:
    if not values:
        raise ValueError(f"expected {name} as at least one path or bytes, got none")
    for value in values:
        if value is None:
            raise TypeError(f"expected {name} as a list of paths or bytes, got None in it")
        _expect_pem(name, value)
    return tuple(values)


def expect_tls(tls: object) -> None:
    """Raise TypeError unless this is None, TLSOptions or an ssl.SSLContext."""
    if not isinstance(tls, (TLSOptions, ssl.SSLContext, type(None))):
        raise TypeError(f"expected tls as TLSOptions or ssl.SSLContext, got {type(tls).__name__}")
