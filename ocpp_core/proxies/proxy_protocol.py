"""The header of the PROXY protocol, versions 1 and 2, which a proxy sends before the bytes of its client.

Source: The PROXY protocol, versions 1 & 2 (HAProxy, doc/proxy-protocol.txt) §2.1 to §2.2.5.

The host looks at received bytes without removing them, passes them to `ProxyHeaderReader.feed`, and removes as many as
that returns. So nothing that follows the header is ever taken.
"""

import re
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address
from typing import Final, NamedTuple

from ocpp_core._dataclasses import dataclass
from ocpp_core.addresses.networks import read_address

__all__ = ["MAX_LENGTH", "ProxyHeader", "ProxyHeaderError", "ProxyHeaderReader"]

MAX_LENGTH: Final = 4096
"""Most bytes of a header of version 2. That of HAProxy with all options has a few hundred."""
_MAX_LINE: Final = 107
"""Most bytes of a header of version 1, CR LF included (§2.1)."""

_LINE_START: Final = b"PROXY "
_SIGNATURE: Final = b"\r\n\r\n\x00\r\nQUIT\n"
_FIXED: Final = 16
"""Bytes of version 2 up to the addresses."""
_TCP: Final = re.compile(rb"PROXY TCP([46]) ([0-9A-Fa-f:.]+) ([0-9A-Fa-f:.]+) ([0-9]{1,5}) ([0-9]{1,5})")
_MAX_PORT: Final = 65535

_LOCAL, _PROXY = 0x20, 0x21
_UNSPEC, _TCP4, _TCP6, _UNIX = 0x00, 0x11, 0x21, 0x31
_ADDRESSES: Final = {_UNSPEC: 0, _TCP4: 12, _TCP6: 36, _UNIX: 216}
"""Bytes of the addresses and ports by family and transport; datagrams are refused."""
_TLV_SSL: Final = 0x20
_TLV_SSL_CN: Final = 0x22
_IS_TLS: Final = 0x01
_HAS_CERTIFICATE: Final = 0x02 | 0x04
"""PP2_CLIENT_CERT_CONN or _SESS: the client showed a certificate on this connection or on the one it resumes.

The result of the verification is 0 without a certificate too, so it counts only with one of these flags (§2.2.5).
"""


class ProxyHeaderError(ValueError):
    """The bytes are not a header of the PROXY protocol."""


@dataclass(frozen=True, slots=True)
class ProxyHeader:
    """What a proxy reports about the connection of its client."""

    address: str | None = None
    """The client's numeric address; None if the proxy connects for itself, or does not know it."""
    tls: bool | None = None
    """True if the client's connection is TLS, False if not; None if the proxy does not state it."""
    common_name: str | None = None
    """The CN of the certificate of the client, if the proxy has verified it."""
    is_local: bool = False
    """True if the proxy connects for itself, to check whether the server is there."""


class _SSL(NamedTuple):
    tls: bool
    common_name: str | None


class ProxyHeaderReader:
    """Reads one header, in chunks of any size."""

    __slots__ = ("_read", "header")

    def __init__(self) -> None:
        self._read = b""
        self.header: ProxyHeader | None = None
        """The header, once it is complete."""

    def feed(self, data: bytes) -> int:
        """Return how many of these bytes belong to the header; the others follow it.

        Raises ProxyHeaderError as soon as the bytes cannot be a header.
        """
        before = len(self._read)
        text = self._read + data
        if _LINE_START.startswith(text[: len(_LINE_START)]):
            length = self._feed_line(text)
        elif _SIGNATURE.startswith(text[: len(_SIGNATURE)]):
            length = self._feed_binary(text)
        else:
            raise ProxyHeaderError("the connection does not begin with a PROXY header")
        self._read = text[:length]
        return length - before

    def _feed_line(self, text: bytes) -> int:
        end = text.find(b"\r\n", 0, _MAX_LINE)
        if end >= 0:
            self.header = _line(text[:end])
            return end + 2
        if len(text) >= _MAX_LINE:
            raise ProxyHeaderError(f"the PROXY header has more than {_MAX_LINE} bytes")
        return len(text)

    def _feed_binary(self, text: bytes) -> int:
        if len(text) < _FIXED:
            return len(text)
        length = _FIXED + int.from_bytes(text[14:16], "big")
        if length > MAX_LENGTH:
            raise ProxyHeaderError(f"the PROXY header has more than {MAX_LENGTH} bytes")
        if len(text) >= length:
            self.header = _binary(text[12], text[13], text[_FIXED:length])
        return min(length, len(text))


def _line(line: bytes) -> ProxyHeader:
    """Return the header of version 1 (§2.1)."""
    if line == b"PROXY UNKNOWN" or line.startswith(b"PROXY UNKNOWN "):
        return ProxyHeader()
    found = _TCP.fullmatch(line)
    if found is None:
        raise ProxyHeaderError("the PROXY header of version 1 is malformed")
    kind = IPv4Address if found[1] == b"4" else IPv6Address
    try:
        source, _ = kind(found[2].decode()), kind(found[3].decode())
    except ValueError:
        raise ProxyHeaderError("the PROXY header of version 1 has an invalid address") from None
    if max(int(found[4]), int(found[5])) > _MAX_PORT:
        raise ProxyHeaderError("the PROXY header of version 1 has an invalid port")
    return ProxyHeader(str(read_address(str(source))))


def _binary(command: int, family: int, rest: bytes) -> ProxyHeader:
    """Return the header of version 2 (§2.2)."""
    if command == _LOCAL:  # everything else is to be ignored
        return ProxyHeader(is_local=True)
    if command != _PROXY:
        raise ProxyHeaderError(f"the PROXY header has the unknown version and command 0x{command:02x}")
    size = _ADDRESSES.get(family)
    if size is None:
        raise ProxyHeaderError(f"the PROXY header has the unsupported family and transport 0x{family:02x}")
    if len(rest) < size:
        raise ProxyHeaderError("the PROXY header is too short for its addresses")
    about_tls = [_ssl(value) for kind, value in _tlvs(rest[size:]) if kind == _TLV_SSL]
    tls, common_name = about_tls[0] if about_tls else (None, None)
    return ProxyHeader(_source(family, rest), tls, common_name)


def _source(family: int, addresses: bytes) -> str | None:
    if family == _TCP4:
        return str(IPv4Address(addresses[:4]))
    if family == _TCP6:
        return str(read_address(str(IPv6Address(addresses[:16]))))
    return None


def _ssl(value: bytes) -> _SSL:
    """Return what PP2_TYPE_SSL says of the client (§2.2.5)."""
    if len(value) < 5:
        raise ProxyHeaderError("the PROXY header has a truncated field")
    flags, is_verified = value[0], value[1:5] == bytes(4)
    names = [name for kind, name in _tlvs(value[5:]) if kind == _TLV_SSL_CN]
    if not (names and flags & _HAS_CERTIFICATE and is_verified):
        return _SSL(bool(flags & _IS_TLS), None)
    try:
        return _SSL(bool(flags & _IS_TLS), names[0].decode())
    except UnicodeDecodeError:
        raise ProxyHeaderError("the PROXY header has a CN that is not UTF-8") from None


def _tlvs(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Iterate over type and value of the fields after the addresses; all of them are checked (§2.2)."""
    at = 0
    while at < len(data):
        end = at + 3 + int.from_bytes(data[at + 1 : at + 3], "big")
        if at + 3 > len(data) or end > len(data):
            raise ProxyHeaderError("the PROXY header has a truncated field")
        yield data[at], data[at + 3 : end]
        at = end
