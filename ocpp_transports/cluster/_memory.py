"""A cluster within one process: its registry and its frames in memory, for tests and in virtual time."""

from collections.abc import Callable, Sequence
from itertools import count
from typing import Final
from zlib import crc32

import anyio
import anyio.lowlevel

from ocpp_core.cluster.records import Claimed, ClaimRestored, ClusterOwner, Found, NodeId, Renewed

from ._carrier import NotSentError
from ._store import StoreUnavailableError

__all__ = ["MemoryCluster"]

_BUCKETS: Final = 64
_GENERATION: Final = "memory"


class MemoryCluster:
    """What the nodes of a cluster share within one event loop.

    Pass it to the `Cluster` of each server. Set `is_available` to False to test what your program does while the
    registry does not answer.
    """

    def __init__(self) -> None:
        self.is_available = True
        """False while the registry answers no node: claims and look-ups then fail."""
        self._owners: dict[str, ClusterOwner] = {}
        self._losses: dict[NodeId, list[int]] = {}
        self._leases: dict[NodeId, float] = {}
        self._receivers: dict[NodeId, Callable[[NodeId, bytes], None]] = {}
        self._lost: dict[NodeId, Callable[[NodeId], None]] = {}
        self._fences = count(1)

    @property
    def stations(self) -> int:
        """Stations that a node has claimed and not released."""
        return len(self._owners)

    def new_store(self, lease: float, timeout: float) -> "MemoryStore":
        """Return a store for one node."""
        return MemoryStore(self, lease)

    def new_carrier(
        self, node: NodeId, received: Callable[[NodeId, bytes], None], lost: Callable[[NodeId], None]
    ) -> "MemoryCarrier":
        """Return the carrier of a node."""
        self._receivers[node], self._lost[node] = received, lost
        return MemoryCarrier(self, node)


class MemoryStore:
    """The registry as one node sees it; see RegistryStore."""

    buckets = _BUCKETS

    def __init__(self, shared: MemoryCluster, lease: float) -> None:
        self._shared = shared
        self._lease = lease
        self._node = NodeId("")

    async def open(self, node: NodeId, address: str | None) -> Renewed:
        """Write the lease of a node."""
        self._node = node
        return await self.renew()

    async def claim(self, identity: str) -> Claimed:
        """Take a station."""
        await self._reach()
        shared, bucket = self._shared, _bucket_of(identity)
        previous = shared._owners.get(identity)
        if previous is not None and previous.node != self._node:
            losses = shared._losses.get(previous.node)
            if losses is not None:
                losses[bucket] += 1
        fence = next(shared._fences)
        shared._owners[identity] = ClusterOwner(self._node, fence)
        return Claimed(fence, shared._losses[self._node][bucket], previous, _GENERATION)

    async def release(self, identity: str, fence: int) -> bool:
        """Remove the entry of a station if this node still has it with this fence."""
        await self._reach()
        if self._shared._owners.get(identity) != ClusterOwner(self._node, fence):
            return False
        del self._shared._owners[identity]
        return True

    async def restore(self, identity: str, fence: int) -> ClaimRestored:
        """Return who has a station: nothing in memory is ever lost."""
        await self._reach()
        current = self._shared._owners.get(identity)
        losses = self._shared._losses[self._node][_bucket_of(identity)]
        return ClaimRestored(current == ClusterOwner(self._node, fence), current, losses, _GENERATION)

    async def renew(self) -> Renewed:
        """Renew the lease of this node."""
        await self._reach()
        self._shared._leases[self._node] = anyio.current_time() + self._lease
        losses = self._shared._losses.setdefault(self._node, [0] * _BUCKETS)
        return Renewed(_GENERATION, tuple(losses))

    async def check(self, identities: Sequence[str]) -> Sequence[ClusterOwner | None]:
        """Return the owner of each of these stations."""
        await self._reach()
        return tuple(map(self._shared._owners.get, identities))

    async def find(self, identity: str) -> Found | None:
        """Return where a station is."""
        await self._reach()
        owner = self._shared._owners.get(identity)
        if owner is None:
            return None
        is_alive = self._shared._leases.get(owner.node, 0) > anyio.current_time()
        return Found(owner, None, is_alive)

    async def aclose(self) -> None:
        """Remove the lease of this node."""
        self._shared._leases.pop(self._node, None)
        self._shared._losses.pop(self._node, None)

    async def _reach(self) -> None:
        await anyio.lowlevel.checkpoint()
        if not self._shared.is_available:
            raise StoreUnavailableError("the registry does not answer")


class MemoryCarrier:
    """Takes frames to the other nodes; see Carrier."""

    def __init__(self, shared: MemoryCluster, node: NodeId) -> None:
        self._shared = shared
        self._node = node

    async def send(self, node: NodeId, address: str | None, frame: bytes) -> None:
        """Pass a frame to a node."""
        await anyio.lowlevel.checkpoint()
        received = self._shared._receivers.get(node)
        if received is None:
            raise NotSentError(f"there is no node {node!r}")
        received(self._node, frame)

    async def aclose(self) -> None:
        """Receive no more, and report the end to the other nodes."""
        self._shared._receivers.pop(self._node, None)
        self._shared._lost.pop(self._node, None)
        for lost in tuple(self._shared._lost.values()):
            lost(self._node)


def _bucket_of(identity: str) -> int:
    return crc32(identity.encode()) % _BUCKETS
