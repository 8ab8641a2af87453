"""The directory of a server in a cluster: its own stations first, then those of all nodes."""

from collections.abc import Callable, Mapping
from typing import Any

from ocpp_core.identity import StationKey
from ocpp_transports._logging._log import Log
from ocpp_transports._peer._peer import ConnectionState
from ocpp_transports._server._stations._connection import OCPPServerClient
from ocpp_transports._server._stations._registry import ConnectionRegistry
from ocpp_transports.cluster._everywhere._station import ClusterStation
from ocpp_transports.cluster._node import ClusterNode

__all__ = ["ClusterDirectory"]


class ClusterDirectory:
    """Finds stations for the methods of a server; handles are those of this process, calls reach every node.

    Args:
        registry: The connections of the server.
        node: Function that returns the node, or None while the server is not bound to an event loop.
        log: The log of the server.
        check: Function that raises for bad arguments of a call.
    """

    def __init__(
        self,
        registry: ConnectionRegistry,
        node: Callable[[], ClusterNode | None],
        log: Log,
        check: Callable[[tuple[Any, ...], Mapping[str, Any]], None],
    ) -> None:
        self._registry = registry
        self._node = node
        self._log = log
        self._check = check

    def get_client(self, identity: str | StationKey, /) -> OCPPServerClient | None:
        """Return the handle on a station's connection in this process; None without one."""
        return self._registry.get_client(identity)

    def get_caller(self, identity: str | StationKey, /) -> OCPPServerClient | ClusterStation | None:
        """Return the connection in this process, or else what asks the other nodes.

        A connection here that closes may have been replaced by one on another node.
        """
        station, node = self._registry.get_client(identity), self._node()
        if node is None or (station is not None and station.state is ConnectionState.OPEN):
            return station
        return ClusterStation(self._name_of(identity), node, self._log, self._check)

    async def wait_for_client(self, identity: str | StationKey, /) -> OCPPServerClient:
        """Return the handle on the station as soon as it is connected to this process."""
        return await self._registry.wait_for_client(identity)

    async def wait_for_caller(self, identity: str | StationKey, /) -> OCPPServerClient | ClusterStation:
        """Return what calls the station as soon as it is connected to any node."""
        node, name = self._node(), self._name_of(identity)
        if node is None:
            return await self._registry.wait_for_client(identity)
        while True:
            holder = await node.wait(name)
            if holder != node.id:
                return ClusterStation(name, node, self._log, self._check, holder)
            station = self._registry.named(name)
            if station is not None:
                return station

    def _name_of(self, identity: str | StationKey) -> str:
        key = identity if isinstance(identity, StationKey) else StationKey("", identity)
        return self._registry.name_of(key.identity, key.namespace)
