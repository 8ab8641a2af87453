"""The table of a registry in memory: a twin of what the scripts of the Redis store do, without I/O.

Tests simulate clusters with it, and a store in one process keeps its data in it. Times come from the caller. Fences
are made from the time of the store and never from a counter, so they stay comparable after all data is lost. A bucket
keeps its largest fence, so they also grow if the clock is set back.
"""

from collections.abc import Iterable, Sequence
from dataclasses import field

from ocpp_core._dataclasses import dataclass
from ocpp_core.cluster.records import Claimed, ClaimRestored, ClusterOwner, Found, NodeId, Renewed

from .buckets import bucket_of

__all__ = ["RegistryTable"]


@dataclass(slots=True)
class _Bucket:
    owners: dict[str, ClusterOwner] = field(default_factory=dict)
    losses: dict[NodeId, int] = field(default_factory=dict)
    waiters: dict[str, "_Waiters"] = field(default_factory=dict)
    largest: int = 0
    swept: int = 0
    """Added to all losses: it grows by more than what a sweep removes, so that those of a node never decrease."""

    def give(self, identity: str, owner: ClusterOwner) -> None:
        """Enter an owner, and count the loss of another node."""
        current = self.owners.get(identity)
        if current is not None and current.node != owner.node:
            self.losses[current.node] = self.losses.get(current.node, 0) + 1
        self.owners[identity] = owner
        self.largest = max(self.largest, owner.fence)

    def nodes(self) -> set[NodeId]:
        """Return the nodes that have or have lost stations."""
        return {owner.node for owner in self.owners.values()} | self.losses.keys()

    def losses_of(self, node: NodeId) -> int:
        """Return how many stations other nodes have taken from a node, and more after each sweep."""
        return self.swept + self.losses.get(node, 0)

    def sweep(self, nodes: set[NodeId]) -> int:
        """Forget nodes. Answers that are on the way to them must not look newer than later ones."""
        if nodes.isdisjoint(self.nodes()):
            return 0
        self.swept += 1 + max((self.losses.get(node, 0) for node in nodes), default=0)
        return self.forget(nodes)

    def forget(self, nodes: set[NodeId]) -> int:
        """Remove the stations and losses of nodes, and return the number of stations."""
        before = len(self.owners)
        self.owners = {identity: owner for identity, owner in self.owners.items() if owner.node not in nodes}
        self.losses = {node: count for node, count in self.losses.items() if node not in nodes}
        return before - len(self.owners)


@dataclass(slots=True)
class _Waiters:
    """The nodes that wait for a station, until a time in seconds."""

    nodes: dict[NodeId, None] = field(default_factory=dict)
    until: float = 0.0


@dataclass(frozen=True, slots=True)
class _Lease:
    address: str | None
    until: float


