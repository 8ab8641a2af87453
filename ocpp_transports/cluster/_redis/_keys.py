"""The names of our keys in Redis.

All keys of a station, and those of a node, have one hash tag. So they are in one slot of Redis Cluster, and one script
may use them.
"""

from typing import Final

from ocpp_core.cluster.records import NodeId
from ocpp_core.cluster.registry.buckets import bucket_of

__all__ = ["LAYOUT", "Keys"]

LAYOUT: Final = 1
"""The version of the keys, fields and scripts. Nodes with another one refuse to start."""

_NO_BRACES: Final = str.maketrans("{}", "()")
"""In the name of a node they would end the hash tag; its epoch still makes the key unique."""


class Keys:
    """The keys below a prefix, for a number of buckets (none for frames alone)."""

    def __init__(self, prefix: str, buckets: int = 0) -> None:
        self._prefix = prefix
        self._buckets = buckets
        self.layout: Final = f"{prefix}:v"
        self.layout_value: Final = f"{LAYOUT}:{buckets}".encode()
        """The number of buckets is part of the layout: with another one, a node looks for stations elsewhere."""
        self.sweeper: Final = f"{prefix}:sweeper"
        """The string that names the node which removes what dead nodes left."""
        self.buckets: Final = tuple(f"{prefix}:{{{number}}}:own" for number in range(buckets))
        self._waits = tuple(f"{prefix}:{{{number}}}:wait:" for number in range(buckets))

    def bucket(self, identity: str) -> str:
        """Return the hash that has the owner of a station."""
        return self.buckets[bucket_of(identity, self._buckets)]

    def of_station(self, name: str, what: str) -> str:
        """Return a further key in the slot of the bucket of a station."""
        return f"{self._prefix}:{{{bucket_of(name, self._buckets)}}}:{what}"

    def waiters(self, identity: str) -> bytes:
        """Return the set of the nodes that wait for a station; it is in the slot of its bucket, and expires."""
        return self._waits[bucket_of(identity, self._buckets)].encode() + identity.encode("utf-8", "surrogatepass")

    def queue(self, identity: str) -> str:
        """Return the hash that has the queued commands of a station; it is in the slot of the station's bucket."""
        return f"{self._prefix}:{{{bucket_of(identity, self._buckets)}}}:q:{identity}"

    def queues(self, identity: str) -> str:
        """Return the sorted set of the stations of a bucket that have queued commands."""
        return f"{self._prefix}:{{{bucket_of(identity, self._buckets)}}}:queues"

    def lease(self, node: NodeId) -> str:
        """Return the string that exists as long as a node has its lease; its value is the node's address."""
        return f"{self._prefix}:node:{{{node.translate(_NO_BRACES)}}}"

    def stream(self, node: NodeId) -> str:
        """Return the stream of the frames to a node; it is in the slot of the node's lease."""
        return f"{self._prefix}:calls:{{{node.translate(_NO_BRACES)}}}"
