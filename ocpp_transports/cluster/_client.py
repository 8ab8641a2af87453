"""Calls to the stations of a cluster from a process that has none."""

from collections.abc import AsyncIterator, Mapping
from functools import partial
from math import inf
from types import TracebackType
from typing import Any, Final, Self, TypeVar, Unpack, overload

import anyio

from ocpp_core.config import Range, SessionConfig
from ocpp_core.errors import TimeoutError  # ours, a subclass of the builtin
from ocpp_core.identity import IdentityRule, StationKey, scoped_name
from ocpp_core.outbound.call import check_command
from ocpp_core.typed.message import Message
from ocpp_core.typed.model import RequestModel
from ocpp_transports._calls._calling import read_request
from ocpp_transports._calls._fleet_call import FleetCall
from ocpp_transports._calls._fleet_requests import FleetRequests, ListedRequests, read_concurrency, read_requests
from ocpp_transports._handlers._call_keywords import CallKeywords
from ocpp_transports._handlers._caller import DictCallKeywords, Params, ResultModelT, ResultT
from ocpp_transports._logging._log import Log, Logging, logger_of
from ocpp_transports._runtime._base import SocketRuntime
from ocpp_transports._runtime._current import current_runtime

from ._cluster_station import ClusterStation
from ._found_requests import FoundRequests
from ._node import ClusterNode
from ._settings import Cluster

__all__ = ["ClusterClient"]

StationT = TypeVar("StationT", str, StationKey)
"""Names stations: all by their identities, or all by their keys."""

_SESSION: Final = SessionConfig()
_SECONDS: Final = Range(0, unit="seconds")
_CONCURRENCY: Final = 100
"""Calls of one run that are in progress at a time, unless the caller says otherwise; as for servers."""


