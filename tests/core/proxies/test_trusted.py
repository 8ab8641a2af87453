"""Which addresses are those of trusted proxies."""

import pytest

from ocpp_core.proxies.trusted import Networks, normal_address
from tests.tables import each


class TestTheNetworksOfProxies:
    @each(
        ("address", "is_trusted"),
        [
            ("10.0.0.7", True),
            ("10.0.1.7", False),
            ("192.0.2.1", True),
            ("::ffff:192.0.2.1", True),
            ("2001:db8::9", True),
            ("2001:db9::9", False),
            ("fe80::1%eth0", True),
            ("testclient", False),
            ("", False),
            (None, False),
        ],
    )
    def test_contain_addresses_in_every_form(self, address, is_trusted):
        networks = Networks(["10.0.0.0/24", "192.0.2.1", "2001:db8::/32", "fe80::1"])
        assert networks.contains(address) is is_trusted

    def test_contain_peers_without_an_address_if_told_so(self):
        networks = Networks(["unix"])
        assert networks.contains(None)
        assert not networks.contains("unix")
        assert networks

    @each("text", ["10.0.0.1/8", "localhost", "0.0.0.0/0", "::/0", "", "10.0.0"])
    def test_are_refused_if_they_are_no_networks_or_contain_every_station(self, text):
        with pytest.raises(ValueError, match="expected"):
            Networks([text])


@each(
    ("text", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("010.0.0.1", None),
        ("fe80::1%eth0", None),
        ("unknown", None),
        ("", None),
    ],
)
def test_an_address_has_one_normal_form(text, address):
    assert normal_address(text) == address
