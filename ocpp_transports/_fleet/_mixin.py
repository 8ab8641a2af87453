"""The methods of a server that concern all its stations or many of them."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import partial
from typing import Any, TypeVar, Unpack, overload

from ocpp_core.identity import StationKey
from ocpp_core.typed.message import Message
from ocpp_core.typed.model import RequestModel
from ocpp_transports._calls._calling import read_request
from ocpp_transports._calls._fleet_call import FleetCall
from ocpp_transports._calls._fleet_requests import FleetRequests, ListedRequests, read_concurrency, read_requests
from ocpp_transports._handlers._call_keywords import CallKeywords
from ocpp_transports._handlers._caller import DictCallKeywords, Params, ResultModelT, ResultT
from ocpp_transports._handlers._table import is_coroutine_function
from ocpp_transports._options._server import ServerOptions
from ocpp_transports._server._stations._connection import OCPPServerClient
from ocpp_transports._server._stations._stations import StationsMixin

__all__ = ["FleetMixin", "StationT", "Where", "is_chosen"]

StationT = TypeVar("StationT", str, StationKey)
"""Names stations: all by their identities, or all by their keys."""
Where = Callable[[OCPPServerClient], bool]
"""Returns True for the stations to call."""


class FleetMixin(StationsMixin, ABC):
    """Calls many stations, a limited number at a time."""

    _options: ServerOptions

    @property
    @abstractmethod
    def clients(self) -> tuple[OCPPServerClient, ...]:
        """The connected stations."""

    @abstractmethod
    def _name_of(self, station: OCPPServerClient) -> str | StationKey:
        """Return the name by which a connected station is called."""

    @abstractmethod
    def _found_everywhere(
        self, args: tuple[Any, ...], local: Mapping[OCPPServerClient, str | StationKey]
    ) -> FleetRequests | None:
        """Return the requests of a broadcast to these stations and those of other servers; None without a cluster."""

    @overload
    def broadcast(
        self,
        message: Message[Any, ResultT],
        /,
        *,
        where: Where | None = None,
        everywhere: bool = True,
        concurrency: int | None = None,
        **options: Unpack[CallKeywords[ResultT]],
    ) -> FleetCall[ResultT]: ...
    @overload
    def broadcast(
        self,
        request: RequestModel[Any, ResultModelT],
        /,
        *,
        where: Where | None = None,
        everywhere: bool = True,
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
        where: Where | None = None,
        everywhere: bool = True,
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
        where: Where | None = None,
        everywhere: bool = True,
        concurrency: int | None = None,
        **options: Unpack[DictCallKeywords],
    ) -> FleetCall[dict[str, Any]]: ...
    def broadcast(
        self,
        *args: Any,
        where: Where | None = None,
        everywhere: bool = True,
        concurrency: int | None = None,
        **options: Any,
    ) -> FleetCall[Any]:
        """Call all stations that are connected now, or those for which `where` returns True.

        In a cluster these are the stations of all its servers, which are found while the calls go on. A message, a
        model and a call with a protocol are sent to the stations that speak this version only. Nothing is sent before
        the result is awaited or its block begins, see `FleetCall`.

        Args:
            *args: A message, a request model, or the action and its parameters, optionally after the subprotocol.
            where: A plain function that gets each `OCPPServerClient`; None calls all of them. In a cluster it needs
                `everywhere=False`, because it gets the stations of this server.
            everywhere: False to call only the stations of this server. Without a cluster it has no effect.
            concurrency: Calls in progress at a time; None means the option `fleet_concurrency`.
            **options: Those of `Peer.call`, for each call.

        Returns:
            The calls. Await them for a tuple of all outcomes, or iterate over the outcomes in an `async with` block.

        Raises:
            ValueError: A bad argument, as `Peer.call` raises it, a concurrency below 1, or `where` without
                `everywhere=False` in a cluster.
            TypeError: A bad argument, or `where` is no plain function, or returns an awaitable.
        """
        self._expect_open()
        self._check_call(args, options)
        protocol = read_request(args, options).protocol
        if where is not None and (not callable(where) or is_coroutine_function(where)):
            raise TypeError(f"expected where as a plain function, got {where!r}")
        chosen = {
            station: self._name_of(station)
            for station in self.clients
            if (protocol is None or station.protocol == protocol) and (where is None or is_chosen(where(station)))
        }
        found = self._found_everywhere(args, chosen) if everywhere else None
        if found is None:
            return self._fleet_call(ListedRequests([(name, args) for name in chosen.values()]), options, concurrency)
        if where is not None:
            raise ValueError("expected everywhere=False with where, which gets only the stations of this server")
        return self._fleet_call(found, options, concurrency)

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
        """Call each station of a mapping with a request of its own.

        `call_many({"CP1": v16.Reset(type="Soft")})` takes messages or models by identity, and
        `call_many("Reset", {"CP1": {"type": "Soft"}})` parameters by identity. The stations are looked up in
        `directory`, so they may be connected to another process. All requests are checked before the first one is sent.
        Nothing is sent before the result is awaited or its block begins, see `FleetCall`.

        Args:
            *args: A mapping from identities, or `StationKey`s, to messages or models; or the action, optionally after
                the subprotocol, and such a mapping to parameters.
            concurrency: Calls in progress at a time; None means the option `fleet_concurrency`.
            **options: Those of `Peer.call`, for each call.

        Returns:
            The calls, as for `broadcast`. They raise the errors of bad requests when they are awaited or entered.

        Raises:
            ValueError: A concurrency below 1.
            TypeError: The arguments have another form, or an identity is neither text nor a `StationKey`.
        """
        self._expect_open()
        requests = ListedRequests(read_requests(args), lambda one: self._check_call(one, options))
        return self._fleet_call(requests, options, concurrency)

    def _fleet_call(
        self, requests: FleetRequests, options: Mapping[str, Any], concurrency: int | None
    ) -> FleetCall[Any]:
        limit = read_concurrency(concurrency, self._options.fleet_concurrency)
        return FleetCall(requests, partial(self.call, **options), concurrency=limit)


def is_chosen(answer: object) -> bool:
    """Return True if `where` selects a station. Raises TypeError for an awaitable, which would count as True."""
    if isinstance(answer, Awaitable):
        if isinstance(answer, Coroutine):
            answer.close()
        raise TypeError(f"expected where to return bool, got {type(answer).__name__}")
    return bool(answer)
