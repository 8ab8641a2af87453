"""Listeners and bounded asynchronous iteration over user events. Knows no event loop."""

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from functools import partial
from inspect import CORO_CLOSED, getcoroutinestate, iscoroutinefunction
from types import TracebackType
from typing import Any, Self, TypeAlias, TypeVar, overload

from ocpp_transports._callbacks._arguments import expect_arguments
from ocpp_transports._callbacks._containment import end_program, is_cancellation
from ocpp_transports._driver._interfaces import Completion, complete
from ocpp_transports.events import ErrorEvent, OverflowEvent

__all__ = ["Emitter", "EventStream", "Listener"]

Listener: TypeAlias = Callable[[Any], Any]
"""Takes the payload; what it returns is ignored, but a coroutine is run as a task of the client or server."""

_L = TypeVar("_L", bound=Listener)


class Emitter:
    """Tells listeners and iterators what happened, in order.

    `spawn` runs the coroutine of an asynchronous listener, `completion` makes what an iterator awaits, `changed` is
    called when a listener is added or removed, `log` writes a text and an exception. A listener that raises is logged
    and reported as an `error` event, and disturbs nobody else; an `error` listener that raises is logged only. This
    holds for every BaseException; KeyboardInterrupt and SystemExit also end the program, in a task of their own.
    """

    def __init__(
        self,
        names: Mapping[str, type],
        *,
        spawn: Callable[[Coroutine[Any, Any, None]], object],
        completion: Callable[[], Completion[None]],
        log: Callable[[str, BaseException], None],
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._names = names
        self._spawn = spawn
        self._completion = completion
        self._log = log
        self._changed = changed
        self._listeners: dict[str, tuple[tuple[Listener, bool], ...]] = {}
        self._streams: dict[str, tuple[EventStream, ...]] = {}
        self._queue: list[tuple[str, Any, Callable[[], None] | None]] = []
        self._ready: list[tuple[str, Callable[[], Awaitable[Any]], _Round]] = []
        self._emitting = False
        self._is_over = False
        self.relay: Callable[[str, Any], None] | None = None
        """Called with each event, its name first, before the listeners are; it raises nothing."""

    # Listening

    @overload
    def on(self, name: str, listener: None = None) -> Callable[[_L], _L]: ...
    @overload
    def on(self, name: str, listener: _L) -> _L: ...
    def on(self, name: str, listener: _L | None = None) -> _L | Callable[[_L], _L]:
        """Call `listener(payload)` at every event `name`; without a listener, a decorator.

        Raises ValueError for an unknown name, TypeError for a listener that cannot be called.
        """
        return self._add(name, listener, once=False)

    @overload
    def once(self, name: str, listener: None = None) -> Callable[[_L], _L]: ...
    @overload
    def once(self, name: str, listener: _L) -> _L: ...
    def once(self, name: str, listener: _L | None = None) -> _L | Callable[[_L], _L]:
        """Call `listener(payload)` at the next event `name` only; otherwise like `on`."""
        return self._add(name, listener, once=True)

    def off(self, name: str, listener: Listener | None = None) -> None:
        """Remove a listener, all of an event without one; of one that is not there: nothing.

        Raises ValueError for an unknown name.
        """
        self._expect_name(name)
        kept = () if listener is None else tuple(pair for pair in self._listeners.get(name, ()) if pair[0] != listener)
        self._set_listeners(name, kept)

    def events(self, *names: str, limit: int = 1000) -> "EventStream":
        """Iterate over the payloads of these events (all without a name): `async for event in client.events("open")`.

        Events are kept from this call on, at most `limit` of them; what was missed beyond shows as one
        `OverflowEvent`. The iteration ends after the `close` event, or by `aclose`.
        Raises ValueError for an unknown name, and for a limit that is no integer or below 1.
        """
        for name in names:
            self._expect_name(name)
        if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
            raise ValueError(f"expected limit >= 1 events as an integer, got {limit!r}")
        stream = EventStream(limit, self._completion, self._forget)
        if self._is_over:
            stream.finish()
            return stream
        for name in names or self._names:
            self._streams[name] = (*self._streams.get(name, ()), stream)
        self._changed()
        return stream

    def listens(self, *names: str) -> bool:
        """Whether anybody would be told of any of these events."""
        return any(name in self._listeners or name in self._streams for name in names)

    def _expect_name(self, name: str) -> None:
        if name not in self._names:
            raise ValueError(f"unknown event {name!r}, expected one of: {', '.join(sorted(self._names))}")

    def _add(self, name: str, listener: _L | None, *, once: bool) -> _L | Callable[[_L], _L]:
        self._expect_name(name)
        if listener is None:
            return lambda decorated: self._register(name, decorated, once=once)
        return self._register(name, listener, once=once)

    def _register(self, name: str, listener: _L, *, once: bool) -> _L:
        if not callable(listener):
            raise TypeError(f"expected a callable listener, got {type(listener).__name__}")
        expect_arguments(listener, f"listener of {name!r}", "event")
        self._set_listeners(name, (*self._listeners.get(name, ()), (listener, once)))
        return listener

    def _set_listeners(self, name: str, listeners: tuple[tuple[Listener, bool], ...]) -> None:
        if listeners:
            self._listeners[name] = listeners
        else:
            self._listeners.pop(name, None)
        self._changed()

    def _forget(self, stream: "EventStream") -> None:
        for name, streams in list(self._streams.items()):
            kept = tuple(other for other in streams if other is not stream)
            if kept:
                self._streams[name] = kept
            else:
                del self._streams[name]
        self._changed()

    # Telling

    def emit(self, name: str, payload: Any, *, after: Callable[[], None] | None = None) -> None:
        """Tell everybody; `after` is called when all listeners have returned, asynchronous ones included.

        An event emitted by a listener is told after the current one, so that all see the same order.
        """
        if self.relay is not None:
            self.relay(name, payload)
        if name not in self._listeners and name not in self._streams and after is None:
            return
        self._queue.append((name, payload, after))
        if self._emitting:
            return
        self._emitting = True
        try:
            while self._queue:
                self._emit(*self._queue.pop(0))
        finally:
            self._emitting = False

    def finish(self, *, for_good: bool = False) -> None:
        """End the iterations after what they still hold; listeners stay. `for_good` ends later iterations too."""
        self._is_over = for_good
        for stream in {stream for streams in self._streams.values() for stream in streams}:
            stream.finish()

    def _emit(self, name: str, payload: Any, after: Callable[[], None] | None) -> None:
        round_ = _Round(after)
        for listener, once in self._listeners.get(name, ()):
            if once:
                self._drop_once(name, listener)
            self._call(name, listener, payload, round_)
        for stream in self._streams.get(name, ()):
            stream.put(payload)
        round_.leave()

    def _drop_once(self, name: str, listener: Listener) -> None:
        listeners = list(self._listeners.get(name, ()))
        if (listener, True) in listeners:
            listeners.remove((listener, True))
            self._set_listeners(name, tuple(listeners))

    def _call(self, name: str, listener: Listener, payload: Any, round_: "_Round") -> None:
        if iscoroutinefunction(listener):
            self._start(name, partial(listener, payload), round_)
            return
        try:
            result = listener(payload)
        except BaseException as error:  # whatever a listener raises is reported and breaks nothing
            self._failed(name, error)
            end_program(error, self._spawn)
            return
        if isinstance(result, Awaitable):
            self._start(name, lambda: result, round_)

    def _start(self, name: str, make: Callable[[], Awaitable[Any]], round_: "_Round") -> None:
        round_.enter()
        ready = name, make, round_
        self._ready.append(ready)
        running = self._run()
        self._spawn(running)
        if getcoroutinestate(running) == CORO_CLOSED and ready in self._ready:  # refused: all has ended
            self._ready.remove(ready)  # else the next task would run it, and none its own
            round_.leave()

    async def _run(self) -> None:
        """Run the listener that has been ready for longest: some event loops start tasks in any order."""
        name, make, round_ = self._ready.pop(0)
        try:
            await make()
        except BaseException as error:
            if is_cancellation(error):
                raise
            self._failed(name, error)
            end_program(error, self._spawn)
        finally:
            round_.leave()

    def _failed(self, name: str, error: BaseException) -> None:
        self._log(f"a listener of the event {name!r} raised", error)
        if name != "error":
            self.emit("error", ErrorEvent(error))


class _Round:
    """Counts the listeners of one event that have not returned."""

    __slots__ = ("_after", "_running")

    def __init__(self, after: Callable[[], None] | None) -> None:
        self._after = after
        self._running = 1

    def enter(self) -> None:
        self._running += 1

    def leave(self) -> None:
        self._running -= 1
        if not self._running and self._after is not None:
            self._after()


class EventStream(AsyncIterator[Any]):
    """The events of some names as an asynchronous iterator; also a context manager that stops listening at its end."""

    def __init__(
        self, limit: int, completion: Callable[[], Completion[None]], forget: "Callable[[EventStream], None]"
    ) -> None:
        self._limit = limit
        self._make_completion = completion
        self._forget = forget
        self._kept: deque[Any] = deque()
        self._missed = 0
        self._finished = False
        self._waiter: Completion[None] | None = None

    def put(self, payload: Any) -> None:
        """Keep an event for the reader, or count it as missed."""
        if self._missed or len(self._kept) >= self._limit:
            self._missed += 1
        else:
            self._kept.append(payload)
        self._wake()

    def finish(self) -> None:
        """Listen no more; what is kept can still be read."""
        self._finished = True
        self._forget(self)
        self._wake()

    async def aclose(self) -> None:
        """End the iteration at once."""
        self._kept.clear()
        self._missed = 0
        self.finish()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def __anext__(self) -> Any:
        """Give the next event. Raises RuntimeError if another task waits for it already."""
        while not self._kept and not self._missed:
            if self._finished:
                raise StopAsyncIteration
            await self._wait()
        if self._kept:
            return self._kept.popleft()
        missed, self._missed = self._missed, 0
        return OverflowEvent(missed)

    async def _wait(self) -> None:
        if self._waiter is not None:
            raise RuntimeError("expected one task to iterate over an event stream, a second one waits")
        self._waiter = self._make_completion()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None:
            complete(self._waiter, None)
