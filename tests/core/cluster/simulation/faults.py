"""Random faults of a cluster."""

from functools import partial
from random import Random
from typing import TYPE_CHECKING

from .node import SimulatedNode

if TYPE_CHECKING:
    from .history import History


class Faults:
    """Chooses the faults of a history; all of them end before its calm."""

    def __init__(self, random: Random, history: "History") -> None:
        self._random = random
        self._history = history
        self.count = 0
        """Faults so far."""

    def schedule(self, until: float) -> None:
        """Set when the faults happen, from now to a time in virtual seconds."""
        kinds = [
            *(self.move,) * 10,
            *(self.stop_node, self.kill_node, self.cut_node, self.slow_then_cut, self.slow_and_hasty) * 2,
            self.stop_store,
            self.restart_store,
            self.fail_over,
            self.jump,
        ]
        for _ in range(self._random.randint(40, 70)):
            fault = self._random.choice(kinds)
            self._history.timeline.after(self._random.uniform(5, until - 45), partial(self._happen, fault))

    def _happen(self, fault: partial[None]) -> None:
        self.count += 1
        fault()

    def _node(self) -> SimulatedNode:
        return self._history.nodes[self._random.choice(sorted(self._history.nodes))]

    def move(self) -> None:
        """A station loses its connection; half of the nodes never notice."""
        self._random.choice(self._history.stations).drop(is_silent=self._random.random() < 0.5)

    def stop_node(self) -> None:
        node = self._node()
        if node.is_alive:
            node.stop(self._random.uniform(1, 30))

    def kill_node(self) -> None:
        """A process dies, its stations notice it later, and another one starts."""
        node = self._node()
        if node.is_running:
            for connection in node.kill():
                self._history.timeline.after(self._random.uniform(0, 20), connection.closed)
            self._history.timeline.after(self._random.uniform(0.5, 15), node.start)

    def cut_node(self) -> None:
        """A node reaches neither the store nor other nodes."""
        self._cut(self._node(), self._random.uniform(1, 25))

    def _cut(self, node: SimulatedNode, seconds: float) -> None:
        self._history.network.cut(node.name)
        self._history.timeline.after(seconds, partial(self._history.network.heal, node.name))

    def slow_then_cut(self) -> None:
        """The answers of the store take long, then a node is cut off while one of its stations moves."""
        node, network, timeline = self._node(), self._history.network, self._history.timeline
        network.reply_delays[node.name] = 1.2, 1.95
        seconds = self._random.uniform(4, 7)
        timeline.after(seconds, partial(self._cut, node, self._random.uniform(10, 15)))
        timeline.after(seconds, partial(network.reply_delays.pop, node.name, None))
        for station in self._history.stations:
            if station.node is node:
                timeline.after(seconds - 0.01, partial(station.drop, is_silent=True))

    def slow_and_hasty(self) -> None:
        """Answers of the store overtake each other, while stations come to a node and leave at once."""
        node, network, timeline = self._node(), self._history.network, self._history.timeline
        network.reply_delays[node.name] = 0.0, 1.95
        timeline.after(6.0, partial(network.reply_delays.pop, node.name, None))
        for station in self._history.stations:
            for begin in (self._random.uniform(0, 2), self._random.uniform(2.5, 5)):
                timeline.after(begin, partial(station.go, node))
                timeline.after(begin + self._random.uniform(0.1, 1), partial(station.go, self._node()))

    def stop_store(self) -> None:
        self._history.store.stop(self._random.uniform(0.5, 12))

    def restart_store(self) -> None:
        self._history.store.crash(self._random.uniform(0.1, 3), keeps_old_copy=False)

    def fail_over(self) -> None:
        self._history.store.crash(self._random.uniform(0.1, 3), keeps_old_copy=True)

    def jump(self) -> None:
        self._history.store.jump(self._random.choice((-30.0, -5.0, 60.0, 3600.0)))
