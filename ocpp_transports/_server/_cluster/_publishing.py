"""The events of a server for other programs of its cluster."""

from collections.abc import Callable

from ocpp_core.cluster.records import NodeId
from ocpp_transports._logging._log import Log
from ocpp_transports._runtime._base import SocketRuntime
from ocpp_transports.cluster._events._observing import EventWriter, ObservedStation
from ocpp_transports.cluster._events._publisher import EventPublisher
from ocpp_transports.cluster._events._settings import EventsOut
from ocpp_transports.cluster._settings import Cluster
from ocpp_transports.events import ConnectionEvent

__all__ = ["EventPublishing"]


class EventPublishing:
    """Writes the events of a server to a stream of its cluster, while the server is open.

    Args:
        cluster: The cluster.
        settings: Which events.
        log: The log of the server.
        dropped: Called for each event that will not be written.
    """

    def __init__(self, cluster: Cluster, settings: EventsOut, log: Log, dropped: Callable[[], None]) -> None:
        self.settings: EventsOut = settings
        """Which events."""
        self._cluster = cluster
        self._log = log
        self._dropped = dropped
        self._publisher: EventPublisher | None = None  # these two while the server is used
        self._writer: EventWriter | None = None

    def start(self, runtime: SocketRuntime, node: NodeId) -> None:
        """Begin to collect events in this event loop, under the name of a node."""
        events = self._cluster.events_backend.new_events(self._cluster.timeout)
        publisher = EventPublisher(node, self.settings, events, runtime, self._log, self._dropped)
        self._writer = EventWriter(
            self.settings, runtime.wall, lambda line, is_message: publisher.add(line, is_message=is_message)
        )
        self._publisher = publisher

    def open(self) -> None:
        """Begin to write, unless it has begun; the store need not be reachable."""
        if self._publisher is not None:
            self._publisher.open()

    async def close(self) -> None:
        """Write what is left, for at most the timeout of the cluster."""
        publisher, self._publisher = self._publisher, None
        self._writer = None
        if publisher is not None:
            await publisher.aclose(self._cluster.timeout)

    def observe(self, event: ConnectionEvent, station: ObservedStation | None) -> None:
        """Write an event of the server."""
        if self._writer is not None:
            self._writer.observe(event, station)
