"""The interface of a store of the registry: where the nodes of a cluster keep which of them has a station.

A store belongs to one node, from `open` to `aclose`. Every method ends within the timeout of the store (2 s by
default) and raises `StoreUnavailableError` if there is no answer until then.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from ocpp_core.cluster.records import Claimed, ClaimRestored, ClusterOwner, Found, NodeId, Renewed, UnknownOwner

__all__ = ["ForeignDataError", "LayoutError", "RegistryStore", "StoreUnavailableError"]


class StoreUnavailableError(Exception):
    """The store did not answer in time, or refused; whether the command took effect is unknown.

    A claim that raised it may have taken the station from its owner. A claim, a restore or a release of the same
    station makes the state known again.
    """


class LayoutError(Exception):
    """The store has the data of another version of this library; nothing was changed."""


class ForeignDataError(Exception):
    """A key of the registry has a value that this library did not write; it was left as it is."""


class RegistryStore(Protocol):
    """Where a node claims stations, and looks up which node has one.

    Stations are distributed over `buckets` by their identities. Of each bucket, the store counts how many stations a
    node has lost to other nodes (`losses`): while the counts stay the same, the node still has all its stations.

    The `generation` names one life of the data of the store. It changes when data may have been lost.
    """

    @property
    def buckets(self) -> int:
        """Buckets over which the stations are distributed."""

    async def open(self, node: NodeId, address: str | None) -> Renewed:
        """Connect, check the layout of the data, and write the lease of a node.

        Args:
            node: The node, whose epoch is new at each start of a process.
            address: Where other nodes can connect to it; None if it accepts no connections of nodes.

        Returns:
            The generation, and the losses of the node: zeros.

        Raises:
            StoreUnavailableError: There was no answer.
            LayoutError: The data belong to another version.
            ForeignDataError: A key has a value that is none of ours.
        """

    async def claim(self, identity: str) -> Claimed:
        """Take a station for this node, from whichever node has it, and return the new fence.

        Raises:
            StoreUnavailableError: There was no answer; the claim may have taken effect.
            ForeignDataError: The entry of the station is none of ours.
        """

    async def release(self, identity: str, fence: int) -> bool:
        """Remove the entry of a station if this node still has it with this fence; return True if it did."""

    async def restore(self, identity: str, fence: int) -> ClaimRestored:
        """Take a station again under its old fence, after the store may have lost data.

        The station stays where it is if another node has it with the same fence or a later one.

        Raises:
            StoreUnavailableError: There was no answer; the restore may have taken effect.
            ForeignDataError: The entry of the station is none of ours.
        """

    async def renew(self) -> Renewed:
        """Renew the lease of this node, and return the generation and the losses of each bucket."""

    async def check(self, identities: Sequence[str]) -> Sequence[ClusterOwner | UnknownOwner | None]:
        """Return the owner of each of these stations, in their order; None for one without an entry.

        A store of several servers returns `UnknownOwner` for those of a server that does not answer.
        """

    async def find(self, identity: str) -> Found | None:
        """Return the owner of a station, its address, and whether its lease is alive; None without an entry."""

    async def watch(self, identity: str) -> Found | None:
        """Let this node wait for a station for the time of a lease, and return what `find` returns.

        The next claim of the station returns the nodes that wait, and ends their waiting.
        """

    async def stations_of(self, buckets: Sequence[int]) -> Mapping[str, Found]:
        """Return the stations of some buckets by identity. Values that are none of ours are skipped.

        Stations that are claimed or released meanwhile may be missing.
        """

    async def aclose(self) -> None:
        """Remove the lease of this node and disconnect; never raises for a store that is away."""