class RegistryTable:
    """Owners of stations, losses of nodes, and leases.

    Args:
        buckets: The number of buckets, at least 1.
        generation: The name of this life of the data; a table that replaces a lost one has another name.
        lease: Seconds that the lease of a node lasts.
    """

    def __init__(self, buckets: int, generation: str, *, lease: float) -> None:
        self.buckets = buckets
        """The number of buckets."""
        self.generation = generation
        """The name of this life of the data."""
        self._lease = lease
        self._buckets = [_Bucket() for _ in range(buckets)]
        self._leases: dict[NodeId, _Lease] = {}
        self._swept = generation
        self._dead_since: dict[NodeId, float] = {}

    def __len__(self) -> int:
        """Return the number of stations with an owner."""
        return sum(len(bucket.owners) for bucket in self._buckets)

    def claim(self, identity: str, node: NodeId, time: int) -> Claimed:
        """Give a station to a node, whoever has it, and forget who waited for it.

        `time` is the time of the store in µs.
        """
        bucket = self._bucket(identity)
        previous = bucket.owners.get(identity)
        fence = max(time, bucket.largest + 1)
        bucket.give(identity, ClusterOwner(node, fence))
        waiters = bucket.waiters.pop(identity, _Waiters()).nodes
        return Claimed(fence, bucket.losses_of(node), previous, self.generation, tuple(waiters))

    def watch(self, identity: str, node: NodeId, now: float, seconds: float) -> Found | None:
        """Let a node wait for a station for some seconds, and return what `find` returns."""
        bucket = self._bucket(identity)
        bucket.waiters = {name: each for name, each in bucket.waiters.items() if now < each.until}
        waiters = bucket.waiters.setdefault(identity, _Waiters())
        waiters.nodes[node] = None
        waiters.until = now + seconds
        return self.find(identity, now)

    def release(self, identity: str, node: NodeId, fence: int) -> bool:
        """Remove the entry of a station if it is this node's with this fence; return True if it was."""
        owners = self._bucket(identity).owners
        if owners.get(identity) != ClusterOwner(node, fence):
            return False
        del owners[identity]
        return True

    def restore(self, identity: str, node: NodeId, fence: int) -> ClaimRestored:
        """Give a station to a node with its old fence, unless an owner has this fence or a larger one."""
        bucket = self._bucket(identity)
        owner, current = ClusterOwner(node, fence), bucket.owners.get(identity)
        if current is None or current.fence < fence:
            bucket.give(identity, owner)
        is_ours = bucket.owners[identity] == owner
        return ClaimRestored(is_ours, current, bucket.losses_of(node), self.generation)

    def renew(self, node: NodeId, address: str | None, now: float) -> Renewed:
        """Renew the lease of a node, and return its losses; `now` is the time of the store in seconds."""
        self._leases[node] = _Lease(address, now + self._lease)
        self._dead_since.pop(node, None)
        losses = tuple(bucket.losses_of(node) for bucket in self._buckets)
        return Renewed((self.generation,) * self.buckets, losses)

    def leave(self, node: NodeId) -> None:
        """Remove the lease of a node; its stations stay until they are claimed, released or swept."""
        self._leases.pop(node, None)

    def remove(self, node: NodeId) -> int:
        """Remove a node that has certainly ended, with its stations; return how many there were."""
        self.leave(node)
        return sum(bucket.forget({node}) for bucket in self._buckets)

    def check(self, identities: Sequence[str]) -> list[ClusterOwner | None]:
        """Return the owner of each station, in order; None for one without an owner."""
        return [self._bucket(identity).owners.get(identity) for identity in identities]

    def find(self, identity: str, now: float) -> Found | None:
        """Return the owner of a station and whether its lease lasts; None for a station without an owner."""
        owner = self._bucket(identity).owners.get(identity)
        return None if owner is None else self._found(owner, now)

    def stations_of(self, buckets: Iterable[int], now: float) -> dict[str, Found]:
        """Return the stations of some buckets, with what `find` returns for each."""
        owners = (owner for number in buckets for owner in self._buckets[number].owners.items())
        return {identity: self._found(owner, now) for identity, owner in owners}

    def _found(self, owner: ClusterOwner, now: float) -> Found:
        lease = self._leases.get(owner.node)
        is_alive = lease is not None and now < lease.until
        return Found(owner, lease.address if lease else None, is_alive)

    def sweep(self, now: float, clock: float) -> int:
        """Remove the stations and losses of dead nodes, and return the number of stations.

        A node is dead if no sweep of this life of the data saw a lease of it for the time of one. If it is alive after
        all, it sees more losses, and checks all its stations. So do all other nodes. An expired lease alone is no
        proof: after a loss of data, a living node may have claimed and lost stations without it, and leases expire
        early if the clock of the store is set forward.

        Args:
            now: The time of the store in seconds, with which leases expire.
            clock: The time of a clock that is never set, in seconds, with which dead nodes are watched.
        """
        if self._swept != self.generation:
            self._swept, self._dead_since = self.generation, {}
        named = {node for bucket in self._buckets for node in bucket.nodes()}
        self._leases = {node: lease for node, lease in self._leases.items() if now < lease.until}
        self._dead_since = {node: self._dead_since.get(node, clock) for node in named - self._leases.keys()}
        dead = {node for node, since in self._dead_since.items() if since + self._lease <= clock}
        return sum(bucket.sweep(dead) for bucket in self._buckets)

    def _bucket(self, identity: str) -> _Bucket:
        return self._buckets[bucket_of(identity, self.buckets)]
