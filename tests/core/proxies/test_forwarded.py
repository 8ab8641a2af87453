"""The station's address and scheme in X-Forwarded-For, X-Forwarded-Proto and Forwarded (RFC 7239)."""

from ocpp_core.proxies.forwarded import MAX_NODES, origin_of
from ocpp_core.proxies.trusted import TrustedProxies
from tests.tables import each

PEER = "10.0.0.1"
TRUSTS = TrustedProxies(["10.0.0.0/24", "2001:db8::/32"]).contains
BROKEN = "it is malformed"
NO_ADDRESS = "an entry is not an address"


def listed(value, proto=None):
    """Read X-Forwarded-For, and X-Forwarded-Proto if there is one."""
    headers = {"x-forwarded-for": value, "forwarded": "for=6.6.6.6;proto=https", "x-forwarded-proto": proto}
    return origin_of(
        "x-forwarded-for", {name: text for name, text in headers.items() if text is not None}, PEER, TRUSTS
    )


def forwarded(value):
    headers = {"forwarded": value, "x-forwarded-for": "6.6.6.6", "x-forwarded-proto": "https"}
    return origin_of("forwarded", headers, PEER, TRUSTS)


class TestTheAddress:
    @each(
        ("value", "address"),
        [
            ("192.0.2.7", "192.0.2.7"),
            ("6.6.6.6, 192.0.2.7", "192.0.2.7"),
            ("6.6.6.6, 192.0.2.7, 10.0.0.2", "192.0.2.7"),
            ("10.0.0.3,10.0.0.2", "10.0.0.3"),
            ("192.0.2.7:4711", "192.0.2.7"),
            ("[2001:DB9::7]:4711", "2001:db9::7"),
            ("2001:db9::7", "2001:db9::7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
        ],
    )
    def test_is_the_first_from_the_right_end_that_is_not_a_trusted_proxy(self, value, address):
        origin = listed(value)
        assert (origin.address, origin.problem) == (address, "")

    @each("node", ["unknown", "_hidden", "", "junk", "010.0.0.1", "192.0.2.7:99999999", "1.2.3.4%0"])
    def test_is_that_of_the_last_proxy_before_an_unreadable_entry(self, node):
        origin = listed(f"192.0.2.7, {node}, 10.0.0.2")
        assert (origin.address, origin.problem) == ("10.0.0.2", NO_ADDRESS)

    def test_is_that_of_the_proxy_without_the_field(self):
        assert listed(None).address == PEER

    def test_is_read_from_a_bounded_number_of_entries(self):
        assert listed(", ".join(["192.0.2.7", *["10.0.0.2"] * (MAX_NODES - 1)])).address == "192.0.2.7"
        origin = listed(", ".join(["192.0.2.7", *["10.0.0.2"] * MAX_NODES]))
        assert (origin.address, bool(origin.problem)) == ("10.0.0.2", True)


class TestTheScheme:
    @each(
        ("proto", "is_secure"),
        [("https", True), ("WSS", True), ("http", False), ("https, http", False), ("", None), (None, None)],
    )
    def test_is_tls_if_every_value_says_so(self, proto, is_secure):
        assert listed("192.0.2.7", proto).secure is is_secure


class TestForwarded:
    @each(
        ("value", "address", "is_secure"),
        [
            ("for=192.0.2.7;proto=https;by=203.0.113.43", "192.0.2.7", True),
            ("For=192.0.2.7; Proto=HTTP", "192.0.2.7", False),
            ("for=6.6.6.6;proto=https, for=192.0.2.7", "192.0.2.7", None),
            ('for=6.6.6.6, for="[2001:db9::7]:_port";proto=wss', "2001:db9::7", True),
            ("for=192.0.2.7;proto=https, for=10.0.0.2;proto=http", "192.0.2.7", True),
            ('for="192.0.2.7:47";host="a, b;c\\""', "192.0.2.7", None),
            (" ,, for=192.0.2.7 ,;", "192.0.2.7", None),
        ],
    )
    def test_has_address_and_scheme_of_each_hop(self, value, address, is_secure):
        origin = forwarded(value)
        assert (origin.address, origin.secure, origin.problem) == (address, is_secure, "")

    @each(
        "value",
        [
            "for=192.0.2.7 junk",
            "192.0.2.7",
            "for = 192.0.2.7",
            'for="192.0.2.7',
            "for=192.0.2.7:47",
            "for=[2001:db9::7]",
            "for=192.0.2.7;for=6.6.6.6",
            'for="' + "x" * 16000,
            " " * 8190 + "x",
            ",".join(["for=192.0.2.7"] * 1000),
        ],
    )
    def test_is_ignored_if_it_is_malformed_or_too_long(self, value):
        origin = forwarded(value)
        assert (origin.address, origin.secure, origin.problem) == (PEER, None, BROKEN)

    @each("node", ["unknown", "_x", '"[::1%25eth0]"', "proto=https"])
    def test_counts_as_far_as_addresses_go(self, node):
        origin = forwarded(f"for=192.0.2.7, for={node}" if "=" not in node else f"for=192.0.2.7, {node}")
        assert (origin.address, origin.problem) == (PEER, NO_ADDRESS)
