"""One node of a cluster: its stations in the registry, and the calls between it and the other nodes."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Final, Protocol

import anyio

from ocpp_core.cluster.calls.frames import AskFrame, CommandSettledFrame, CommandStoredFrame, OpenedFrame
from ocpp_core.cluster.records import Found, NodeId
from ocpp_core.cluster.registry.actions import EvictionReason
from ocpp_core.cluster.waits.inputs import StationAwaited, StationEnded, StationOpened
from ocpp_core.errors import ClosedError, ConnectionLostError
from ocpp_transports._calls._calling import CallRequest
from ocpp_transports._driver._interfaces import Runtime
from ocpp_transports._logging._log import Log

from ._calls import NodeCalls, RemoteCall
from ._everywhere._waits import WaitHost
from ._queue._node_queue import NodeQueue
from ._queue._store import QueueBackend
from ._queue._tickets import ClusterTickets
from ._registry_host import RegistryHost
from ._settings import Cluster

__all__ = ["ClusterNode", "StationHost", "queue_backend"]

_EPOCH_BITS: Final = 64
_LOOKS: Final = 3
"""Looks of a wait for a station in the time of a lease."""
_BUCKETS_AT_ONCE: Final = 8
"""Buckets that are read with one request when all stations are read."""
_NOT_OPEN: Final = "this node of the cluster is not open"


class StationHost(Protocol):
    """What has the connections of this node's stations."""

    def evict(self, connection: Hashable, reason: EvictionReason) -> None:
        """Close a connection: the station has a newer one, perhaps on another node, or the registry is away."""

    def is_open(self, name: str) -> bool:
        """Return True if a station has an open connection."""

    async def execute(self, name: str, call: RemoteCall) -> Any:
        """Call a station for another node. Raises what `Peer.call` raises."""


