"""Listeners to events. Knows no event loop."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import partial
from inspect import CORO_CLOSED, getcoroutinestate, iscoroutinefunction
from typing import Any, TypeAlias, TypeVar, overload

from ocpp_transports._callbacks._arguments import expect_arguments
from ocpp_transports._callbacks._containment import end_program, is_cancellation
from ocpp_transports._driver._interfaces import Completion
from ocpp_transports.events import ErrorEvent

from ._event_stream import EventStream

__all__ = ["Emitter", "Listener"]

Listener: TypeAlias = Callable[[Any], Any]
"""Called with the payload; its result is ignored, but a coroutine runs as a task of the client or server."""

ListenerT = TypeVar("ListenerT", bound=Listener)


class Emitter:
    """Calls listeners and feeds iterators with events, in order.

    `spawn` runs the coroutine of an asynchronous listener, `completion` makes what an iterator awaits, `changed` is
    called when a listener is added or removed, `log` writes a text and an exception. If a listener raises, the
    exception is logged and an `error` event is emitted; other listeners are not affected. If an `error` listener
    raises, the exception is only logged. This holds for every BaseException; KeyboardInterrupt and SystemExit also end
    the program, in a task of their own.
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
        self._streams: dict[str, tuple[EventStream[Any], ...]] = {}
        self._queue: list[tuple[str, Any, Callable[[], None] | None]] = []
        self._ready: list[tuple[str, Callable[[], Awaitable[Any]], _Round]] = []
        self._emitting = False
        self._is_over = False
        self.relay: Callable[[str, Any], None] | None = None
        """Called with each event, its name first, before the listeners; must not raise."""

    # Listening

    @overload
    def on(self, name: str, listener: None = None) -> Callable[[ListenerT], ListenerT]: ...
    @overload
    def on(self, name: str, listener: ListenerT) -> ListenerT: ...
    def on(self, name: str, listener: ListenerT | None = None) -> ListenerT | Callable[[ListenerT], ListenerT]:
        """Call `listener(payload)` at every event `name`; without a listener, return a decorator.

        Raises ValueError for an unknown name, TypeError for a listener that cannot be called.
        """
        return self._add(name, listener, once=False)

    @overload
    def once(self, name: str, listener: None = None) -> Callable[[ListenerT], ListenerT]: ...
    @overload
    def once(self, name: str, listener: ListenerT) -> ListenerT: ...
    def once(self, name: str, listener: ListenerT | None = None) -> ListenerT | Callable[[ListenerT], ListenerT]:
        """Call `listener(payload)` at the next event `name` only; otherwise like `on`."""
        return self._add(name, listener, once=True)

    def off(self, name: str, listener: Listener | None = None) -> None:
        """Remove a listener, or all of an event; ignored if it is not registered.

        Raises ValueError for an unknown name.
        """
        self._expect_name(name)
        kept = () if listener is None else tuple(pair for pair in self._listeners.get(name, ()) if pair[0] != listener)
        self._set_listeners(name, kept)

    def events(self, *names: str, limit: int = 1000) -> EventStream[Any]:
        """Return an iterator over the payloads of these events, or of all without a name.

        Use it as in `async for event in client.events("open")`. Events are kept from this call on, at most `limit` of
        them and 16 MiB. Events beyond the limit are replaced by one `OverflowEvent`. The iteration ends after the
        `close` event, or with `aclose`. Raises ValueError for an unknown name, and for a limit that is not an integer
        or below 1.
        """
        for name in names:
            self._expect_name(name)
        if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
            raise ValueError(f"expected limit >= 1 events as an integer, got {limit!r}")
        stream: EventStream[Any] = EventStream(limit, self._completion, self._forget)
        if self._is_over:
            stream.finish()
            return stream
        for name in names or self._names:
            self._streams[name] = (*self._streams.get(name, ()), stream)
        self._changed()
        return stream

    def listens(self, *names: str) -> bool:
        """Return True if any of these events has a listener."""
        return any(name in self._listeners or name in self._streams for name in names)

    def _expect_name(self, name: str) -> None:
        if name not in self._names:
            raise ValueError(f"unknown event {name!r}, expected one of: {', '.join(sorted(self._names))}")

    def _add(
        self, name: str, listener: ListenerT | None, *, once: bool
    ) -> ListenerT | Callable[[ListenerT], ListenerT]:
        self._expect_name(name)
        if listener is None:
            return lambda decorated: self._register(name, decorated, once=once)
        return self._register(name, listener, once=once)

    def _register(self, name: str, listener: ListenerT, *, once: bool) -> ListenerT:
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

    def _forget(self, stream: EventStream[Any]) -> None:
        for name, streams in list(self._streams.items()):
            kept = tuple(other for other in streams if other is not stream)
            if kept:
                self._streams[name] = kept
            else:
                del self._streams[name]
        self._changed()

    # Emitting

    def emit(self, name: str, payload: Any, *, after: Callable[[], None] | None = None) -> None:
        """Call all listeners; call `after` when all have returned, asynchronous ones included.

        An event emitted by a listener follows the current one, so that all listeners see the same order.
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
        """End the iterations after their remaining events; listeners stay. `for_good` ends later iterations too."""
        self._is_over = for_good
        for stream in dict.fromkeys(stream for streams in self._streams.values() for stream in streams):
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
        except BaseException as error:  # every exception of a listener is reported and affects nothing else
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
        if getcoroutinestate(running) == CORO_CLOSED and ready in self._ready:  # refused: everything has ended
            self._ready.remove(ready)  # otherwise the next task would run this listener instead of its own
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
