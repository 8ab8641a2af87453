"""Events for threads: iterators that block, listeners that run in threads, observers that see the blocking objects."""

from collections.abc import Callable, Coroutine, Iterator
from math import inf
from types import TracebackType
from typing import Any, Final, Self

import anyio

from ocpp_core.errors import TimeoutError  # ours, a subclass of the builtin
from ocpp_transports._callbacks._arguments import expect_arguments
from ocpp_transports._handlers._table import is_coroutine_function
from ocpp_transports._peer._event_stream import MAX_SIZE, EventStream, size_of

from ._bridge import Bridge

__all__ = ["BlockingEventStream", "ThreadListener", "presenting"]

LIMIT: Final = 1000
"""Events that wait for a listener in a thread; beyond this number, and beyond `MAX_SIZE` bytes, they are dropped."""


class BlockingEventStream(Iterator[Any]):
    """The events of some names as an iterator that blocks; as a context manager it stops listening at its end."""

    def __init__(self, wrapped: EventStream, bridge: Bridge, max_wait: float) -> None:
        self._wrapped = wrapped
        self._bridge = bridge
        self._max_wait = max_wait

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __next__(self) -> Any:
        """Return the next event. Raises TimeoutError after `max_wait` seconds; then the iteration may go on.

        Raises RuntimeError if another thread already waits for it.
        """
        has_limit = self._max_wait != inf and self._bridge.is_open  # without an event loop nothing waits
        try:
            event = self._bridge.run(self._next if has_limit else self._wrapped.__anext__)
        except StopAsyncIteration:
            raise StopIteration from None
        return self._bridge.present(event)

    async def _next(self) -> Any:
        """Return the next event; when the time is over, events that arrive later are kept."""
        with anyio.move_on_after(self._max_wait):
            return await self._wrapped.__anext__()
        raise TimeoutError(f"there was no event within {self._max_wait:.15g} s")

    def close(self) -> None:
        """End the iteration at once, also for a thread that waits in it."""
        self._bridge.run(self._wrapped.aclose)


class _OfFunction:
    """Something that stands for a function of the application, and equals what stands for the same one."""

    def __init__(self, function: Callable[..., object], bridge: Bridge) -> None:
        self._function = function
        self._bridge = bridge

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and isinstance(other, _OfFunction) and other._function == self._function

    def __hash__(self) -> int:
        return hash(self._function)


class ThreadListener(_OfFunction):
    """Runs a listener that is a plain function in a thread, one event after the other."""

    def __init__(self, function: Callable[..., object], bridge: Bridge) -> None:
        super().__init__(function, bridge)
        self._turn: anyio.Lock | None = None  # made in the event loop, which decides its kind
        self._waiting = 0
        self._size = 0
        self._is_full = False

    def __call__(self, payload: Any) -> Coroutine[Any, Any, None] | None:
        """Return a coroutine that runs the listener.

        Raises RuntimeError for the first event that is dropped because too many wait.
        """
        size = size_of(payload, MAX_SIZE)
        if self._waiting and (self._waiting >= LIMIT or self._size + size > MAX_SIZE):
            is_first, self._is_full = not self._is_full, True
            if is_first:
                raise RuntimeError(f"the listener is too slow: {self._waiting} events wait, further ones are dropped")
            return None
        self._waiting += 1
        self._size += size
        return self._run(payload, size)

    async def _run(self, payload: Any, size: int) -> None:
        if self._turn is None:
            self._turn = anyio.Lock()
        try:
            async with self._turn:
                await self._bridge.workers.run(self._function, self._bridge.present(payload))
        finally:
            self._waiting -= 1
            self._size -= size
            self._is_full = self._is_full and self._waiting > 0


class _Observer(_OfFunction):
    """Calls an observer, in the event loop, with the blocking handle on the station."""

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
