"""Handlers and middleware of blocking objects, and the base of their events: plain functions run in threads."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar, overload

from ocpp_core.typed.message import Message
from ocpp_transports._handlers._registration import ResponseT, Returned
from ocpp_transports._handlers._table import Handlers, Middleware, is_message_class
from ocpp_transports._peer._mixins import HandlerMixin

from ._events import BlockingEmitter
from ._threads._bridge import Bridge

__all__ = ["BlockingEventMixin", "BlockingHandlerMixin"]

_H = TypeVar("_H", bound=Callable[..., Any])


def _is_handler(argument: object) -> bool:
    """Return True for a function; the class of a typed message can be called too, but names an action."""
    return callable(argument) and not is_message_class(argument)


class BlockingHandlerMixin:
    """Registration of handlers and middleware."""

    _wrapped: HandlerMixin
    _bridge: Bridge

    @overload
    def handle(
        self, message: type[Message[Any, ResponseT]], /, *, custom: bool = ...
    ) -> Callable[[Callable[..., Returned[ResponseT]]], Callable[..., Any]]: ...
    @overload
    def handle(
        self,
        message: type[Message[Any, ResponseT]],
        handler: Callable[..., Returned[ResponseT]],
        /,
        *,
        custom: bool = ...,
    ) -> Callable[..., Any]: ...
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
        """Register a handler for an action, or for all actions without one.

        A plain function runs in a thread, so that it may block, and gets a `BlockingHandlerContext`. A coroutine
        function runs in the event loop and gets a `HandlerContext`.

        Args:
            *args: `(message, handler)`, `(version, action, handler)`, `(action, handler)`, or `(handler)` for the
                catch-all; see `Peer.handle`. Without the handler, and with at least an action, it is a decorator.
            custom: True registers an action that no standard version has, or that only this side sends.

        Returns:
            The handler, or the decorator.

        Raises:
            ValueError: The action has a handler already, or is unknown.
            TypeError: Other arguments, or a function that asks for something it cannot get.
        """
        if not args or not _is_handler(args[-1]):
            self._bridge.run(partial(self._wrapped.handle, *args, custom=custom))  # raises for a wrong name
            return lambda handler: self._register((*args, handler), custom=custom)
        return self._register(args, custom=custom)

    def _register(self, args: tuple[Any, ...], *, custom: bool) -> Any:
        *names, handler = args
        self._bridge.run(partial(self._wrapped.handle, *names, self._in_thread(args), custom=custom))
        return handler

    def _in_thread(self, args: tuple[Any, ...]) -> Any:
        """Return a coroutine function of the context for a plain function, which gets what it asks for in its thread.

        Raises the errors of `Handlers.handle`.
        """
        trial = Handlers()
        handler = trial.handle(*args)
        [[target]] = [versions.values() for versions in trial.targets.values()]
        return handler if target.is_async else self._bridge.threaded(target.function)

    def remove_handler(self, *names: str | type[Message[Any, Any]]) -> None:
        """Remove the handler of a message, `(version, action)` or `(action)`, or without arguments the catch-all."""
        self._bridge.run(self._wrapped.remove_handler, *names)

    def remove_all_handlers(self) -> None:
        """Remove every handler; middleware stays."""
        self._bridge.run(self._wrapped.remove_all_handlers)

    def has_handler(self, *names: str | type[Message[Any, Any]]) -> bool:
        """Return True if a message, `(version, action)`, `(action)`, or without arguments the catch-all, has one."""
        found: bool = self._bridge.run(self._wrapped.has_handler, *names)
        return found

    def use(self, middleware: Middleware) -> Middleware:
        """Wrap this middleware around all handlers and calls, inside the existing middleware. Returns it.

        It is a coroutine function and runs in the event loop, with the asynchronous context. In a thread it would keep
        its thread while it waits for a handler that needs one.
        """
        self._bridge.run(self._wrapped.use, middleware)
        return middleware


class BlockingEventMixin(ABC):
    """Emits events. The generated subclasses `BlockingPeerEvents` and `BlockingServerEvents` have the methods."""

    @property
    @abstractmethod
    def _emitter(self) -> BlockingEmitter:
        """The listeners and streams."""
