"""From an accepted stream to a station that is let in, or refused."""

from collections.abc import Awaitable, Callable
from itertools import count
from random import Random

from ocpp_core.actions import Dispatch, HttpRequest, Report, Trace, UpgradeRequested
from ocpp_core.inbound.answers import AnswerMemory
from ocpp_core.inputs import Accept, Close, Reject, Respond
from ocpp_core.link import Unfinished
from ocpp_core.server import Accepted, ServerEngine
from ocpp_core.session import Open
from ocpp_core.stack import ServerStack
from ocpp_core.timers import coarse
from ocpp_core.versions import version_of
from ocpp_core.websocket.close import PROTOCOL_ERROR
from ocpp_transports._driver._driver import EARLY, Driver, Handle, Host
from ocpp_transports._handlers._table import Handlers
from ocpp_transports._logging._log import Log, logger_of
from ocpp_transports._options._server import ServerOptions
from ocpp_transports._runtime._base import AcceptRules, SocketRuntime
from ocpp_transports.events import ConnectionFailedEvent, SecurityEvent, UpgradeAbortedEvent
from ocpp_transports.handshake import ConnectionFacts

from ._admission import Admitted, Decision, refuse
from ._connection import OCPPServerClient
from ._quota import Quota, SocketGate, owner_of
from ._registry import ConnectionRegistry

__all__ = ["Acceptor"]


class Acceptor:
    """The door of a server: makes an engine for every accepted stream and decides who comes in.

    `refused` is told of every handshake that was refused by a decision, `failed` of exceptions of `credentials`,
    `identify` and `auth`, `alarmed` of what may be an attack, `lost` of connections that came to nothing before their
    request. `gate` counts the sockets of listeners.
    """

    def __init__(
        self,
        runtime: SocketRuntime,
        options: ServerOptions,
        handlers: Handlers,
        registry: ConnectionRegistry,
        *,
        refused: Callable[[UpgradeAbortedEvent], None],
        failed: Callable[[str, BaseException], None],
        alarmed: Callable[[SecurityEvent], None],
        lost: Callable[[str, ConnectionFailedEvent], None],
        gate: SocketGate,
    ) -> None:
        self.rules = AcceptRules(admit=gate.admit, failed=lost)
        self.runtime = runtime
        self.handlers = handlers
        self.registry = registry
        self.is_closing = False
        self.gate = gate
        self.undecided: set[_PendingHandshake] = set()
        self.accepted: set[ServerEngine] = set()
        """Those whose WebSocket is still to be opened, and some that came to nothing in the meantime."""
        self._refused = refused
        self._failed = failed
        self._alarmed = alarmed
        self._handshakes = Quota()
        self._random = Random()
        self._numbers = count(1)
        self._unfinished = Unfinished()
        self._answers = AnswerMemory()
        self.set_options(options)

    def set_options(self, options: ServerOptions) -> None:
        """Use these options for the streams that come from now on."""
        self.options = options
        self.rules.tls_timeout = options.tls_limit
        self.rules.max_tls_handshakes = options.max_tls_handshakes
        self.admission = options.admission(failed=self._failed, alarmed=self._alarmed)
        self.gate.limit = options.socket_limit
        self.gate.limit_by_address = options.socket_limit_by_address

    def connected(self, host: Host, facts: ConnectionFacts) -> None:
        """Take an accepted stream."""
        options, now = self.options, host.now()
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
        _PendingHandshake(self, stack, host, facts, coarse(now, options.handshake_limit))

    def accept_channel(self, host: Host, facts: ConnectionFacts) -> ServerEngine:
        """Take a connection whose WebSocket somebody else speaks; its request is fed by the host."""
        options, now = self.options, host.now()
        limit = options.handshake_limit
        engine = ServerEngine(
            options.session,
            handshake_timeout=limit,
            ids=options.ids,
            now=now,
            numbers=self._numbers,
            answers=self._answers,
        )
        _PendingHandshake(self, engine, host, facts, now + limit)
        return engine

    def close(self) -> None:
        """Let nobody in any more: 503 for whom is waiting, and for whoever still comes."""
        self.is_closing = True
        for pending in tuple(self.undecided):
            pending.give_up()

    def is_busy(self, facts: ConnectionFacts) -> bool:
        """Return True if too many handshakes wait for their decision, in all or from this address."""
        options = self.options
        limit_by_address = options.handshake_limit_by_address
        return self._handshakes.is_used_up(owner_of(facts.remote_address), options.max_handshakes, limit_by_address)

    def begin_deciding(self, pending: "_PendingHandshake") -> None:
        """Count a handshake that waits for its decision."""
        self.undecided.add(pending)
        self._handshakes.enter(owner_of(pending.facts.remote_address))

    def stop_deciding(self, pending: "_PendingHandshake") -> bool:
        """Return True if a handshake was still waiting; it is no longer."""
        if pending not in self.undecided:
            return False
        self.undecided.discard(pending)
        self._handshakes.leave(owner_of(pending.facts.remote_address))
        return True

    def is_full(self, identity: str) -> bool:
        """Whether there is no place for this station: neither a free one nor the one it has already."""
        self.accepted = {engine for engine in self.accepted if isinstance(engine.state, Accepted)}
        taken = len(self.registry) + len(self.accepted)
        return taken >= self.options.max_connections and self.registry.get(identity) is None

    def refused(self, facts: ConnectionFacts, identity: str | None, answer: Reject) -> None:
        """Take note of a refusal."""
        self._refused(UpgradeAbortedEvent(identity, facts.remote_address, answer.status, answer.body))


