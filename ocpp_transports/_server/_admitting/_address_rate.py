"""The rate of requests that the connections of one address share: `address_rate` and `address_burst`."""

from math import inf

from ocpp_core.limits import Bucket, SharedBuckets

from ._quota import owner_of

__all__ = ["AddressRate"]


class AddressRate:
    """The token buckets of all addresses; addresses of one IPv6 network of 64 bits share one."""

    def __init__(self) -> None:
        self._buckets: SharedBuckets | None = None

    def limit_to(self, rate: float, burst: int) -> None:
        """Use this limit for connections accepted from now on; the same one keeps its buckets."""
        before = self._buckets
        if rate == inf:
            self._buckets = None
        elif before is None or (before.rate, before.burst) != (rate, burst):
            self._buckets = SharedBuckets(rate, burst)

    def bucket_of(self, address: str | None) -> Bucket | None:
        """Return the bucket of an address; None without a limit, or if the address is not known."""
        return None if self._buckets is None or address is None else self._buckets.of(owner_of(address))
