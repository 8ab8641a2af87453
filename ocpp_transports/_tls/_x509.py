"""Reads the few facts of a certificate that `ssl` shows for verified peers only.

Source: RFC 5280 §4.1, in DER (ITU-T X.690). The signature is not checked: OpenSSL does that.
"""

import re
from binascii import a2b_base64
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from ocpp_core._dataclasses import dataclass

__all__ = ["CertificateFacts", "Reader", "certificates_in", "read_certificate", "text_of", "time_of"]

_PEM: Final = re.compile(rb"-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----([^-]*)-----END ")
_INTEGER: Final = 0x02
_OID: Final = 0x06
_SEQUENCE: Final = 0x30
_SET: Final = 0x31
_VERSION: Final = 0xA0
_COMMON_NAME: Final = bytes.fromhex("550403")
_STRINGS: Final = {0x0C: "utf-8", 0x13: "ascii", 0x14: "latin-1", 0x16: "ascii", 0x1C: "utf-32-be", 0x1E: "utf-16-be"}
_UTC_TIME: Final = 0x17
_GENERALIZED_TIME: Final = 0x18
_DIGITS: Final = {_UTC_TIME: 12, _GENERALIZED_TIME: 14}


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What a certificate says of itself."""

    common_name: str
    """The first CN of the subject; empty without one."""
    not_after: datetime
    """The time in UTC at which it expires."""
    key_type: bytes
    """The algorithm of its key, an object identifier in DER: equal for two RSA keys, whatever their sizes."""


def certificates_in(data: bytes) -> Iterator[bytes]:
    """Iterate over the certificates in a PEM text, as DER; data without any is one DER certificate.

    One with invalid base64 is empty.
    """
    if b"-----BEGIN" not in data:
        yield data
        return
    for found in _PEM.finditer(data):
        yield _decoded(found[1])


def _decoded(text: bytes) -> bytes:
    try:
        return a2b_base64(text)
    except ValueError:
        return b""


def read_certificate(der: bytes) -> CertificateFacts:
    """Return the facts of a certificate. Raises ValueError for anything that is not one."""
    fields = Reader(Reader(Reader(der).enter(_SEQUENCE)).enter(_SEQUENCE))
    fields.skip_optional(_VERSION)
    fields.enter(_INTEGER)  # serial number
    fields.enter(_SEQUENCE)  # algorithm of the signature
    fields.enter(_SEQUENCE)  # issuer
    validity = Reader(fields.enter(_SEQUENCE))
    validity.next()
    not_after = time_of(*validity.next())
    subject = fields.enter(_SEQUENCE)
    key = Reader(Reader(fields.enter(_SEQUENCE)).enter(_SEQUENCE))
    return CertificateFacts(_common_name(subject), not_after, key.enter(_OID))


class Reader:
    """Reads one element of DER after the other; raises ValueError where the next one is not as expected."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def is_done(self) -> bool:
        return self._at >= len(self._data)

    def next(self) -> tuple[int, bytes]:
        """Return the tag and the content of the next element."""
        tag, first = self._take(2)
        if first == 0x80 or first > 0x84:
            raise ValueError(f"expected a length of at most 4 bytes, got 0x{first:02x}")
        length = first if first < 0x80 else int.from_bytes(self._take(first & 0x7F), "big")
        return tag, self._take(length)

    def enter(self, expected: int) -> bytes:
        """Return the content of the next element, which must have this tag."""
        tag, content = self.next()
        if tag != expected:
            raise ValueError(f"expected an element of type 0x{expected:02x}, got 0x{tag:02x}")
        return content

    def skip_optional(self, tag: int) -> None:
        if self._data[self._at : self._at + 1] == bytes((tag,)):
            self.next()

    def _take(self, size: int) -> bytes:
        taken = self._data[self._at : self._at + size]
        if len(taken) < size:
            raise ValueError(f"expected {size} bytes, got {len(taken)}")
        self._at += size
        return taken


def _common_name(subject: bytes) -> str:
    names = Reader(subject)
    while not names.is_done:
        attributes = Reader(names.enter(_SET))
        while not attributes.is_done:
            attribute = Reader(attributes.enter(_SEQUENCE))
            if attribute.enter(_OID) == _COMMON_NAME:
                return text_of(*attribute.next())
    return ""


def text_of(tag: int, content: bytes) -> str:
    if tag not in _STRINGS:
        raise ValueError(f"expected a string, got an element of type 0x{tag:02x}")
    return content.decode(_STRINGS[tag])


def time_of(tag: int, content: bytes) -> datetime:
    """Return a time in one of the two forms of RFC 5280 §4.1.2.5; both end with Z."""
    digits = content[:-1].decode("ascii")
    if len(digits) != _DIGITS.get(tag) or not digits.isdigit() or content[-1:] != b"Z":
        raise ValueError(f"expected a time of RFC 5280, got an element of type 0x{tag:02x}")
    if tag == _UTC_TIME:
        digits = f"{'19' if digits >= '50' else '20'}{digits}"
    return datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
