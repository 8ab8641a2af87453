"""Trusted proxies: their networks, the header field they use, and addresses in one normal form."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, Literal, TypeAlias

__all__ = ["UNIX", "ForwardedHeader", "Networks", "normal_address"]

ForwardedHeader: TypeAlias = Literal["x-forwarded-for", "forwarded"]
"""The header field in which proxies report the address of their peer; any other one is ignored.

`x-forwarded-for` uses X-Forwarded-Proto too. `forwarded` is the field of RFC 7239.
"""

UNIX: Final = "unix"
"""Stands for every peer without a network address, such as a proxy on a UNIX socket."""

_Network: TypeAlias = IPv4Network | IPv6Network


class Networks:
    """The addresses and networks of trusted proxies.

    Raises ValueError for a text that is neither an address, a network nor `unix`, for a network with host bits, and for
    one that contains every address: then a station could choose its own address.
    """

    __slots__ = ("_networks", "_trusts_unix")

    def __init__(self, texts: Iterable[str]) -> None:
        given = tuple(texts)
        self._trusts_unix = UNIX in given
        self._networks = tuple(_network(text) for text in given if text != UNIX)

    def __bool__(self) -> bool:
        """Return True if anything is trusted."""
        return self._trusts_unix or bool(self._networks)

    def contains(self, address: str | None) -> bool:
        """Return True for the address of a trusted proxy; None is a peer without a network address."""
        if address is None:
            return self._trusts_unix
        parsed = _parsed(address.partition("%")[0])
        return parsed is not None and any(parsed in network for network in self._networks)


def normal_address(text: str) -> str | None:
    """Return a numeric address in its normal form, an IPv4-mapped one as IPv4; None if it is not an address.

    An address with a zone is none: a zone has a meaning on one host only.
    """
    parsed = None if "%" in text else _parsed(text)
    return None if parsed is None else str(parsed)


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        parsed = ip_address(text)
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return parsed if mapped is None else mapped


def _network(text: str) -> _Network:
    try:
        network = ip_network(text)
    except ValueError as error:
        raise ValueError(f"expected an address, a network such as 10.0.0.0/8, or 'unix': {error}") from None
    if network.prefixlen == 0:
        raise ValueError(f"expected networks of proxies, got {text!r}, which contains every station")
    return network
