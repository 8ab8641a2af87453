"""The tickets of the commands that a process follows in the cluster, until nobody uses them any more."""

from typing import Final
from weakref import WeakValueDictionary

from ocpp_core.cluster.queue.settings import ClusterQueueLimits
from ocpp_core.identity import StationKey
from ocpp_transports._driver._interfaces import Runtime
from ocpp_transports._logging._log import Log
from ocpp_transports.outbox._ticket import Ticket

from ._messages import MakeCommand
from ._shared_by_tickets import QueueNode, QueueUse, SharedByTickets
from ._station_tickets import StationTickets
from ._store import QueueStore

__all__ = ["ClusterTickets"]

_RANDOM_BITS: Final = 22


class ClusterTickets(SharedByTickets):
    """The tickets of one server or `ClusterClient`. They outlive its node.

    Args:
        limits: The limits of the queue.
        log: The log of the host.
    """

    def __init__(self, limits: ClusterQueueLimits, log: Log) -> None:
        super().__init__(limits, log)
        self._stations: WeakValueDictionary[str, StationTickets] = WeakValueDictionary()
        self._newest = 0

    def open(self, node: QueueNode, store: QueueStore, runtime: Runtime) -> None:
        """Follow the tickets with an open store."""
        self.begin_use(node, store, runtime)
        for station in tuple(self._stations.values()):
            station.changed()

    def close(self) -> None:
        """Follow nothing more; tasks that wait get ClosedError. Idempotent."""
        self.end_use()
        for station in tuple(self._stations.values()):
            station.closed()

    def of(self, name: str, key: StationKey) -> StationTickets:
        """Return the tickets of a station."""
        station = self._stations.get(name)
        if station is None:
            station = self._stations[name] = StationTickets(self, name, key)
        return station

    def enqueue(self, name: str, key: StationKey, make: MakeCommand) -> Ticket:
        """Store a command for a station and return its ticket.

        Raises:
            ClosedError: The node is not open.
            CallDroppedError: Too many commands are not stored yet.
            ValueError: The command is larger than the queue of a station may be.
            RuntimeError: The node belongs to another event loop.
        """
        use = self.expect_open("enqueue")
        command = make(self._new_number(use), use.node.id)
        if command.size > self.limits.size_bytes:
            raise ValueError(f"expected a command of at most {self.limits.size_bytes} bytes, got {command.size}")
        return self.of(name, key).enqueue(command)

    def _new_number(self, use: QueueUse) -> int:
        """Return the number of a new ticket: milliseconds of the wall clock, and random bits."""
        at = int(use.runtime.wall() * 1000) << _RANDOM_BITS
        self._newest = max(self._newest + 1, at | use.random.getrandbits(_RANDOM_BITS))
        return self._newest

    def settled(self, name: str) -> None:
        """Read the outcomes of a station: one is reported."""
        station = self._stations.get(name)
        if station is not None:
            station.changed()
