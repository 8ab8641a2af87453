"""A node: a registry engine, its connections, and a process that may be stopped or killed."""

from collections.abc import Callable
from functools import partial
from itertools import count
from random import Random
from typing import Any, Final, TypeAlias, assert_never

from ocpp_core.cluster.records import NodeId
from ocpp_core.cluster.registry.actions import (
    AdmitConnection,
    EvictConnection,
    EvictionReason,
    LeaseChanged,
    NotifyReplaced,
    RefuseConnection,
    RegistryAction,
    SendCheck,
    SendClaim,
    SendRelease,
    SendRenewal,
    SendRestore,
)
from ocpp_core.cluster.registry.engine import RegistryEngine
from ocpp_core.cluster.registry.inputs import (
    CheckAnswered,
    ClaimAnswered,
    ClaimStation,
    ConnectionEnded,
    RegistryInput,
    ReleaseAnswered,
    RenewalAnswered,
    ReplacementNoticed,
    RequestFailed,
    RestoreAnswered,
)
from ocpp_core.cluster.registry.settings import RegistryConfig
from ocpp_core.inputs import Tick

from .alarm import Alarm
from .connection import Connection
from .network import STORE, Network
from .store import SimulatedStore
from .timeline import Timeline
from .watch import Watch

StoreAction: TypeAlias = SendRenewal | SendClaim | SendRestore | SendCheck | SendRelease
TIMEOUT: Final = 2.0
"""Seconds after which the store's client reports that a request failed."""
_UNTRACED: Final = (Tick, SendRenewal)
"""What happens too often to be of interest."""


