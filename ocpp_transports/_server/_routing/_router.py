"""Routers: routes with options, handlers and middleware of their own, which servers share."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, TypeVar, Unpack
from weakref import WeakKeyDictionary

from ocpp_core.action_names import Role
from ocpp_core.admission.routing.routes import RoutePattern, RouteTree, join_patterns
from ocpp_transports._handlers._table import Handlers
from ocpp_transports._options._connection import PeerOptions
from ocpp_transports._options._deciders import expect_auth, expect_connection_middleware
from ocpp_transports._options._server import ServerOptions
from ocpp_transports._peer._mixins import HandlerMixin
from ocpp_transports._server._stations._connection import OCPPServerClient
from ocpp_transports.handshake import AuthHandler, ConnectionMiddleware

from ._memo import RouteMemo
from ._options import expect_route_options, for_route
from ._plan import StationRules

if TYPE_CHECKING:
    from ocpp_transports._options._keywords import RouteKeywords

__all__ = ["OCPPRouter", "RouteUser", "routes_of"]

_AuthT = TypeVar("_AuthT", bound=AuthHandler)
_MiddlewareT = TypeVar("_MiddlewareT", bound=ConnectionMiddleware)
_NAMING: tuple[str, ...] = ("protocols", "strict_mode_validators")
"""The options that decide which versions and actions exist."""


class RouteUser(Protocol):
    """A server that has routes."""

    def _plan_routes(self) -> Callable[[], None]:
        """Check the routes as they are now; return the function that uses them."""

    def _know(self, action: str) -> None:
        """Let the metrics count an action by its name."""


class _Below(NamedTuple):
    """A router below another one."""

    pattern: str
    """The pattern of the route; of an attached router the prefix."""
    router: "OCPPRouter"
    is_route: bool


class OCPPRouter(HandlerMixin):
    """Routes of servers, with options, handlers and middleware of their own.

        router = OCPPRouter(protocols=["ocpp1.6"])
        tenants = router.route("/{tenant}/{identity}")

        @tenants.handle("Heartbeat")
        def heartbeat(ctx):
            return {"currentTime": utc_now()}

        server.include(router, prefix="/ocpp")          # /ocpp/acme/CP1

    A router applies its options, handlers and middleware to the routes below it. `route` returns a router for one
    route. `include` attaches a router below a prefix; several servers and routers may share one. Handlers of a route
    come before those of the routers around it, and those before the server's. An option of a route replaces that of the
    routers around it and of the server. Everything that you register later applies too: handlers to all stations,
    routes and options to stations that connect from then on. Change a router in the thread of its servers.

    Args:
        **options: Options of `ServerOptions` that apply to the routes below it.

    Raises:
        ValueError: An option that only a server has.
        TypeError: An unknown option.
    """

    _role: ClassVar[Role] = "csms"

    def __init__(self, **options: "Unpack[RouteKeywords]") -> None:
        self._changes: Mapping[str, Any] = dict(options)
        expect_route_options(self._changes)
        self._below: tuple[_Below, ...] = ()
        self._around: WeakKeyDictionary[OCPPRouter, None] = WeakKeyDictionary()
        self._users: WeakKeyDictionary[RouteUser, None] = WeakKeyDictionary()
        self._own_handlers = Handlers()
        self._name_by(self._changes)

    def __repr__(self) -> str:
        return f"<OCPPRouter, {sum(each.is_route for each in self._below)} routes>"

    def route(self, pattern: str, **options: "Unpack[RouteKeywords]") -> "OCPPRouter":
        """Add a route, and return the router for its handlers, its `auth` and the routes below it.

        A segment of the pattern is fixed text or a name in braces: `/ocpp/{tenant}/{identity}`. `{identity}` is the
        identity of the station. The other names are `handshake.params` and, unless the option `namespace` is set, the
        namespace of the identity. A pattern may end with a tail `{name:*}`, whose last segment is the identity. A
        pattern without an identity is a path without one, see `paths_without_identity`.

        Fixed text comes before a name, and a name before a tail, from left to right. The order in which you add routes
        does not matter. A path that no route matches gets 404.

        Args:
            pattern: The path below this router, beginning with `/`.
            **options: Options of the route. One replaces that of the routers around it and of the server, but
                `connection_middleware` is added to theirs.

        Returns:
            The router of the route.

        Raises:
            ValueError: The pattern is malformed, matches the same paths as another one, or an option is not allowed.
            TypeError: The pattern or an option has the wrong type.
        """
        text = RoutePattern.read(pattern).text
        router = OCPPRouter(**options)
        router._name_by({**{name: getattr(self._options, name) for name in _NAMING}, **options})
        self._attach(_Below(text, router, is_route=True))
        return router

    def include(self, router: "OCPPRouter", prefix: str = "") -> None:
        """Attach a router below a prefix, in which names are allowed.

        Args:
            router: The router, which stays the same object: what you add to it later applies here too.
            prefix: The pattern before those of its routes.

        Raises:
            ValueError: The prefix is malformed, a route matches the same paths as another one, an option does not
                apply, or the router contains this one.
            TypeError: It is no router.
        """
        if not isinstance(router, OCPPRouter):
            raise TypeError(f"expected an OCPPRouter, got {type(router).__name__}")
        if self in router._all():
            raise ValueError("cannot include the router: it contains this one")
        text = RoutePattern.read(prefix).text if prefix else ""
        self._attach(_Below(text, router, is_route=False))

    def auth(self, handler: _AuthT) -> _AuthT:
        """Register the function that accepts or rejects handshakes of the routes below; usable as a decorator.

        It replaces the `auth` of the routers around this one and of the server, see `OCPPServer.auth`.

        Raises:
            ValueError: A function is registered already.
            TypeError: It is not callable.
        """
        if handler is None:
            raise TypeError("expected auth as a callable, got NoneType")
        expect_auth(handler)
        if self._changes.get("auth") is not None:
            raise ValueError("cannot register an auth handler: there is one already")
        self._set(_changes={**self._changes, "auth": handler})
        return handler

    def connection_middleware(self, middleware: _MiddlewareT) -> _MiddlewareT:
        """Wrap this middleware around the admission of stations of the routes below, inside the existing middleware.

        That of the server and of the routers around this one stays outside. Usable as a decorator; returns it. See
        `OCPPServer.connection_middleware`.

        Raises:
            TypeError: It is not a function of two arguments.
        """
        expect_connection_middleware([middleware])
        layers = (*self._changes.get("connection_middleware", ()), middleware)
        self._set(_changes={**self._changes, "connection_middleware": layers})
        return middleware

    # Internals

    if TYPE_CHECKING:

        @property
        def _context_client(self) -> OCPPServerClient:
            """The type of `ctx.client` of a handler that is registered here."""

    def _name_by(self, options: Mapping[str, Any]) -> None:
        """Let handlers name the versions and actions of these options."""
        self._options = PeerOptions(**{name: options[name] for name in _NAMING if name in options})

    def _attach(self, below: _Below) -> None:
        is_new = self not in below.router._around
        below.router._around[self] = None
        try:
            self._set(_below=(*self._below, below))
        except BaseException:
            if is_new:
                below.router._around.pop(self, None)
            raise
        for router in below.router._all():
            for action in filter(None, router._handlers.targets):
                self._know(action)

    def _know(self, action: str) -> None:
        """Let the metrics of all servers with this router count an action by its name."""
        for user in self._all_users():
            user._know(action)

    def _set(self, **attributes: Any) -> None:
        """Change this router in all servers, or in none of them if one cannot use it."""
        before = {name: getattr(self, name) for name in attributes}
        vars(self).update(attributes)
        try:
            updates = [user._plan_routes() for user in self._all_users()]
        except BaseException:
            vars(self).update(before)
            raise
        for update in updates:
            update()

    def _all(self) -> "set[OCPPRouter]":
        """Return this router and all below it."""
        return {self}.union(*(each.router._all() for each in self._below))

    def _all_users(self) -> dict[RouteUser, None]:
        users = dict.fromkeys(self._users)
        for around in self._around:
            users |= around._all_users()
        return users


def routes_of(
    router: OCPPRouter, server: ServerOptions, handlers: tuple[Handlers, ...], memo: RouteMemo
) -> RouteTree[StationRules]:
    """Return the routes of a server's router. Raises the errors of `OCPPRouter.route`.

    Args:
        router: The router that contains all others.
        server: The options of the server.
        handlers: The handlers of the server.
        memo: The parts of routes that were made before.
    """

    def walk(
        around: OCPPRouter, prefix: str, levels: tuple[Mapping[str, Any], ...], outer: tuple[Handlers, ...]
    ) -> Iterator[tuple[RoutePattern, StationRules]]:
        for text, below, is_route in around._below:
            pattern = memo.get(_pattern, prefix, text)
            changes, inner = (*levels, below._changes), (below._handlers, *outer)
            if is_route:
                yield pattern, memo.get(_rules, server, changes, inner, pattern.text)
            yield from walk(below, pattern.text, changes, inner)

    return RouteTree(walk(router, "", (), handlers))


def _pattern(prefix: str, text: str) -> RoutePattern:
    return RoutePattern.read(join_patterns(prefix, text) if text else prefix or "/")


def _rules(
    server: ServerOptions, levels: tuple[Mapping[str, Any], ...], handlers: tuple[Handlers, ...], text: str
) -> StationRules:
    return StationRules(for_route(server, *levels), handlers, text)
