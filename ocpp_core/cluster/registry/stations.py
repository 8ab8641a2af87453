"""The stations that have a connection at this node, in their buckets."""

from collections.abc import Iterator

from .buckets import bucket_of
from .states import OwnedState
from .station_bucket import StationBucket

__all__ = ["StationsInBuckets"]


class StationsInBuckets:
    """The stations of a node; `count` is the number of buckets."""

    def __init__(self, count: int) -> None:
        self.buckets: list[StationBucket] = [StationBucket() for _ in range(count)]
        """The buckets, by number."""

    def __len__(self) -> int:
        return sum(len(bucket.stations) for bucket in self.buckets)

    def __iter__(self) -> Iterator[tuple[str, OwnedState]]:
        for bucket in self.buckets:
            yield from bucket.stations.items()

    def bucket(self, identity: str) -> StationBucket:
        """Return the bucket of a station."""
        return self.buckets[bucket_of(identity, len(self.buckets))]

    def get(self, identity: str) -> OwnedState | None:
        """Return the state of a station; None if it has no connection here."""
        return self.bucket(identity).stations.get(identity)

    def put(self, identity: str, state: OwnedState) -> None:
        """Set the state of a station."""
        self.bucket(identity).stations[identity] = state

    def remove(self, identity: str) -> None:
        """Remove a station."""
        del self.bucket(identity).stations[identity]

    def confirmed_at(self, identity: str, state: OwnedState) -> float:
        """Return when the last request was sent that confirmed the claim of a station, in seconds."""
        return self.bucket(identity).confirmed_at(state)
