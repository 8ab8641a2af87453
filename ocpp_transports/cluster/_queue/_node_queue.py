"""The queue of one node: it delivers to the node's stations, and follows the tickets of its process."""

from collections.abc import Callable

from ocpp_core.cluster.calls.frames import CommandSettledFrame, CommandStoredFrame
from ocpp_core.cluster.queue.delivery_events import (
    CommandsStored,
    DeliveryConnected,
    DeliveryDisconnected,
    DeliveryRegistered,
)
from ocpp_core.cluster.records import NodeId
from ocpp_core.messages import is_unicode
from ocpp_transports._driver._interfaces import Runtime
from ocpp_transports._logging._log import Log

from ._deliveries import CommandSender, Deliveries
from ._store import QueueStore
from ._tickets import ClusterTickets

__all__ = ["NodeQueue"]


class NodeQueue:
    """The queue of a node, from `open` to `aclose`.

    Args:
        node: The node.
        store: The queue in the cluster.
        tickets: The tickets of the process.
        runtime: The event loop.
        log: The log of the host.
        believes: Function that returns the fence of a station that the node has for certain, or None.
        report: Function that sends a frame to another node.
    """

    def __init__(
        self,
        node: NodeId,
        store: QueueStore,
        tickets: ClusterTickets,
        runtime: Runtime,
        log: Log,
        believes: Callable[[str, float], int | None],
        report: Callable[[NodeId, CommandStoredFrame | CommandSettledFrame], None],
    ) -> None:
        self.id: NodeId = node
        self._store = store
        self._tickets = tickets
        self._runtime = runtime
        self._deliveries = Deliveries(node, store, runtime, log, believes, tickets.noted)
        self._report = report

    async def open(self) -> None:
        """Open the store, and follow the tickets."""
        await self._store.open(self.id)
        self._tickets.open(self, self._store, self._runtime)

    async def aclose(self) -> None:
        """Wait a while until everything is stored, then disconnect."""
        try:
            await self._tickets.stored()
            await self._deliveries.aclose()
        finally:
            self._tickets.close()
            await self._store.aclose()

    def connected(self, name: str, connection: CommandSender) -> None:
        """Note the newest connection of a station."""
        if is_unicode(name):  # nothing is enqueued for others
            self._deliveries.feed(DeliveryConnected(name, connection))

    def registered(self, name: str, connection: CommandSender, *, is_registered: bool) -> None:
        """Deliver to a station from now on, or deliver nothing."""
        self._deliveries.feed(DeliveryRegistered(name, connection, is_registered))

    def disconnected(self, name: str, connection: CommandSender) -> None:
        """Note the end of a connection."""
        self._deliveries.feed(DeliveryDisconnected(name, connection))

    def report(self, node: NodeId, frame: CommandStoredFrame | CommandSettledFrame) -> None:
        """Report something to a node, which may be this one."""
        if node == self.id:
            self.changed(frame)
        else:
            self._report(node, frame)

    def changed(self, frame: CommandStoredFrame | CommandSettledFrame) -> None:
        """Take a report."""
        if isinstance(frame, CommandStoredFrame):
            self._deliveries.feed(CommandsStored(frame.identity))
        else:
            self._tickets.settled(frame.identity)