class SimulatedNode:
    """A node.

    It has a name on the network, and a new epoch at each start. Its clock has a speed and an origin of its own.

    Args:
        name: Its name.
        timeline: The virtual time.
        random: Chooses its clock.
        network: Carries its messages.
        store: The registry's store.
        watch: Sees what it does.
        nodes: All nodes by name, to report replacements to.
        config: The settings of its engine.
    """

    def __init__(
        self,
        name: str,
        timeline: Timeline,
        random: Random,
        network: Network,
        store: SimulatedStore,
        watch: Watch,
        nodes: "dict[str, SimulatedNode]",
        config: RegistryConfig,
    ) -> None:
        self.name = name
        self.timeline = timeline
        self.network = network
        self.store = store
        self._watch = watch
        self._nodes = nodes
        self._config = config
        self.speed = random.uniform(0.995, 1.005)
        self._origin = random.uniform(0, 1e6)
        self._epochs = count(1)
        self._stops = 0
        self.trace: Callable[[str], None] | None = None
        """Gets each input and action; None unless a history is traced."""
        self._backlog: list[Callable[[], None]] = []
        self.start()

    # The process

    def start(self) -> None:
        """Start a process, with a new epoch and without connections."""
        self.id = NodeId(f"{self.name}.{next(self._epochs):016x}")
        self.is_alive = True
        self.connections: dict[Connection, None] = {}
        self.engine = RegistryEngine(self.id, self._config, self.clock)
        self._alarm = Alarm(self, lambda: self.handle(Tick()))
        self.handle(Tick())

    @property
    def clock(self) -> float:
        """The time of its own clock, in seconds."""
        return self._origin + self.timeline.now * self.speed

    @property
    def is_running(self) -> bool:
        """True unless it is dead or stopped."""
        return self.is_alive and not self._stops

    def kill(self) -> list[Connection]:
        """Kill the process; return its connections, whose stations notice it some time."""
        self.is_alive = False
        self._backlog.clear()
        return list(self.connections)

    def stop(self, seconds: float) -> None:
        """Stop the process for a while; what happens then reaches it when it continues."""
        self._stops += 1
        self.timeline.after(seconds, self._continue)

    def _continue(self) -> None:
        self._stops -= 1
        if not self._stops:
            backlog, self._backlog = self._backlog, []
            for callback in backlog:
                callback()

    def do(self, callback: Callable[[], None]) -> None:
        """Run a callback in this process: now, or when it continues, or never if it is killed before."""
        life = self.id
        if not self.is_alive:
            return
        if self._stops:
            self._backlog.append(lambda: self.in_life(life, callback))
        else:
            callback()

    def in_this_life(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Return a function that runs a callback in this process, whenever it is called, and in no successor."""
        return partial(self.in_life, self.id, callback)

    def in_life(self, life: NodeId, callback: Callable[[], None]) -> None:
        """Run a callback in a process of this name, unless another one runs now."""
        if self.is_alive and self.id == life:
            self.do(callback)

    def note(self, what: object) -> None:
        """Note an input or an action for the trace."""
        if self.trace is not None and not isinstance(what, _UNTRACED):
            self.trace(f"{self.id} {what}")

    def believes(self, identity: str) -> int | None:
        """Return the fence of a station that it counts as its own."""
        return self.engine.believes(identity, self.clock)

    # Stations

    def stations(self) -> set[str]:
        """Return the stations that have a connection at this node."""
        return {each.identity for each in self.connections}

    def connect(self, connection: Connection) -> None:
        """Take a handshake."""
        self.connections[connection] = None
        self.handle(ClaimStation(connection.identity, connection))

    def lose(self, connection: Connection) -> None:
        """Notice that a connection ended."""
        if self.forget(connection):
            self.handle(ConnectionEnded(connection.identity, connection))

    def forget(self, connection: Connection) -> bool:
        """Remove a connection that ended; return False if it is not one of this process."""
        return self.connections.pop(connection, self) is None

    # The engine

    def handle(self, event: RegistryInput) -> None:
        """Take an input, and do what the engine asks for."""
        self.note(event)
        self.engine.handle(event, self.clock)
        while (action := self.engine.poll()) is not None:
            self.note(action)
            self.perform(action)
        self._alarm.set(self.engine.deadline)

    def perform(self, action: RegistryAction) -> None:
        """Perform an action of the engine."""
        match action:
            case AdmitConnection():
                self._admit(action)
            case RefuseConnection():
                self._close(action.connection)
            case EvictConnection():
                self._evict(action)
            case NotifyReplaced():
                self._notify(action)
            case LeaseChanged():
                pass
            case _:
                self._request(action)

    def _request(self, action: StoreAction) -> None:
        store, me, number = self.store, self.id, action.request
        match action:
            case SendRenewal():
                self._ask(number, lambda: store.renew(me), RenewalAnswered)
            case SendClaim():
                self._ask(number, lambda: store.claim(action.identity, me), ClaimAnswered)
            case SendRestore():
                self._ask(number, lambda: store.restore(action.identity, me, action.fence), RestoreAnswered)
            case SendCheck():
                self._ask(number, lambda: store.check(action.identities), CheckAnswered)
            case SendRelease():
                self._ask(number, lambda: store.release(action.identity, me, action.fence), ReleaseAnswered)
            case _:
                assert_never(action)

    def _ask(self, number: int, command: Callable[[], Any], answered: Callable[[int, Any], RegistryInput]) -> None:
        self.ask(
            command,
            lambda value: self.handle(answered(number, value)),
            lambda is_written: self.handle(RequestFailed(number)),
        )

    def ask(
        self, command: Callable[[], Any], answered: Callable[[Any], object], failed: Callable[[bool], object]
    ) -> None:
        """Send a request to the store; the first of answer and timeout counts.

        Args:
            command: Runs at the store.
            answered: Gets its answer, in this process.
            failed: Is called if none arrives, with False if the store cannot have got the request.
        """
        question = _Question(self, self.id, answered)
        is_written = not self.store.is_down
        self.timeline.after(TIMEOUT if is_written else 0.02, partial(question.settle, failed, is_written))
        if is_written:
            receive = partial(self.store.receive, command, question.answer)
            self.network.send(self.name, STORE, receive)

    def _admit(self, action: AdmitConnection) -> None:
        connection: Any = action.connection
        connection.fence = action.fence
        self.timeline.after(0, connection.admitted)

    def _evict(self, action: EvictConnection) -> None:
        connection: Any = action.connection
        if action.reason is EvictionReason.REPLACED and action.by != self.id:
            self._watch.evicted(self.id, action.identity, connection.fence)
        self._close(connection)

    def _close(self, connection: Any) -> None:
        if self.forget(connection):
            self.timeline.after(0.01, connection.closed)
            self.timeline.after(0.01, self.in_this_life(lambda: self._gone(connection)))

    def _gone(self, connection: Connection) -> None:
        self.handle(ConnectionEnded(connection.identity, connection))

    def _notify(self, action: NotifyReplaced) -> None:
        other = self._nodes[action.node.partition(".")[0]]
        event = ReplacementNoticed(action.identity, action.fence, self.id)

        def deliver() -> None:
            other.do(lambda: other.take_report(action.node, event))

        self.network.send(self.name, other.name, deliver)

    def take_report(self, node: NodeId, event: ReplacementNoticed) -> None:
        """Take the report of another node, unless it is for an earlier life of this one."""
        if node == self.id:
            self.handle(event)


class _Question:
    """A request to the store, which is settled once, in the process that sent it."""

    __slots__ = ("_answered", "_is_open", "_life", "_node")

    def __init__(self, node: SimulatedNode, life: NodeId, answered: Callable[[Any], object]) -> None:
        self._node = node
        self._life = life
        self._answered = answered
        self._is_open = True

    def answer(self, value: Any) -> None:
        """Send the answer of the store."""
        self._node.network.send(STORE, self._node.name, partial(self.settle, self._answered, value))

    def settle(self, callback: Callable[[Any], object], value: Any) -> None:
        """Run a callback with the result, unless another result came first."""
        self._node.in_life(self._life, partial(self._settle, callback, value))

    def _settle(self, callback: Callable[[Any], object], value: Any) -> None:
        if self._is_open:
            self._is_open = False
            callback(value)
