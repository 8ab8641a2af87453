"""Root certificates that a CSMS installs, identified by the hashes of RFC 6960 §4.1.1."""

from base64 import b64decode
from hashlib import new as new_hash
from re import DOTALL
from re import compile as regex
from typing import Any, Final, NamedTuple

__all__ = ["CertificateError", "CertificateStore"]

_PEM: Final = regex(r"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", DOTALL)
_MOST: Final = 20
_HASHES: Final = {"SHA256": "sha256", "SHA384": "sha384", "SHA512": "sha512"}
_EXPLICIT_VERSION: Final = 0xA0


class CertificateError(ValueError):
    """The text is not an X.509 certificate."""


class _Certificate(NamedTuple):
    """The fields that are hashed. A root is self-signed, so its key is also the key of its issuer."""

    kind: str
    serial: str
    issuer: bytes
    key: bytes

    def hash_data(self, algorithm: str) -> dict[str, Any]:
        return {
            "hashAlgorithm": algorithm,
            "issuerNameHash": new_hash(_HASHES[algorithm], self.issuer).hexdigest(),
            "issuerKeyHash": new_hash(_HASHES[algorithm], self.key).hexdigest(),
            "serialNumber": self.serial,
        }


class CertificateStore:
    """The root certificates of a station."""

    def __init__(self) -> None:
        self._certificates: list[_Certificate] = []

    def install(self, kind: str, pem: str) -> bool:
        """Store a certificate. Returns False if the store is full. Raises CertificateError for other text."""
        certificate = _read(kind, pem)
        if certificate not in self._certificates:
            if len(self._certificates) >= _MOST:
                return False
            self._certificates.append(certificate)
        return True

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        """Return the hashes of the certificates of these kinds."""
        return [certificate.hash_data("SHA256") for certificate in self._certificates if certificate.kind == kind]

    def delete(self, hash_data: dict[str, Any]) -> bool:
        """Remove a certificate. Returns False if none has these hashes."""
        wanted = {name: str(value).lower() for name, value in hash_data.items() if name != "customData"}
        for certificate in self._certificates:
            named = certificate.hash_data(hash_data["hashAlgorithm"])
            if {name: str(value).lower() for name, value in named.items()} == wanted:
                self._certificates.remove(certificate)
                return True
        return False


class _Element(NamedTuple):
    tag: int
    content: bytes
    whole: bytes


def _elements(data: bytes) -> list[_Element]:
    """Split DER into its elements. Raises IndexError or CertificateError if it is malformed."""
    elements, at = [], 0
    while at < len(data):
        tag, length, start = data[at], data[at + 1], at + 2
        if length & 0x80:
            size = length & 0x7F
            length, start = int.from_bytes(data[start : start + size], "big"), start + size
        end = start + length
        if end > len(data):
            raise CertificateError("the certificate is truncated")
        elements.append(_Element(tag, data[start:end], data[at:end]))
        at = end
    return elements


def _read(kind: str, pem: str) -> _Certificate:
    """Return the serial number, the issuer and the key (RFC 5280 §4.1)."""
    found = _PEM.search(pem)
    if found is None:
        raise CertificateError("expected a PEM certificate")
    try:
        (certificate,) = _elements(b64decode(found[1]))
        fields = _elements(_elements(certificate.content)[0].content)
        if fields[0].tag == _EXPLICIT_VERSION:
            fields = fields[1:]
        serial, _, issuer, _, _, key_info = fields[:6]
        key = _elements(key_info.content)[1].content[1:]  # the first byte counts unused bits
    except (ValueError, IndexError) as error:
        raise CertificateError("expected an X.509 certificate") from error
    number = int.from_bytes(serial.content, "big")
    return _Certificate(kind, f"{number:x}", issuer.whole, key)