class ClusterNode:
    """A node from `open` to `aclose`, on one event loop.

    Args:
        cluster: The settings.
        runtime: The event loop of its host.
        log: The log of its host.
        host: What has the connections of stations; None in a process without stations.
        tickets: The tickets of queued commands; None in a process without a queue.

    Raises:
        ValueError: The cluster cannot keep commands.
    """

    def __init__(
        self,
        cluster: Cluster,
        runtime: Runtime,
        log: Log,
        host: StationHost | None = None,
        tickets: ClusterTickets | None = None,
    ) -> None:
        epoch = runtime.sources.random("epoch", secret=True).getrandbits(_EPOCH_BITS)
        self.id: NodeId = NodeId(f"{cluster.node_name}.{epoch:016x}")
        self._cluster = cluster
        self._store = cluster.backend.new_store(cluster.lease, cluster.timeout)
        self._runtime = runtime
        self._log = log
        self._host = host
        self._opening = anyio.Lock()
        self._registry: RegistryHost | None = None  # these three while the node is open
        self._calls: NodeCalls | None = None
        self._waits: WaitHost | None = None
        self.queue: NodeQueue | None = self._new_queue(tickets)
        """The queue of commands for stations that are away, if the process has one."""

    async def open(self) -> None:
        """Write the lease and begin to renew it, unless the node is open.

        Raises:
            StoreUnavailableError: The registry did not answer.
            LayoutError: Its data belong to another version.
            ForeignDataError: A key has a value that is none of ours.
            OSError: The node cannot listen for others, or a file of its certificates cannot be read.
            ValueError: The certificates are invalid.
        """
        async with self._opening:
            if self._registry is None:
                try:
                    await self._open()
                except BaseException:
                    await self._store.aclose()
                    raise

    async def _open(self) -> None:
        calls = NodeCalls(self.id, self._cluster, self._store, self._runtime, self._log, self)
        try:
            await self._store.open(self.id, await calls.listen())
            calls.open()
        except BaseException:
            await calls.aclose()
            raise
        self._calls = calls
        config = self._cluster.registry_config(self._store.buckets)
        look = self._cluster.lease / _LOOKS
        self._waits = WaitHost(self.id, look, self._is_open, self._store, self._runtime, calls)
        self._registry = RegistryHost(self.id, config, self._store, self._runtime, self._log, self)
        if self.queue is not None:
            await self.queue.open()

    def _new_queue(self, tickets: ClusterTickets | None) -> NodeQueue | None:
        if tickets is None:
            return None
        store = queue_backend(self._cluster).new_queue(self._cluster.timeout)
        return NodeQueue(self.id, store, tickets, self._runtime, self._log, self.believes, self._report)

    async def aclose(self) -> None:
        """Release the stations, end the calls in progress, then remove the lease."""
        try:
            if self._registry is not None and self.queue is not None:
                await self.queue.aclose()
        finally:
            await self._leave()

    async def _leave(self) -> None:
        registry, self._registry = self._registry, None
        calls, self._calls = self._calls, None
        waits, self._waits = self._waits, None
        if registry is None or calls is None or waits is None:
            return
        waits.close()
        try:
            await registry.aclose()
        finally:
            try:
                await calls.aclose()
            finally:
                await self._store.aclose()

    # For the host

    async def claim(self, name: str, connection: Hashable) -> bool:
        """Take a station for a connection; return False if the registry does not grant it."""
        return self._registry is not None and await self._registry.claim(name, connection)

    def opened(self, name: str) -> None:
        """Note that a station is open, for those who wait for it."""
        if self._waits is not None:
            self._waits.feed(StationOpened(name))

    def end(self, name: str, connection: Hashable) -> None:
        """Note the end of a handshake or connection: the station is released unless it has a newer connection."""
        if self._waits is not None:
            self._waits.feed(StationEnded(name))
        if self._registry is not None:
            self._registry.end(name, connection)

    async def call(self, name: str, request: CallRequest) -> dict[str, Any]:
        """Call a station of another node. Raises what `Peer.call` raises."""
        if self._calls is None:
            raise ConnectionLostError(f"cannot call {name!r}: this node is not open", sent=False)
        return await self._calls.call(name, request)

    async def wait(self, name: str) -> NodeId:
        """Return the node that has a station, as soon as one has it. Raises ClosedError if this one closes."""
        waits = self._waits
        if waits is None:
            raise ClosedError(_NOT_OPEN)
        return await waits.wait(name)

    @property
    def parts(self) -> Sequence[Sequence[int]]:
        """The buckets over which all stations are distributed, as many together as are read at a time."""
        buckets = range(self._store.buckets)
        return [buckets[at : at + _BUCKETS_AT_ONCE] for at in buckets[::_BUCKETS_AT_ONCE]]

    @property
    def lease(self) -> float:
        """Seconds after which a silent node counts as dead."""
        return self._cluster.lease

    async def find(self, name: str) -> Found | None:
        """Return where a station is. Raises the errors of the store, and ClosedError if the node is not open."""
        self._expect_open()
        return await self._store.find(name)

    async def stations_of(self, part: Sequence[int]) -> Mapping[str, Found]:
        """Return the stations of some buckets by name. Raises the errors of `find`."""
        self._expect_open()
        return await self._store.stations_of(part)

    def note_owner(self, name: str, found: Found) -> None:
        """Note where a station is, so that a call of it need not search."""
        if self._calls is not None:
            self._calls.note_owner(name, found)

    def _expect_open(self) -> None:
        if self._registry is None:
            raise ClosedError(_NOT_OPEN)

    # For its registry, its calls and its waits

    def evict(self, connection: Hashable, reason: EvictionReason) -> None:
        """Close a connection that the node no longer has for the station."""
        if self._host is not None:
            self._host.evict(connection, reason)

    def report_replaced(self, node: NodeId, identity: str, fence: int) -> None:
        """Report to a node that a station is no longer its own; its registry notices it too, later."""
        if self._calls is not None:
            self._calls.report_replaced(node, identity, fence)

    def awaited(self, identity: str, nodes: Sequence[NodeId]) -> None:
        """Note that nodes wait for a station that this one has claimed."""
        if self._waits is not None:
            self._waits.feed(StationAwaited(identity, nodes))

    def waits_received(self, node: NodeId, frame: AskFrame | OpenedFrame) -> None:
        """Take a frame about waiting."""
        if self._waits is not None:
            self._waits.received(node, frame)

    def _is_open(self, name: str) -> bool:
        return self._host is not None and self._host.is_open(name)

    def believes(self, name: str, now: float) -> int | None:
        """Return the fence of a station that the node has for certain at this time; None for any other."""
        return None if self._registry is None else self._registry.believes(name, now)

    def replaced(self, name: str, fence: int, by: NodeId) -> None:
        """Note that another node reports to have a station."""
        if self._registry is not None:
            self._registry.replaced(name, fence, by)

    def question(self, name: str) -> None:
        """Note that another node found a claim of a station that this node does not know."""
        if self._registry is not None:
            self._registry.question(name)

    async def execute(self, name: str, call: RemoteCall) -> Any:
        """Call a station of this node for another one. Raises what `Peer.call` raises."""
        if self._host is None:
            raise ConnectionLostError(f"cannot call {name!r}: this node has no stations", sent=False)
        return await self._host.execute(name, call)

    def queue_changed(self, frame: CommandStoredFrame | CommandSettledFrame) -> None:
        """Take the report of another node about a queued command."""
        if self.queue is not None:
            self.queue.changed(frame)

    def _report(self, node: NodeId, frame: CommandStoredFrame | CommandSettledFrame) -> None:
        if self._calls is not None:
            self._calls.report(node, frame)


def queue_backend(cluster: Cluster) -> QueueBackend:
    """Return what keeps commands. Raises ValueError if the cluster cannot."""
    backend: object = cluster.backend
    if not isinstance(backend, QueueBackend):
        got = type(backend).__name__
        raise ValueError(f"cannot queue commands in this cluster: expected one with Redis, got one with {got}")
    return backend
