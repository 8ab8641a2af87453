"""From an accepted stream to a connected station, or to a rejection.

The acceptor makes an engine and a driver for every stream that a listener accepts, and for every WebSocket from another
library. Until a handshake is decided, a `_PendingHandshake` is the delegate of that driver. It runs the steps of
admission (`ocpp_core.admission`), which are made once for a set of options and routes (`_policy`). Then it hands the
driver over to an `OCPPServerClient`, or sends the rejection, and is forgotten.

What it guarantees:

* Every request gets exactly one response, also if the application never decides (408 at the engine's deadline), raises
  (500), or the server closes in between (503).
* A handshake is decided at once, without a task, unless a function of the application has to be awaited.
* The peer learns only the status and the reason of a step: no text of an exception, and whether a station is connected
  only after it has authenticated.
* Handshakes that wait are counted, in total and by address (`_places`), for their whole duration.

The acceptor must never wait, and must never decide twice. The first of decision, deadline, loss and closing takes the
handshake out of `places.waiting`; the later ones find it gone.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from logging import DEBUG
from typing import Final, TypeAlias, cast

from ocpp_core.actions import HttpRequest, Report, ReportKind, UpgradeRequested
from ocpp_core.admission.replacement import CheckReplacement
from ocpp_core.admission.request import describe_offer
from ocpp_core.admission.step import Ask, Candidate, Cause, Step, Verdict, proceed, refuse
from ocpp_core.handshake import SecurityProfile
from ocpp_core.identity import StationKey
from ocpp_core.inbound.answers import AnswerMemory
from ocpp_core.inputs import Accept, Close, Command, Reconfigure, Reject, Respond, ServerInput, StackInput
from ocpp_core.limits import SharedBuckets
from ocpp_core.server import ServerEngine
from ocpp_core.session import Open
from ocpp_core.stack import ServerStack
from ocpp_core.timers import coarse
from ocpp_core.websocket.close import PROTOCOL_ERROR
from ocpp_core.websocket.headers import HANDSHAKE_TIMEOUT
from ocpp_transports._driver._accepting import AcceptRules
from ocpp_transports._driver._driver import Driver
from ocpp_transports._driver._interfaces import Connection, Handle
from ocpp_transports._driver._limits import EARLY
from ocpp_transports._options._server import ServerOptions
from ocpp_transports._runtime._base import SocketRuntime
from ocpp_transports._runtime._bounded_threads import BoundedThreads
from ocpp_transports._server._plain._http import Exchange, PlainRequests
from ocpp_transports._server._plain._http_handlers import HttpHandlers, plain_request
from ocpp_transports._server._routing._plan import RoutingPlan
from ocpp_transports._server._stations._connection import ConnectionCallbacks, OCPPServerClient
from ocpp_transports._server._stations._registry import ConnectionRegistry
from ocpp_transports.events import ConnectionFailedEvent, SecurityEvent, SecurityEventKind, UpgradeAbortedEvent
from ocpp_transports.handshake import ConnectionFacts

from ._engines import Engines
from ._limits import Limits
from ._places import Places
from ._policy import Policies, Policy
from ._proxied import Proxied
from ._questions import Decision, Questions
from ._quota import SocketGate, owner_of

__all__ = ["Acceptor", "Plans"]

Plans: TypeAlias = Mapping[SecurityProfile | None, RoutingPlan]
"""The rules of a server (None), and of its listeners with a security profile of their own."""
_CLOSING: Final = refuse(503, "Closing")
_NO_SUBPROTOCOL: Final = Close(PROTOCOL_ERROR, "no subprotocol in common", drain=False)


class Acceptor:
    """Makes an engine for every accepted stream, and decides which stations may connect.

    `refused` is called for every handshake that a decision rejected, `failed` for exceptions of the application's
    functions, `alarmed` for every incident, `lost` for connections that failed before their request. `gate` counts
    the sockets of listeners. `plans` has the rules of the server, and of the listeners with a security profile of their
    own. `claim` is the last step of every handshake on a server of a cluster, which may share `answers` and rates.
    """

    def __init__(
        self,
        runtime: SocketRuntime,
        plans: Plans,
        registry: ConnectionRegistry,
        callbacks: ConnectionCallbacks,
        http_handlers: HttpHandlers,
        *,
        refused: Callable[[UpgradeAbortedEvent], None],
        failed: Callable[[str, BaseException], None],
        alarmed: Callable[[SecurityEvent], None],
        lost: Callable[[str, ConnectionFailedEvent], None],
        gate: SocketGate,
        claim: Step | None = None,
        answers: AnswerMemory | None = None,
        make_rates: Callable[[float, float], SharedBuckets] = SharedBuckets,
    ) -> None:
        self.rules: AcceptRules = AcceptRules(admit=gate.admit, failed=lost, accept_channel=self.accept_channel)
        self.proxied: Proxied = Proxied(gate, AcceptRules(admit=gate.admit, failed=lost), runtime.now, alarmed)
        self.runtime = runtime
        self.registry = registry
        self.callbacks = callbacks
        self.gate = gate
        self.is_closing: bool = False
        options = plans[None].own.options
        self.limits: Limits = Limits(runtime, registry, make_rates)
        self.failed = failed
        self.alarmed = alarmed
        self.plain: PlainRequests = self._plain_requests(http_handlers, options)
        self._refused = refused
        self._claim = claim
        self._engines = Engines(runtime.sources, callbacks.directions, answers)
        self._threads = BoundedThreads(options.max_password_checks)
        self.policies: Mapping[SecurityProfile | None, Policies] = {}
        """The rules of the server (None), and of its listeners with a security profile of their own."""
        self.set_plans(plans)

    def _plain_requests(self, handlers: HttpHandlers, options: ServerOptions) -> PlainRequests:
        return PlainRequests(
            handlers,
            options,
            runtime=self.runtime,
            places=self.places,
            failed=self.failed,
            alarmed=self.alarmed,
            is_draining=lambda: self.is_closing,
        )

    @property
    def places(self) -> Places:
        """The handshakes that wait, and the connected stations."""
        return self.limits.places

    def set_plans(self, plans: Plans) -> None:
        """Use these rules for streams accepted from now on."""
        options = plans[None].own.options
        self.limits.set_options(options)
        self.plain.options = options
        self._threads.limit_to(options.max_password_checks)
        made = {profile: Policies(plan, self.limits, self.registry, self._claim) for profile, plan in plans.items()}
        self.policies = {**self.policies, **made}  # handshakes from a listener that was closed still need the old ones
        for rules in (self.rules, self.proxied.rules):
            rules.tls_timeout, rules.max_tls_handshakes = options.tls_limit, options.max_tls_handshakes
        self.gate.limit = options.socket_limit
        self.gate.limit_by_address = options.socket_limit_by_address
        self.proxied.set_options(options)
        self.plain.reports = self.proxied.reports

    def connected(
        self, connection: Connection[bytes], facts: ConnectionFacts, profile: SecurityProfile | None = None
    ) -> Driver[StackInput]:
        """Return the driver of an accepted stream; `profile` is that of its listener, None for the server's."""
        options, now = self.policies[profile].own.options, self.runtime.now()
        stack = self._engines.stack(options, facts.remote_address, now)
        pending = _PendingHandshake(self, stack, facts, coarse(now, options.handshake_limit), profile)
        driver: Driver[StackInput] = Driver(stack, self.runtime, handshake=pending, connection=connection)
        pending.driver = driver
        return driver

    def accept_channel(
        self, connection: Connection[str], facts: ConnectionFacts
    ) -> tuple[ServerEngine, Driver[ServerInput], Callable[[], ServerOptions]]:
        """Return the connection of a WebSocket that another library speaks: its engine, driver and options.

        The options are those of the server, and those of its route once the path is known.
        """
        options, now = self.policies[None].own.options, self.runtime.now()
        engine = self._engines.session(options, facts.remote_address, now)
        pending = _PendingHandshake(self, engine, facts, now + options.handshake_limit)
        driver: Driver[ServerInput] = Driver(engine, self.runtime, handshake=pending, connection=connection)
        pending.driver = driver
        return engine, driver, lambda: pending.options

    def drain(self) -> None:
        """Refuse (503) the handshakes that wait, and all later ones; go on answering plain requests."""
        self.is_closing = True
        self.limits.shedding.stop()
        for pending in tuple(self.places.waiting):
            if isinstance(pending, _PendingHandshake):
                pending.give_up()

    def close(self) -> None:
        """Refuse (503) plain requests too."""
        self.plain.is_closing = True
        for pending in tuple(self.places.waiting):
            pending.give_up()

    def questions(self, candidate: Candidate, proceed: Callable[[], Verdict]) -> Questions:
        """Return what asks the application about one handshake, whose remaining steps `proceed` runs."""
        in_thread = partial(self._run_in_thread, owner_of(candidate.facts.remote_address))
        return Questions(candidate, proceed, self.failed, in_thread)

    async def _run_in_thread(self, owner: str, ask: Ask) -> object:
        result: object = await self._threads.run(ask.function, *ask.arguments, key=owner)
        return result

    def refused(self, candidate: Candidate, answer: Reject) -> None:
        """Report a rejection, as an incident too unless the server closes."""
        identity, remote_address = candidate.handshake.identity or None, candidate.facts.remote_address
        namespace, status, reason = candidate.handshake.namespace, answer.status, answer.body
        if answer is not _CLOSING:
            cause = candidate.cause or Cause.of(status)
            self.alarmed(SecurityEvent(cause.kind, identity, remote_address, cause.detail, status, reason, namespace))
            if cause.kind == "replacement_refused":
                self.registry.probe(candidate.handshake)
        self._refused(UpgradeAbortedEvent(identity, remote_address, status, reason, namespace))


