"""Which addresses are those of trusted proxies."""

import pytest

from ocpp_core.proxies.trusted import TrustedProxies
from tests.tables import each


class TestTrustedProxies:
    @each(
        ("address", "is_trusted"),
        [
            ("10.0.0.7", True),
            ("10.0.1.7", False),
            ("::ffff:192.0.2.1", True),
            ("2001:db8::9", True),
            ("fe80::1%eth0", True),
            ("testclient", False),
            ("", False),
            (None, False),
        ],
    )
    def test_are_known_by_their_addresses(self, address, is_trusted):
        proxies = TrustedProxies(["10.0.0.0/24", "192.0.2.1", "2001:db8::/32", "fe80::1"])
        assert proxies.contains(address) is is_trusted

    def test_may_have_no_address_if_unix_is_one_of_them(self):
        proxies = TrustedProxies(["unix", "10.0.0.1"])
        assert proxies.contains(None)
        assert proxies.contains("10.0.0.1")
        assert not proxies.contains("unix")

    @each(
        ("given", "error"),
        [
            (["10.0.0.1/8"], ValueError),
            (["localhost"], ValueError),
            (["0.0.0.0/0"], ValueError),
            (["::/0"], ValueError),
            (["0.0.0.0/1", "128.0.0.0/1"], ValueError),
            ([""], ValueError),
            ("unix", TypeError),
            (b"unix", TypeError),
            (["unix", 5], TypeError),
        ],
    )
    def test_are_refused_if_they_are_no_networks_or_contain_every_station(self, given, error):
        with pytest.raises(error, match="expected trusted_proxies"):
            TrustedProxies(given)
