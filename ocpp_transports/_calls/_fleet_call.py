"""One call to each of many stations, a limited number of them at a time.

`FleetCall` owns a task for each call in progress, within the block or the `await` of its user: cancelling that ends
them all. A worker hands its outcome to the reader before it takes the next station. So the outcomes that wait to be
read never exceed the calls in progress, whatever the stations send. Workers start one by one, one in each turn of the
event loop, so that a large number does not block it.
"""

import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from math import inf
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

import anyio

from ocpp_core.errors import CallCancelledError
from ocpp_core.identity import StationKey

from ._fleet_requests import FleetRequests
from ._outcomes import Answered, IncompleteBroadcastError, StationOutcome, Unanswered, outcome_of

if TYPE_CHECKING:
    from anyio.abc import TaskGroup
    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

__all__ = ["FleetCall"]

ResultT_co = TypeVar("ResultT_co", covariant=True)


class FleetCall(AsyncIterator[StationOutcome[ResultT_co]], Generic[ResultT_co]):
    """A call to many stations: await it for all outcomes, or iterate over them in its block as the calls settle.

        outcomes = await server.broadcast("ClearCache")

        async with server.broadcast("ClearCache") as calls:
            async for outcome in calls:
                ...

    Nothing is sent before that. A station gets its call when it is its turn, on its newest connection at that time. The
    order of the outcomes is that in which the calls settle. At the end of the block, and if the task is cancelled,
    further stations are not called, and calls in progress are cancelled. It can be used once.
    """

    def __init__(
        self,
        requests: FleetRequests,
        call: Callable[..., Awaitable[Any]],
        *,
        concurrency: int,
    ) -> None:
        self._requests = requests
        self._call = call
        self._concurrency = concurrency
        self._skipped = 0
        self._workers = 0
        self._tasks: TaskGroup | None = None
        self._outcomes: MemoryObjectReceiveStream[StationOutcome[ResultT_co]] | None = None

    def __del__(self) -> None:
        if self._tasks is None:
            warnings.warn(f"{self!r} was never awaited", RuntimeWarning, stacklevel=2)

    def __repr__(self) -> str:
        return f"<FleetCall of {self.total} stations>"

    @property
    def total(self) -> int:
        """The number of stations to call, which is the number of outcomes.

        A broadcast in a cluster counts those that it has found so far: the number grows until the last outcome.
        """
        return self._requests.total - self._skipped

    def __await__(self) -> Generator[Any, Any, tuple[StationOutcome[ResultT_co], ...]]:
        """Call the stations, and return all outcomes in the order in which they settled.

        Raises RuntimeError if it was used before, what a bad argument of `OCPPServer.call_many` raises, and
        `IncompleteBroadcastError`, which has the outcomes, if stations of other servers were not found.
        """
        return self._all().__await__()

    async def _all(self) -> tuple[StationOutcome[ResultT_co], ...]:
        outcomes: list[StationOutcome[ResultT_co]] = []
        async with self:
            try:
                async for outcome in self:
                    outcomes.append(outcome)  # noqa: PERF401 - an error must not lose those before it
            except IncompleteBroadcastError as error:
                error.outcomes = tuple(outcomes)
                raise
        return tuple(outcomes)

    async def __aenter__(self) -> Self:
        """Begin to call.

        Raises what a bad argument of `OCPPServer.call_many` raises, and `IncompleteBroadcastError` if the cluster does
        not answer; then nothing was sent.
        """
        if self._tasks is not None:
            raise RuntimeError("cannot use a FleetCall twice: its stations were called; make another one")
        self._tasks = tasks = anyio.create_task_group()
        await self._requests.open()
        outcomes, self._outcomes = anyio.create_memory_object_stream[StationOutcome[ResultT_co]](0)
        await tasks.__aenter__()
        self._start_worker(outcomes)
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._tasks is None or self._outcomes is None:
            return
        self._outcomes.close()
        self._tasks.cancel_scope.cancel()
        try:
            await self._tasks.__aexit__(exc_type, exc, traceback)
        except BaseExceptionGroup as group:  # a task group wraps the exception of its block
            if group.exceptions != (exc,):
                raise

    async def __anext__(self) -> StationOutcome[ResultT_co]:
        """Return the next outcome.

        Raises RuntimeError outside the block, and after the last outcome `IncompleteBroadcastError` if stations of
        other servers were not found.
        """
        if self._outcomes is None:
            raise RuntimeError("cannot iterate: the stations are not called; use `async with` around it, or await it")
        try:
            return await self._outcomes.receive()
        except (anyio.EndOfStream, anyio.ClosedResourceError):
            if self._requests.gap:
                raise IncompleteBroadcastError(self._requests.gap) from None
            raise StopAsyncIteration from None

    def _start_worker(self, outcomes: "MemoryObjectSendStream[StationOutcome[ResultT_co]]") -> None:
        self._workers += 1
        if self._tasks is not None:
            self._tasks.start_soon(self._work, outcomes)

    async def _work(self, outcomes: "MemoryObjectSendStream[StationOutcome[ResultT_co]]") -> None:
        """Call one station after another, and start the next worker first; the stream ends with the last worker."""
        with outcomes:
            if self._workers < min(self._concurrency, self._requests.most):
                self._start_worker(outcomes.clone())
            while (request := await self._requests.next()) is not None:
                outcome = await self._ask(*request)
                if outcome is None:
                    self._skipped += 1
                    continue
                try:
                    await outcomes.send(outcome)
                except anyio.BrokenResourceError:  # the block ended
                    return

    async def _ask(self, name: str | StationKey, args: tuple[Any, ...]) -> StationOutcome[ResultT_co] | None:
        key = name if isinstance(name, StationKey) else StationKey("", name)
        try:
            result = await self._call(name, *args)
        except self._requests.skips:
            return None
        except Exception as error:
            return outcome_of(key, error)
        except anyio.get_cancelled_exc_class():
            if anyio.current_effective_deadline() == -inf:  # this worker is cancelled
                raise
            reason = "a function of the application cancelled the call"  # asyncio only: in its middleware, for example
            return Unanswered(key.identity, CallCancelledError(reason, sent=True), key.namespace)
        return Answered(key.identity, result, key.namespace)
