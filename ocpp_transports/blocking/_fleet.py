"""Calls that block, to many stations of a server at a time."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from math import inf
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Generic, Self, TypeVar, Unpack, overload

import anyio

from ocpp_core.errors import ClosedError
from ocpp_core.typed.message import Message
from ocpp_core.typed.model import RequestModel
from ocpp_transports._calls._fleet_call import FleetCall
from ocpp_transports._calls._outcomes import StationOutcome
from ocpp_transports._fleet._mixin import FleetMixin, StationT, is_chosen
from ocpp_transports._handlers._call_keywords import CallKeywords
from ocpp_transports._handlers._caller import DictCallKeywords, Params, ResultModelT, ResultT
from ocpp_transports._handlers._table import is_coroutine_function

from ._calls import call_options
from ._station import BlockingServerClient
from ._threads._bridge import Bridge
from ._threads._loop import expect_outside

__all__ = ["BlockingFleetCall", "BlockingFleetMixin"]

ResultT_co = TypeVar("ResultT_co", covariant=True)

Where = Callable[[BlockingServerClient], bool]
"""Returns True for the stations to call."""


class BlockingFleetCall(Iterator[StationOutcome[ResultT_co]], Generic[ResultT_co]):
    """A call to many stations: `wait` for all outcomes, or iterate over them in its `with` block; see `FleetCall`.

    Nothing is sent before that. The calls do not wait for the thread that iterates: outcomes are kept until it reads
    them. At the end of the block further stations are not called, and calls in progress are cancelled.
    """

    def __init__(self, wrapped: FleetCall[Any], bridge: Bridge) -> None:
        self._wrapped = wrapped
        self._bridge = bridge
        self._reader: _Reader | None = None

    def __repr__(self) -> str:
        return f"<BlockingFleetCall of {self.total} stations>"

    @property
    def total(self) -> int:
        """The number of stations to call, as far as they are known; see `FleetCall.total`."""
        return self._wrapped.total

    def wait(self, *, max_wait: float = inf) -> tuple[StationOutcome[ResultT_co], ...]:
        """Call the stations, and return all outcomes in the order in which they settled.

        Args:
            max_wait: Seconds that all of it may take; then the calls in progress are cancelled.

        Returns:
            One outcome for each station.

        Raises:
            TimeoutError: It took longer than `max_wait`; stations may have acted on their calls.
            IncompleteBroadcastError: Stations of other servers were not found.
            RuntimeError: It was used before, or the server is not open.
            ValueError: A bad request of `call_many`.
            TypeError: A bad request of `call_many`.
        """
        outcomes: tuple[StationOutcome[ResultT_co], ...] = self._bridge.run(self._wait, max_wait=max_wait)
        return outcomes

    async def _wait(self) -> tuple[StationOutcome[Any], ...]:
        return await self._wrapped

    def __enter__(self) -> Self:
        """Begin to call. Raises the errors of `wait`."""
        reader = _Reader(self._wrapped)
        self._bridge.run(reader.start, self._bridge)
        self._reader = reader
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._reader is not None and self._bridge.is_open:
            with suppress(ClosedError):  # the event loop ended meanwhile
                self._bridge.run(self._reader.stop)

    def __next__(self) -> StationOutcome[ResultT_co]:
        """Return the next outcome. Raises RuntimeError outside the block.

        Raises ClosedError if the server closed before all calls settled, and `IncompleteBroadcastError` at the end if
        stations of other servers were not found.
        """
        if self._reader is None:
            raise RuntimeError("cannot iterate: the stations are not called; use `with` around it, or call `wait`")
        expect_outside()
        return self._reader.next()


class _Reader:
    """A task of the event loop that reads a `FleetCall`, whose block one task has to enter and leave.

    It never waits for the thread that iterates, which could not end it once the server has left the event loop.
    """

    def __init__(self, calls: FleetCall[Any]) -> None:
        self._calls = calls
        self._outcomes: SimpleQueue[StationOutcome[Any] | Exception | None] = SimpleQueue()  # None: no more follow
        self._error: Exception | None = None
        self._scope: anyio.CancelScope
        self._begun: anyio.Event
        self._over: anyio.Event

    async def start(self, bridge: Bridge) -> None:
        """Begin to call. Raises the errors of bad requests."""
        self._scope, self._begun, self._over = anyio.CancelScope(), anyio.Event(), anyio.Event()
        bridge.spawn(self._read)
        await self._begun.wait()
        if self._error is not None:
            raise self._error

    async def stop(self) -> None:
        """Cancel the rest, and wait until it has ended."""
        self._scope.cancel()
        await self._over.wait()

    def next(self) -> StationOutcome[Any]:
        """Return the next outcome; blocks.

        Raises ClosedError if the event loop ended before all calls settled, and what the iteration raises.
        """
        outcome = self._outcomes.get()
        if outcome is None:
            self._outcomes.put(None)
            raise StopIteration
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def _read(self) -> None:
        is_complete = False
        try:
            with self._scope:
                async with self._calls as calls:
                    self._begun.set()
                    async for outcome in calls:
                        self._outcomes.put(outcome)
                is_complete = True
        except Exception as error:
            self._error = error
        finally:
            if not is_complete and not self._scope.cancel_called:
                ended = ClosedError("the event loop ended before all calls settled", sent=True)
                self._outcomes.put(self._error or ended)
            self._outcomes.put(None)
            self._begun.set()
            self._over.set()


class BlockingFleetMixin:
    """Calls many stations, a limited number at a time."""

    _wrapped: FleetMixin
    _bridge: Bridge

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
    ) -> BlockingFleetCall[ResultT]: ...
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
    ) -> BlockingFleetCall[ResultModelT]: ...
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
    ) -> BlockingFleetCall[dict[str, Any]]: ...
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
    ) -> BlockingFleetCall[dict[str, Any]]: ...
    def broadcast(
        self,
        *args: Any,
        where: Where | None = None,
        everywhere: bool = True,
        concurrency: int | None = None,
        **options: Any,
    ) -> BlockingFleetCall[Any]:
        """Call all stations that are connected now, or those for which `where` returns True.

        See `OCPPServer.broadcast`. Nothing is sent before `wait` or the `with` block of the result.

        Args:
            *args: A message, a request model, or the action and its parameters, optionally after the subprotocol.
            where: A function that gets each `BlockingServerClient`, here in this thread; it may block. In a cluster it
                needs `everywhere=False`.
            everywhere: False to call only the stations of this server. Without a cluster it has no effect.
            concurrency: Calls in progress at a time; None means the option `fleet_concurrency`.
            **options: Those of `Peer.call`. A `check` that is a plain function runs in a thread and may block.

        Returns:
            The calls: `wait` returns all outcomes, and its `with` block iterates over them.

        Raises:
            ValueError: A bad argument, as `call` raises it, a concurrency below 1, or `where` without
                `everywhere=False` in a cluster.
            TypeError: A bad argument, or `where` is no plain function, or returns an awaitable.
            RuntimeError: The server is not open.
        """
        chosen = where if where is None or not callable(where) or is_coroutine_function(where) else self._chosen(where)
        make = partial(self._wrapped.broadcast, where=chosen, everywhere=everywhere, concurrency=concurrency)
        return self._made(make, args, options)

    def _chosen(self, where: Where) -> Callable[[Any], bool]:
        stations = self._bridge.run(lambda: self._wrapped.clients)
        return {station for station in stations if is_chosen(where(self._bridge.present(station)))}.__contains__

    @overload
    def call_many(
        self,
        requests: Mapping[StationT, Message[Any, ResultT]],
        /,
        *,
        concurrency: int | None = None,
        **options: Unpack[CallKeywords[ResultT]],
    ) -> BlockingFleetCall[ResultT]: ...
    @overload
    def call_many(
        self,
        requests: Mapping[StationT, RequestModel[Any, ResultModelT]],
        /,
        *,
        concurrency: int | None = None,
        **options: Unpack[DictCallKeywords],
    ) -> BlockingFleetCall[ResultModelT]: ...
    @overload
    def call_many(
        self,
        action: str,
        params: Mapping[StationT, Params],
        /,
        *,
        concurrency: int | None = None,
        **options: Unpack[DictCallKeywords],
    ) -> BlockingFleetCall[dict[str, Any]]: ...
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
    ) -> BlockingFleetCall[dict[str, Any]]: ...
    def call_many(self, *args: Any, concurrency: int | None = None, **options: Any) -> BlockingFleetCall[Any]:
        """Call each station of a mapping with a request of its own; see `OCPPServer.call_many`.

        Args:
            *args: A mapping from identities, or `StationKey`s, to messages or models; or the action, optionally after
                the subprotocol, and such a mapping to parameters.
            concurrency: Calls in progress at a time; None means the option `fleet_concurrency`.
            **options: Those of `Peer.call`. A `check` that is a plain function runs in a thread and may block.

        Returns:
            The calls, as for `broadcast`. `wait` and the block raise the errors of bad requests.

        Raises:
            ValueError: A concurrency below 1.
            TypeError: The arguments have another form, or an identity is neither text nor a `StationKey`.
            RuntimeError: The server is not open.
        """
        return self._made(partial(self._wrapped.call_many, concurrency=concurrency), args, options)

    def _made(
        self, make: Callable[..., FleetCall[Any]], args: tuple[Any, ...], options: Mapping[str, Any]
    ) -> BlockingFleetCall[Any]:
        async def begin() -> list[FleetCall[Any]]:  # in a list, because the bridge awaits what can be awaited
            return [make(*args, **call_options(self._bridge, options))]

        return BlockingFleetCall(self._bridge.run(begin)[0], self._bridge)