def _refuse_when_closing(_: Candidate) -> Reject:
    return _CLOSING


class _PendingHandshake:
    """The `HandshakeDelegate` of one connection until a station takes over; at `until` the engine sends 408."""

    driver: Driver[Accept | Reject | Command]

    def __init__(
        self,
        acceptor: Acceptor,
        engine: ServerStack | ServerEngine,
        facts: ConnectionFacts,
        until: float,
        profile: SecurityProfile | None = None,
    ) -> None:
        self.facts = facts
        self._acceptor = acceptor
        self._engine = engine
        self._profile = profile
        self._policy = acceptor.policies[profile].own
        self._candidate: Candidate | None = None
        self._deciding: Handle | None = None
        self._exchange: Exchange | None = None
        self._until = until

    @property
    def options(self) -> ServerOptions:
        """The options of its route, or of the server before the path is known."""
        return self._policy.options

    # Called by the driver

    def upgrade_requested(self, action: UpgradeRequested) -> None:
        """Decide, in a task if the application has to be awaited; the handshake timer limits that."""
        acceptor = self._acceptor
        if (reports := acceptor.proxied.reports) is not None:
            self.facts = reports.reported(self.facts, action.headers)
        self._candidate = candidate = Candidate(action, self.facts)
        policies = acceptor.policies[self._profile]
        self._policy = policies.own
        steps = iter(policies.own.steps) if policies.routes is None else policies.routed(policies.routes, self._choose)
        if acceptor.is_closing:
            steps = iter((_refuse_when_closing,))
        verdict = proceed(steps, candidate)
        if isinstance(verdict, Ask):
            decision = acceptor.questions(candidate, partial(proceed, steps, candidate)).begin(verdict)
            if callable(decision):
                acceptor.places.begin_waiting(self)
                self._deciding = acceptor.runtime.spawn(self._decide(decision, candidate))
                return
            verdict = decision
        self._decided(verdict, candidate)

    def http_requested(self, action: HttpRequest) -> None:
        """Answer a plain request, perhaps later."""
        if (reports := self._acceptor.proxied.reports) is not None:
            self.facts = reports.reported(self.facts, action.headers)
        request = plain_request(action.method, action.target, action.headers, self.facts.remote_address)
        self._exchange = self._acceptor.plain.begin(request, self.facts, cast("Driver[Respond]", self.driver).feed)

    def state_changed(self, state: object) -> None:
        """Close a WebSocket opened without a common subprotocol; stop deciding on one that has ended."""
        if isinstance(state, Open):
            offered = () if self._candidate is None else self._candidate.handshake.protocols
            self._alarm("bad_subprotocol", describe_offer(offered), _NO_SUBPROTOCOL.code, _NO_SUBPROTOCOL.reason)
            self.driver.feed(_NO_SUBPROTOCOL)
            return
        candidate = self._stop_waiting()
        is_late = self._acceptor.runtime.now() > self._until - EARLY  # otherwise the peer left
        if candidate is not None and is_late:
            self._acceptor.refused(candidate, refuse(408, HANDSHAKE_TIMEOUT))
        if self._exchange is not None and is_late:
            self._exchange.expire()
        elif self._exchange is not None:
            self._exchange.stop()

    def reported(self, report: Report) -> None:
        """Report a request that the engine refused, unless it is one that is reported when the decision ends."""
        if report.kind is not ReportKind.PROTOCOL_ERROR:
            return
        is_late = report.detail == HANDSHAKE_TIMEOUT
        if is_late and (self._candidate is not None or self._exchange is not None):
            return
        kind: SecurityEventKind = "handshake_timeout" if is_late else "malformed_handshake"
        self._alarm(kind, report.detail, 408 if is_late else None)

    def _alarm(self, kind: SecurityEventKind, detail: str, status: int | None, reason: str = "") -> None:
        key = StationKey("", "") if self._candidate is None else self._candidate.handshake.key
        address = self.facts.remote_address
        self._acceptor.alarmed(
            SecurityEvent(kind, key.identity or None, address, detail, status, reason, key.namespace)
        )

    # Deciding

    def _choose(self, policy: Policy) -> None:
        """Use the rules of the route that the path matches."""
        self._policy = policy

    def give_up(self) -> None:
        """Refuse now, because the server closes.

        This also ends the task, unless that task closes the server.
        """
        if self._acceptor.places.stop_waiting(self) and self._candidate is not None:
            self._refuse(self._candidate, _CLOSING)

    def _stop_waiting(self) -> Candidate | None:
        """Return the candidate if it was still waiting for its decision, and stop waiting."""
        if not self._acceptor.places.stop_waiting(self):
            return None
        if self._deciding is not None:
            self._deciding.cancel()
        if self._candidate is not None:
            self._candidate.abandon()
        return self._candidate

    async def _decide(self, decide: Callable[[], Awaitable[Decision]], candidate: Candidate) -> None:
        decision = await decide()
        if self._acceptor.places.stop_waiting(self):
            self._decided(decision or self._refuse_afterwards(candidate), candidate)

    def _refuse_afterwards(self, candidate: Candidate) -> Reject | None:
        """Check again: others may have taken the place while a middleware waited after `proceed`."""
        refusals = (step(candidate) for step in self._policy.steps if isinstance(step, CheckReplacement))
        return self._acceptor.places.refuse_when_full(candidate) or next(refusals, None)

    def _decided(self, decision: Decision, candidate: Candidate) -> None:
        if decision is not None:
            self._refuse(candidate, decision)
        elif candidate.protocol is None:
            policy = self._policy
            self.driver.feed(Accept(None, version=policy.versions[policy.options.protocols[0]]))
        else:
            self._accept(candidate, candidate.protocol)

    def _accept(self, candidate: Candidate, protocol: str) -> None:
        acceptor = self._acceptor
        policy, handshake = self._policy, candidate.handshake
        options, config = policy.options, policy.configs[protocol, policy.logger.isEnabledFor(DEBUG)]
        quirks = None
        if options.quirk_book is not None:
            quirks = acceptor.registry.quirks_of(options.quirk_book, handshake, protocol)
            options, config = quirks.applied(options, config)
        registering = None
        if config.require_registration:
            registering = acceptor.registry.registering(handshake, self.driver, options.boot_limit)
        OCPPServerClient(
            handshake,
            protocol,
            candidate.session,
            options=options,
            handlers=policy.handlers,
            callbacks=acceptor.callbacks,
            runtime=acceptor.runtime,
            engine=self._engine,
            driver=self.driver,
            check_serial_number=options.check_serial_number,
            registering=registering,
            quirks=quirks,
            principal=candidate.principal,
        )
        # A station that offered nothing must not be sent a subprotocol (RFC 6455 §4.2.2).
        subprotocol = protocol if protocol in handshake.protocols else None
        name = acceptor.registry.name_of(handshake.identity, handshake.namespace)
        if options.link is not acceptor.policies[self._profile].own.options.link:
            self.driver.feed(Reconfigure(options.link))
        rate, version = acceptor.limits.address_rate, policy.versions[protocol]
        shared = None if rate is None else rate.bucket_of(handshake.remote_address)
        self.driver.feed(Accept(subprotocol, config=config, version=version, identity=name, shared=shared))
        if isinstance(self._engine, ServerEngine):
            acceptor.places.expect(self._engine)

    def _refuse(self, candidate: Candidate, answer: Reject) -> None:
        candidate.abandon()
        self._acceptor.refused(candidate, answer)
        self.driver.feed(answer)
