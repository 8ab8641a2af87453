"""Token buckets that several nodes share: each one decides alone, and they tell each other what they have taken.

A node takes tokens from its own buckets, at once. At intervals it reports how many it has taken of each owner, and
gets the time at which the common bucket is full. Two nodes may therefore take the same token between two reports. The
common bucket is then overdrawn, and all of them wait longer: on average no more is taken than the rate allows, as
long as there are no more nodes than tokens in a burst.
"""

from collections.abc import Mapping
from typing import Final

from ocpp_core.limits import MAX_KEYS, SharedBuckets

__all__ = ["CountedBuckets", "full_in"]

_MOST_COUNTED: Final = 10_000
"""Owners whose tokens are counted between two reports; those of further ones count for this node only."""


def full_in(left: float, tokens: int, rate: float, burst: float) -> float:
    """Return the seconds until a common bucket is full after tokens were taken; `left` are those before.

    Less than a whole burst may be overdrawn, so an address never waits longer than for a burst.
    """
    return min(max(left, 0.0) + tokens / rate, _longest(rate, burst))


def _longest(rate: float, burst: float) -> float:
    return (2 * burst - 1) / rate


class CountedBuckets(SharedBuckets):
    """The buckets of one node, which counts the tokens that it takes until it has reported them."""

    __slots__ = ("_taken",)

    def __init__(self, rate: float, burst: float) -> None:
        super().__init__(rate, burst)
        self._taken: dict[str, int] = {}

    def take(self, key: str, now: float) -> None:
        """Take the next token of an owner, and count it."""
        super().take(key, now)
        if key in self._taken or len(self._taken) < _MOST_COUNTED:
            self._taken[key] = self._taken.get(key, 0) + 1

    def most_reported(self, interval: float) -> int:
        """Return the owners of one report each `interval` seconds, so that `MAX_KEYS` of this node are stored at most.

        A common bucket is stored until it is full. Many addresses may then wait for their report.
        """
        return max(int(MAX_KEYS * interval / _longest(self.rate, self.burst)), 1)

    def report(self, most: int) -> dict[str, int]:
        """Return how many tokens were taken, for at most this number of owners, and count those anew."""
        return {key: self._taken.pop(key) for key in list(self._taken)[:most]}

    def take_back(self, report: Mapping[str, int]) -> None:
        """Count tokens again whose report did not arrive."""
        for key, tokens in report.items():
            if key in self._taken or len(self._taken) < _MOST_COUNTED:
                self._taken[key] = self._taken.get(key, 0) + tokens

    def adopt(self, key: str, full_at: float) -> None:
        """Note when the common bucket of an owner is full, in the host's seconds, unless this one is full later."""
        self._newer[key] = max(self._full_at(key), full_at)
