"""The calls of a `ClusterClient`."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import partial
from typing import Any, Final, TypeVar, Unpack, overload

from ocpp_core.config import SessionConfig
from ocpp_core.identity import StationKey
from ocpp_core.outbound.call import check_command
from ocpp_core.typed.message import Message
from ocpp_core.typed.model import RequestModel
from ocpp_transports._calls._calling import read_request
from ocpp_transports._calls._fleet_call import FleetCall
from ocpp_transports._calls._fleet_requests import FleetRequests, ListedRequests, read_concurrency, read_requests
from ocpp_transports._handlers._call_keywords import CallKeywords
from ocpp_transports._handlers._caller import DictCallKeywords, Params, ResultModelT, ResultT
from ocpp_transports._logging._log import Log
from ocpp_transports.cluster._node import ClusterNode

from ._found_requests import FoundRequests
from ._station import ClusterStation

__all__ = ["ClientCallsMixin", "check_call"]

StationT = TypeVar("StationT", str, StationKey)
"""Names stations: all by their identities, or all by their keys."""

_SESSION: Final = SessionConfig()
_CONCURRENCY: Final = 100
"""Calls of one run that are in progress at a time, unless the caller says otherwise; as for servers."""


class ClientCallsMixin(ABC):
    """Calls stations, one or many, whichever servers they are connected to."""

    _log: Log

    @abstractmethod
    def _open_node(self) -> ClusterNode:
        """Return the node. Raises RuntimeError outside the block."""

    @abstractmethod
    def _name_of(self, identity: str | StationKey) -> str:
        """Return the name of a station in the registry."""

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
        check_call(args, options)
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
        requests = ListedRequests(read_requests(args), lambda one: check_call(one, options))
        return self._fleet_call(requests, options, concurrency)

    def _station(self, identity: str | StationKey) -> ClusterStation:
        return ClusterStation(self._name_of(identity), self._open_node(), self._log, check_call)

    def _fleet_call(
        self, requests: FleetRequests, options: Mapping[str, Any], concurrency: int | None
    ) -> FleetCall[Any]:
        limit = read_concurrency(concurrency, _CONCURRENCY)
        return FleetCall(requests, partial(self.call, **options), concurrency=limit)


def check_call(args: tuple[Any, ...], options: Mapping[str, Any]) -> None:
    """Raise for bad arguments of a call; the server of the station checks what depends on its options."""
    check_command(read_request(args, options).command(0), _SESSION, 0.0)
