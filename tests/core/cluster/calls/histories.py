"""Nodes whose frames are lost, doubled, delayed and reordered, and which die, start again, and pause."""

from collections import Counter
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from math import inf
from random import Random
from typing import Any

from ocpp_core.cluster.calls.caller import RemoteCaller
from ocpp_core.cluster.calls.caller_actions import (
    CallAnswered,
    CallFailed,
    FindOwner,
    WriteCancel,
    WriteProbe,
    WriteRequest,
)
from ocpp_core.cluster.calls.caller_inputs import (
    AbandonRemoteCall,
    AnswerReceived,
    CallerInput,
    NodeLost,
    OwnerSearched,
    OwnerSearchFailed,
    StartRemoteCall,
    WriteEnded,
    WriteResult,
)
from ocpp_core.cluster.calls.executor import RemoteExecutor
from ocpp_core.cluster.calls.executor_inputs import (
    CancelExecution,
    CancelReceived,
    ExecuteCall,
    ExecutionSucceeded,
    ProbeReceived,
    RequestReceived,
    WriteAnswer,
)
from ocpp_core.cluster.calls.frames import AnswerFrame, CancelFrame, ProbeFrame, RequestFrame, read_frame
from ocpp_core.cluster.calls.settings import RemoteCallsConfig
from ocpp_core.cluster.records import ClusterOwner, Found, NodeId
from ocpp_core.inputs import Tick

STATIONS = ("CP1", "CP2", "CP3")


@dataclass
class Node:
    """One life of a node."""

    id: NodeId
    caller: RemoteCaller
    executor: RemoteExecutor
    claims: dict[str, int] = field(default_factory=dict)
    running: set[tuple[NodeId, int]] = field(default_factory=set)
    paused_until: float = 0.0


