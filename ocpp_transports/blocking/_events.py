"""Events for threads: iterators that block, listeners that run in threads, observers that see the blocking objects."""

from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from functools import partial
from types import TracebackType
from typing import Any, Final, Generic, Protocol, Self, TypeVar

import anyio

from ocpp_core._dataclasses import dataclass
from ocpp_transports._callbacks._arguments import expect_arguments
from ocpp_transports._handlers._table import is_coroutine_function
from ocpp_transports._peer._event_stream import MAX_SIZE, EventStream, size_of
from ocpp_transports.events import OverflowEvent

from ._threads._bridge import Bridge, expect_max_wait
from ._threads._within import run_within

__all__ = ["BlockingEmitter", "BlockingEventStream", "presenting"]

EventT_co = TypeVar("EventT_co", covariant=True)

LIMIT: Final = 1000
"""Events that wait for a listener in a thread; beyond this number, and beyond `MAX_SIZE` bytes, they are dropped."""


class BlockingEventStream(Iterator[EventT_co | OverflowEvent], Generic[EventT_co]):
    """The events of some names as an iterator that blocks; as a context manager it stops listening at its end.

    It is generic in the payloads of these events. An `OverflowEvent` stands for events that it could not keep.
    """

    def __init__(self, wrapped: EventStream[Any], bridge: Bridge, max_wait: float) -> None:
        self._wrapped = wrapped
        self._bridge = bridge
        self._max_wait = max_wait

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        self._bridge.soon(self._wrapped.finish)  # like a generator that nothing iterates over any more

    def __next__(self) -> EventT_co | OverflowEvent:
        """Return the next event. Raises TimeoutError after `max_wait` seconds; then the iteration may go on.

        Raises RuntimeError if another thread already waits for it.
        """
        try:
            event = run_within(self._bridge, self._wrapped.__anext__, self._max_wait, "event")
        except StopAsyncIteration:
            raise StopIteration from None
        shown: EventT_co | OverflowEvent = self._bridge.present(event)
        return shown

    def close(self) -> None:
        """End the iteration at once, also for a thread that waits in it."""
        self._bridge.run(self._wrapped.aclose)


class BlockingEmitter:
    """Registers listeners with an asynchronous client, server or handle, and opens its event streams."""

    def __init__(self, wrapped: "Emitting", bridge: Bridge) -> None:
        self._wrapped = wrapped
        self._bridge = bridge

    def on(self, name: str, listener: Any) -> Any:
        """Call a listener at every event; without one, return a decorator. Raises the errors of `Emitter.on`."""
        return self._listen(self._wrapped.on, name, listener)

    def once(self, name: str, listener: Any) -> Any:
        """Call a listener at the next event only; otherwise like `on`."""
        return self._listen(self._wrapped.once, name, listener)

    def off(self, name: str, listener: Callable[..., object] | None) -> None:
        """Remove a listener, or all of an event. Raises ValueError for an unknown name."""
        self._bridge.run(self._wrapped.off, name, None if listener is None else self._replaced(listener))

    def events(self, *names: str, limit: int, max_wait: float) -> BlockingEventStream[Any]:
        """Return an iterator over events. Raises ValueError for an unknown name or a limit out of range."""
        expect_max_wait(max_wait)
        stream = self._bridge.run(partial(self._wrapped.events, *names, limit=limit))
        return BlockingEventStream(stream, self._bridge, max_wait)

    def _listen(self, register: Callable[..., Any], name: str, listener: Any) -> Any:
        if listener is None:
            self._bridge.run(register, name)  # raises for an unknown name
            return lambda decorated: self._listen(register, name, decorated)
        if callable(listener):
            expect_arguments(listener, f"listener of {name!r}", "event")
        self._bridge.run(register, name, self._replaced(listener))
        return listener

    def _replaced(self, listener: Any) -> Any:
        """Return what calls a listener, the same for all its events: their order is kept."""
        if not callable(listener):
            return listener
        if is_coroutine_function(listener):
            return _LoopListener(listener, self._bridge)
        known = self._bridge.listeners.known
        made = known.get(listener)
        if made is None:
            made = known[listener] = _ThreadListener(listener, self._bridge)
        return made


class Emitting(Protocol):
    """What emits events; see `OCPPClient` and `OCPPServer` for the methods."""

    @property
    def on(self) -> Callable[..., Any]:
        """Register a listener."""

    @property
    def once(self) -> Callable[..., Any]:
        """Register a listener for one event."""

    @property
    def off(self) -> Callable[..., None]:
        """Remove a listener."""

    @property
    def events(self) -> Callable[..., Any]:
        """Open an event stream."""


class _ThreadListener:
    """Runs a listener that is a plain function in a thread, one event after the other.

    It runs in a task of the event loop's thread: the end of a client or server does not take its last events away.
    """

    def __init__(self, function: Callable[..., object], bridge: Bridge) -> None:
        self._function = function
        self._bridge = bridge
        self._jobs: deque[_Job] = deque()
        self._size = 0
        self._is_running = False
        self._is_full = False

    def __call__(self, payload: Any) -> Coroutine[Any, Any, None] | None:
        """Let the listener run, and return a coroutine that ends when it has returned, or raises its exception.

        Raises RuntimeError for the first event that is dropped because too many wait.
        """
        if self._bridge.workers.is_over:
            return None
        job = _Job(payload, size_of(payload, MAX_SIZE), anyio.Event())
        if self._jobs and (len(self._jobs) >= LIMIT or self._size + job.size > MAX_SIZE):
            is_first, self._is_full = not self._is_full, True
            if is_first:
                raise RuntimeError(f"the listener is too slow: {len(self._jobs)} events wait, further ones are dropped")
            return None
        self._jobs.append(job)
        self._size += job.size
        if not self._is_running:
            self._is_running = True
            self._bridge.listeners.start(self._run)
        return job.end()

    async def _run(self) -> None:
        try:
            while self._jobs:
                await self._perform(self._jobs[0])
                self._size -= self._jobs.popleft().size
            self._is_full = False
        finally:
            self._is_running = False

    async def _perform(self, job: "_Job") -> None:
        try:
            await self._bridge.workers.run(self._function, self._bridge.present(job.payload), key=self)
        except Exception as error:
            job.error = error
        finally:
            job.is_over.set()


@dataclass(slots=True)
class _Job:
    """One event for a listener."""

    payload: Any
    size: int
    is_over: anyio.Event
    error: Exception | None = None

    async def end(self) -> None:
        await self.is_over.wait()
        if self.error is not None:
            raise self.error


@dataclass(frozen=True)
class _LoopListener:
    """Calls a coroutine function with the blocking handle on the station. Equal for one function."""

    _function: Callable[..., Awaitable[object]]
    _bridge: Bridge

    async def __call__(self, payload: Any) -> object:
        return await self._function(self._bridge.present(payload))


@dataclass(frozen=True)
class _Observer:
    """Calls an observer, in the event loop, with the blocking handle on the station. Equal for one function."""

    _function: Callable[..., object]
    _bridge: Bridge

    def __call__(self, event: Any, client: Any) -> object:
        return self._function(event, self._bridge.present(client))


def presenting(observer: Callable[..., Any], bridge: Bridge) -> Callable[..., Any]:
    """Return an observer that gets the blocking handle; what is no plain function is returned as it is.

    Raises TypeError if it cannot be called with an event and a client.
    """
    if not callable(observer) or is_coroutine_function(observer):
        return observer
    expect_arguments(observer, "observer", "event", "client")
    return _Observer(observer, bridge)
