"""A server's part in a cluster: the claims of its handshakes, and the end of connections that another node replaced."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final, cast

from ocpp_core.admission.step import Ask, Candidate, Cause, Verdict, refuse
from ocpp_core.cluster.calls.outcomes import OtherVersionError
from ocpp_core.cluster.queue.settings import ClusterQueueLimits
from ocpp_core.cluster.registry.actions import EvictionReason
from ocpp_core.errors import ConnectionLostError
from ocpp_core.identity import StationKey
from ocpp_core.inputs import Close, Command
from ocpp_transports._driver._driver import Driver
from ocpp_transports._logging._log import Log
from ocpp_transports._options._stations._cluster_choice import ClusterChoice
from ocpp_transports._peer._peer import ConnectionState
from ocpp_transports._runtime._base import SocketRuntime
from ocpp_transports._server._stations._connection import OCPPServerClient
from ocpp_transports._server._stations._counted import Ended, Opened
from ocpp_transports._server._stations._registry import ConnectionRegistry
from ocpp_transports.cluster._calls import RemoteCall
from ocpp_transports.cluster._everywhere._found_requests import FoundRequests
from ocpp_transports.cluster._node import ClusterNode, queue_backend
from ocpp_transports.cluster._queue._node_queue import NodeQueue
from ocpp_transports.cluster._queue._tickets import ClusterTickets
from ocpp_transports.cluster._settings import Cluster
from ocpp_transports.handshake import Handshake

from ._directory import ClusterDirectory
from ._publishing import EventPublishing
from ._sharing import Sharing

__all__ = ["ClaimedConnection", "ClusterMember"]

_UNAVAILABLE: Final = refuse(503, "Registry Unavailable")
_LAPSED: Final = Close(1013, "registry unavailable", drain=False)
"""Try again later (IANA's registry of close codes)."""


class ClaimedConnection:
    """A handshake, and the connection that it becomes: the name of both in the engine of the registry."""

    __slots__ = ("handshake",)

    def __init__(self, handshake: Handshake) -> None:
        self.handshake = handshake

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ClaimedConnection) and other.handshake is self.handshake

    def __hash__(self) -> int:
        return id(self.handshake)


