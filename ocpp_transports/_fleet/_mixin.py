"""The methods of a server that concern all its stations or many of them."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from functools import partial
from typing import Any, TypeVar, Unpack, overload

from ocpp_core.identity import StationKey
from ocpp_core.typed.message import Message
from ocpp_core.typed.model import RequestModel
from ocpp_transports._calls._calling import read_request
from ocpp_transports._handlers._call_keywords import CallKeywords
from ocpp_transports._handlers._caller import DictCallKeywords, Params, ResultModelT, ResultT
from ocpp_transports._handlers._table import is_coroutine_function
from ocpp_transports._options._server import ServerOptions
from ocpp_transports._server._stations._connection import OCPPServerClient
from ocpp_transports._server._stations._stations import StationsMixin

from ._fleet_call import FleetCall, Request

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

    @overload
    def broadcast(
        self,
        message: Message[Any, ResultT],
        /,
        *,
        where: Where | None = None,
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
        concurrency: int | None = None,
        **options: Unpack[DictCallKeywords],
    ) -> FleetCall[dict[str, Any]]: ...
    def broadcast(
        self, *args: Any, where: Where | None = None, concurrency: int | None = None, **options: Any
    ) -> FleetCall[Any]:
        """Call all stations that are connected to this server now, or those for which `where` returns True.

        A message, a model and a call with a protocol are sent to the stations that speak this version only. Nothing is
        sent before the result is awaited or its block begins, see `FleetCall`.

        Args:
            *args: A message, a request model, or the action and its parameters, optionally after the subprotocol.
            where: A plain function that gets each `OCPPServerClient`; None calls all of them.
            concurrency: Calls in progress at a time; None means the option `fleet_concurrency`.
            **options: Those of `Peer.call`, for each call.

        Returns:
            The calls. Await them for a tuple of all outcomes, or iterate over the outcomes in an `async with` block.

        Raises:
            ValueError: A bad argument, as `Peer.call` raises it, or a concurrency below 1.
            TypeError: A bad argument, or `where` is no plain function, or returns an awaitable.
        """
        self._expect_open()
        self._check_call(args, options)
        protocol = read_request(args, options).protocol
        if where is not None and (not callable(where) or is_coroutine_function(where)):
            raise TypeError(f"expected where as a plain function, got {where!r}")
        chosen = [
            (self._name_of(station), args)
            for station in self.clients
            if (protocol is None or station.protocol == protocol) and (where is None or is_chosen(where(station)))
        ]
        return self._fleet_call(chosen, options, concurrency)

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
        *names, requests = args or (None,)
        if not isinstance(requests, Mapping) or not (
            all(isinstance(name, str) for name in names)
            and all(isinstance(name, str | StationKey) for name in requests)
        ):
            got = type(requests).__name__
            raise TypeError(f"expected a mapping from identities to requests, after at most two names, got {got}")
        each = [(identity, (*names, request)) for identity, request in requests.items()]
        return self._fleet_call(each, options, concurrency, check=lambda one: self._check_call(one, options))

    def _fleet_call(
        self,
        requests: Iterable[Request],
        options: Mapping[str, Any],
        concurrency: int | None,
        *,
        check: Callable[[tuple[Any, ...]], None] | None = None,
    ) -> FleetCall[Any]:
        limit = self._options.fleet_concurrency if concurrency is None else concurrency
        if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
            raise ValueError(f"expected concurrency >= 1 calls, got {limit!r}")
        return FleetCall(tuple(requests), partial(self.call, **options), concurrency=limit, check=check)


def is_chosen(answer: object) -> bool:
    """Return True if `where` selects a station. Raises TypeError for an awaitable, which would count as True."""
    if isinstance(answer, Awaitable):
        if isinstance(answer, Coroutine):
            answer.close()
        raise TypeError(f"expected where to return bool, got {type(answer).__name__}")
    return bool(answer)
