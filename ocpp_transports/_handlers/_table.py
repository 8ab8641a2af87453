"""The table of handlers by action, and the middleware around handlers and calls."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias, TypeVar, overload

from ocpp_transports._callbacks._arguments import expect_arguments

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
    "compose",
    "is_coroutine_function",
    "layers_of",
]


class NoReply:
    """The type of `NOREPLY`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "NOREPLY"


NOREPLY: Final = NoReply()
"""Returned by a handler to send no response now; `ctx.reply` or `ctx.fail` may send it later, once."""

Handler: TypeAlias = "Callable[[HandlerContext[Any]], Any]"
"""Takes the context; returns (or is a coroutine function that returns) a dict, None for `{}`, or NOREPLY."""
Wildcard: TypeAlias = "Callable[[str, HandlerContext[Any]], Any]"
"""Handles every action without a handler of its own: takes the action and the context."""
Middleware: TypeAlias = (
    "Callable[[HandlerContext[Any] | CallContext[Any], Callable[[], Awaitable[Any]]], Awaitable[Any]]"
)
"""`async (ctx, next) -> result`: `await next()` returns the inner result, or raises its error.

`ctx.direction` distinguishes an inbound CALL (around the handler) from an outbound call (around the whole exchange).
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

    @overload
    def handle(self, version: str, action: str, handler: _H, /) -> _H: ...
    @overload
    def handle(self, version: str, action: str, /) -> Callable[[_H], _H]: ...
    @overload
    def handle(self, action: str, handler: _H, /) -> _H: ...
    @overload
    def handle(self, action: str, /) -> Callable[[_H], _H]: ...
    @overload
    def handle(self, handler: _H, /) -> _H: ...
    def handle(self, *args: Any) -> Any:
        """Register a handler for an action, or for all actions without one.

        The arguments are `(version, action, handler)`, `(action, handler)`, or `(handler)` for the catch-all. Without
        the handler (and with at least an action) it is a decorator. Returns the handler. Raises ValueError if that
        action has a handler already. Raises TypeError for other arguments, and for a handler that cannot be called with
        the context alone (the catch-all: with action and context).
        """
        if args and callable(args[-1]):
            return self._register(_key(args[:-1]), args[-1])
        if not args:
            raise TypeError("expected a handler, or an action for a decorator, got neither")
        return partial(self._register, _key(args))

    def _register(self, key: _Key, handler: _H) -> _H:
        if not callable(handler):
            raise TypeError(f"expected a function as handler, got {handler!r}")
        names = ("context",) if key.action else ("action", "context")
        expect_arguments(handler, f"handler of {_name(key)}", *names)
        versions = self.targets.get(key.action, {})
        if key.version in versions:
            raise ValueError(f"cannot register a handler for {_name(key)}: there is one already; remove it first")
        self.targets[key.action] = {
            **versions,
            key.version: Target(handler, is_coroutine_function(handler), key.action is None),
        }
        for watcher in self._watchers:
            watcher()
        return handler

    def remove_handler(self, *names: str) -> None:
        """Remove the handler of `(version, action)`, of `(action)`, or without arguments the catch-all, if any."""
        key = _key(names)
        versions = {
            version: target for version, target in self.targets.pop(key.action, {}).items() if version != key.version
        }
        if versions:
            self.targets[key.action] = versions

    def remove_all_handlers(self) -> None:
        """Remove every handler; middleware stays."""
        self.targets.clear()

    def has_handler(self, *names: str) -> bool:
        """Return True if `(version, action)`, `(action)`, or without arguments the catch-all, has a handler."""
        key = _key(names)
        return key.version in self.targets.get(key.action, ())

    @property
    def wildcard(self) -> Target | None:
        """The catch-all handler."""
        return self.targets.get(None, {}).get(None)

    def use(self, middleware: Middleware) -> Middleware:
        """Wrap this middleware around all handlers and calls, inside the existing middleware. Returns it."""
        if not callable(middleware):
            raise TypeError(f"expected a function as middleware, got {middleware!r}")
        expect_arguments(middleware, "middleware", "context", "next")
        self.middleware = (*self.middleware, middleware)
        return middleware

    def watch(self, watcher: Callable[[], None]) -> None:
        """Call `watcher` after every registration."""
        self._watchers = (*self._watchers, watcher)

    def unwatch(self, watcher: Callable[[], None]) -> None:
        """Undo `watch`."""
        self._watchers = tuple(other for other in self._watchers if other != watcher)


def _name(key: _Key) -> str:
    if key.action is None:
        return "all other actions"
    return key.action if key.version is None else f"{key.action} of {key.version}"


def layers_of(registries: Sequence[Handlers]) -> list[Middleware]:
    """Return the middleware of registries, outermost first: the server's before the station's own."""
    return [layer for registry in reversed(registries) for layer in registry.middleware]


def compose(
    middleware: Iterable[Middleware], ctx: "HandlerContext | CallContext", inner: Callable[[], Awaitable[Any]]
) -> Callable[[], Awaitable[Any]]:
    """Wrap `inner` in layers: the first middleware is the outermost. Exceptions from inside pass through."""
    for layer in reversed(tuple(middleware)):
        inner = partial(layer, ctx, inner)
    return inner
