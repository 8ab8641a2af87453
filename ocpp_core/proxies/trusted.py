"""Trusted proxies: their networks, and the header field they use."""

from collections.abc import Collection
from ipaddress import IPv4Address, IPv6Address
from typing import Final, Literal, TypeAlias

from ocpp_core.addresses.networks import Networks, read_address

__all__ = ["UNIX", "ForwardedHeader", "TrustedProxies"]

ForwardedHeader: TypeAlias = Literal["x-forwarded-for", "forwarded"]
"""The header field in which proxies report the address of their peer; any other one is ignored.

`x-forwarded-for` uses X-Forwarded-Proto too. `forwarded` is the field of RFC 7239.
"""

UNIX: Final = "unix"
"""Stands for every peer without a network address, such as a proxy on a UNIX socket."""

_ENDS: Final = (
    (IPv4Address(0), IPv4Address(2**32 - 1)),
    (IPv6Address(0), IPv6Address(2**128 - 1)),
)
"""The first and the last address of each version of IP."""


class TrustedProxies:
    """The addresses and networks of trusted proxies.

    Raises the errors of `Networks`, and ValueError for networks with every address: then a station could choose its own
    address.
    """

    __slots__ = ("_networks", "_trusts_unix")

    def __init__(self, given: Collection[str]) -> None:
        self._trusts_unix = isinstance(given, Collection) and not isinstance(given, (str, bytes)) and UNIX in given
        listed = [text for text in given if text != UNIX] if self._trusts_unix else given
        self._networks = Networks("trusted_proxies", listed)
        if any(first in self._networks and last in self._networks for first, last in _ENDS):
            raise ValueError(f"expected trusted_proxies without networks of every address, got {given!r}")

    def contains(self, address: str | None) -> bool:
        """Return True for the address of a trusted proxy; None is a peer without a network address."""
        if address is None:
            return self._trusts_unix
        parsed = read_address(address)
        return parsed is not None and parsed in self._networks