class History:
    """Three nodes and a registry in virtual time, with faults drawn from a seed."""

    def __init__(self, seed: int, *, config: RemoteCallsConfig | None = None) -> None:
        self.random = Random(seed)
        self.now = 0.0
        self.config = config or RemoteCallsConfig(probe_after=2)
        self.events: list[Any] = []
        self.order = count()
        self.fences = count(1)
        self.epochs = count(1)
        self.names = count(1)
        self.owners: dict[str, ClusterOwner] = {}
        self.nodes: dict[str, Node] = {}
        self.started: dict[int, NodeId] = {}  # calls by their names
        self.executed: Counter[int] = Counter()
        self.outcomes: dict[Any, list[Any]] = {}
        self.abandoned: set[int] = set()
        self.deaths: set[NodeId] = set()
        for name in "abc":
            self.start(name)

    def at(self, delay, function, *args) -> None:
        heappush(self.events, (self.now + delay, next(self.order), function, args))

    def run(self, seconds: float) -> "History":
        """Let calls and faults happen for some seconds, then play on until nothing is left to happen."""
        for _ in range(int(seconds * 5)):
            self.at(self.random.uniform(0, seconds), self.call)
        for _ in range(int(seconds / 2)):
            self.at(self.random.uniform(0, seconds), self.random.choice((self.move, self.move, self.die, self.pause)))
        while self.events:
            self.now, _, function, args = heappop(self.events)
            function(*args)
        return self

    # Faults

    def start(self, name: str) -> None:
        node_id = NodeId(f"{name}.{next(self.epochs):016x}")
        node = Node(node_id, RemoteCaller(node_id, self.config), None)  # type: ignore[arg-type]  # the next line makes it
        node.executor = RemoteExecutor(node_id, self.config, lambda identity, now: node.claims.get(identity))
        self.nodes[name] = node

    def move(self) -> None:
        """A station connects to a node; the one that had it learns it later."""
        if not self.nodes:
            return
        identity, node = self.random.choice(STATIONS), self.random.choice([*self.nodes.values()])
        old = self.owners.get(identity)
        fence = next(self.fences)
        self.owners[identity] = ClusterOwner(node.id, fence)
        node.claims[identity] = fence
        if old is not None and old.node != node.id and (other := self.living(old.node)):
            self.at(self.random.uniform(0, 2), lambda: other.claims.pop(identity, None))

    def die(self) -> None:
        name = self.random.choice("abc")
        if name in self.nodes:
            dead = self.nodes.pop(name)
            self.deaths.add(dead.id)
            self.at(self.random.uniform(0, 3), self.start, name)
            for node in self.nodes.values():
                self.at(self.random.uniform(0, 1), self.feed_caller, node.id, NodeLost(dead.id))

    def pause(self) -> None:
        if self.nodes:
            node = self.random.choice([*self.nodes.values()])
            node.paused_until = self.now + self.random.uniform(1, 20)

    def living(self, node_id: NodeId) -> Node | None:
        return next((node for node in self.nodes.values() if node.id == node_id), None)

    # Calls

    def call(self) -> None:
        if not self.nodes:
            return
        node, name = self.random.choice([*self.nodes.values()]), next(self.names)
        self.started[name] = node.id
        seconds = self.random.choice((0.5, 5, 30))
        self.feed_caller(node.id, StartRemoteCall(name, self.random.choice(STATIONS), [name], seconds))
        if self.random.random() < 0.05:
            self.at(self.random.uniform(0, 2), self.abandon, node.id, name)

    def abandon(self, node_id: NodeId, name: int) -> None:
        if name not in self.outcomes and self.living(node_id):
            self.abandoned.add(name)
            self.feed_caller(node_id, AbandonRemoteCall(name))

    # Hosts

    def awake(self, node_id: NodeId, again, *args) -> Node | None:
        """Return the node if it lives; if it is paused, do this again when it wakes."""
        node = self.living(node_id)
        if node is not None and node.paused_until > self.now:
            self.at(node.paused_until - self.now, again, node_id, *args)
            return None
        return node

    def feed_caller(self, node_id: NodeId, event) -> None:
        if node := self.awake(node_id, self.feed_caller, event):
            node.caller.handle(event, self.now)
            while action := node.caller.poll():
                self.perform_of_caller(node, action)
            if node.caller.deadline < inf:
                self.at(max(0, node.caller.deadline - self.now), self.feed_caller, node_id, Tick())

    def perform_of_caller(self, node: Node, action) -> None:
        match action:
            case FindOwner():
                self.at(self.random.uniform(0, 0.2), self.find, node.id, action)
            case WriteRequest():
                self.at(self.random.uniform(0, 0.1), self.write, node.id, action)
            case WriteCancel() | WriteProbe():
                self.deliver(node.id, action.node, action.frame)
            case CallAnswered() | CallFailed():
                self.outcomes.setdefault(action.call, []).append(action)

    def find(self, node_id: NodeId, action: FindOwner) -> None:
        if self.random.random() < 0.05:
            answer: CallerInput = OwnerSearchFailed(action.call, "the registry did not answer")
        else:
            owner = self.owners.get(action.identity)
            found = None if owner is None else Found(owner, None, self.living(owner.node) is not None)
            answer = OwnerSearched(action.call, found)
        self.feed_caller(node_id, answer)

    def write(self, node_id: NodeId, action: WriteRequest) -> None:
        """Write, as a carrier over a bus does, which does not know who listens."""
        draw = self.random.random()
        if action.node in self.deaths and draw < 0.8:
            self.feed_caller(node_id, WriteEnded(action.number, WriteResult.NOT_SENT))
            return
        self.deliver(node_id, action.node, action.frame)
        result = WriteResult.UNKNOWN if draw < 0.05 else WriteResult.SENT
        self.feed_caller(node_id, WriteEnded(action.number, result))

    def deliver(self, sender: NodeId, node_id: NodeId, frame: bytes) -> None:
        copies = self.random.choices((0, 1, 2), (3, 82, 15))[0]
        for _ in range(copies):
            self.at(
                self.random.choice((0.01, 0.01, 1, 10)) * self.random.random(), self.receive, node_id, sender, frame
            )

    def receive(self, node_id: NodeId, sender: NodeId, data: bytes) -> None:
        """Receive as the node, or as its successor: a bus that names nodes alone brings frames to it."""
        name = node_id.partition(".")[0]
        if self.living(node_id) is None and name in self.nodes and self.random.random() < 0.5:
            node_id = self.nodes[name].id
        if not (node := self.awake(node_id, self.receive, sender, data)):
            return
        match frame := read_frame(data):
            case RequestFrame():
                self.feed_executor(node, RequestReceived(sender, frame, len(data)))
            case CancelFrame():
                self.feed_executor(node, CancelReceived(sender, frame))
            case ProbeFrame():
                self.feed_executor(node, ProbeReceived(sender, frame))
            case AnswerFrame():
                self.feed_caller(node.id, AnswerReceived(sender, frame))

    def feed_executor(self, node: Node, event) -> None:
        node.executor.handle(event, self.now)
        while action := node.executor.poll():
            match action:
                case ExecuteCall():
                    node.running.add((action.node, action.number))
                    self.executed[action.content[0]] += 1
                    self.at(self.random.uniform(0, 1), self.finish, node.id, action)
                case CancelExecution():
                    node.running.discard((action.node, action.number))
                case WriteAnswer():
                    self.deliver(node.id, action.node, action.frame)

    def finish(self, node_id: NodeId, action: ExecuteCall) -> None:
        node = self.awake(node_id, self.finish, action)
        if node and (action.node, action.number) in node.running:
            self.feed_executor(node, ExecutionSucceeded(action.node, action.number, {}))