class ClusterClient:
    """Calls the stations of a cluster from a process without stations, for example a worker of a web application.

        async with ClusterClient("redis://127.0.0.1:6379") as cluster:
            await cluster.call("CP1", "Reset", {"type": "Soft"})

    Args:
        cluster: The cluster, as the servers name it: the URL of Redis, or a `Cluster`.
        ignore_identity_case: What the servers' option of this name says.
        logging: True for the logger `ocpp_ws_io`, False for none, or a logger.

    Raises:
        ValueError: The URL is not one of Redis.
        TypeError: An argument has the wrong type.
    """

    def __init__(self, cluster: str | Cluster, *, ignore_identity_case: bool = False, logging: Logging = True) -> None:
        if not isinstance(cluster, (str, Cluster)):
            raise TypeError(f"expected the URL of Redis or a Cluster, got {type(cluster).__name__}")
        self._cluster = Cluster(cluster) if isinstance(cluster, str) else cluster
        self._rule = IdentityRule(ignore_case=ignore_identity_case)
        self._log = Log(logger_of(logging), "cluster", is_station=False)
        self._runtime: SocketRuntime | None = None
        self._node: ClusterNode | None = None

    async def __aenter__(self) -> Self:
        runtime = self._runtime = current_runtime(type(self).__name__, in_block=True, log=self._log)
        self._log.now = runtime.now
        self._node = ClusterNode(self._cluster, runtime, self._log)
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

    @overload
    async def call(
        self, identity: str | StationKey, message: Message[Any, ResultT], /, **options: Unpack[CallKeywords[ResultT]]
    ) -> ResultT: ...
    @overload
    async def call(
        self,
        identity: str | StationKey,
        request: RequestModel[Any, ResultModelT],
        /,
        **options: Unpack[DictCallKeywords],
    ) -> ResultModelT: ...
    @overload
    async def call(
        self, identity: str | StationKey, action: str, params: Params = ..., /, **options: Unpack[DictCallKeywords]
    ) -> dict[str, Any]: ...
    @overload
    async def call(
        self,
        identity: str | StationKey,
        protocol: str,
        action: str,
        params: Params = ...,
        /,
        **options: Unpack[DictCallKeywords],
    ) -> dict[str, Any]: ...
    async def call(self, identity: str | StationKey, /, *args: Any, **options: Any) -> Any:
        """Call a station, whichever server it is connected to: `OCPPServer.call` of that server.

        Args:
            identity: The identity of the station, or its `StationKey`.
            *args: A message, a request model, or an action and its payload, as for `OCPPServer.call`.
            **options: The options of one call. The defaults are those of the server of the station.

        Raises:
            ConnectionLostError: With `sent=False`, no server has the station, or the registry did not answer. With
                `sent=True`, the server of the station ended before its response.
            OCPPError: The call failed, see `OCPPServer.call`.
            ValueError: A bad argument.
            TypeError: An argument of the wrong type.
            RuntimeError: Outside the block.
        """
        return await self._station(identity).call(*args, **options)

    @overload
    async def safe_call(
        self, identity: str | StationKey, message: Message[Any, ResultT], /, **options: Unpack[CallKeywords[ResultT]]
    ) -> ResultT | None: ...
    @overload
    async def safe_call(
        self,
        identity: str | StationKey,
        request: RequestModel[Any, ResultModelT],
        /,
        **options: Unpack[DictCallKeywords],
    ) -> ResultModelT | None: ...
    @overload
    async def safe_call(
        self, identity: str | StationKey, action: str, params: Params = ..., /, **options: Unpack[DictCallKeywords]
    ) -> dict[str, Any] | None: ...
    @overload
    async def safe_call(
        self,
        identity: str | StationKey,
        protocol: str,
        action: str,
        params: Params = ...,
        /,
        **options: Unpack[DictCallKeywords],
    ) -> dict[str, Any] | None: ...
    async def safe_call(self, identity: str | StationKey, /, *args: Any, **options: Any) -> Any:
        """Call a station, and return None if the call fails.

        Args:
            identity: The identity of the station, or its `StationKey`.
            *args: A message, a request model, or an action and its payload, as for `call`.
            **options: The options of one call.

        Raises:
            ValueError: A bad argument.
            TypeError: An argument of the wrong type.
            RuntimeError: Outside the block.
        """
        return await self._station(identity).safe_call(*args, **options)

    @overload
    def broadcast(
        self,
        message: Message[Any, ResultT],
        /,
        *,
        concurrency: int | None = None,
        **options: Unpack[CallKeywords[ResultT]],
    ) -> FleetCall[ResultT]: ...
    @overload
    def broadcast(
        self,
        request: RequestModel[Any, ResultModelT],
        /,
        *,
        concurrency: int | None = None,
        **options: Unpack[DictCallKeywords],
    ) -> FleetCall[ResultModelT]: ...
    @overload
    def broadcast(
        self,
        action: str,
        params: Params = ...,
        /,
        *,
        concurrency: int | None = None,
        **options: Unpack[DictCallKeywords],
    ) -> FleetCall[dict[str, Any]]: ...
    @overload
    def broadcast(
        self,
        protocol: str,
        action: str,
        params: Params = ...,
        /,
        *,
        concurrency: int | None = None,
        **options: Unpack[DictCallKeywords],
    ) -> FleetCall[dict[str, Any]]: ...
    def broadcast(self, *args: Any, concurrency: int | None = None, **options: Any) -> FleetCall[Any]:
        """Call all stations of the cluster; see `OCPPServer.broadcast`.

        Args:
            *args: A message, a request model, or the action and its parameters, optionally after the subprotocol.
            concurrency: Calls in progress at a time, on all servers together; None means 100.
            **options: Those of `call`, for each call.

        Returns:
            The calls. Await them for a tuple of all outcomes, or iterate over the outcomes in an `async with` block.

        Raises:
            ValueError: A bad argument, or a concurrency below 1.
            TypeError: A bad argument.
            RuntimeError: Outside the block.
        """
        _check(args, options)
        return self._fleet_call(FoundRequests(self._open_node(), args), options, concurrency)

    @overload
    def call_many(
        self,
        requests: Mapping[StationT, Message[Any, ResultT]],
        /,
        *,
        concurrency: int | None = None,
        **options: Unpack[CallKeywords[ResultT]],
    ) -> FleetCall[ResultT]: ...
    @overload
    def call_many(
        self,
        requests: Mapping[StationT, RequestModel[Any, ResultModelT]],
        /,
        *,
        concurrency: int | None = None,
        **options: Unpack[DictCallKeywords],
    ) -> FleetCall[ResultModelT]: ...
    @overload
    def call_many(
        self,
        action: str,
        params: Mapping[StationT, Params],
        /,
        *,
        concurrency: int | None = None,
        **options: Unpack[DictCallKeywords],
    ) -> FleetCall[dict[str, Any]]: ...
    @overload
    def call_many(
        self,
        protocol: str,
        action: str,
        params: Mapping[StationT, Params],
        /,
        *,
        concurrency: int | None = None,
        **options: Unpack[DictCallKeywords],
    ) -> FleetCall[dict[str, Any]]: ...
    def call_many(self, *args: Any, concurrency: int | None = None, **options: Any) -> FleetCall[Any]:
        """Call each station of a mapping with a request of its own; see `OCPPServer.call_many`.

        Args:
            *args: A mapping from identities, or `StationKey`s, to messages or models; or the action, optionally after
                the subprotocol, and such a mapping to parameters.
            concurrency: Calls in progress at a time, on all servers together; None means 100.
            **options: Those of `call`, for each call.

        Returns:
            The calls, as for `broadcast`. They raise the errors of bad requests when they are awaited or entered.

        Raises:
            ValueError: A concurrency below 1.
            TypeError: The arguments have another form, or an identity is neither text nor a `StationKey`.
            RuntimeError: Outside the block.
        """
        self._open_node()
        requests = ListedRequests(read_requests(args), lambda one: _check(one, options))
        return self._fleet_call(requests, options, concurrency)

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
            return ClusterStation(name, node, self._log, _check, await node.wait(name))
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
                    yield ClusterStation(name, node, self._log, _check, found.owner.node)

    # Internals

    def _open_node(self) -> ClusterNode:
        if self._node is None:
            raise RuntimeError("cannot call: the block has not begun; use `async with ClusterClient(...) as cluster:`")
        return self._node

    def _station(self, identity: str | StationKey) -> ClusterStation:
        return ClusterStation(self._name_of(identity), self._open_node(), self._log, _check)

    def _fleet_call(
        self, requests: FleetRequests, options: Mapping[str, Any], concurrency: int | None
    ) -> FleetCall[Any]:
        limit = read_concurrency(concurrency, _CONCURRENCY)
        return FleetCall(requests, partial(self.call, **options), concurrency=limit)

    def _name_of(self, identity: str | StationKey) -> str:
        key = identity if isinstance(identity, StationKey) else StationKey("", identity)
        name = self._rule.key(key.identity)
        return scoped_name(key.namespace, name) if key.namespace or "\0" in name else name


def _check(args: tuple[Any, ...], options: Mapping[str, Any]) -> None:
    check_command(read_request(args, options).command(0), _SESSION, 0.0)
