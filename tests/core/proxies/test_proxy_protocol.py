"""The header of the PROXY protocol, in both versions (proxy-protocol.txt §2)."""

import struct
from ipaddress import ip_address

import pytest

from ocpp_core.proxies.proxy_protocol import MAX_LENGTH, ProxyHeader, ProxyHeaderError, ProxyHeaderReader
from tests.tables import each

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
LINE = b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n"
REST = b"GET / HTTP/1.1\r\n\r\n"
LOCAL, PROXY = 0x20, 0x21
UNSPEC, TCP4, UDP4, TCP6, UNIX = 0x00, 0x11, 0x12, 0x21, 0x31


def field(kind, value):
    return struct.pack(">BH", kind, len(value)) + value


def about_tls(flags, verify=0, *fields):
    return field(0x20, struct.pack(">BI", flags, verify) + b"".join(fields))


def binary(rest=b"", *, command=PROXY, family=TCP4, source="192.0.2.7"):
    """Write a header of version 2."""
    address = ip_address(source).packed
    addresses = {UNSPEC: b"", UNIX: b"/sock".ljust(216, b"\0")}.get(family, address * 2 + bytes(4))
    body = addresses + rest
    return SIGNATURE + struct.pack(">BBH", command, family, len(body)) + body


CN = field(0x22, b"CP1")
TLS_CN = binary(about_tls(7, 0, field(0x21, b"TLSv1.3"), CN))


def read(data, size=MAX_LENGTH):
    """Feed a header and what follows it in chunks as a host does: it looks first; return both."""
    reader, rest = ProxyHeaderReader(), data
    while reader.header is None:
        taken = reader.feed(rest[:size])
        assert taken, "the header is not complete"
        rest = rest[taken:]
    return reader.header, rest


class TestAHeader:
    @each(
        ("header", "expected"),
        [
            (LINE, ProxyHeader("192.0.2.7")),
            (b"PROXY TCP6 2001:db8::7 2001:db8::1 1 2\r\n", ProxyHeader("2001:db8::7")),
            (b"PROXY TCP6 ::ffff:192.0.2.7 ::1 1 2\r\n", ProxyHeader("192.0.2.7")),
            (b"PROXY UNKNOWN\r\n", ProxyHeader()),
            (b"PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n", ProxyHeader()),
            (binary(), ProxyHeader("192.0.2.7")),
            (binary(family=TCP6, source="2001:db8::7"), ProxyHeader("2001:db8::7")),
            (binary(family=TCP6, source="::ffff:192.0.2.7"), ProxyHeader("192.0.2.7")),
            (binary(field(0x02, b"csms.example")), ProxyHeader("192.0.2.7")),
            (binary(family=UNSPEC), ProxyHeader()),
            (binary(family=UNIX), ProxyHeader()),
            (binary(command=LOCAL), ProxyHeader(is_local=True)),
            (binary(about_tls(7, 0, CN), command=LOCAL), ProxyHeader(is_local=True)),
            (binary(about_tls(1)), ProxyHeader("192.0.2.7", tls=True)),
            (TLS_CN, ProxyHeader("192.0.2.7", tls=True, common_name="CP1")),
        ],
    )
    @each("size", [1, 7, MAX_LENGTH])
    def test_is_read_whatever_its_chunks_and_takes_nothing_of_what_follows(self, header, expected, size):
        assert read(header + REST, size) == (expected, REST)

    @each(
        ("data", "reason"),
        [
            (REST, "does not begin"),
            (b"\x16\x03\x01\x02\x00\x01", "does not begin"),
            (b"PROXYTCP4", "does not begin"),
            (b"PROXY TCP4 192.0.2.7\r\n", "malformed"),
            (b"PROXY TCP4 192.0.2.7 1.1.1.1 1 2 3\r\n", "malformed"),
            (b"PROXY  TCP4 192.0.2.7 1.1.1.1 1 2\r\n", "malformed"),
            (b"PROXY TCP4 192.0.2.7 1.1.1.1 1 2\n" + b"x" * 107, "more than 107"),
            (b"PROXY TCP4 192.0.2.7 1.1.1.1 1 " + b"2" * 200, "more than 107"),
            (b"PROXY TCP4 192.0.2.7 1.1.1.1 1 65536\r\n", "invalid port"),
            (b"PROXY TCP4 010.0.0.1 1.1.1.1 1 2\r\n", "invalid address"),
            (b"PROXY TCP4 2001:db8::7 2001:db8::1 1 2\r\n", "invalid address"),
            (b"PROXY UNKNOWNX\r\n", "malformed"),
            (SIGNATURE[:-1] + b"X", "does not begin"),
            (binary(command=0x22), "unknown version and command 0x22"),
            (binary(command=0x11), "unknown version and command 0x11"),
            (binary(family=UDP4), "family and transport 0x12"),
            (SIGNATURE + struct.pack(">BBH", PROXY, TCP4, 0), "too short"),
            (SIGNATURE + struct.pack(">BBH", PROXY, TCP4, 65535), "more than 4096"),
            (binary(b"\x20\x00"), "truncated field"),
            (binary(b"\x20\x00\x09\x01"), "truncated field"),
            (binary(field(0x20, b"\x07")), "truncated field"),
            (binary(about_tls(7, 0, b"\x22\x00\x09CP1")), "truncated field"),
            (binary(about_tls(7, 0, CN) + b"\x20"), "truncated field"),
            (binary(about_tls(7, 0, field(0x22, b"\xff"))), "not UTF-8"),
        ],
    )
    def test_that_is_none_is_refused_as_soon_as_that_is_known(self, data, reason):
        with pytest.raises(ProxyHeaderError, match=reason):
            read(data)

    def test_is_not_judged_by_its_beginning(self):
        for header in (LINE, TLS_CN):
            reader = ProxyHeaderReader()
            assert sum(reader.feed(header[at : at + 1]) for at in range(len(header) - 1)) == len(header) - 1
            assert reader.header is None


class TestTheCommonName:
    @each(
        ("flags", "verify", "counts"),
        [
            (7, 0, True),  # a certificate
            (5, 0, True),  # that of a resumed session
            (1, 0, False),  # no certificate: the result of its verification is 0 as well
            (7, 10, False),  # expired, let through by `crt-ignore-err`
            (7, 21, False),
        ],
    )
    def test_counts_only_with_a_certificate_that_the_proxy_has_verified(self, flags, verify, counts):
        header, _ = read(binary(about_tls(flags, verify, CN)))
        assert header == ProxyHeader("192.0.2.7", True, "CP1" if counts else None)

    def test_says_nothing_of_a_connection_without_tls(self):
        assert read(binary(about_tls(0)))[0] == ProxyHeader("192.0.2.7", tls=False)
