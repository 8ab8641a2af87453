"""How many of something a server has at a time, in total and by address."""

from collections import Counter
from collections.abc import Callable
from ipaddress import IPv6Address
from math import inf
from typing import Final

__all__ = ["Quota", "SocketGate", "owner_of"]

_LONGEST: Final = 64
"""Characters of the name of an owner, which are stored."""


def owner_of(address: str | None) -> str:
    """Return the common part of all addresses of one owner.

    The owner of one IPv6 address has 2^64 of them (RFC 6177), so this is the network of 64 bits. A text of another form
    is cut: another server may take it from a header.
    """
    if address is None or ":" not in address:
        return (address or "")[:_LONGEST]
    try:
        parsed = IPv6Address(address.partition("%")[0])
    except ValueError:  # the address has another form, from another server
        return address[:_LONGEST]
    return str(parsed.ipv4_mapped) if parsed.ipv4_mapped is not None else parsed.exploded[:19]


class Quota:
    """Counts what is in use; `enter` and `leave` come in pairs."""

    __slots__ = ("_by_owner", "total")

    def __init__(self) -> None:
        self.total = 0
        self._by_owner: Counter[str] = Counter()

    def is_used_up(self, delegate: str, limit: float, limit_by_owner: float) -> bool:
        """Return True if there is no room for one more of this owner."""
        return self.total >= limit or self._by_owner[delegate] >= limit_by_owner

    def enter(self, delegate: str) -> None:
        """Count one more."""
        self.total += 1
        self._by_owner[delegate] += 1

    def leave(self, delegate: str) -> None:
        """Count one less; owners with none left are forgotten."""
        self.total -= 1
        self._by_owner[delegate] -= 1
        if not self._by_owner[delegate]:
            del self._by_owner[delegate]


class _Occupancy:
    """The place of one socket in a quota, which a call gives back; smaller than a `partial` of a method."""

    __slots__ = ("_owner", "_quota")

    def __init__(self, quota: Quota, owner: str) -> None:
        self._quota = quota
        self._owner = owner

    def __call__(self) -> None:
        self._quota.leave(self._owner)


def _trust_nobody(_: str | None) -> bool:
    return False


class SocketGate:
    """Counts the sockets of a server's listeners, from accepting to closing, and rejects those beyond the limits.

    Those of a trusted proxy are not limited by its address. If its PROXY headers name the stations, theirs are.

    `turned_away` is called for each rejected socket, with its address and the limit.
    """

    def __init__(self, turned_away: Callable[[str | None, str], None]) -> None:
        self.limit = inf
        self.limit_by_address = inf
        self.trusts: Callable[[str | None], bool] = _trust_nobody
        """Returns True for the address of a proxy, whose sockets are those of many stations."""
        self._turned_away = turned_away
        self._quota = Quota()
        self._behind_proxies = Quota()

    @property
    def total(self) -> int:
        """The number of open sockets."""
        return self._quota.total

    def admit(self, address: str | None) -> Callable[[], None] | None:
        """Count a socket and return a function to call once it is closed; None if it must be closed at once."""
        return self._enter(self._quota, address, self.limit, inf if self.trusts(address) else self.limit_by_address)

    def admit_behind(self, address: str | None) -> Callable[[], None] | None:
        """Count a socket of a proxy, which was admitted, by the address of its station as well; see `admit`."""
        return self._enter(self._behind_proxies, address, inf, self.limit_by_address)

    def _enter(
        self, quota: Quota, address: str | None, limit: float, limit_by_address: float
    ) -> Callable[[], None] | None:
        delegate = owner_of(address)
        if quota.is_used_up(delegate, limit, limit_by_address):
            self._turned_away(address, self._limit_in_words(quota, limit))
            return None
        quota.enter(delegate)
        return _Occupancy(quota, delegate)

    def _limit_in_words(self, quota: Quota, limit: float) -> str:
        if quota.total >= limit:
            return f"{self.limit:.15g} sockets are open (max_sockets)"
        return f"{self.limit_by_address:.15g} sockets of one address are open (max_sockets_per_address)"
