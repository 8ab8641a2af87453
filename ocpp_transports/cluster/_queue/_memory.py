"""The queue of a cluster in memory."""

from collections.abc import Awaitable, Callable
from typing import Final

from ocpp_core.cluster.queue.records import CommandStatus, EnqueueAnswer, NewCommand, SettledCommand, TakeAnswer
from ocpp_core.cluster.queue.settings import ClusterQueueLimits
from ocpp_core.cluster.queue.table import QueueTable
from ocpp_core.cluster.records import ClusterOwner, NodeId
from ocpp_core.cluster.registry.buckets import bucket_of
from ocpp_core.cluster.registry.table import RegistryTable
from ocpp_transports.cluster._store import StoreUnavailableError

from ._store import QueueUnavailableError

__all__ = ["MemoryQueueStore", "MemoryQueues"]

_MILLI: Final = 1000


class MemoryQueues:
    """The queues of all stations, beside the registry that has their owners."""

    def __init__(self, registry: RegistryTable) -> None:
        self.registry = registry
        """Which node has which station."""
        self._buckets = [QueueTable() for _ in range(registry.buckets)]

    def table(self, station: str) -> QueueTable:
        """Return the table that has the queue of a station."""
        return self._buckets[bucket_of(station, len(self._buckets))]

    def owner(self, station: str) -> ClusterOwner | None:
        """Return the node that has a station."""
        return self.registry.check([station])[0]


class MemoryQueueStore:
    """The queue as one node sees it; see `QueueStore`. `reach` waits, and returns the time in seconds."""

    def __init__(self, shared: Callable[[], MemoryQueues], reach: Callable[[], Awaitable[float]]) -> None:
        self._shared = shared
        self._reach = reach
        self._node = NodeId("")

    async def open(self, node: NodeId) -> None:
        """Note the node."""
        self._node = node

    async def enqueue(self, station: str, command: NewCommand, limits: ClusterQueueLimits) -> EnqueueAnswer:
        """Store a command."""
        now, queue = await self._now(), self._shared()
        return queue.table(station).enqueue(station, command, limits, queue.owner(station), now)

    async def take(self, station: str, token: str, fence: int, patience: float) -> TakeAnswer:
        """Mark the next command."""
        now, queue = await self._now(), self._shared()
        is_owner = queue.owner(station) == ClusterOwner(self._node, fence)
        return queue.table(station).take(station, token, patience, now, is_owner=is_owner)

    async def settle(
        self, station: str, token: str, number: int | None, outcome: str | None
    ) -> tuple[SettledCommand, ...]:
        """Settle a marked command or give it back."""
        now = await self._now()
        return self._shared().table(station).settle(station, token, number, outcome, now)

    async def cancel(self, station: str, number: int) -> tuple[SettledCommand, ...]:
        """Settle a command as cancelled."""
        now = await self._now()
        return self._shared().table(station).cancel(station, number, now)

    async def look(self, station: str) -> tuple[list[CommandStatus], ClusterOwner | None, tuple[SettledCommand, ...]]:
        """Return what there is of a station."""
        now, queue = await self._now(), self._shared()
        statuses, news = queue.table(station).look(station, now)
        return statuses, queue.owner(station), news

    async def acknowledge(self, station: str, number: int) -> tuple[SettledCommand, ...]:
        """Forget an outcome."""
        now = await self._now()
        return self._shared().table(station).acknowledge(station, number, now)

    async def aclose(self) -> None:
        """Do nothing: there is no connection."""

    async def _now(self) -> int:
        try:
            return round(await self._reach() * _MILLI)
        except StoreUnavailableError as error:
            raise QueueUnavailableError(f"cannot reach the queue of the cluster: {error}") from None
