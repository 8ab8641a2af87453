"""What must hold at any time in a cluster, and the knowledge of all ends that is needed to judge it."""

from collections.abc import Callable, Iterable
from typing import Protocol

from ocpp_core.cluster.records import ClusterOwner, NodeId
from ocpp_core.cluster.registry.buckets import bucket_of


class Believer(Protocol):
    """A node as the watch sees it."""

    @property
    def id(self) -> NodeId:
        """Its name and epoch."""

    @property
    def is_running(self) -> bool:
        """True unless it is dead or stopped."""

    def stations(self) -> set[str]:
        """Return the stations that have a connection at it, which alone it may believe in."""

    def believes(self, identity: str) -> int | None:
        """Return the fence of a station that it counts as its own."""


class BrokenInvariantError(AssertionError):
    """An invariant does not hold."""


class Watch:
    """Judges the registry.

    I1: no running node believes in a station for longer than `longest` seconds after the store gave it to another
    one. I2: a release removes only what it names. I6: a claim's fence is larger than any before in its bucket, in the
    same life of the data. I7: a connection is closed as replaced by another node only if a later claim was granted.
    I8: a restore takes nothing from a later claim.

    Args:
        clock: Returns the virtual time.
        nodes: Returns all nodes.
        identities: The stations.
        longest: Seconds that a node may believe in a station after its replacement.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        nodes: Callable[[], Iterable[Believer]],
        identities: tuple[str, ...],
        longest: float,
    ) -> None:
        self._clock = clock
        self._nodes = nodes
        self._allowed = longest
        self._replaced: dict[tuple[NodeId, str], float] = {}
        self._claimed: dict[tuple[str, int | None], float] = {}
        self._largest: dict[int, int] = {}
        self._fences: dict[str, list[int]] = {identity: [] for identity in identities}
        self.longest = 0.0
        """The longest time that a node believed in a station after its replacement, in seconds."""
        self.takeovers = 0
        """How often a station went from one node to another."""

    # What the store did

    def claimed(self, identity: str, owner: ClusterOwner, buckets: int) -> None:
        """Note that the store granted a claim."""
        bucket = bucket_of(identity, buckets)
        if owner.fence <= self._largest.get(bucket, 0):
            raise BrokenInvariantError(f"I6: {identity} got fence {owner.fence}, not above {self._largest[bucket]}")
        self._fences[identity].append(owner.fence)
        self._claimed.setdefault((identity, owner.fence), self._clock())
        self.granted(identity, owner, buckets)

    def granted(self, identity: str, owner: ClusterOwner, buckets: int) -> None:
        """Note that a station is a node's now."""
        bucket = bucket_of(identity, buckets)
        self._largest[bucket] = max(self._largest.get(bucket, 0), owner.fence)
        self._replace(identity, owner.node)

    def _replace(self, identity: str, winner: NodeId) -> None:
        self._replaced.pop((winner, identity), None)
        for node in self._nodes():
            if node.id != winner and (node.id, identity) not in self._replaced:
                self._replaced[node.id, identity] = self._clock()
                self.takeovers += node.believes(identity) is not None

    def released(self, identity: str, before: ClusterOwner | None, named: ClusterOwner, *, is_gone: bool) -> None:
        """Note that the store handled a release."""
        if is_gone and before is not None and before != named:
            raise BrokenInvariantError(f"I2: the release of {named} removed {before} of {identity}")

    def restored(self, identity: str, before: ClusterOwner | None, after: ClusterOwner | None) -> None:
        """Note that the store handled a restore."""
        if before is not None and before != after and (after is None or after.fence <= before.fence):
            raise BrokenInvariantError(f"I8: a restore took {identity} from {before} for {after}")

    def reverted(self, owners: Iterable[tuple[str, ClusterOwner | None]]) -> None:
        """Note that the store lost data: these are the owners now."""
        self._largest.clear()
        for identity, owner in owners:
            if owner is not None:
                self._replace(identity, owner.node)

    # What is known

    def claimed_at(self, identity: str, fence: int | None) -> float:
        """Return when the store granted the claim with a fence."""
        return self._claimed[identity, fence]

    def replaced_for(self, node: NodeId, identity: str) -> float:
        """Return for how many seconds a station has been another node's; 0 if it is not."""
        return self._clock() - self._replaced.get((node, identity), self._clock())

    # What nodes did

    def evicted(self, node: NodeId, identity: str, fence: int) -> None:
        """Note that a node closed a connection as replaced by another, which it had admitted with a fence."""
        later = [
            each for each in self._fences[identity] if each >= fence
        ]  # equal if data is lost and the clock set back
        if len(later) < 2:
            raise BrokenInvariantError(f"I7: {node} closed {identity} with the latest fence {fence} as replaced")

    def look(self) -> None:
        """Judge what the nodes believe now."""
        now = self._clock()
        for node in self._nodes():
            if node.is_running:
                for identity in node.stations():
                    since = self._replaced.get((node.id, identity))
                    if since is not None and node.believes(identity) is not None:
                        self._note(node.id, identity, now - since)

    def _note(self, node: NodeId, identity: str, seconds: float) -> None:
        self.longest = max(self.longest, seconds)
        if seconds > self._allowed:
            raise BrokenInvariantError(f"I1: {node} believes in {identity} {seconds:.2f} s after its replacement")
