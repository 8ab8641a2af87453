"""The rate of requests that the connections of one address share: `address_rate` and `address_burst`."""

from math import inf
from typing import Self

from ocpp_core.limits import Bucket, SharedBuckets

from ._quota import owner_of

__all__ = ["AddressRate"]


class AddressRate:
    """The token buckets of all addresses; addresses of one IPv6 network of 64 bits share one."""

    def __init__(self, rate: float, burst: int) -> None:
        self._buckets = SharedBuckets(rate, burst)

    @classmethod
    def of(cls, rate: float, burst: int, before: Self | None) -> Self | None:
        """Return the limit of a rate, None if it is `inf`; `before` is kept with its buckets if it is the same."""
        if before is not None and (before._buckets.rate, before._buckets.burst) == (rate, burst):
            return before
        return None if rate == inf else cls(rate, burst)

    def bucket_of(self, address: str | None) -> Bucket | None:
        """Return the bucket of an address; None if it is not known."""
        return None if address is None else self._buckets.of(owner_of(address))
