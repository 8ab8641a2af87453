"""A node: a registry engine, its connections, and a process that may be stopped or killed."""

from collections.abc import Callable
from functools import partial
from itertools import count
from math import inf
from random import Random
from typing import Any, TypeAlias, assert_never

from ocpp_core.cluster.records import ClusterOwner, NodeId
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
    OwnershipQuestioned,
    RegistryInput,
    ReleaseAnswered,
    RenewalAnswered,
    ReplacementNoticed,
    RequestFailed,
    RestoreAnswered,
)
from ocpp_core.cluster.registry.settings import RegistryConfig
from ocpp_core.inputs import Tick

from .network import STORE, Network
from .store import SimulatedStore
from .timeline import Timeline
from .watch import Watch

StoreAction: TypeAlias = SendRenewal | SendClaim | SendRestore | SendCheck | SendRelease
TIMEOUT = 2.0
"""Seconds after which the store's client reports that a request failed."""


class Connection:
    """One connection or handshake of a station; `closed` is called if the node refuses or closes it."""

    def __init__(self, identity: str, admitted: Callable[[], None], closed: Callable[[], None]) -> None:
        self.identity = identity
        self.admitted = admitted
        self.closed = closed
        self.fence: int | None = None
        """The fence with which it was admitted; None before."""


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
        self._timeline = timeline
        self._network = network
        self._store = store
        self._watch = watch
        self._nodes = nodes
        self._config = config
        self._speed = random.uniform(0.995, 1.005)
        self._origin = random.uniform(0, 1e6)
        self._epochs = count(1)
        self._stops = 0
        self._backlog: list[Callable[[], None]] = []
        self.start()

    # The process

    def start(self) -> None:
        """Start a process, with a new epoch and without connections."""
        self.id = NodeId(f"{self.name}.{next(self._epochs):016x}")
        self.is_alive = True
        self.connections: dict[Connection, None] = {}
        self.engine = RegistryEngine(self.id, self._config, self.clock)
        self._armed = inf
        self._handle(Tick())

    @property
    def clock(self) -> float:
        """The time of its own clock, in seconds."""
        return self._origin + self._timeline.now * self._speed

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
        self._timeline.after(seconds, self._continue)

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
            self._backlog.append(lambda: self._do(life, callback))
        else:
            callback()

    def _do(self, life: NodeId, callback: Callable[[], None]) -> None:
        if self.is_alive and self.id == life:
            self.do(callback)

    def believes(self, identity: str) -> int | None:
        """Return the fence of a station that it counts as its own."""
        return self.engine.believes(identity, self.clock)

    # Stations

    def connect(self, connection: Connection) -> None:
        """Take a handshake."""
        self.connections[connection] = None
        self._handle(ClaimStation(connection.identity, connection))

    def lose(self, connection: Connection) -> None:
        """Notice that a connection ended."""
        if self.connections.pop(connection, self) is None:
            self._handle(ConnectionEnded(connection.identity, connection))

    # The engine

    def _handle(self, event: RegistryInput) -> None:
        self.engine.handle(event, self.clock)
        while (action := self.engine.poll()) is not None:
            self.perform(action)
        if self.engine.deadline < self._armed:
            self._armed = self.engine.deadline
            delay = max(0.0, (self._armed - self.clock) / self._speed) + 1e-6
            self._timeline.after(delay, partial(self._do, self.id, partial(self._wake, self._armed)))

    def _wake(self, armed: float) -> None:
        if armed == self._armed:
            self._armed = inf
            self._handle(Tick())

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
        store, me, number = self._store, self.id, action.request
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
        """Send a request to the store; the first of answer and timeout counts."""
        open_requests = {number}
        life = self.id

        def settle(event: RegistryInput) -> None:
            if number in open_requests:
                open_requests.discard(number)
                self._handle(event)

        def answer(value: Any) -> None:
            deliver = partial(self._do, life, lambda: settle(answered(number, value)))
            self._network.send(STORE, self.name, deliver)

        def receive() -> None:
            self._store.receive(command, answer)

        failed = partial(self._do, life, lambda: settle(RequestFailed(number)))
        self._timeline.after(0.02 if self._store.is_down else TIMEOUT, failed)
        if not self._store.is_down:
            self._network.send(self.name, STORE, receive)

    def _admit(self, action: AdmitConnection) -> None:
        connection: Any = action.connection
        connection.fence = action.fence
        self._timeline.after(0, connection.admitted)

    def _evict(self, action: EvictConnection) -> None:
        connection: Any = action.connection
        if action.reason is EvictionReason.REPLACED and action.by != self.id:
            self._watch.evicted(self.id, action.identity, connection.fence)
        self._close(connection)

    def _close(self, connection: Any) -> None:
        if self.connections.pop(connection, self) is None:
            self._timeline.after(0.01, connection.closed)
            self._timeline.after(0.01, partial(self._do, self.id, lambda: self._gone(connection)))

    def _gone(self, connection: Connection) -> None:
        self._handle(ConnectionEnded(connection.identity, connection))

    def _notify(self, action: NotifyReplaced) -> None:
        other = self._nodes[action.node.partition(".")[0]]
        event = ReplacementNoticed(action.identity, action.fence, self.id)

        def deliver() -> None:
            other.do(lambda: other.note(action.node, event))

        self._network.send(self.name, other.name, deliver)

    def look_up(self, identity: str) -> None:
        """Ask a store for a station, and its owner for the fence, as a call does."""
        owner = self._store.check([identity])[0]
        if owner is None or self._store.is_down:
            return
        node = self._nodes[owner.node.partition(".")[0]]
        node.do(lambda: node.asked(owner, identity))

    def asked(self, owner: ClusterOwner, identity: str) -> None:
        """Take a request that names a fence."""
        if owner.node == self.id and self.believes(identity) != owner.fence:
            self._handle(OwnershipQuestioned(identity))

    def note(self, node: NodeId, event: ReplacementNoticed) -> None:
        """Take the report of another node, unless it is for an earlier life of this one."""
        if node == self.id:
            self._handle(event)
