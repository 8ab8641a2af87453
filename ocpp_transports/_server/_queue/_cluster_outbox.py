"""The commands of a server in a cluster: they are in the cluster, and this server delivers to its own stations."""

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from ocpp_core.identity import StationKey, expect_station_key
from ocpp_core.inbound.directions import MakeDirections
from ocpp_core.outbound.station_calls import StationCalls
from ocpp_core.session import Session
from ocpp_transports._driver._driver import Driver
from ocpp_transports._driver._interfaces import Runtime
from ocpp_transports._options._connection import PeerOptions
from ocpp_transports._options._server import ServerOptions
from ocpp_transports._server._stations._registry import ConnectionRegistry
from ocpp_transports.cluster._queue._messages import new_command
from ocpp_transports.cluster._queue._node_queue import NodeQueue
from ocpp_transports.cluster._queue._tickets import ClusterTickets
from ocpp_transports.handshake import Handshake
from ocpp_transports.outbox._ticket import Ticket

from ._beginning import Beginning
from ._delivery import Delivery
from ._queued_command import QueuedCommands
from ._reading import EnqueueReader

if TYPE_CHECKING:
    from ocpp_transports.outbox._ticket_stream import TicketStream

__all__ = ["ClusterOutbox"]

_TICKETS_OF = "use `await server.tickets_of(identity)`"


class ClusterOutbox:
    """The commands of one server.

    Args:
        options: The options of the server.
        registry: The connections of the server.
        tickets: The tickets of the server, which its node follows.
        queue: Function that returns the queue of the node; None while the server is not in use.
    """

    def __init__(
        self,
        options: ServerOptions,
        registry: ConnectionRegistry,
        tickets: ClusterTickets,
        queue: Callable[[], NodeQueue | None],
    ) -> None:
        self._options = options
        self._registry = registry
        self._tickets = tickets
        self._queue = queue
        self._reader = EnqueueReader(options)
        self.directions: MakeDirections = self._reader.directions
        """Makes the directions of each connection."""

    # The node opens and closes the queue

    def start(self, runtime: Runtime) -> None:
        """Do nothing: the node begins."""

    async def open_store(self) -> None:
        """Do nothing: the node opens the queue."""

    async def close(self) -> None:
        """Do nothing: the node closes the queue."""

    def set_options(self, options: ServerOptions) -> None:
        """Use other options."""
        self._options = self._reader.options = options

    # Stations

    def delivery(
        self, handshake: Handshake, session: Session, driver: Driver[Any], protocol: str, *, must_register: bool
    ) -> Delivery | None:
        """Begin to deliver the commands of a station on a new connection."""
        queue = self._queue()
        if queue is None or not isinstance(session.calls, StationCalls):
            return None
        name = self._registry.name_of(handshake.identity, handshake.namespace)
        connection = QueuedCommands(name, session.calls, protocol, driver, queue)
        beginning = Beginning(self._registry, self._options)
        return beginning.delivery(connection, handshake, driver, protocol, must_register=must_register)

    def enqueue(
        self,
        station: StationKey,
        args: tuple[Any, ...],
        options: Mapping[str, Any],
        spoken: Collection[str],
        rules: PeerOptions | None,
    ) -> Ticket:
        """Store a command for a station and return its ticket. Raises what `OCPPServer.enqueue` raises."""
        expect_station_key(station)
        message = self._reader.read(args, options, spoken)
        if rules is not None:
            self._reader.expect_valid(message, spoken, rules)
        command = new_command(message.protocol, message.action, message.payload, message.options)
        return self._tickets.enqueue(self._name_of(station), station, command)

    async def tickets_of(self, station: StationKey) -> list[Ticket]:
        """Return the tickets of one station that are not acknowledged, the oldest first."""
        expect_station_key(station)
        return await self._tickets.of(self._name_of(station), station).read()

    @property
    def size(self) -> int:
        """Messages in this process: none, they are in the cluster."""
        return 0

    # What is only possible with all commands in this process

    def queued_for(self, station: StationKey) -> list[Ticket]:
        """Raise RuntimeError."""
        _refuse("list queued messages at once")

    @property
    def queued(self) -> list[Ticket]:
        """Raise RuntimeError."""
        _refuse("list the queued messages of all stations")

    def outcomes(self) -> "TicketStream":
        """Raise RuntimeError."""
        _refuse("read the outcomes of all stations")

    def _name_of(self, station: StationKey) -> str:
        return self._registry.name_of(station.identity, station.namespace)


def _refuse(verb: str) -> NoReturn:
    raise RuntimeError(f"cannot {verb}: they are in the cluster; {_TICKETS_OF}")
