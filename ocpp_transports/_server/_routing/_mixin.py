"""The routes of a server: its methods to add them, and the rules that follow from them for its listeners."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Unpack

from ocpp_core.handshake import SecurityProfile
from ocpp_transports._handlers._table import Handlers
from ocpp_transports._options._server import ServerOptions
from ocpp_transports._server._routing._options import for_route

from ._memo import RouteMemo
from ._plan import RoutingPlan, StationRules
from ._router import OCPPRouter, routes_of

if TYPE_CHECKING:
    from ocpp_transports._options._keywords import RouteKeywords

__all__ = ["RoutingMixin"]


class RoutingMixin(ABC):
    """Adds routes to a server."""

    _options: ServerOptions
    _plans: Mapping[SecurityProfile | None, RoutingPlan]
    """The rules of the server, and of its listeners with a security profile of their own."""

    def __init__(self) -> None:
        super().__init__()
        self._beginning_profiles: list[SecurityProfile | None] = []  # of listeners that do not listen yet
        self._memo = RouteMemo()
        self._router = OCPPRouter()
        self._router._users[self] = None

    def route(self, pattern: str, **options: "Unpack[RouteKeywords]") -> OCPPRouter:
        """Add a route, and return the router for its handlers and its `auth`; see `OCPPRouter.route`.

            tenants = server.route("/ocpp/{tenant}/{identity}", security_profile=1)

        A server with routes answers every path that none of them matches with 404.

        Args:
            pattern: The path, beginning with `/`, with names in braces.
            **options: Options of the route; all others are those of the server.

        Returns:
            The router of the route.

        Raises:
            ValueError: The pattern is malformed, matches the same paths as another one, an option is not allowed, or an
                open listener cannot ask for the client certificates of profile 3.
            TypeError: The pattern or an option has the wrong type.
        """
        self._router._name_by(vars(self._options))
        return self._router.route(pattern, **options)

    def include(self, router: OCPPRouter, prefix: str = "") -> None:
        """Attach a router below a prefix, in which names are allowed; see `OCPPRouter.include`.

        Args:
            router: The router, which other servers may share.
            prefix: The pattern before those of its routes.

        Raises:
            ValueError: The prefix is malformed, or a route of the router cannot be added; see `route`.
            TypeError: It is no router.
        """
        self._router.include(router, prefix)

    # Internals

    @property
    @abstractmethod
    def _handlers(self) -> Handlers:
        """The handlers that serve every station."""

    @abstractmethod
    def _listening_profiles(self) -> Iterable[SecurityProfile | None]:
        """Return the security profiles of the open listeners; None stands for that of the server."""

    @abstractmethod
    def _planned(self, options: ServerOptions) -> Mapping[SecurityProfile | None, RoutingPlan]:
        """Return the rules that follow from these options. Raises ValueError if an open listener cannot obey them."""

    @abstractmethod
    def _use(self, options: ServerOptions, plans: Mapping[SecurityProfile | None, RoutingPlan]) -> None:
        """Use these options and rules from now on."""

    def _all_options(self) -> tuple[ServerOptions, ...]:
        """Return the options of the server and of its routes."""
        plan = self._plans[None]
        return tuple(each.options for each in (plan.own, *plan.routes))

    @contextmanager
    def _plan_listener(self, profile: SecurityProfile | None) -> Iterator[RoutingPlan]:
        """Use rules for a listener with this security profile while it begins to listen.

        Raises ValueError for a profile that the options do not allow.
        """
        self._beginning_profiles.append(profile)
        try:
            self._plan_routes()()
            yield self._plans[profile]
        finally:
            self._beginning_profiles.remove(profile)

    @abstractmethod
    def _expect_here(self) -> None:
        """Raise RuntimeError if the server belongs to the event loop of another thread."""

    @abstractmethod
    def _know(self, action: str) -> None:
        """Let the metrics count an action by its name."""

    def _plan_routes(self) -> Callable[[], None]:
        self._expect_here()
        options = self._options
        return partial(self._use, options, self._planned(options))

    def _plan_for(self, options: ServerOptions, profile: SecurityProfile | None, memo: RouteMemo) -> RoutingPlan:
        """Return the rules for the listeners with this security profile; None means that of the options."""
        own = options if profile is None else memo.get(_with_profile, options, profile)
        handlers = (self._handlers,)
        return RoutingPlan(StationRules(own, handlers), routes_of(self._router, own, handlers, memo))

    def _all_plans(self, options: ServerOptions) -> Mapping[SecurityProfile | None, RoutingPlan]:
        profiles = {None, *self._beginning_profiles, *self._listening_profiles()}
        self._memo = memo = RouteMemo(self._memo)
        return {profile: self._plan_for(options, profile, memo) for profile in profiles}


def _with_profile(options: ServerOptions, profile: SecurityProfile) -> ServerOptions:
    return for_route(options, {"security_profile": profile})
