"""From an accepted stream to a connected station, or to a rejection.

The acceptor makes an engine and a driver for every stream that a listener accepts, and for every WebSocket from another
library. Until a handshake is decided, a `_PendingHandshake` is the delegate of that driver. It runs the steps of
admission (`ocpp_core.admission`), which are made once for a set of options. Then it hands the driver over to an
`OCPPServerClient`, or sends the rejection, and is forgotten.

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
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from logging import DEBUG, Logger
from random import Random
from typing import Final, cast

from ocpp_core.actions import HttpRequest, Report, ReportKind, UpgradeRequested
from ocpp_core.admission.replacement import CheckReplacement
from ocpp_core.admission.rules import steps_of
from ocpp_core.admission.step import Ask, Candidate, Cause, Step, Verdict, proceed, refuse
from ocpp_core.config import SessionConfig
from ocpp_core.inbound.answers import AnswerMemory
from ocpp_core.inputs import Accept, Close, Command, Reject, Respond, ServerInput, StackInput
from ocpp_core.link import Unfinished
from ocpp_core.server import ServerEngine
from ocpp_core.session import Open
from ocpp_core.stack import ServerStack
from ocpp_core.timers import coarse
from ocpp_core.versions import Version, version_of
from ocpp_core.websocket.close import PROTOCOL_ERROR
from ocpp_core.websocket.headers import HANDSHAKE_TIMEOUT
from ocpp_transports._driver._accepting import AcceptRules
from ocpp_transports._driver._driver import Driver
from ocpp_transports._driver._interfaces import Connection, Handle
from ocpp_transports._driver._limits import EARLY
from ocpp_transports._handlers._table import Handlers
from ocpp_transports._options._server import ServerOptions
from ocpp_transports._runtime._base import SocketRuntime
from ocpp_transports._runtime._bounded_threads import BoundedThreads
from ocpp_transports._server._plain._http import Exchange, PlainRequests
from ocpp_transports._server._plain._http_handlers import HttpHandlers, plain_request
from ocpp_transports._server._stations._connection import ConnectionCallbacks, OCPPServerClient
from ocpp_transports._server._stations._registry import ConnectionRegistry
from ocpp_transports.events import ConnectionFailedEvent, SecurityEvent, SecurityEventKind, UpgradeAbortedEvent
from ocpp_transports.handshake import ConnectionFacts

from ._places import Places
from ._questions import Decision, Questions
from ._quota import SocketGate, owner_of
from ._rates import HandshakeRates
from ._replacement import replacement_steps

__all__ = ["Acceptor"]

_CLOSING: Final = refuse(503, "Closing")


@dataclass(frozen=True, slots=True)
class _Policy:
    """The rules that one set of options makes for a handshake, which keeps them from its request to its end."""

    options: ServerOptions
    steps: tuple[Step, ...]
    logger: Logger
    versions: Mapping[str, Version]
    """The facts of each subprotocol."""
    configs: Mapping[tuple[str, bool], SessionConfig]
    """The engine's config for each subprotocol, without and with message tracing."""

    @classmethod
    def of(cls, options: ServerOptions, steps: tuple[Step, ...]) -> "_Policy":
        """Make everything now that each handshake would make otherwise."""
        protocols = options.protocols
        configs = {
            (name, trace): options.session_in(name, trace=trace) for name in protocols for trace in (False, True)
        }
        versions = {name: version_of(name) for name in protocols}
        return cls(options, steps, options.logger, versions, configs)


