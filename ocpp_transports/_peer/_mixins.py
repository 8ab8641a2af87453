"""Methods that a client, a server's handle on a station, and a server have in common: handlers and events."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from typing import Any, ClassVar, TypeVar, overload

from ocpp_core.action_names import Role
from ocpp_transports._handlers._table import Handlers, Middleware
from ocpp_transports._options._connection import PeerOptions
from ocpp_transports.event_names import PeerEventName, ServerEventName

from ._directions import expect_handled
from ._emitter import Emitter

__all__ = ["EventMixin", "HandlerMixin"]

_H = TypeVar("_H", bound=Callable[..., Any])


class HandlerMixin:
    """Registration of handlers and middleware."""

    _role: ClassVar[Role]
    _options: PeerOptions
    _own_handlers: Handlers | None = None
    _registries: tuple[Handlers, ...] = ()
    """The handlers and middleware that apply here, the object's own first."""

    @property
    def _handlers(self) -> Handlers:
        """The object's own handlers and middleware, made when first needed: most stations have none."""
        if self._own_handlers is None:
            self._own_handlers = Handlers()
            self._search((self._own_handlers, *self._registries))
        return self._own_handlers

    def _search(self, registries: tuple[Handlers, ...]) -> None:
        """Use the handlers and middleware of these registries from now on."""
        self._registries = registries

    @property
    def _served(self) -> Collection[str]:
        """The subprotocols whose CALLs may reach the handlers of this object."""
        return self._options.protocols

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

        The arguments are `(version, action, handler)`, `(action, handler)`, or `(handler)` for the catch-all. It takes
        a `HandlerContext` (the catch-all the action and the context), is a function or a coroutine function, and
        returns a dict, None for `{}`, or NOREPLY. Without the handler, and with at least an action, it is a decorator.
        Returns the handler.

        `custom=True` registers an action that no standard version and no validator of `strict_mode_validators` has,
        or that only this side sends: on a server `RemoteStartTransaction`. Without it such an action raises ValueError,
        as an unknown version always does: the handler would never be called. Raises ValueError if that action has a
        handler already, and TypeError for other arguments.
        """
        names = args[:-1] if args and callable(args[-1]) else args
        if len(names) <= 2 and all(isinstance(name, str) and name for name in names):
            version, action = (None, None, *names)[-2:]
            self._options.names.expect(
                version, None if custom else action, hint="; custom=True registers one of your own"
            )
            if action is not None and not custom:
                expect_handled(self._role, action, self._served if version is None else (version,))
        return self._handlers.handle(*args)

    def remove_handler(self, *names: str) -> None:
        """Remove the handler of `(version, action)`, of `(action)`, or without arguments the catch-all, if any."""
        self._handlers.remove_handler(*names)

    def remove_all_handlers(self) -> None:
        """Remove every handler; middleware stays."""
        self._handlers.remove_all_handlers()

    def has_handler(self, *names: str) -> bool:
        """Return True if `(version, action)`, `(action)`, or without arguments the catch-all, has a handler."""
        return self._handlers.has_handler(*names)

    def use(self, middleware: Middleware) -> Middleware:
        """Wrap this middleware around all handlers and calls, inside the existing middleware. Returns it."""
        return self._handlers.use(middleware)


class EventMixin(ABC):
    """Emits events. The generated subclasses `PeerEvents` and `ServerEvents` have the methods to listen to them."""

    _listened_to: Emitter | None = None  # made when needed: most stations have no listeners

    @abstractmethod
    def _make_emitter(self) -> Emitter:
        """Return a new emitter."""

    @property
    def _emitter(self) -> Emitter:
        if self._listened_to is None:
            self._listened_to = self._make_emitter()
        return self._listened_to

    def _emit(
        self, name: PeerEventName | ServerEventName, payload: Any, *, after: Callable[[], None] | None = None
    ) -> None:
        """Emit an event; call `after` when all listeners have returned."""
        if self._listened_to is not None:
            self._listened_to.emit(name, payload, after=after)
        elif after is not None:
            after()

    def _end_events(self, *, for_good: bool = False) -> None:
        """End the iterations; see `Emitter.finish`."""
        if self._listened_to is not None:
            self._listened_to.finish(for_good=for_good)
