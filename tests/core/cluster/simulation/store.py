"""A store with faults: it stops, restarts without its data, fails over to an older copy, and its clock jumps."""

from collections.abc import Callable, Sequence
from pickle import dumps, loads
from typing import Any

from ocpp_core.cluster.records import ClusterOwner, Found, NodeId
from ocpp_core.cluster.registry.table import RegistryTable

from .calls.streams import StreamTable
from .timeline import Timeline
from .watch import Watch

EPOCH = 1_700_000_000.0
"""The time of the store at the virtual time 0, in seconds."""


class SimulatedStore:
    """A store whose data is a `RegistryTable`; the watch sees everything it does."""

    def __init__(self, timeline: Timeline, watch: Watch, identities: tuple[str, ...], *, lease: float) -> None:
        self._timeline = timeline
        self._watch = watch
        self._identities = identities
        self._lease = lease
        self._lives = 0
        self._jump = 0.0
        self._queue: list[Callable[[], None]] = []
        self._stopped = 0
        self.is_down = False
        """True while it refuses connections."""
        self.table = self._new_table()
        """The data."""
        self.streams = StreamTable()
        """What nodes have written to each other."""
        self._copies = [dumps((self.table, self.streams))]

    def _new_table(self) -> RegistryTable:
        self._lives += 1
        return RegistryTable(4, f"life {self._lives}", lease=self._lease)

    @property
    def now(self) -> float:
        """The time of the store, in seconds."""
        return EPOCH + self._timeline.now + self._jump

    # Faults

    def stop(self, seconds: float) -> None:
        """Handle nothing for a while, then everything that came."""
        self._stopped += 1
        self._timeline.after(seconds, self._wake)

    def _wake(self) -> None:
        self._stopped -= 1
        if not self._stopped:
            queue, self._queue = self._queue, []
            for command in queue:
                command()

    def crash(self, seconds: float, *, keeps_old_copy: bool) -> None:
        """Lose what is not handled, refuse connections for a while, and come back with old data or none."""
        self.is_down = True
        self._queue.clear()
        self.table, self.streams = self._old_copy() if keeps_old_copy else (self._new_table(), StreamTable())
        self._watch.reverted(self.owners())
        self._timeline.after(seconds, self._start)

    def _start(self) -> None:
        self.is_down = False

    def _old_copy(self) -> tuple[RegistryTable, StreamTable]:
        self._lives += 1
        table, streams = loads(self._copies[0])
        table.generation = f"life {self._lives}"
        return table, streams

    def jump(self, seconds: float) -> None:
        """Set the clock."""
        self._jump += seconds

    def housekeep(self) -> None:
        """Copy the data, as a replica that lags behind does."""
        self._copies = [*self._copies[-2:], dumps((self.table, self.streams))]

    def sweep(self) -> None:
        """Clear up after dead nodes, as a node does whose clock does not jump."""
        self.table.sweep(self.now, self._timeline.now)

    def owners(self) -> list[tuple[str, ClusterOwner | None]]:
        """The owner of each station."""
        return list(zip(self._identities, self.table.check(self._identities), strict=True))

    # Commands

    def receive(self, command: Callable[[], Any], answer: Callable[[Any], None]) -> None:
        """Handle a command now or after the stop, and answer it."""

        def handle() -> None:
            if not self.is_down:
                answer(command())

        if self._stopped:
            self._queue.append(handle)
        else:
            handle()

    def renew(self, node: NodeId) -> Any:
        return self.table.renew(node, None, self.now)

    def claim(self, identity: str, node: NodeId) -> Any:
        answer = self.table.claim(identity, node, int(self.now * 1e6))
        self._watch.claimed(identity, ClusterOwner(node, answer.fence), self.table.buckets)
        return answer

    def restore(self, identity: str, node: NodeId, fence: int) -> Any:
        before = self.table.check([identity])[0]
        answer = self.table.restore(identity, node, fence)
        owner = self.table.check([identity])[0]
        self._watch.restored(identity, before, owner)
        if owner is not None and owner.node == node:
            self._watch.granted(identity, owner, self.table.buckets)
        return answer

    def release(self, identity: str, node: NodeId, fence: int) -> bool:
        before = self.table.check([identity])[0]
        was_removed = self.table.release(identity, node, fence)
        is_gone = self.table.check([identity])[0] is None
        self._watch.released(identity, before, ClusterOwner(node, fence), is_gone=is_gone)
        return was_removed

    def find(self, identity: str) -> Found | None:
        return self.table.find(identity, self.now)

    def has_lease(self, node: NodeId) -> bool:
        lease = self.table._leases.get(node)  # of an entry of the registry, `find` would return it
        return lease is not None and self.now < lease.until

    def check(self, identities: Sequence[str]) -> list[ClusterOwner | None]:
        return self.table.check(identities)
