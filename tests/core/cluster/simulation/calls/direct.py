"""Streams from process to process, as TCP has them: in order, without doubles, and with an end that both notice.

What was written before the end may or may not have arrived. A stream through a cut network waits; it ends if the
network is not healed in time. The process that opened it is then told that the other one answers nothing.
"""

from collections import deque
from collections.abc import Callable
from functools import partial
from random import Random

from ocpp_core.cluster.calls.caller_inputs import WriteResult
from ocpp_core.cluster.records import NodeId
from tests.core.cluster.simulation.network import Network
from tests.core.cluster.simulation.timeline import Timeline

from .carrier import Ended, Nodes, name_of
from .node import CallingNode

SILENCE = 4.0
"""Seconds without the network after which a stream ends."""
LATENCY = 0.003
"""Seconds that a frame is on its way."""


class _Stream:
    """A stream that one process opened to another; frames go in both directions."""

    def __init__(self, opener: CallingNode, target: CallingNode) -> None:
        self.is_open = True
        self.ends = {opener.id: opener, target.id: target}
        self.lost = opener.in_this_life(partial(opener.lost, target.id))
        self.frames: deque[tuple[float, NodeId, NodeId, bytes]] = deque()
        """When it was written, sender, receiver, frame."""


class Streams:
    """Carries frames over one stream for each pair of processes and direction."""

    def __init__(self, timeline: Timeline, random: Random, network: Network, nodes: Nodes) -> None:
        self._timeline = timeline
        self._random = random
        self._network = network
        self._nodes = nodes
        self._streams: dict[tuple[NodeId, NodeId], _Stream] = {}

    def send(self, sender: CallingNode, node: NodeId, frame: bytes, ended: Ended | None = None) -> None:
        """Send a frame over a stream to this process, which is opened first if there is none."""
        report = partial(self._report, sender.in_this_life, ended)
        if (sender.id, node) in self._streams:
            self._write(sender, node, frame, report)
        else:
            target = self._nodes[name_of(node)]
            is_reached = target.is_running and not self._network.is_cut(sender.name, target.name)
            dialed = partial(self._dialed, sender, node, frame, report)
            delay = LATENCY if is_reached or not target.is_alive else 2.0
            self._timeline.after(delay, sender.in_this_life(partial(dialed, is_reached)))

    def _dialed(
        self,
        sender: CallingNode,
        node: NodeId,
        frame: bytes,
        report: Callable[[WriteResult], None],
        is_reached: bool,
    ) -> None:
        target = self._nodes[name_of(node)]
        if not is_reached or target.id != node or not target.is_alive:  # the greeting names the process
            report(WriteResult.NOT_SENT)
            return
        self._streams.setdefault((sender.id, node), _Stream(sender, target))
        self._write(sender, node, frame, report)

    def _write(self, sender: CallingNode, node: NodeId, frame: bytes, report: Callable[[WriteResult], None]) -> None:
        stream = self._streams[sender.id, node]
        self._put(stream, sender.id, node, frame)
        if self._random.random() < 0.01 and not self._network.is_calm:  # the stream ends in the midst of it
            self._timeline.after(self._random.choice((0, 2 * LATENCY)), partial(self._end, stream))
            report(WriteResult.UNKNOWN)
        else:
            report(WriteResult.SENT)

    def _report(
        self, in_this_life: Callable[[Callable[[], None]], Callable[[], None]], ended: Ended | None, result: WriteResult
    ) -> None:
        if ended is not None:
            self._timeline.after(self._random.choice((0, 2 * LATENCY)), in_this_life(partial(ended, result)))

    def answer(self, sender: CallingNode, node: NodeId, frame: bytes) -> None:
        """Send a frame over the stream that this process has opened, or over one to it; lose it without both."""
        stream = self._streams.get((node, sender.id)) or self._streams.get((sender.id, node))
        if stream is not None:
            self._put(stream, sender.id, node, frame)

    def _put(self, stream: _Stream, sender: NodeId, node: NodeId, frame: bytes) -> None:
        stream.frames.append((self._timeline.now, sender, node, frame))
        self._timeline.after(LATENCY, partial(self._pump, stream))

    def _pump(self, stream: _Stream) -> None:
        """Deliver what is due, or come back when the network may be healed."""
        while stream.is_open and stream.frames and stream.frames[0][0] + LATENCY <= self._timeline.now + 1e-9:
            if self._network.is_cut(*(end.name for end in stream.ends.values())):
                if stream.frames[0][0] + SILENCE < self._timeline.now:
                    self._end(stream)
                else:
                    self._timeline.after(0.5, partial(self._pump, stream))
                return
            _, sender, receiver, frame = stream.frames.popleft()
            target = stream.ends[receiver]
            target.in_life(receiver, partial(target.receive, sender, frame))

    def _end(self, stream: _Stream) -> None:
        if stream.is_open:
            stream.is_open = False
            opener, target = stream.ends
            del self._streams[opener, target]
            self._timeline.after(LATENCY, stream.lost)

    def started(self, node: CallingNode) -> None:
        """Do nothing: a stream is opened when something is sent."""

    def ended(self, node: CallingNode) -> None:
        """End all streams of a process."""
        for stream in tuple(self._streams.values()):
            if node.id in stream.ends:
                self._end(stream)
