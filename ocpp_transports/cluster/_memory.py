"""A cluster within one process: its registry and its frames in memory, for tests and in virtual time."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import anyio
import anyio.lowlevel

from ocpp_core.cluster.records import Claimed, ClaimRestored, ClusterOwner, Found, NodeId, Renewed
from ocpp_core.cluster.registry.table import RegistryTable
from ocpp_core.cluster.shared.table import SharedTable

from ._carrier import NotSentError
from ._events._memory import MemoryEventLog, MemoryStreams
from ._queue._memory import MemoryQueues, MemoryQueueStore
from ._shared._memory import MemorySharedStore
from ._store import StoreUnavailableError

__all__ = ["MemoryCluster"]

_BUCKETS: Final = 64
_GENERATION: Final = "memory"
_MICRO: Final = 1_000_000


class MemoryCluster:
    """What the nodes of a cluster share within one event loop.

    Pass it to the `Cluster` of each server. Set `is_available` to False to test what your program does while the
    registry does not answer.
    """

    def __init__(self) -> None:
        self.is_available: bool = True
        """False while the registry answers no node: claims and look-ups then fail."""
        self._table: RegistryTable | None = None
        self._queue: MemoryQueues | None = None
        self._lease = 0.0
        self._shared = SharedTable(self._fence_of)
        self._receivers: dict[NodeId, Callable[[NodeId, bytes], None]] = {}
        self._lost: dict[NodeId, Callable[[NodeId], None]] = {}
        self._streams = MemoryStreams(lambda: self.is_available)

    @property
    def stations(self) -> int:
        """Stations that a node has claimed and not released."""
        return 0 if self._table is None else len(self._table)

    def new_store(self, lease: float, timeout: float) -> "MemoryRegistryStore":
        """Return a store for one node. Raises ValueError unless all nodes have the same lease."""
        if self._table is None:
            self._table, self._lease = RegistryTable(_BUCKETS, _GENERATION, lease=lease), lease
        if lease != self._lease:
            raise ValueError(f"expected lease={self._lease!r} as on the other nodes, got {lease!r}")
        return MemoryRegistryStore(self, self._table)

    def new_queue(self, timeout: float) -> MemoryQueueStore:
        """Return the queue of one node."""
        return MemoryQueueStore(self._shared_queue, self._reach)

    def _shared_queue(self) -> MemoryQueues:
        if self._table is None:
            raise RuntimeError("cannot use the queue: no node has a store")
        if self._queue is None:
            self._queue = MemoryQueues(self._table)
        return self._queue

    async def _reach(self) -> float:
        """Return the time in seconds, unless the registry does not answer."""
        await anyio.lowlevel.checkpoint()
        if not self.is_available:
            raise StoreUnavailableError("the registry does not answer")
        return anyio.current_time()

    def new_carrier(
        self, node: NodeId, received: Callable[[NodeId, bytes], None], lost: Callable[[NodeId], None]
    ) -> "MemoryCarrier":
        """Return the carrier of a node, and begin to receive.

        Args:
            node: The node.
            received: Function that gets each frame and the node that sent it.
            lost: Function that gets a node which certainly answers no more.
        """
        self._receivers[node], self._lost[node] = received, lost
        return MemoryCarrier(self, node)

    def new_shared(self, timeout: float) -> MemorySharedStore:
        """Return the store of what one node shares with the others."""
        return MemorySharedStore(self._shared, lambda: self.is_available)

    def new_events(self, timeout: float) -> MemoryEventLog:
        """Return the streams of events as one process uses them."""
        return MemoryEventLog(self._streams)

    def _fence_of(self, name: str) -> int:
        owner = None if self._table is None else self._table.check([name])[0]
        return 0 if owner is None else owner.fence


class MemoryRegistryStore:
    """The registry as one node sees it; see `RegistryStore`. It answers at once, so it needs no timeout."""

    buckets: int = _BUCKETS

    def __init__(self, shared: MemoryCluster, table: RegistryTable) -> None:
        self._shared = shared
        self._table = table
        self._node = NodeId("")
        self._address: str | None = None

    async def open(self, node: NodeId, address: str | None) -> Renewed:
        """Write the lease of a node."""
        self._node, self._address = node, address
        return await self.renew()

    async def claim(self, identity: str) -> Claimed:
        """Take a station."""
        now = await self._shared._reach()
        return self._table.claim(identity, self._node, int(now * _MICRO))

    async def release(self, identity: str, fence: int) -> bool:
        """Remove the entry of a station if this node still has it with this fence."""
        await self._shared._reach()
        return self._table.release(identity, self._node, fence)

    async def restore(self, identity: str, fence: int) -> ClaimRestored:
        """Take a station again under its old fence."""
        await self._shared._reach()
        return self._table.restore(identity, self._node, fence)

    async def renew(self) -> Renewed:
        """Renew the lease of this node."""
        return self._table.renew(self._node, self._address, await self._shared._reach())

    async def check(self, identities: Sequence[str]) -> Sequence[ClusterOwner | None]:
        """Return the owner of each of these stations."""
        await self._shared._reach()
        return self._table.check(identities)

    async def find(self, identity: str) -> Found | None:
        """Return where a station is."""
        return self._table.find(identity, await self._shared._reach())

    async def watch(self, identity: str) -> Found | None:
        """Let this node wait for a station, and return where it is."""
        return self._table.watch(identity, self._node, await self._shared._reach(), self._shared._lease)

    async def stations_of(self, buckets: Sequence[int]) -> Mapping[str, Found]:
        """Return the stations of some buckets."""
        return self._table.stations_of(buckets, await self._shared._reach())

    async def aclose(self) -> None:
        """Remove the lease of this node."""
        self._table.leave(self._node)


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
