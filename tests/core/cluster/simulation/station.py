"""A station: it connects to any node, and moves; half of its old connections stay half open for ever."""

from collections.abc import Callable, Sequence
from functools import partial
from random import Random

from .connection import Connection
from .node import SimulatedNode
from .timeline import Timeline


class SimulatedStation:
    """A station that wants to be connected until it leaves."""

    def __init__(self, identity: str, timeline: Timeline, random: Random, nodes: Sequence[SimulatedNode]) -> None:
        self.identity = identity
        self.node: SimulatedNode | None = None
        """The node of its connection; None without one."""
        self.connection: Connection | None = None
        """The connection or handshake; None without one."""
        self.is_admitted = False
        self.is_patient = False
        """True to respond to each CALL."""
        self._stays = True
        self._timeline = timeline
        self._random = random
        self._nodes = nodes
        timeline.after(random.uniform(0, 3), self._connect)

    def _connect(self) -> None:
        if self._stays and self.connection is None:
            self._connect_to(self._random.choice(self._nodes))

    def _connect_to(self, node: SimulatedNode) -> None:
        connection = Connection(
            self.identity,
            admitted=lambda: self._admitted(connection),
            closed=lambda: self._closed(connection),
            called=lambda respond: self._called(connection, respond),
        )
        self.node, self.connection, self.is_admitted = node, connection, False
        if not node.is_alive:
            self._timeline.after(0.02, connection.closed)
            return
        self._timeline.after(5.0, partial(self._give_up, connection))
        node.do(partial(node.connect, connection))

    def _admitted(self, connection: Connection) -> None:
        if connection is self.connection:
            self.is_admitted = True

    def _give_up(self, connection: Connection) -> None:
        if connection is self.connection and not self.is_admitted:
            self.drop(is_silent=False)

    def _closed(self, connection: Connection) -> None:
        if connection is self.connection:
            self.node = self.connection = None
            self.is_admitted = False
            self._timeline.after(self._random.uniform(0.1, 3), self._connect)

    def _called(self, connection: Connection, respond: Callable[[], None]) -> None:
        """Respond to a CALL, most of the time; or lose the connection, or do nothing."""
        if connection is not self.connection:
            return  # half open: the station does not see it
        draw = self._random.random()
        if draw < 0.8 or self.is_patient:
            self._timeline.after(self._random.choice((0.01, 0.01, 1.0)) * self._random.random(), respond)
        elif draw < 0.9:
            self.drop(is_silent=self._random.random() < 0.5)

    def drop(self, *, is_silent: bool, within: float = 1.0) -> None:
        """Lose the connection and connect again; unless it is silent, its node notices it within some seconds."""
        node, connection = self.node, self.connection
        if node is None or connection is None:
            return
        self._closed(connection)
        if not is_silent:
            lose = partial(node.lose, connection)
            self._timeline.after(self._random.uniform(0, within), partial(node.do, lose))

    def go(self, node: SimulatedNode) -> None:
        """Connect to a node; the old connection stays half open."""
        if self._stays:
            self.node = self.connection = None
            self._connect_to(node)

    def leave(self, *, is_silent: bool, within: float = 1.0) -> None:
        """Disconnect for good."""
        self._stays = False
        self.drop(is_silent=is_silent, within=within)
