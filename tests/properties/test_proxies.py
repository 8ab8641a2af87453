"""What proxies, and peers that pretend to be one, may send: no input raises anything else, or is read twice."""

from contextlib import suppress

from hypothesis import example, given
from hypothesis import strategies as st

from ocpp_core.proxies.certificate_header import certificate_in
from ocpp_core.proxies.forwarded import origin_of
from ocpp_core.proxies.proxy_protocol import ProxyHeaderError, ProxyHeaderReader
from ocpp_core.proxies.trusted import TrustedProxies

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
TRUSTS = TrustedProxies(["10.0.0.0/8"]).contains

headers = st.one_of(
    st.binary(max_size=200),
    st.binary(max_size=200).map(lambda rest: b"PROXY " + rest),
    st.binary(max_size=200).map(lambda rest: b"PROXY TCP4 192.0.2.7 198.51.100.1 1 2" + rest),
    st.builds(
        lambda command, family, rest: SIGNATURE + bytes((command, family)) + len(rest).to_bytes(2, "big") + rest,
        st.sampled_from([0x20, 0x21, 0x22]),
        st.sampled_from([0x00, 0x11, 0x12, 0x21, 0x31]),
        st.binary(max_size=300),
    ),
)
words = st.sampled_from(
    ["for=", "proto=", "https", "192.0.2.7", "10.0.0.1", '"[2001:db8::1]:1"', "unknown", ";", ",", " ", '"', "\\", "x"]
)


def read(data: bytes, cuts: list[int]) -> tuple[object, int]:
    """Feed the data cut there; return the header or the text of the error, and how much was taken."""
    reader, taken = ProxyHeaderReader(), 0
    for end in [*sorted(cuts), len(data)]:
        try:
            while taken < end and reader.header is None:
                taken += reader.feed(data[taken:end])
        except ProxyHeaderError as error:
            return str(error), 0
    return reader.header, taken


@given(headers, st.binary(max_size=20), st.lists(st.integers(0, 300), max_size=5))
@example(b"PROXY UNKNOWN\r\n", b"PROXY UNKNOWN\r\n", [14])
def test_a_proxy_header_is_the_same_however_it_is_cut(header: bytes, rest: bytes, cuts: list[int]) -> None:
    data = header + rest
    assert read(data, [cut for cut in cuts if cut <= len(data)]) == read(data, [])


@given(st.lists(words, max_size=40).map("".join) | st.text(st.characters(max_codepoint=255), max_size=80))
def test_an_origin_is_an_address_of_the_field_or_the_proxy(value: str) -> None:
    for name in ("x-forwarded-for", "forwarded"):
        origin = origin_of(name, {name: value, "x-forwarded-proto": value}, "10.0.0.1", TRUSTS)
        assert origin.address in {"10.0.0.1", "192.0.2.7", "2001:db8::1"} or str(origin.address) in value.lower()


@given(st.text(st.characters(max_codepoint=255), max_size=80) | st.text("-BEGIN CERTFA%20=+/\n", max_size=80))
def test_a_certificate_is_bytes_or_a_value_error(value: str) -> None:
    with suppress(ValueError):
        certificate_in(value)