class Acceptor:
    """Makes an engine for every accepted stream, and decides which stations may connect.

    `refused` is called for every handshake that a decision rejected, `failed` for exceptions of the application's
    functions, `alarmed` for every incident, `lost` for connections that failed before their request. `gate` counts
    the sockets of listeners.
    """

    def __init__(
        self,
        runtime: SocketRuntime,
        options: ServerOptions,
        handlers: Handlers,
        registry: ConnectionRegistry,
        callbacks: ConnectionCallbacks,
        http_handlers: HttpHandlers,
        *,
        refused: Callable[[UpgradeAbortedEvent], None],
        failed: Callable[[str, BaseException], None],
        alarmed: Callable[[SecurityEvent], None],
        lost: Callable[[str, ConnectionFailedEvent], None],
        gate: SocketGate,
    ) -> None:
        self.rules: AcceptRules = AcceptRules(admit=gate.admit, failed=lost)
        self.runtime = runtime
        self.handlers = handlers
        self.registry = registry
        self.callbacks = callbacks
        self.is_closing: bool = False
        self.gate = gate
        self.places: Places = Places(registry)
        self.rates: HandshakeRates = HandshakeRates(runtime.now)
        self.failed = failed
        self.plain: PlainRequests = PlainRequests(
            http_handlers, options, runtime=runtime, places=self.places, failed=failed, alarmed=alarmed
        )
        self._refused = refused
        self.alarmed = alarmed
        self._random = Random()
        self._numbers = count(1)
        self._unfinished = Unfinished()
        self._answers = AnswerMemory()
        self._threads = BoundedThreads(options.max_password_checks)
        self.set_options(options)

    def set_options(self, options: ServerOptions) -> None:
        """Use these options for streams accepted from now on."""
        places = self.places
        before = *places.before(options), *self.rates.before(options)
        after = *places.after(options), *replacement_steps(options, self.registry)
        steps = steps_of(options, before=before, after=after)
        self.plain.options = options
        self._threads.limit_to(options.max_password_checks)
        self.policy: _Policy = _Policy.of(options, (_refuse_when_closing,) if self.is_closing else steps)
        self.rules.tls_timeout = options.tls_limit
        self.rules.max_tls_handshakes = options.max_tls_handshakes
        self.gate.limit = options.socket_limit
        self.gate.limit_by_address = options.socket_limit_by_address

    def connected(self, connection: Connection[bytes], facts: ConnectionFacts) -> Driver[StackInput]:
        """Return the driver of an accepted stream."""
        options, now = self.policy.options, self.runtime.now()
        stack = ServerStack(
            options.link,
            options.session,
            random=self._random,
            ids=options.ids,
            now=now,
            numbers=self._numbers,
            unfinished=self._unfinished,
            answers=self._answers,
        )
        pending = _PendingHandshake(self, stack, facts, coarse(now, options.handshake_limit))
        driver: Driver[StackInput] = Driver(stack, self.runtime, handshake=pending, connection=connection)
        pending.driver = driver
        return driver

    def accept_channel(
        self, connection: Connection[str], facts: ConnectionFacts
    ) -> tuple[ServerEngine, Driver[ServerInput]]:
        """Return the connection of a WebSocket that another library speaks, with its engine and driver."""
        options, now = self.policy.options, self.runtime.now()
        limit = options.handshake_limit
        engine = ServerEngine(
            options.session,
            handshake_timeout=limit,
            ids=options.ids,
            now=now,
            numbers=self._numbers,
            answers=self._answers,
        )
        pending = _PendingHandshake(self, engine, facts, now + limit)
        driver: Driver[ServerInput] = Driver(engine, self.runtime, handshake=pending, connection=connection)
        pending.driver = driver
        return engine, driver

    def drain(self) -> None:
        """Refuse (503) the handshakes that wait, and all later ones; go on answering plain requests."""
        self.is_closing = True
        self.policy = replace(self.policy, steps=(_refuse_when_closing,))
        for pending in tuple(self.places.waiting):
            if isinstance(pending, _PendingHandshake):
                pending.give_up()

    def close(self) -> None:
        """Refuse (503) plain requests too."""
        self.plain.is_closing = True
        for pending in tuple(self.places.waiting):
            pending.give_up()

    def questions(self, proceed: Callable[[], Verdict], facts: ConnectionFacts) -> Questions:
        """Return what asks the application about one handshake."""
        return Questions(proceed, self.failed, partial(self._run_in_thread, owner_of(facts.remote_address)))

    async def _run_in_thread(self, owner: str, ask: Ask) -> object:
        result: object = await self._threads.run(ask.function, *ask.arguments, key=owner)
        return result

    def refused(self, candidate: Candidate, answer: Reject) -> None:
        """Report a rejection, as an incident too unless the server closes."""
        identity, remote_address = candidate.handshake.identity or None, candidate.facts.remote_address
        if answer is not _CLOSING:
            cause = candidate.cause or Cause.of(answer.status)
            incident = SecurityEvent(cause.kind, identity, remote_address, cause.detail, answer.status, answer.body)
            self.alarmed(incident)
            if cause.kind == "replacement_refused":
                self.registry.probe(candidate.handshake)
        self._refused(UpgradeAbortedEvent(identity, remote_address, answer.status, answer.body))


