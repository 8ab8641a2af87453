"""Handlers, middleware and listeners of blocking objects: plain functions run in threads."""

from collections.abc import Callable
from functools import partial
from math import inf
from typing import Any, Generic, TypeVar, overload

from ocpp_core.typed.message import Message
from ocpp_transports._callbacks._arguments import expect_arguments
from ocpp_transports._handlers._table import Middleware, is_coroutine_function
from ocpp_transports._peer._emitter import Listener
from ocpp_transports._peer._mixins import EventMixin, HandlerMixin

from ._events import BlockingEventStream, listener_in_thread
from ._threads._bridge import Bridge, expect_max_wait

__all__ = ["BlockingEventMixin", "BlockingHandlerMixin"]

_H = TypeVar("_H", bound=Callable[..., Any])
_L = TypeVar("_L", bound=Listener)
_NameT_contra = TypeVar("_NameT_contra", bound=str, contravariant=True)


def _is_handler(argument: object) -> bool:
    """Return True for a function; the class of a typed message can be called too, but names an action."""
    return callable(argument) and not (isinstance(argument, type) and issubclass(argument, Message))


class BlockingHandlerMixin:
    """Registration of handlers and middleware."""

    _wrapped: HandlerMixin
    _bridge: Bridge

    @overload
    def handle(self, version: str, action: str, handler: _H, /, *, custom: bool = ...) -> _H: ...
    @overload
    def handle(self, version: str, action: str, /, *, custom: bool = ...) -> Callable[[_H], _H]: ...
    @overload
    def handle(self, action: str, handler: _H, /, *, custom: bool = ...) -> _H: ...
    @overload
    def handle(self, action: str, /, *, custom: bool = ...) -> Callable[[_H], _H]: ...
    @overload
    def handle(self, handler: _H, /) -> _H: ...
    def handle(self, *args: Any, custom: bool = False) -> Any:
        """Register a handler for an action, or for all actions without one; see `Peer.handle`.

        A plain function runs in a thread, so that it may block, and gets a `BlockingHandlerContext`. A coroutine
        function runs in the event loop and gets a `HandlerContext`. Raises the errors of `Peer.handle`.
        """
        if not args or not _is_handler(args[-1]):
            self._bridge.run(partial(self._wrapped.handle, *args, custom=custom))  # raises for a wrong name
            return lambda handler: self._register((*args, handler), custom=custom)
        return self._register(args, custom=custom)

    def _register(self, args: tuple[Any, ...], *, custom: bool) -> Any:
        *names, handler = args
        takes = ("context",) if names else ("action", "context")
        in_thread = self._bridge.in_thread(handler, f"handler of {names[-1] if names else 'all other actions'}", *takes)
        self._bridge.run(partial(self._wrapped.handle, *names, in_thread, custom=custom))
        return handler

    def remove_handler(self, *names: str) -> None:
        """Remove the handler of `(version, action)`, of `(action)`, or without arguments the catch-all, if any."""
        self._bridge.run(self._wrapped.remove_handler, *names)

    def remove_all_handlers(self) -> None:
        """Remove every handler; middleware stays."""
        self._bridge.run(self._wrapped.remove_all_handlers)

    def has_handler(self, *names: str) -> bool:
        """Return True if `(version, action)`, `(action)`, or without arguments the catch-all, has a handler."""
        found: bool = self._bridge.run(self._wrapped.has_handler, *names)
        return found

    def use(self, middleware: Middleware) -> Middleware:
        """Wrap this middleware around all handlers and calls, inside the existing middleware. Returns it.

        It is a coroutine function and runs in the event loop, with the asynchronous context. In a thread it would keep
        its thread while it waits for a handler that needs one.
        """
        self._bridge.run(self._wrapped.use, middleware)
        return middleware


class BlockingEventMixin(Generic[_NameT_contra]):
    """Methods to listen to events; generic in the literal type of their names."""

    _wrapped: EventMixin[_NameT_contra]
    _bridge: Bridge

    @overload
    def on(self, name: _NameT_contra, listener: None = None) -> Callable[[_L], _L]: ...
    @overload
    def on(self, name: _NameT_contra, listener: _L) -> _L: ...
    def on(self, name: _NameT_contra, listener: _L | None = None) -> Any:
        """Call `listener(payload)` at every event `name`; without a listener, return a decorator.

        A plain function runs in a thread, one event after the other. If 1000 events or 16 MiB wait for it, further ones
        are dropped, which is logged and emitted as an `error` event. A coroutine function runs in the event loop. If a
        listener raises, the exception is logged and an `error` event is emitted. Raises ValueError for an unknown name,
        TypeError for a listener that cannot be called.
        """
        return self._listen(self._wrapped.on, name, listener)

    @overload
    def once(self, name: _NameT_contra, listener: None = None) -> Callable[[_L], _L]: ...
    @overload
    def once(self, name: _NameT_contra, listener: _L) -> _L: ...
    def once(self, name: _NameT_contra, listener: _L | None = None) -> Any:
        """Call `listener(payload)` at the next event `name` only; otherwise like `on`."""
        return self._listen(self._wrapped.once, name, listener)

    def off(self, name: _NameT_contra, listener: Listener | None = None) -> None:
        """Remove a listener, or all of an event; ignored if it is not registered.

        Raises ValueError for an unknown name.
        """
        self._bridge.run(self._wrapped.off, name, None if listener is None else self._in_thread(listener))

    def events(self, *names: _NameT_contra, limit: int = 1000, max_wait: float = inf) -> BlockingEventStream:
        """Return an iterator over the payloads of these events, or of all without a name.

        Use it as in `for event in x.events("open")`, in one thread. Events are kept from this call on, at most `limit`
        of them and 16 MiB. Events beyond the limit are replaced by one `OverflowEvent`. If there is no event for
        `max_wait` seconds, the iterator raises TimeoutError; you may continue with it. The iteration ends after the
        `close` event (of a server: `closed`), or with its `close()`.

        Raises ValueError for an unknown name, for a limit that is not an integer or below 1, and for a negative
        `max_wait`.
        """
        expect_max_wait(max_wait)
        stream = self._bridge.run(partial(self._wrapped.events, *names, limit=limit))
        return BlockingEventStream(stream, self._bridge, max_wait)

    def _listen(self, register: Callable[..., Any], name: _NameT_contra, listener: _L | None) -> Any:
        if listener is None:
            self._bridge.run(register, name)  # raises for an unknown name
            return lambda decorated: self._listen(register, name, decorated)
        self._bridge.run(register, name, self._in_thread(listener, f"listener of {name!r}"))
        return listener

    def _in_thread(self, listener: Listener, role: str = "") -> Listener:
        if not callable(listener) or is_coroutine_function(listener):
            return listener
        if role:
            expect_arguments(listener, role, "event")
        return listener_in_thread(listener, self._bridge)
