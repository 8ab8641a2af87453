"""Random faults of a cluster.

Each history is blind to all kinds of faults but one, which it has more often: a mistake that one fault reveals drowns
in the effects of the others.
"""

from collections.abc import Callable
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Final, TypeAlias

from .calls.node import CallingNode

if TYPE_CHECKING:
    from .history import History

Fault: TypeAlias = Callable[[], None]
EMPHASIS: Final = 1 / 3
"""The share of the faults of a history that are of its favourite kind."""


class Faults:
    """Chooses the faults of a history; all of them end before its calm."""

    def __init__(self, random: Random, history: "History") -> None:
        self._random = random
        self._history = history
        self.count = 0
        """Faults so far."""

    def schedule(self, until: float) -> None:
        """Set when the faults happen, from now to a time in virtual seconds."""
        rare: list[Fault] = [self.stop_store, self.restart_store, self.fail_over, self.jump]
        common: list[Fault] = [self.stop_node, self.kill_node, self.cut_node, self.slow_then_cut, self.slow_and_hasty]
        of_calls: list[Fault] = [self.bounce, self.stop_at_write, self.kill_at_write, self.cut_at_write]
        kinds = [*(self.move,) * 10, *common * 2, *of_calls, *rare]
        favourite = self._random.choice([self.move, *common, *of_calls, *rare])
        for _ in range(self._random.randint(40, 70)):
            fault = favourite if self._random.random() < EMPHASIS else self._random.choice(kinds)
            self._history.timeline.after(self._random.uniform(5, until - 45), partial(self._happen, fault))

    def _happen(self, fault: Fault) -> None:
        self.count += 1
        self._history.note(f"fault: {fault.__name__}")
        fault()

    def _node(self) -> CallingNode:
        return self._history.nodes[self._random.choice(sorted(self._history.nodes))]

    def _server(self) -> CallingNode:
        return self._random.choice(self._history.servers)

    # Stations

    def move(self) -> None:
        """A station loses its connection; half of the nodes never notice."""
        self._random.choice(self._history.stations).drop(is_silent=self._random.random() < 0.5)

    def bounce(self) -> None:
        """A station moves to another node and back, while it is called."""
        station, timeline = self._random.choice(self._history.stations), self._history.timeline
        node = station.node
        if node is None:
            return
        back = self._random.uniform(0.1, 3)
        station.go(self._server())
        timeline.after(back, partial(station.go, node))
        for _ in range(4):
            timeline.after(self._random.uniform(0, back + 1), partial(self._history.traffic.call, station.identity))

    # Nodes

    def stop_node(self) -> None:
        node = self._node()
        if node.is_alive:
            node.stop(self._random.uniform(1, 30))

    def kill_node(self) -> None:
        """A process dies, its stations notice it later, and another one starts."""
        self._kill(self._node(), self._random.uniform(0.5, 15))

    def _kill(self, node: CallingNode, seconds: float) -> None:
        if node.is_running:
            for connection in node.kill():
                self._history.timeline.after(self._random.uniform(0, 20), connection.closed)
            self._history.timeline.after(seconds, node.start)

    def cut_node(self) -> None:
        """A node reaches neither the store nor other nodes."""
        self._cut(self._node(), self._random.uniform(1, 25))

    def _cut(self, node: CallingNode, seconds: float) -> None:
        self._history.network.cut(node.name)
        self._history.timeline.after(seconds, partial(self._history.network.heal, node.name))

    # Nodes, in the midst of a call

    def stop_at_write(self) -> None:
        """A process is stopped after it has accepted a request, and before it writes the CALL."""
        node = self._server()
        self._at_write(node, partial(node.stop, self._random.uniform(1, 30)), is_after=False)

    def kill_at_write(self) -> None:
        """A process dies after it has written a CALL, and another one starts at once."""
        node = self._server()
        self._at_write(node, partial(self._kill, node, self._random.uniform(0.1, 2)), is_after=True)

    def cut_at_write(self) -> None:
        """A node is cut off after it has written a CALL: its answer does not arrive."""
        node = self._server()
        self._at_write(node, partial(self._cut, node, self._random.uniform(1, 25)), is_after=True)

    def _at_write(self, node: CallingNode, fault: Fault, *, is_after: bool) -> None:
        node.executing.interrupt(fault, is_after=is_after)

    # Answers of the store

    def slow_then_cut(self) -> None:
        """The answers of the store take long, then a node is cut off while one of its stations moves."""
        node, network, timeline = self._server(), self._history.network, self._history.timeline
        network.reply_delays[node.name] = 1.2, 1.95
        seconds = self._random.uniform(4, 7)
        timeline.after(seconds, partial(self._cut, node, self._random.uniform(10, 15)))
        timeline.after(seconds, partial(network.reply_delays.pop, node.name, None))
        for station in self._history.stations:
            if station.node is node:
                timeline.after(seconds - 0.01, partial(station.drop, is_silent=True))

    def slow_and_hasty(self) -> None:
        """Answers of the store overtake each other, while stations come to a node and leave at once."""
        node, network, timeline = self._server(), self._history.network, self._history.timeline
        network.reply_delays[node.name] = 0.0, 1.95
        timeline.after(6.0, partial(network.reply_delays.pop, node.name, None))
        for station in self._history.stations:
            for begin in (self._random.uniform(0, 2), self._random.uniform(2.5, 5)):
                timeline.after(begin, partial(station.go, node))
                timeline.after(begin + self._random.uniform(0.1, 1), partial(station.go, self._server()))

    # The store

    def stop_store(self) -> None:
        self._history.store.stop(self._random.uniform(0.5, 12))

    def restart_store(self) -> None:
        self._history.store.crash(self._random.uniform(0.1, 3), keeps_old_copy=False)

    def fail_over(self) -> None:
        self._history.store.crash(self._random.uniform(0.1, 3), keeps_old_copy=True)

    def jump(self) -> None:
        self._history.store.jump(self._random.choice((-30.0, -5.0, 60.0, 3600.0)))
