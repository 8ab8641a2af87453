"""The rules of a server as handshakes use them: everything that each handshake would make otherwise is made once."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from logging import Logger

from ocpp_core.admission.routing.routes import RouteTree
from ocpp_core.admission.rules import asks_the_application, steps_of
from ocpp_core.admission.step import Candidate, Cause, Step
from ocpp_core.config import SessionConfig
from ocpp_core.inputs import Reject
from ocpp_core.versions import Version, version_of
from ocpp_transports._handlers._table import Handlers
from ocpp_transports._options._server import ServerOptions
from ocpp_transports._server._routing._plan import RoutingPlan, StationRules
from ocpp_transports._server._stations._registry import ConnectionRegistry

from ._limits import Limits
from ._replacement import replacement_steps

__all__ = ["Policies", "Policy"]


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules for the stations of one route, which a handshake keeps from its request to its end."""

    options: ServerOptions
    handlers: tuple[Handlers, ...]
    steps: tuple[Step, ...]
    logger: Logger
    versions: Mapping[str, Version]
    """The facts of each subprotocol."""
    configs: Mapping[tuple[str, bool], SessionConfig]
    """The engine's config for each subprotocol, without and with message tracing."""

    @classmethod
    def of(cls, rules: StationRules, steps: tuple[Step, ...]) -> "Policy":
        """Make everything now that each handshake would make otherwise."""
        options = rules.options
        protocols = options.protocols
        configs = {
            (name, trace): options.session_in(name, trace=trace) for name in protocols for trace in (False, True)
        }
        versions = {name: version_of(name) for name in protocols}
        return cls(options, rules.handlers, steps, options.logger, versions, configs)


class Policies:
    """The rules of the stations of a server, or of one of its listeners, by the paths that they ask for.

    Without routes, `own` decides on every handshake. With routes, the limits and gates of `own` run first, then the
    step that finds the route, and then all steps of the route, with its own gates. The policy of a route is made for
    its first handshake. `claim` is the last step of all: it takes the station from the other nodes of a cluster.
    """

    def __init__(
        self, plan: RoutingPlan, limits: Limits, registry: ConnectionRegistry, claim: Step | None = None
    ) -> None:
        own = plan.own.options
        asks = claim is not None or any(asks_the_application(each.options) for each in plan.rules)
        self._before: tuple[Step, ...] = limits.before(own, asks=asks)
        self._gates = own.gates
        self._places = limits.places
        self._registry = registry
        self._last = () if claim is None else (claim,)
        self.own: Policy = Policy.of(plan.own, steps_of(own, before=self._before, after=self._after(own)))
        self.routes: RouteTree[StationRules] | None = plan.routes or None
        """The rules of each route; None on a server without routes."""
        self._made: dict[StationRules, Policy] = {}

    def routed(self, routes: RouteTree[StationRules], chosen: Callable[[Policy], None]) -> Iterator[Step]:
        """Iterate over the steps for one handshake; `chosen` is called with the policy of its route, once found."""
        yield from self._before
        yield from self._gates
        found: list[Policy] = []

        def find_route(candidate: Candidate) -> Reject | None:
            match = routes.match(candidate.request.target)
            if isinstance(match, Reject):
                candidate.cause = Cause("no_route" if match.status == 404 else "malformed_handshake")
                return match
            candidate.matched = match.path
            found.append(self._policy(match.value))
            chosen(found[0])
            return None

        yield find_route
        yield from found[0].steps

    def _after(self, options: ServerOptions) -> tuple[Step, ...]:
        return (*self._places.after(options), *replacement_steps(options, self._registry), *self._last)

    def _policy(self, rules: StationRules) -> Policy:
        if rules not in self._made:
            self._made[rules] = Policy.of(rules, steps_of(rules.options, after=self._after(rules.options), routed=True))
        return self._made[rules]
