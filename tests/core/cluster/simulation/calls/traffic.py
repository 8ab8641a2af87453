"""The calls of a history: random ones during the faults, and one from each node to each station after them."""

from collections.abc import Mapping, Sequence
from functools import partial
from random import Random
from typing import Final

from tests.core.cluster.simulation.station import SimulatedStation
from tests.core.cluster.simulation.timeline import Timeline
from tests.core.cluster.simulation.watch import BrokenInvariantError

from .ledger import CallLedger
from .node import CallingNode

CALLS: Final = 150
"""Random calls of a history."""
PATIENCE: Final = 10.0
"""Seconds of a call after the faults."""
_OVERTAKEN: Final = "the answer of its node was lost"
"""In the outcome of a call whose answer was overtaken by that to a probe: here probes are frequent, and frames overtake
others."""


class Traffic:
    """Starts calls, each at a node without a connection of its station: others call the station directly."""

    def __init__(
        self, timeline: Timeline, random: Random, nodes: Mapping[str, CallingNode], ledger: CallLedger
    ) -> None:
        self._timeline = timeline
        self._random = random
        self._nodes = nodes
        self._ledger = ledger
        self._expected: dict[int, str] = {}

    def schedule(self, identities: Sequence[str], until: float) -> None:
        """Set when the random calls begin, from now to a time in virtual seconds."""
        for _ in range(CALLS):
            identity = self._random.choice(identities)
            self._timeline.after(self._random.uniform(3, until), partial(self.call, identity))

    def call(self, identity: str) -> None:
        """Call a station; one of 20 calls is abandoned."""
        callers = [each for each in self._nodes.values() if each.connection_of(identity) is None]
        if callers:
            self._start(self._random.choice(callers), identity, self._random.choice((0.5, 5.0, 30.0)))

    def _start(self, node: CallingNode, identity: str, seconds: float) -> None:
        abandoned = self._random.uniform(0, 2) if self._random.random() < 0.05 else None

        def start() -> None:
            call = node.calling.start(identity, seconds)
            if abandoned is not None:
                self._timeline.after(abandoned, node.in_this_life(partial(node.calling.abandon, call)))

        node.do(start)

    def call_all(self, stations: Sequence[SimulatedStation]) -> None:
        """Call each station from each other node; the calls of the last time must be answered if it is connected."""
        self._expected.clear()
        for station in stations:
            station.is_patient = True
            for node in self._nodes.values():
                if node is not station.node:
                    call = node.calling.start(station.identity, PATIENCE)
                    if station.is_admitted:
                        self._expected[call] = f"{station.identity} from {node.id}"

    def judge_end(self) -> None:
        """Check that the calls after the faults were answered, and that nothing is left."""
        for call, what in self._expected.items():
            if not self._ledger.has_answer(call) and _OVERTAKEN not in self._ledger.outcome(call):
                raise BrokenInvariantError(f"end: call {call} of {what} ended with {self._ledger.outcome(call)}")
        for node in self._nodes.values():
            if left := len(node.calling.engine) + len(node.executing.engine):
                raise BrokenInvariantError(f"end: {node.id} still has {left} calls in progress")
