"""Addresses in one normal form, and sets of networks."""

from collections.abc import Collection, Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

__all__ = ["Networks", "read_address"]

_Address: TypeAlias = IPv4Address | IPv6Address
_Network: TypeAlias = IPv4Network | IPv6Network

_MAPPED_BITS: Final = 96
"""Bits of an IPv6 address before the IPv4 address that it maps (RFC 4291 §2.5.5.2)."""


def read_address(text: str | None) -> _Address | None:
    """Return an address, an IPv4-mapped one as IPv4 and without a zone; None if the text is not an address."""
    if text is None:
        return None
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


class Networks:
    """A set of addresses and networks; a look-up takes the same time however many there are.

    Args:
        name: The option that lists them, for errors.
        given: Addresses (`192.0.2.7`) and networks in CIDR notation (`2001:db8::/32`), IPv4 and IPv6. IPv4-mapped IPv6
            addresses count as IPv4.

    Raises:
        TypeError: It is not a list of str.
        ValueError: One is neither an address nor a network, or a network has bits set after its prefix.
    """

    __slots__ = ("_prefixes",)

    def __init__(self, name: str, given: Collection[str]) -> None:
        self._prefixes: dict[int, dict[int, set[int]]] = {4: {}, 6: {}}
        """By IP version: the leading bits of each network, by the number of bits after them."""
        for network in _read_networks(name, given):
            host_bits = network.max_prefixlen - network.prefixlen
            prefixes = self._prefixes[network.version].setdefault(host_bits, set())
            prefixes.add(int(network.network_address) >> host_bits)

    def __contains__(self, address: _Address) -> bool:
        number = int(address)
        return any(number >> bits in prefixes for bits, prefixes in self._prefixes[address.version].items())


def _read_networks(name: str, given: object) -> Iterable[_Network]:
    if isinstance(given, str) or not isinstance(given, Collection) or not all(isinstance(each, str) for each in given):
        raise TypeError(f"expected {name} as a list of addresses and networks, each a str, got {given!r}")
    for text in given:
        try:
            yield _without_mapping(ip_network(text))
        except ValueError:
            kinds = "IPv4 or IPv6 addresses, or networks (CIDR) without host bits"
            raise ValueError(f"expected {name} with {kinds}, got {text!r}") from None


def _without_mapping(network: _Network) -> _Network:
    mapped = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
    if mapped is None or network.prefixlen < _MAPPED_BITS:
        return network
    return IPv4Network((mapped, network.prefixlen - _MAPPED_BITS))
