"""Methods that a client, a server's handle on a station, and a server have in common: handlers and events."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from typing import Any, ClassVar, TypeVar, overload

from ocpp_core.action_names import Role
from ocpp_core.typed.message import Message
from ocpp_transports._calls._directions import expect_handled
from ocpp_transports._handlers._caller import Caller
from ocpp_transports._handlers._registration import MessageT, Registration, ResponseT, Returned, Serving
from ocpp_transports._handlers._table import Handlers, Middleware, split
from ocpp_transports._options._connection import PeerOptions
from ocpp_transports.event_names import PeerEventName, ServerEventName

from ._emitter import Emitter

__all__ = ["EventMixin", "HandlerMixin"]

_H = TypeVar("_H", bound=Callable[..., Returned[Mapping[str, Any] | None]])
_ClientT = TypeVar("_ClientT", bound=Caller)


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
    def handle(
        self: Serving[_ClientT], message: type[MessageT], /, *, custom: bool = ...
    ) -> Registration[MessageT, _ClientT]: ...
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

        `@x.handle(v16.Reset)` registers it for that message and lets checkers compare its parameters and its result
        with the message's types. The other arguments are `(version, action, handler)`, `(action, handler)`, or
        `(handler)` for the catch-all. Without the handler, and with at least an action, it is a decorator. Returns the
        handler.

        A handler is a function or a coroutine function. Its parameters are filled by their annotations: the
        `HandlerContext` (a single parameter without annotation gets it too), the payload (a TypedDict, or dict), or a
        model made of the payload. It returns a dict, a model, None for `{}`, or NOREPLY. The catch-all takes the action
        and the context.

        Args:
            *args: A class of messages; or a version and an action, an action, or neither, and the handler.
            custom: True registers an action that no standard version and no validator of `strict_mode_validators` has,
                or that only this side sends: on a server `RemoteStartTransaction`.

        Raises:
            ValueError: The action has a handler already, or the version is unknown. Without `custom` also an action
                that no version has, or that only this side sends: the handler would never be called.
            TypeError: Other arguments; or a handler that asks for something it cannot get, or for another message.
        """
        names, _ = split(args)
        if len(names) <= 2 and all(isinstance(name, str) and name for name in names):
            version, action = (None, None, *names)[-2:]
            self._options.names.expect(
                version, None if custom else action, hint="; custom=True registers one of your own"
            )
            if action is not None and not custom:
                expect_handled(self._role, action, self._served if version is None else (version,))
            if action is not None:
                self._know(action)
        return self._handlers.handle(*args)

    def remove_handler(self, *names: str | type[Message[Any, Any]]) -> None:
        """Remove the handler of a message, `(version, action)` or `(action)`, or without arguments the catch-all."""
        self._handlers.remove_handler(*names)

    def remove_all_handlers(self) -> None:
        """Remove every handler; middleware stays."""
        self._handlers.remove_all_handlers()

    def has_handler(self, *names: str | type[Message[Any, Any]]) -> bool:
        """Return True if a message, `(version, action)`, `(action)`, or without arguments the catch-all, has one."""
        return self._handlers.has_handler(*names)

    def use(self, middleware: Middleware) -> Middleware:
        """Wrap this middleware around all handlers and calls, inside the existing middleware. Returns it."""
        return self._handlers.use(middleware)

    def _know(self, action: str) -> None:
        """Let the metrics, if there are any, count an action by its name."""
        if self._options.meter is not None:
            self._options.meter.know(action)


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
