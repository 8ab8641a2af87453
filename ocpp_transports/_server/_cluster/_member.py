"""A server's part in a cluster: the claims of its handshakes, and the end of connections that another node replaced."""

from collections.abc import Callable, Hashable, Mapping
from functools import partial
from typing import Any, Final, cast

from ocpp_core.admission.step import Ask, Candidate, Cause, Verdict, refuse
from ocpp_core.cluster.queue.settings import ClusterQueueLimits
from ocpp_core.errors import ConnectionLostError
from ocpp_core.inputs import Command
from ocpp_transports._driver._driver import Driver
from ocpp_transports._logging._log import Log
from ocpp_transports._options._stations._cluster_choice import ClusterChoice
from ocpp_transports._runtime._base import SocketRuntime
from ocpp_transports._server._stations._connection import OCPPServerClient
from ocpp_transports._server._stations._counted import Ended, Opened
from ocpp_transports._server._stations._registry import ConnectionRegistry
from ocpp_transports.cluster._calls import RemoteCall
from ocpp_transports.cluster._node import ClusterNode, queue_backend
from ocpp_transports.cluster._queue._node_queue import NodeQueue
from ocpp_transports.cluster._queue._tickets import ClusterTickets
from ocpp_transports.cluster._settings import Cluster
from ocpp_transports.handshake import Handshake

from ._directory import ClusterDirectory

__all__ = ["ClaimedConnection", "ClusterMember"]

_UNAVAILABLE: Final = refuse(503, "Registry Unavailable")


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
        queue: ClusterQueueLimits | None = None,
    ) -> None:
        self._cluster = Cluster(choice) if isinstance(choice, str) else cast("Cluster", choice)
        self._registry = registry
        self._log = log
        self._node: ClusterNode | None = None
        self.tickets: ClusterTickets | None = self._new_tickets(queue)
        """The tickets of commands that are queued in the cluster, if the server queues any."""
        self._stations: dict[ClaimedConnection, OCPPServerClient] = {}
        self._evicted: set[ClaimedConnection] = set()  # before they opened

    def start(self, runtime: SocketRuntime) -> None:
        """Make the node for a use of the server in this event loop."""
        self._node = ClusterNode(self._cluster, runtime, self._log, self, self.tickets)

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

    async def close(self) -> None:
        """Release all stations, and remove the lease of the node."""
        node, self._node = self._node, None
        if node is not None:
            await node.aclose()

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
        arguments = (self._name_of(connection), connection)
        return Ask("cluster", node.claim, arguments, partial(self._claimed, candidate))

    def _claimed(self, candidate: Candidate, is_claimed: bool, /) -> Verdict:
        if is_claimed:
            return None
        candidate.cause = Cause("registry_unavailable", "the registry of the cluster does not grant the station")
        return _UNAVAILABLE

    def watched(self, opened: Opened, ended: Ended) -> tuple[Opened, Ended]:
        """Return the functions that register and remove a connection, with the claims of their stations."""

        def open_claimed(station: OCPPServerClient, driver: Driver[Command]) -> None:
            opened(station, driver)
            connection = ClaimedConnection(station.handshake)
            self._stations[connection] = station
            if connection in self._evicted:
                self._registry.evict(station)

        def end_claimed(station: OCPPServerClient) -> None:
            ended(station)
            self._ended(ClaimedConnection(station.handshake))

        return open_claimed, end_claimed

    def _ended(self, connection: ClaimedConnection) -> None:
        self._stations.pop(connection, None)
        self._evicted.discard(connection)
        if self._node is not None:
            self._node.end(self._name_of(connection), connection)

    def evict(self, connection: Hashable) -> None:
        """Close the connection of a station that has a newer one, at once or when it opens."""
        if not isinstance(connection, ClaimedConnection):
            raise TypeError(f"expected a ClaimedConnection, got {connection!r}")
        station = self._stations.get(connection)
        if station is None:
            self._evicted.add(connection)
        else:
            self._registry.evict(station)

    # Calls

    def directory(self, check: Callable[[tuple[Any, ...], Mapping[str, Any]], None]) -> ClusterDirectory:
        """Return the directory of the server; `check` raises for bad arguments of a call."""
        return ClusterDirectory(self._registry, lambda: self._node, self._log, check)

    async def execute(self, name: str, call: RemoteCall) -> Any:
        """Call a station for another node."""
        station = self._registry.named(name)
        if station is None:
            raise ConnectionLostError(f"cannot call {name!r}: the station is not connected", sent=False)
        return await (station.call_immediate if call.is_urgent else station.call)(*call.args, **call.options)

    def _name_of(self, connection: ClaimedConnection) -> str:
        handshake = connection.handshake
        return self._registry.name_of(handshake.identity, handshake.namespace)
