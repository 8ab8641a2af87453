"""The worst carrier that the engines must stand: it knows names only, and promises nothing.

It loses, doubles, delays and reorders frames. A frame for a process reaches its successor with the same name. That
a process has ended is reported some time.
"""

from functools import partial
from random import Random

from ocpp_core.cluster.calls.caller_inputs import WriteResult
from ocpp_core.cluster.records import NodeId
from tests.core.cluster.simulation.network import Network
from tests.core.cluster.simulation.timeline import Timeline

from .carrier import Ended, Nodes, name_of
from .node import CallingNode


class Bus:
    """Carries frames by the names of nodes."""

    def __init__(self, timeline: Timeline, random: Random, network: Network, nodes: Nodes) -> None:
        self._timeline = timeline
        self._random = random
        self._network = network
        self._nodes = nodes

    def send(self, sender: CallingNode, node: NodeId, frame: bytes, ended: Ended | None = None) -> None:
        """Send a frame; a process that is known to have ended is not sent most of them."""
        target, is_calm = self._nodes[name_of(node)], self._network.is_calm
        is_gone = target.id != node or not target.is_alive
        result = WriteResult.NOT_SENT
        if not is_gone or self._random.random() < 0.2:
            self.answer(sender, node, frame)
            result = WriteResult.SENT if is_calm or self._random.random() > 0.05 else WriteResult.UNKNOWN
        if ended is not None:
            delay = self._random.uniform(0, 0.1)
            self._timeline.after(delay, sender.in_this_life(partial(ended, result)))

    def answer(self, sender: CallingNode, node: NodeId, frame: bytes) -> None:
        """Send a frame, after a delay that may be long."""
        target, receive = self._nodes[name_of(node)], partial(self._receive, name_of(node), sender.id, frame)
        delay = self._random.choice((0, 0, 0, 1, 10)) * self._random.random() * (not self._network.is_calm)
        self._timeline.after(delay, partial(self._network.send, sender.name, target.name, receive))

    def _receive(self, name: str, sender: NodeId, frame: bytes) -> None:
        target = self._nodes[name]
        target.do(lambda: target.receive(sender, frame))

    def started(self, node: CallingNode) -> None:
        """Do nothing: a successor has the name of its predecessor."""

    def ended(self, node: CallingNode) -> None:
        """Report the end of a process to the others, each at its own time."""
        for other in self._nodes.values():
            if other is not node:
                lost = other.in_this_life(partial(other.lost, node.id))
                self._timeline.after(self._random.uniform(0, 5), lost)
