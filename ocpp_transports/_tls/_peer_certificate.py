"""A certificate in the form of `ssl.SSLSocket.getpeercert()`, made of its DER: for those that a proxy passes on.

Source: RFC 5280 §4.1 and §4.2.1.6. The proxy has verified it: neither its signature nor its dates are checked.
"""

from collections.abc import Iterator
from datetime import datetime
from ipaddress import ip_address
from typing import Any, Final, TypeAlias

from ._x509 import Reader, text_of, time_of

__all__ = ["peer_certificate"]

_Name: TypeAlias = tuple[tuple[tuple[str, str], ...], ...]

_INTEGER: Final = 0x02
_OID: Final = 0x06
_SEQUENCE: Final = 0x30
_SET: Final = 0x31
_BOOLEAN: Final = 0x01
_OCTETS: Final = 0x04
_VERSION: Final = 0xA0
_UNIQUE_IDS: Final = (0x81, 0x82)
_EXTENSIONS: Final = 0xA3
_ALTERNATIVE_NAMES: Final = bytes.fromhex("551d11")
_TEXTS: Final = {0x81: "email", 0x82: "DNS", 0x86: "URI"}
_ADDRESS: Final = 0x87

_NAMES: Final = {
    bytes.fromhex("550403"): "commonName",
    bytes.fromhex("550404"): "surname",
    bytes.fromhex("550405"): "serialNumber",
    bytes.fromhex("550406"): "countryName",
    bytes.fromhex("550407"): "localityName",
    bytes.fromhex("550408"): "stateOrProvinceName",
    bytes.fromhex("550409"): "streetAddress",
    bytes.fromhex("55040a"): "organizationName",
    bytes.fromhex("55040b"): "organizationalUnitName",
    bytes.fromhex("55040c"): "title",
    bytes.fromhex("2a864886f70d010901"): "emailAddress",
    bytes.fromhex("0992268993f22c640101"): "userId",
    bytes.fromhex("0992268993f22c640119"): "domainComponent",
}
"""The attributes of a name (RFC 5280 appendix A) as OpenSSL calls them; others are left out."""


def peer_certificate(der: bytes) -> dict[str, Any]:
    """Return the fields of a certificate as `getpeercert` returns them.

    Alternative names are those with a text or an address. Raises ValueError for anything that is not one certificate.
    """
    outer = Reader(der)
    fields = Reader(Reader(outer.enter(_SEQUENCE)).enter(_SEQUENCE))
    if not outer.is_done:
        raise ValueError("expected one certificate, got more bytes")
    fields.skip_optional(_VERSION)
    serial_number = int.from_bytes(fields.enter(_INTEGER), "big")
    fields.enter(_SEQUENCE)  # algorithm of the signature
    issuer = _name(fields.enter(_SEQUENCE))
    validity = Reader(fields.enter(_SEQUENCE))
    not_before, not_after = _shown(time_of(*validity.next())), _shown(time_of(*validity.next()))
    subject = _name(fields.enter(_SEQUENCE))
    fields.enter(_SEQUENCE)  # key
    certificate: dict[str, Any] = {
        "subject": subject,
        "issuer": issuer,
        "serialNumber": serial_number.to_bytes(max(1, (serial_number.bit_length() + 7) // 8), "big").hex().upper(),
        "notBefore": not_before,
        "notAfter": not_after,
    }
    names = tuple(_alternative_names(fields))
    return {**certificate, "subjectAltName": names} if names else certificate


def _shown(time: datetime) -> str:
    """Return a time as OpenSSL writes it, in English whatever the locale."""
    month = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")[time.month - 1]
    return f"{month} {time.day:2d} {time:%H:%M:%S} {time.year} GMT"


def _name(sequence: bytes) -> _Name:
    parts, name = [], Reader(sequence)
    while not name.is_done:
        attributes, pairs = Reader(name.enter(_SET)), []
        while not attributes.is_done:
            attribute = Reader(attributes.enter(_SEQUENCE))
            kind = _NAMES.get(attribute.enter(_OID))
            if kind is not None:
                pairs.append((kind, text_of(*attribute.next())))
        if pairs:
            parts.append(tuple(pairs))
    return tuple(parts)


def _alternative_names(fields: Reader) -> Iterator[tuple[str, str]]:
    """Iterate over the entries of subjectAltName, in the fields of a certificate after its key."""
    for tag in _UNIQUE_IDS:
        fields.skip_optional(tag)
    if fields.is_done:
        return
    extensions = Reader(Reader(fields.enter(_EXTENSIONS)).enter(_SEQUENCE))
    while not extensions.is_done:
        extension = Reader(extensions.enter(_SEQUENCE))
        kind = extension.enter(_OID)
        extension.skip_optional(_BOOLEAN)
        if kind == _ALTERNATIVE_NAMES:
            yield from _general_names(Reader(Reader(extension.enter(_OCTETS)).enter(_SEQUENCE)))


def _general_names(names: Reader) -> Iterator[tuple[str, str]]:
    while not names.is_done:
        tag, content = names.next()
        if tag in _TEXTS:
            yield _TEXTS[tag], content.decode("ascii")
        elif tag == _ADDRESS:
            yield "IP Address", str(ip_address(content))