def _refuse_when_closing(_: Candidate) -> Reject:
    return _CLOSING


class _PendingHandshake:
    """The `HandshakeDelegate` of one connection until a station takes over; at `until` the engine sends 408."""

    driver: Driver[Accept | Reject | Command]

    def __init__(
        self, acceptor: Acceptor, engine: ServerStack | ServerEngine, facts: ConnectionFacts, until: float
    ) -> None:
        self.facts = facts
        self._acceptor = acceptor
        self._engine = engine
        self._policy = acceptor.policy
        self._candidate: Candidate | None = None
        self._deciding: Handle | None = None
        self._exchange: Exchange | None = None
        self._until = until

    # Called by the driver

    def upgrade_requested(self, action: UpgradeRequested) -> None:
        """Decide, in a task if the application has to be awaited; the handshake timer limits that."""
        acceptor = self._acceptor
        self._policy = acceptor.policy
        self._candidate = candidate = Candidate(action, self.facts)
        steps = iter(self._policy.steps)
        verdict = proceed(steps, candidate)
        if isinstance(verdict, Ask):
            decision = acceptor.questions(partial(proceed, steps, candidate), self.facts).begin(verdict)
            if callable(decision):
                acceptor.places.begin_waiting(self)
                self._deciding = acceptor.runtime.spawn(self._decide(decision, candidate))
                return
            verdict = decision
        self._decided(verdict, candidate)

    def http_requested(self, action: HttpRequest) -> None:
        """Answer a plain request, perhaps later."""
        request = plain_request(action.method, action.target, action.headers, self.facts.remote_address)
        self._exchange = self._acceptor.plain.begin(request, self.facts, cast("Driver[Respond]", self.driver).feed)

    def state_changed(self, state: object) -> None:
        """Close a WebSocket opened without a common subprotocol; stop deciding on one that has ended."""
        if isinstance(state, Open):
            self.driver.feed(Close(PROTOCOL_ERROR, "no subprotocol in common", drain=False))
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
        identity = None if self._candidate is None else self._candidate.handshake.identity or None
        address = self.facts.remote_address
        self._acceptor.alarmed(SecurityEvent(kind, identity, address, report.detail, 408 if is_late else None))

    # Deciding

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
        config = policy.configs[protocol, policy.logger.isEnabledFor(DEBUG)]
        registering = None
        if config.require_registration:
            registering = acceptor.registry.registering(handshake, self.driver, policy.options.boot_limit)
        OCPPServerClient(
            handshake,
            protocol,
            candidate.session,
            options=policy.options,
            handlers=acceptor.handlers,
            callbacks=acceptor.callbacks,
            runtime=acceptor.runtime,
            engine=self._engine,
            driver=self.driver,
            check_serial_number=policy.options.check_serial_number,
            registering=registering,
            principal=candidate.principal,
        )
        # A station that offered nothing must not be sent a subprotocol (RFC 6455 §4.2.2).
        subprotocol = protocol if protocol in handshake.protocols else None
        name = acceptor.registry.name_of(handshake.identity)
        self.driver.feed(Accept(subprotocol, config=config, version=policy.versions[protocol], identity=name))
        if isinstance(self._engine, ServerEngine):
            acceptor.places.expect(self._engine)

    def _refuse(self, candidate: Candidate, answer: Reject) -> None:
        self._acceptor.refused(candidate, answer)
        self.driver.feed(answer)