class _PendingHandshake:
    """The owner of one stream's driver until there is a station to own it; at `until` the engine answers 408."""

    def __init__(
        self, acceptor: Acceptor, engine: ServerStack | ServerEngine, host: Host, facts: ConnectionFacts, until: float
    ) -> None:
        self._reception = acceptor
        self._engine = engine
        self.facts = facts
        self._log = Log(logger_of(acceptor.options.logging), facts.remote_address or "unknown address", host.now)
        self._identity: str | None = None
        self._decision: Handle | None = None
        self._host = host
        self._until = until
        self._driver = Driver(engine, host, self)

    # What the driver tells

    def upgrade_requested(self, action: UpgradeRequested) -> None:
        """Decide, in a task where `credentials` or `auth` take their time, which the handshake timer bounds."""
        acceptor = self._reception
        if acceptor.is_closing:
            self._refuse(refuse(503, "Closing"))
            return
        handshake = acceptor.admission.read(action, self.facts)
        if isinstance(handshake, Reject):
            self._refuse(handshake)
            return
        self._identity = handshake.identity or None
        if acceptor.is_busy(self.facts):  # alike for everybody, so that it tells a stranger nothing
            self._refuse(refuse(503, "Busy"))
            return
        decision = acceptor.admission.decide(handshake)
        if isinstance(decision, (Admitted, Reject)):
            self._decided(decision)
        else:
            acceptor.begin_deciding(self)
            self._decision = acceptor.runtime.spawn(self._decide(decision))

    def http_requested(self, action: HttpRequest) -> None:  # noqa: ARG002 - all plain requests are alike
        """Answer a plain request: this port speaks WebSocket only."""
        self._driver.feed(Respond(426, body=b"Upgrade Required"))

    def state_changed(self, state: object) -> None:
        """Close a WebSocket that was opened without a subprotocol in common; decide no more on one that has ended."""
        if isinstance(state, Open):
            self._driver.feed(Close(PROTOCOL_ERROR, "no subprotocol in common", drain=False))
            return
        self._log.flush()
        if self._stop_deciding() and self._host.now() > self._until - EARLY:  # else the peer left: nobody was refused
            self._reception.refused(self.facts, self._identity, refuse(408, "handshake timeout"))

    def reported(self, report: Report) -> None:
        """Log it."""
        self._log.reported(report)

    def dispatched(self, action: Dispatch) -> None:
        """Nothing: there is no station to serve."""

    def abandoned(self, request: int) -> None:
        """Nothing, as above."""

    def traced(self, trace: Trace) -> None:
        """Nothing, as above."""

    # Deciding

    def give_up(self) -> None:
        """Refuse now: the server closes."""
        self._refuse(refuse(503, "Closing"))
        self._stop_deciding()

    def _stop_deciding(self) -> bool:
        was_deciding = self._reception.stop_deciding(self)
        if was_deciding and self._decision is not None:
            self._decision.cancel()
        return was_deciding

    async def _decide(self, decide: Callable[[], Awaitable[Decision]]) -> None:
        decided = await decide()
        if self._reception.stop_deciding(self):
            self._decided(decided)

    def _decided(self, decision: Decision) -> None:
        if isinstance(decision, Reject):
            self._refuse(decision)
        elif decision.protocol is None:
            self._driver.feed(Accept(None, version=version_of(self._reception.options.protocols[0])))
        else:
            self._identity = decision.handshake.identity
            self._accept(decision, decision.protocol)

    def _accept(self, admitted: Admitted, protocol: str) -> None:
        acceptor = self._reception
        if acceptor.is_full(admitted.handshake.identity):  # said only now: a stranger must not learn who is here
            self._refuse(refuse(503, "Full"))
            return
        station = OCPPServerClient(
            admitted,
            protocol,
            options=acceptor.options,
            handlers=acceptor.handlers,
            registry=acceptor.registry,
            runtime=acceptor.runtime,
            engine=self._engine,
            driver=self._driver,
        )
        # A station that offered nothing must not be told a subprotocol (RFC 6455 §4.2.2).
        told = protocol if protocol in admitted.handshake.protocols else None
        name = acceptor.options.identities.key(station.identity)
        self._driver.feed(Accept(told, config=station.session_config, version=version_of(protocol), identity=name))
        if isinstance(self._engine, ServerEngine):
            acceptor.accepted.add(self._engine)

    def _refuse(self, answer: Reject) -> None:
        self._reception.refused(self.facts, self._identity, answer)
        self._driver.feed(answer)
