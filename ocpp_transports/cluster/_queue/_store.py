"""The interface of a store of queued commands. One belongs to one node, from `open` to `aclose`.

Every method ends within the timeout of the cluster, and may be repeated after an error.
"""

from typing import Protocol, runtime_checkable

from ocpp_core.cluster.queue.records import CommandStatus, EnqueueAnswer, NewCommand, SettledCommand, TakeAnswer
from ocpp_core.cluster.queue.settings import ClusterQueueLimits
from ocpp_core.cluster.records import ClusterOwner, NodeId
from ocpp_core.errors import StoreError

__all__ = ["QueueBackend", "QueueStore", "QueueUnavailableError"]


class QueueUnavailableError(StoreError):
    """The queue of the cluster did not answer, or refused.

    Pass the same `key` to `enqueue` to try again without storing the command twice.
    """

    def __init__(self, message: str, may_be_stored: bool = False) -> None:
        super().__init__(message)
        self.may_be_stored: bool = may_be_stored
        """True if the command may be stored, so that it may be sent; False if it certainly is not."""


class QueueStore(Protocol):
    """Where the commands for stations are kept.

    Every method raises `QueueUnavailableError` without an answer, and `ForeignDataError` for data of other programs.
    The news that it returns are the commands that were settled: their nodes are to be told.
    """

    async def open(self, node: NodeId) -> None:
        """Connect for a node."""

    async def enqueue(self, station: str, command: NewCommand, limits: ClusterQueueLimits) -> EnqueueAnswer:
        """Store a command, see `QueueTable.enqueue`."""

    async def take(self, station: str, token: str, fence: int, patience: float) -> TakeAnswer:
        """Mark the next command, if this node has the station with this fence; see `QueueTable.take`."""

    async def settle(
        self, station: str, token: str, number: int | None, outcome: str | None
    ) -> tuple[SettledCommand, ...]:
        """Settle a marked command or give it back, see `QueueTable.settle`."""

    async def cancel(self, station: str, number: int) -> tuple[SettledCommand, ...]:
        """Settle a command as cancelled, see `QueueTable.cancel`."""

    async def look(self, station: str) -> tuple[list[CommandStatus], ClusterOwner | None, tuple[SettledCommand, ...]]:
        """Return the commands and outcomes of a station, the node that has it, and the news."""

    async def acknowledge(self, station: str, number: int) -> tuple[SettledCommand, ...]:
        """Forget an outcome, see `QueueTable.acknowledge`."""

    async def aclose(self) -> None:
        """Disconnect. Idempotent."""


@runtime_checkable
class QueueBackend(Protocol):
    """What the nodes of a cluster share, if it can keep commands."""

    def new_queue(self, timeout: float) -> QueueStore:
        """Return a store for one node; nothing is opened yet. `timeout` is in seconds."""
