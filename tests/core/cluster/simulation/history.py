"""One history of a cluster: its seed repeats it."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from random import Random
from typing import Final

from ocpp_core.cluster.registry.settings import RegistryConfig

from .faults import Faults
from .network import HARSH, Conditions, Network
from .node import SimulatedNode
from .station import SimulatedStation
from .store import SimulatedStore
from .timeline import Timeline
from .watch import BrokenInvariantError, Watch

NODES: Final = ("a", "b", "c")
STATIONS: Final = tuple(f"CP{number}" for number in range(5))
STORY: Final = 150.0
"""Virtual seconds with faults."""
CALM: Final = 60.0
"""Virtual seconds without, after which everything must be well."""
CONFIG: Final = RegistryConfig(buckets=4, check_size=2, max_restores=1)
LONGEST: Final = CONFIG.validity / 0.99
"""Seconds that a node may believe in a station after its replacement; clocks differ by 1 % at most."""


@dataclass(slots=True)
class Figures:
    """What happened in histories."""

    histories: int = 0
    faults: int = 0
    connections: int = 0
    takeovers: int = 0
    longest: float = 0.0
    """The longest time that a node believed in a station after its replacement, in seconds."""

    def add(self, other: "Figures") -> None:
        """Add the counts of other histories."""
        for each in fields(self):
            mine, others = getattr(self, each.name), getattr(other, each.name)
            setattr(self, each.name, max(mine, others) if each.name == "longest" else mine + others)


class History:
    """A cluster of 3 nodes and 5 stations, its faults, and the calm after them.

    Args:
        seed: Repeats the history.
        harsh: True for a network that loses a quarter of the store's answers.
        make_node: Makes the nodes; one that does more than the registry is a subclass.
    """

    def __init__(
        self, seed: int, *, harsh: bool = False, make_node: Callable[..., SimulatedNode] = SimulatedNode
    ) -> None:
        random = Random(f"cluster {seed}")
        self.timeline = Timeline()
        self.nodes: dict[str, SimulatedNode] = {}
        self.network = Network(self.timeline, random, HARSH if harsh else Conditions())
        self.watch = Watch(lambda: self.timeline.now, lambda: self.nodes.values(), STATIONS, LONGEST)
        self.store = SimulatedStore(self.timeline, self.watch, STATIONS, lease=CONFIG.lease)
        parts = self.timeline, random, self.network, self.store, self.watch, self.nodes, CONFIG
        for name in NODES:
            self.nodes[name] = make_node(name, *parts)
        self.stations = [SimulatedStation(identity, self.timeline, random, self.nodes) for identity in STATIONS]
        self._faults = Faults(random, self)
        self._random = random

    def run(self) -> Figures:
        """Play the history and return its counts. Raises `BrokenInvariantError` for what does not hold."""
        self._look()
        self._housekeep()
        self._faults.schedule(STORY)
        self.timeline.run(STORY)
        self.network.conditions = Conditions(loss=0, doubling=0, slowest=0.05, reply_loss=0)
        for station in self.stations[3:]:
            station.leave(is_silent=self._random.random() < 0.5)
        self.timeline.run(STORY + CALM)
        self._judge_end()
        lives = sum(int(node.id.partition(".")[2], 16) for node in self.nodes.values())
        return Figures(1, self._faults.count, lives, self.watch.takeovers, self.watch.longest)

    def _look(self) -> None:
        self.watch.look()
        self.timeline.after(0.2, self._look)

    def _housekeep(self) -> None:
        self.store.housekeep()
        self.store.sweep()
        for identity in STATIONS:
            self.nodes["a"].look_up(identity)
        self.timeline.after(2.0, self._housekeep)

    def _judge_end(self) -> None:
        """Check what must hold after the calm: each station at one node, and no entry of one that left."""
        owners = dict(self.store.owners())
        for station in self.stations[:3]:
            believing = [node.name for node in self.nodes.values() if node.believes(station.identity) is not None]
            if not station.is_admitted or station.node is None or believing != [station.node.name]:
                raise BrokenInvariantError(
                    f"end: {station.identity} is connected to {station.node}, {believing} believe in it"
                )
            owner, fence = owners[station.identity], station.node.believes(station.identity)
            if owner is None or (owner.node, owner.fence) != (station.node.id, fence):
                raise BrokenInvariantError(
                    f"end: {station.identity} is at {station.node.id} with {fence}, the store has {owner}"
                )
        for station in self.stations[3:]:
            owner = owners[station.identity]
            if owner is not None and not any(
                node.id == owner.node and node.believes(station.identity) for node in self.nodes.values()
            ):
                raise BrokenInvariantError(f"end: {station.identity} left, the store has {owner}")