class ClusterMember:
    """Joins the connections of a server to the registry of its cluster.

    Each handshake claims its station after all other steps of admission, so before the station gets its response. The
    claim lasts until the last handshake and connection of the station have ended here.
    """

    def __init__(
        self,
        choice: str | ClusterChoice,
        registry: ConnectionRegistry,
        log: Log,
        queue: ClusterQueueLimits | None,
        *,
        dropped: Callable[[], None],
    ) -> None:
        self._cluster = Cluster(choice) if isinstance(choice, str) else cast("Cluster", choice)
        events = self._cluster.events
        self.publishing: EventPublishing | None = (
            None if events is None else EventPublishing(self._cluster, events, log, dropped)
        )
        """What writes the events of the server; None without the setting `events`."""
        self._registry = registry
        self._log = log
        self._node: ClusterNode | None = None
        self.sharing: Sharing = Sharing(self._cluster, log)
        """What the server shares with the others besides its stations."""
        self.tickets: ClusterTickets | None = self._new_tickets(queue)
        """The tickets of commands that are queued in the cluster, if the server queues any."""
        self._stations: dict[ClaimedConnection, OCPPServerClient] = {}
        self._evicted: dict[ClaimedConnection, EvictionReason] = {}  # before they opened

    def advertise(self, address: str) -> None:
        """Have other nodes connect to this address, unless the application has given another one."""
        if self._cluster.advertise is None:
            self._cluster = replace(self._cluster, advertise=address)

    def start(self, runtime: SocketRuntime) -> None:
        """Make the node for a use of the server in this event loop."""
        self._node = ClusterNode(self._cluster, runtime, self._log, self, self.tickets)
        self._now = runtime.now
        self.sharing.start(runtime)
        if self.publishing is not None:
            self.publishing.start(runtime, self._node.id)

    def _new_tickets(self, queue: ClusterQueueLimits | None) -> ClusterTickets | None:
        if queue is None:
            return None
        queue_backend(self._cluster)
        return ClusterTickets(queue, self._log)

    @property
    def queue(self) -> NodeQueue | None:
        """The queue of the node, while the server is in use."""
        return None if self._node is None else self._node.queue

    async def open(self) -> None:
        """Open the node, unless it is open. Raises the errors of `ClusterNode.open`."""
        if self._node is not None:
            await self._node.open()
            await self.sharing.open()
        if self.publishing is not None:
            self.publishing.open()

    async def close(self) -> None:
        """Release all stations, and remove the lease of the node."""
        node, self._node = self._node, None
        try:
            if node is not None:
                await node.aclose()
        finally:
            try:
                if self.publishing is not None:
                    await self.publishing.close()
            finally:
                await self.sharing.close()

    # Admission

    def claim(self, candidate: Candidate) -> Verdict:
        """Ask the registry for the station: the last step of admission."""
        node = self._node
        if candidate.protocol is None:
            return None  # the WebSocket will be closed immediately
        if node is None:
            return self._claimed(candidate, False)
        connection = ClaimedConnection(candidate.handshake)
        candidate.abandon = partial(self._ended, connection)
        return Ask("cluster", self._take, (node, candidate, connection), partial(self._claimed, candidate))

    async def _take(self, node: ClusterNode, candidate: Candidate, connection: ClaimedConnection) -> bool:
        """Claim a station, and read what the other servers know of it: they cannot change that after the claim."""
        name = self._name_of(connection)
        older = self.sharing.older(name, candidate)
        if not await node.claim(name, connection):
            return False
        fence = node.believes(name, self._now())
        return fence is None or await self.sharing.read(name, connection, candidate, fence, older)

    def _claimed(self, candidate: Candidate, is_claimed: bool, /) -> Verdict:
        if is_claimed:
            return None
        candidate.cause = Cause("registry_unavailable", "the registry of the cluster does not grant the station")
        return _UNAVAILABLE

    def watched(self, opened: Opened, ended: Ended) -> tuple[Opened, Ended]:
        """Return the functions that register and remove a connection, with the claims of their stations."""

        def open_claimed(station: OCPPServerClient, driver: Driver[Command]) -> None:
            connection = ClaimedConnection(station.handshake)
            self.sharing.opened(self._name_of(connection), connection, station)
            opened(station, driver)
            self._stations[connection] = station
            if connection in self._evicted:
                self._close(station, self._evicted[connection])
            elif self._node is not None:
                self._node.opened(self._name_of(connection))

        def end_claimed(station: OCPPServerClient) -> None:
            ended(station)
            self._ended(ClaimedConnection(station.handshake))

        return open_claimed, end_claimed

    def _ended(self, connection: ClaimedConnection) -> None:
        name, station = self._name_of(connection), self._stations.pop(connection, None)
        self._evicted.pop(connection, None)
        self.sharing.ended(name, connection, station)
        if self._node is not None:
            self._node.end(name, connection)

    def evict(self, connection: Hashable, reason: EvictionReason) -> None:
        """Close a connection that this node no longer has for its station, at once or when it opens."""
        if not isinstance(connection, ClaimedConnection):
            raise TypeError(f"expected a ClaimedConnection, got {connection!r}")
        station = self._stations.get(connection)
        if station is None:
            self._evicted[connection] = reason
        else:
            self._close(station, reason)

    def _close(self, station: OCPPServerClient, reason: EvictionReason) -> None:
        if reason is EvictionReason.LAPSED:
            self._registry.close_one(station, _LAPSED)
        else:
            self._registry.evict(station)

    # Calls

    def directory(self, check: Callable[[tuple[Any, ...], Mapping[str, Any]], None]) -> ClusterDirectory:
        """Return the directory of the server; `check` raises for bad arguments of a call."""
        return ClusterDirectory(self._registry, lambda: self._node, self._log, check)

    def requests(self, args: tuple[Any, ...], local: Mapping[OCPPServerClient, str | StationKey]) -> FoundRequests:
        """Return the requests of a broadcast: to these stations of the server, and to those of all other nodes."""
        if self._node is None:
            raise RuntimeError("cannot broadcast: the server is not open; use `async with` around it, or `listen`")
        named = {self._registry.name_of(each.identity, each.namespace): called for each, called in local.items()}
        return FoundRequests(self._node, args, named)

    def is_open(self, name: str) -> bool:
        """Return True if a station has an open connection."""
        station = self._registry.named(name)
        return station is not None and station.state is ConnectionState.OPEN

    async def execute(self, name: str, call: RemoteCall) -> Any:
        """Call a station for another node."""
        station = self._registry.named(name)
        if station is None:
            raise ConnectionLostError(f"cannot call {name!r}: the station is not connected", sent=False)
        protocol = call.protocol
        if protocol is not None and protocol != station.protocol:
            raise OtherVersionError(f"expected a call for {station.protocol}, got one for {protocol}")
        return await (station.call_immediate if call.is_urgent else station.call)(*call.args, **call.options)

    def _name_of(self, connection: ClaimedConnection) -> str:
        handshake = connection.handshake
        return self._registry.name_of(handshake.identity, handshake.namespace)
