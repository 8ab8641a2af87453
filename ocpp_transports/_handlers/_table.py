"""The table of handlers by action, with the middleware around handlers and calls."""

from collections.abc import Awaitable, Callable
from functools import partial
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias, TypeGuard, TypeVar

from ocpp_core.typed.message import Message
from ocpp_transports._callbacks._arguments import expect_arguments

from ._models import is_payload_class
from ._parameters import Registered, adapted

if TYPE_CHECKING:
    from ._contexts import CallContext, HandlerContext

__all__ = [
    "NOREPLY",
    "Handler",
    "Handlers",
    "Middleware",
    "NoReply",
    "Target",
    "Wildcard",
    "is_coroutine_function",
    "is_message_class",
    "split",
]


class NoReply:
    """The type of `NOREPLY`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "NOREPLY"


NOREPLY: Final = NoReply()
"""Returned by a handler to send no response now; `ctx.reply` or `ctx.fail` may send it later, once."""

Handler: TypeAlias = "Callable[[HandlerContext[Any, Any]], Any]"
"""Takes the context; returns (or is a coroutine function that returns) a dict, None for `{}`, or NOREPLY."""
Wildcard: TypeAlias = "Callable[[str, HandlerContext[Any, Any]], Any]"
"""Handles every action without a handler of its own: takes the action and the context."""
Middleware: TypeAlias = (
    "Callable[[HandlerContext[Any, Any] | CallContext[Any], Callable[[], Awaitable[Any]]], Awaitable[Any]]"
)
"""`async (ctx, proceed) -> result`: `await proceed()` returns the inner result, or raises its error.

`ctx.direction` distinguishes a received CALL (around its handler) from a call (around the whole exchange). For a SEND,
in either direction, `ctx.expects_reply` is False, and the result is not used.
"""

_H = TypeVar("_H", bound=Callable[..., Any])


class Target(NamedTuple):
    """A registered function and how to call it."""

    function: Callable[..., Any]
    is_async: bool
    """True for a coroutine function: calling it runs nothing yet."""
    is_wildcard: bool


def is_coroutine_function(function: object) -> bool:
    """Return True for a coroutine function, or an object whose `__call__` is one: calling it runs nothing yet."""
    return iscoroutinefunction(function) or iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004 - asks for its kind


class _Key(NamedTuple):
    version: str | None
    action: str | None


def split(args: tuple[Any, ...]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Split the arguments of a registration: a version and an action, an action, or neither; and a handler, or none.

    A class of messages is its version and action.
    """
    if args and is_message_class(args[0]):
        return (args[0].protocol, args[0].action), args[1:]
    return (args[:-1], args[-1:]) if args and callable(args[-1]) else (args, ())


def is_message_class(value: object) -> TypeGuard[type[Message[Any, Any]]]:
    """Return True for a class of messages with an action, e.g. `v16.Reset`."""
    return isinstance(value, type) and issubclass(value, Message) and hasattr(value, "action")


def _key(names: tuple[object, ...]) -> _Key:
    """Read `(version, action)`, `(action)` or `()`; None means every version, or the catch-all."""
    for name in names:
        if not isinstance(name, str) or not name:
            raise TypeError(f"expected a version and an action, an action, or neither, each a str; got {names!r}")
    if len(names) > 2:
        raise TypeError(f"expected at most a version and an action, got {names!r}")
    version, action = (None, None, *names)[-2:]
    return _Key(version if version is None else str(version), action if action is None else str(action))


class Handlers:
    """The handlers and middleware of one client, or of a server for all its stations."""

    __slots__ = ("_watchers", "middleware", "targets")

    def __init__(self) -> None:
        self.targets: dict[str | None, dict[str | None, Target]] = {}
        """By action, then by subprotocol; None means all others."""
        self._watchers: tuple[Callable[[], None], ...] = ()
        self.middleware: tuple[Middleware, ...] = ()

    def handle(self, *args: Any) -> Any:
        """Register a handler for an action, or for all actions without one.

        The arguments are `(message, handler)`, `(version, action, handler)`, `(action, handler)`, or `(handler)` for
        the catch-all. Without the handler (and with at least an action) it is a decorator. Returns the handler. Raises
        ValueError if that action has a handler already. Raises TypeError for other arguments, for a handler whose
        parameters cannot be filled (see `adapted`), and for a catch-all that does not take the action and the context.
        """
        if not args:
            raise TypeError("expected a handler, or an action for a decorator, got neither")
        names, handler = split(args)
        if len(handler) > 1:
            raise TypeError(f"expected at most one handler after the message, got {len(handler)} arguments")
        register = partial(self._register, _key(names))
        return register(*handler) if handler else register

    def _register(self, key: _Key, handler: _H) -> _H:
        if not callable(handler) or is_payload_class(handler):
            raise TypeError(f"expected a function as handler, or a class of messages, got {handler!r}")
        function = _function_of(key, handler)
        versions = self.targets.get(key.action, {})
        if key.version in versions:
            raise ValueError(f"cannot register a handler for {_name(key)}: there is one already; remove it first")
        self.targets[key.action] = {
            **versions,
            key.version: Target(function, is_coroutine_function(handler), key.action is None),
        }
        for watcher in self._watchers:
            watcher()
        return handler

    def remove_handler(self, *names: str | type[Message[Any, Any]]) -> None:
        """Remove the handler of a message, `(version, action)` or `(action)`, or without arguments the catch-all."""
        key = _key(_names(names))
        versions = {
            version: target for version, target in self.targets.pop(key.action, {}).items() if version != key.version
        }
        if versions:
            self.targets[key.action] = versions

    def remove_all_handlers(self) -> None:
        """Remove every handler; middleware stays."""
        self.targets.clear()

    def has_handler(self, *names: str | type[Message[Any, Any]]) -> bool:
        """Return True if a message, `(version, action)`, `(action)`, or without arguments the catch-all, has one."""
        key = _key(_names(names))
        return key.version in self.targets.get(key.action, ())

    @property
    def wildcard(self) -> Target | None:
        """The catch-all handler."""
        return self.targets.get(None, {}).get(None)

    def use(self, middleware: Middleware) -> Middleware:
        """Wrap this middleware around all handlers and calls, inside the existing middleware. Returns it."""
        if not callable(middleware):
            raise TypeError(f"expected a function as middleware, got {middleware!r}")
        expect_arguments(middleware, "middleware", "context", "proceed")
        self.middleware = (*self.middleware, middleware)
        return middleware

    def watch(self, watcher: Callable[[], None]) -> None:
        """Call `watcher` after every registration."""
        self._watchers = (*self._watchers, watcher)

    def unwatch(self, watcher: Callable[[], None]) -> None:
        """Undo `watch`."""
        self._watchers = tuple(other for other in self._watchers if other != watcher)


def _names(args: tuple[Any, ...]) -> tuple[Any, ...]:
    names, rest = split(args)
    return (*names, *rest)


def _function_of(key: _Key, handler: Callable[..., Any]) -> Callable[..., Any]:
    """Return what the dispatcher calls with the context, or a catch-all with the action and the context."""
    if key.action is not None:
        return adapted(handler, Registered(key.version, key.action))
    expect_arguments(handler, f"handler of {_name(key)}", "action", "context")
    return handler


def _name(key: _Key) -> str:
    return "all other actions" if key.action is None else str(Registered(key.version, key.action))
