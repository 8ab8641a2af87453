"""Sets of addresses: exact ones and networks, of both versions of IP."""

import pytest

from ocpp_core.addresses.networks import Networks, read_address


class TestANetwork:
    @pytest.mark.parametrize(
        ("given", "address", "is_in"),
        [
            ("192.0.2.7", "192.0.2.7", True),
            ("192.0.2.7", "192.0.2.8", False),
            ("192.0.2.0/24", "192.0.2.255", True),
            ("192.0.2.0/24", "192.0.3.0", False),
            ("0.0.0.0/0", "203.0.113.9", True),
            ("0.0.0.0/0", "2001:db8::1", False),
            ("::/0", "192.0.2.7", False),
            ("2001:db8::/32", "2001:db8:ffff::1", True),
            ("2001:db8::/32", "2001:db9::1", False),
            ("2001:db8::7", "2001:0DB8:0:0::7", True),
            ("192.0.2.0/24", "::ffff:192.0.2.7", True),
            ("::ffff:192.0.2.0/120", "192.0.2.7", True),
            ("::ffff:192.0.2.7", "192.0.2.7", True),
            ("fe80::/10", "fe80::1%eth0", True),
        ],
    )
    def test_contains_its_addresses_in_every_spelling(self, given, address, is_in):
        read = read_address(address)
        assert read is not None
        assert (read in Networks("denied", ["198.51.100.0/25", given])) is is_in

    @pytest.mark.parametrize(
        ("given", "error", "text"),
        [
            ("192.0.2.7", TypeError, "expected gate as a list of addresses and networks"),
            ([7], TypeError, "each a str"),
            (["192.0.2.7/24"], ValueError, "networks .CIDR. without host bits, got '192.0.2.7/24'"),
            (["csms.example"], ValueError, "expected gate with IPv4 or IPv6 addresses"),
            (["010.0.0.1"], ValueError, "got '010.0.0.1'"),
            (["192.0.2.0/33"], ValueError, "got '192.0.2.0/33'"),
        ],
    )
    def test_is_refused_if_it_cannot_be_read(self, given, error, text):
        with pytest.raises(error, match=text):
            Networks("gate", given)
