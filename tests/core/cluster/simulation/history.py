"""One history of a cluster: its seed repeats it."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from random import Random
from typing import Final

from ocpp_core.cluster.records import ClusterOwner
from ocpp_core.cluster.registry.settings import RegistryConfig

from .calls.bus import Bus
from .calls.carrier import Carrier
from .calls.direct import Streams
from .calls.ledger import CallLedger
from .calls.node import CallingNode
from .calls.redis import StoreStreams
from .calls.traffic import Traffic
from .faults import Faults
from .network import CALM, HARSH, Conditions, Network
from .station import SimulatedStation
from .store import SimulatedStore
from .timeline import Timeline
from .watch import BrokenInvariantError, Watch

NODES: Final = ("a", "b", "c")
CLIENT: Final = "d"
"""A node without stations, such as a worker of a web application."""
STATIONS: Final = tuple(f"CP{number}" for number in range(5))
STORY: Final = 150.0
"""Virtual seconds with faults."""
CALM_SECONDS: Final = 60.0
"""Virtual seconds without, after which everything must be well."""
LAST_CALLS: Final = 30.0, 15.0
"""Virtual seconds before the end at which every node calls every station. The first call may fail if the node remembers
an owner that has ended; the second one must be answered."""
CONFIG: Final = RegistryConfig(buckets=4, check_size=2, max_restores=1)
LONGEST: Final = CONFIG.validity / 0.99
"""Seconds that a node may believe in a station after its replacement; clocks differ by 1 % at most."""
CARRIERS: Final = ("bus", "direct", "redis")


@dataclass(slots=True)
class Figures:
    """What happened in histories."""

    histories: int = 0
    faults: int = 0
    lives: int = 0
    """Processes that were started."""
    takeovers: int = 0
    calls: int = 0
    ran: int = 0
    answered: int = 0
    unsent: int = 0
    """Calls that ended with "not sent"."""
    longest: float = 0.0
    """The longest time that a node believed in a station after its replacement, in seconds."""

    def add(self, other: "Figures") -> None:
        """Add the counts of other histories."""
        for each in fields(self):
            mine, others = getattr(self, each.name), getattr(other, each.name)
            setattr(self, each.name, max(mine, others) if each.name == "longest" else mine + others)


class History:
    """A cluster of 3 servers, a process without stations, and 5 stations; its faults, and the calm after them.

    Args:
        seed: Repeats the history; it also chooses the carrier of calls.
        harsh: True for a network that loses a quarter of the store's answers.
        trace: Gets a line for each input and action of each engine, and for each fault.
    """

    def __init__(self, seed: int, *, harsh: bool = False, trace: Callable[[str], None] | None = None) -> None:
        random = Random(f"cluster {seed}")
        self.timeline = Timeline()
        self.nodes: dict[str, CallingNode] = {}
        self.network = Network(self.timeline, random, HARSH if harsh else Conditions())
        self.watch = Watch(lambda: self.timeline.now, lambda: self.nodes.values(), STATIONS, LONGEST)
        self.store = SimulatedStore(self.timeline, self.watch, STATIONS, lease=CONFIG.lease)
        self.ledger = CallLedger(lambda: self.timeline.now, self.watch, LONGEST)
        self._trace = trace
        self._make_nodes(random, self._carrier(CARRIERS[seed % len(CARRIERS)], random))
        self.servers = [self.nodes[name] for name in NODES]
        self.stations = [SimulatedStation(identity, self.timeline, random, self.servers) for identity in STATIONS]
        self.traffic = Traffic(self.timeline, random, self.nodes, self.ledger)
        self._faults = Faults(random, self)
        self._random = random

    def _carrier(self, name: str, random: Random) -> Carrier:
        match name:
            case "bus":
                return Bus(self.timeline, random, self.network, self.nodes)
            case "direct":
                return Streams(self.timeline, random, self.network, self.nodes)
            case _:
                return StoreStreams(self.timeline, random, self.store)

    def _make_nodes(self, random: Random, carrier: Carrier) -> None:
        parts = self.timeline, random, self.network, self.store, self.watch, self.nodes, CONFIG
        for name in (*NODES, CLIENT):
            node = CallingNode(name, *parts, carrier=carrier, ledger=self.ledger, random=random)
            node.trace = self.note if self._trace else None
            self.nodes[name] = node

    def note(self, what: str) -> None:
        """Note something for the trace."""
        if self._trace is not None:
            self._trace(f"{self.timeline.now:8.3f} {what}")

    def run(self) -> Figures:
        """Play the history and return its counts. Raises `BrokenInvariantError` for what does not hold."""
        self._look()
        self._housekeep()
        self._faults.schedule(STORY)
        self.traffic.schedule(STATIONS, STORY)
        self.timeline.run(STORY)
        self._be_calm()
        self.timeline.run(STORY + CALM_SECONDS - LAST_CALLS[0])
        self._judge_left(dict(self.store.owners()))  # a call would also reveal an entry that remains
        for before in LAST_CALLS:
            self.timeline.run(STORY + CALM_SECONDS - before)
            self.traffic.call_all(self.stations)
        self.timeline.run(STORY + CALM_SECONDS)
        self._judge_end()
        return self._figures()

    def _figures(self) -> Figures:
        return Figures(
            histories=1,
            faults=self._faults.count,
            lives=sum(int(node.id.partition(".")[2], 16) for node in self.nodes.values()),
            takeovers=self.watch.takeovers,
            calls=self.ledger.calls,
            ran=self.ledger.ran,
            answered=self.ledger.answered,
            unsent=self.ledger.unsent,
            longest=self.watch.longest,
        )

    def _be_calm(self) -> None:
        """End all faults; two stations leave, perhaps in the midst of a handshake."""
        self.network.conditions = CALM
        for node in self.servers:
            node.executing.interrupt_no_more()
        for station in self.stations[3:]:
            if self._random.random() < 0.5:
                station.go(self._random.choice(self.servers))
                station.leave(is_silent=self._random.random() < 0.5, within=0.02)
            else:
                station.leave(is_silent=self._random.random() < 0.5)

    def _look(self) -> None:
        self.watch.look()
        self.timeline.after(0.3, self._look)

    def _housekeep(self) -> None:
        self.store.housekeep()
        self.store.sweep()
        self.timeline.after(2.0, self._housekeep)

    def _judge_end(self) -> None:
        self._judge_connected(dict(self.store.owners()))
        self._judge_left(dict(self.store.owners()))
        self.ledger.judge_end()
        self.traffic.judge_end()

    def _judge_connected(self, owners: dict[str, ClusterOwner | None]) -> None:
        """Check that each station is at one node, as the store has it."""
        for station in self.stations[:3]:
            believing = [node.name for node in self.nodes.values() if node.believes(station.identity) is not None]
            if not station.is_admitted or station.node is None or believing != [station.node.name]:
                node = station.node and station.node.id
                raise BrokenInvariantError(f"end: {station.identity} is connected to {node}, {believing} believe in it")
            owner, fence = owners[station.identity], station.node.believes(station.identity)
            if owner is None or (owner.node, owner.fence) != (station.node.id, fence):
                raise BrokenInvariantError(
                    f"end: {station.identity} is at {station.node.id} with {fence}, the store has {owner}"
                )

    def _judge_left(self, owners: dict[str, ClusterOwner | None]) -> None:
        """Check that no entry of a station that left remains."""
        for station in self.stations[3:]:
            owner = owners[station.identity]
            if owner is not None and not any(
                node.id == owner.node and node.believes(station.identity) for node in self.nodes.values()
            ):
                raise BrokenInvariantError(f"end: {station.identity} left, the store has {owner}")
