"""Streams in the store, one for each process, as the carrier over Redis has them.

They are lost with the data of the store, and may return in an older copy, with entries that were read before. The
store writes a frame only while the lease of its receiver lasts. A sender looks at the leases of its receivers, and
takes a process without one for lost.
"""

from collections.abc import Sequence
from functools import partial
from random import Random
from typing import Any

from ocpp_core.cluster.calls.caller_inputs import WriteResult
from ocpp_core.cluster.records import NodeId
from tests.core.cluster.simulation.store import SimulatedStore
from tests.core.cluster.simulation.timeline import Timeline

from .carrier import Ended
from .node import CallingNode
from .streams import Entry

POLL = 1.0
"""Seconds between two reads, and two looks at leases."""


class StoreStreams:
    """Carries frames through the store."""

    def __init__(self, timeline: Timeline, random: Random, store: SimulatedStore) -> None:
        self._timeline = timeline
        self._random = random
        self._store = store
        self._readers: dict[NodeId, _Reader] = {}

    def send(self, sender: CallingNode, node: NodeId, frame: bytes, ended: Ended | None = None) -> None:
        """Write a frame, in one step with the look at the lease of its receiver."""
        reader, me = self._readers[sender.id], sender.id

        def answered(is_written: Any) -> None:
            if is_written:
                reader.peers[node] = None
            if ended is not None:
                ended(WriteResult.SENT if is_written else WriteResult.NOT_SENT)

        def failed(is_written: bool) -> None:
            if ended is not None:
                ended(WriteResult.UNKNOWN if is_written else WriteResult.NOT_SENT)

        sender.ask(partial(self._append, me, node, frame), answered, failed)

    def _append(self, sender: NodeId, node: NodeId, frame: bytes) -> bool:
        if not self._store.has_lease(node):
            return False
        self._store.streams.append(node, (sender, frame), self._store.now)
        if (reader := self._readers.get(node)) is not None:
            self._timeline.after(0.002, reader.wake)
        return True

    def answer(self, sender: CallingNode, node: NodeId, frame: bytes) -> None:
        """Write a frame."""
        self.send(sender, node, frame)

    def started(self, node: CallingNode) -> None:
        """Let a process read its stream."""
        self._readers[node.id] = _Reader(node, self._timeline, self._random, self._store)

    def ended(self, node: CallingNode) -> None:
        """Let nobody read the stream of a process."""
        del self._readers[node.id]


class _Reader:
    """Reads the stream of a process, and looks at the leases of those that it has written to."""

    def __init__(self, node: CallingNode, timeline: Timeline, random: Random, store: SimulatedStore) -> None:
        self.peers: dict[NodeId, None] = {}
        self._node = node
        self._timeline = timeline
        self._store = store
        self._last = (0, 0)
        self._life = ""
        self._is_reading = False
        self.wake = node.in_this_life(self._read)
        self._repeat = node.in_this_life(self._poll)
        timeline.after(random.uniform(0, POLL), self._repeat)

    def _poll(self) -> None:
        self._timeline.after(POLL, self._repeat)
        self._read()
        if self.peers:
            peers = tuple(self.peers)
            self._node.ask(lambda: [each for each in peers if not self._store.has_lease(each)], self._lost, _nothing)

    def _lost(self, peers: Sequence[NodeId]) -> None:
        for each in peers:
            if self.peers.pop(each, self) is None:
                self._node.lost(each)

    def _read(self) -> None:
        if not self._is_reading:
            self._is_reading = True
            self._node.ask(partial(self._entries, self._last, self._life), self._received, self._failed)

    def _entries(self, last: tuple[int, int], life: str) -> tuple[str, tuple[int, int], list[Entry]]:
        """Return what follows the last entry that was read; everything if the stream was lost with the data."""
        streams, generation = self._store.streams, self._store.table.generation
        if life != generation and streams.newest(self._node.id) < last:
            last = (0, 0)
        return generation, last, streams.read(self._node.id, last)

    def _received(self, found: tuple[str, tuple[int, int], list[Entry]]) -> None:
        self._is_reading = False
        self._life, self._last, entries = found
        for number, (sender, frame) in entries:
            self._last = number
            self._node.receive(sender, frame)

    def _failed(self, is_written: bool) -> None:
        self._is_reading = False


def _nothing(is_written: bool) -> None:
    """Look again later."""
