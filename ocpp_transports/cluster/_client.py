"""Calls to the stations of a cluster from a process that has none."""

from collections.abc import AsyncIterator
from math import inf
from types import TracebackType
from typing import Final, Self

import anyio

from ocpp_core.config import Range
from ocpp_core.errors import TimeoutError  # ours, a subclass of the builtin
from ocpp_core.identity import IdentityRule, StationKey, scoped_name
from ocpp_transports._logging._log import Log, Logging, logger_of
from ocpp_transports._runtime._base import SocketRuntime
from ocpp_transports._runtime._current import current_runtime

from ._everywhere._client_calls import ClientCallsMixin, check_call
from ._everywhere._station import ClusterStation
from ._node import ClusterNode, queue_backend
from ._queue._client_queue import ClientQueueMixin
from ._queue._settings import ClusterQueue
from ._queue._tickets import ClusterTickets
from ._settings import Cluster

__all__ = ["ClusterClient"]

_SECONDS: Final = Range(0, unit="seconds")


class ClusterClient(ClientCallsMixin, ClientQueueMixin):
    """Calls the stations of a cluster from a process without stations, for example a worker of a web application.

        async with ClusterClient("redis://127.0.0.1:6379") as cluster:
            await cluster.call("CP1", "Reset", {"type": "Soft"})

    Args:
        cluster: The cluster, as the servers name it: the URL of Redis, or a `Cluster`.
        ignore_identity_case: What the servers' option of this name says.
        offline_queue: The `ClusterQueue` for `enqueue`, if the servers have one; None without one.
        logging: True for the logger `ocpp_ws_io`, False for none, or a logger.

    Raises:
        ValueError: The URL is not one of Redis.
        TypeError: An argument has the wrong type.
    """

    def __init__(
        self,
        cluster: str | Cluster,
        *,
        ignore_identity_case: bool = False,
        offline_queue: ClusterQueue | None = None,
        logging: Logging = True,
    ) -> None:
        if not isinstance(cluster, (str, Cluster)):
            raise TypeError(f"expected the URL of Redis or a Cluster, got {type(cluster).__name__}")
        self._cluster = Cluster(cluster) if isinstance(cluster, str) else cluster
        self._rule = IdentityRule(ignore_case=ignore_identity_case)
        self._log = Log(logger_of(logging), "cluster", is_station=False)
        self._tickets = None if offline_queue is None else self._new_tickets(offline_queue)
        self._runtime: SocketRuntime | None = None
        self._node: ClusterNode | None = None

    async def __aenter__(self) -> Self:
        if self._node is not None:
            raise RuntimeError("cannot begin the block: another one has begun; make a ClusterClient for each block")
        runtime = self._runtime = current_runtime(type(self).__name__, in_block=True, log=self._log)
        self._log.now = runtime.now
        self._node = ClusterNode(self._cluster, runtime, self._log, tickets=self._tickets)
        try:
            await self._node.open()
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._close()

    async def _close(self) -> None:
        node, runtime = self._node, self._runtime
        self._node = self._runtime = None
        try:
            if node is not None:
                await node.aclose()
        finally:
            if runtime is not None:
                await runtime.aclose()

    # Finding stations

    async def wait_for_client(self, identity: str | StationKey, *, timeout: float = inf) -> ClusterStation:
        """Return a station as soon as it is connected to any server.

        Args:
            identity: The identity of the station, or its `StationKey`.
            timeout: Seconds to wait, `inf` for no limit.

        Raises:
            TimeoutError: It did not connect within `timeout` seconds.
            ClosedError: The block ended.
            ValueError: `timeout` is not a number of seconds.
            RuntimeError: Outside the block.
        """
        if timeout not in _SECONDS:
            raise ValueError(f"expected timeout {_SECONDS}, got {timeout!r}")
        node, name = self._open_node(), self._name_of(identity)
        with anyio.move_on_after(timeout):
            return ClusterStation(name, node, self._log, check_call, await node.wait(name))
        raise TimeoutError(f"{str(identity)!r} did not connect within {timeout:.15g} s")

    async def is_connected(self, identity: str | StationKey) -> bool:
        """Return True if a server has the station, as far as the registry knows.

        Raises:
            StoreUnavailableError: The registry did not answer.
            RuntimeError: Outside the block.
        """
        found = await self._open_node().find(self._name_of(identity))
        return found is not None and found.is_alive

    async def stations(self) -> AsyncIterator[ClusterStation]:
        """Iterate over the stations that are connected to any server, in no order.

        Stations that connect or leave meanwhile may be missing.

        Raises:
            StoreUnavailableError: The registry did not answer.
            RuntimeError: Outside the block.
        """
        node = self._open_node()
        for part in node.parts:
            for name, found in (await node.stations_of(part)).items():
                if found.is_alive:
                    yield ClusterStation(name, node, self._log, check_call, found.owner.node)

    # Internals

    def _open_node(self) -> ClusterNode:
        if self._node is None:
            raise RuntimeError("cannot call: the block has not begun; use `async with ClusterClient(...) as cluster:`")
        return self._node

    def _new_tickets(self, queue: ClusterQueue) -> ClusterTickets:
        if not isinstance(queue, ClusterQueue):
            raise TypeError(f"expected offline_queue as ClusterQueue, got {type(queue).__name__}")
        queue_backend(self._cluster)
        return ClusterTickets(queue, self._log)

    def _name_of(self, identity: str | StationKey) -> str:
        given: object = identity
        if not isinstance(given, (str, StationKey)):
            raise TypeError(f"expected the identity of a station or its StationKey, got {type(given).__name__}")
        key = identity if isinstance(identity, StationKey) else StationKey("", identity)
        name = self._rule.key(key.identity)
        return scoped_name(key.namespace, name) if key.namespace or "\0" in name else name
