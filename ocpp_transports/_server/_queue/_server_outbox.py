"""The outboxes of a server: commands for stations that are away."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, ClassVar, Final, cast

from ocpp_core.durable.stations import StationOutboxes
from ocpp_core.durable.totals import OutboxLimits
from ocpp_core.errors import StoreError
from ocpp_core.identity import StationKey, expect_station_key
from ocpp_core.inbound.directions import MakeDirections
from ocpp_core.outbound.station_calls import StationCalls
from ocpp_core.outbox.commands import Enqueue
from ocpp_core.outbox.effects import OutboxReportKind
from ocpp_core.session import Session
from ocpp_transports._driver._driver import Driver
from ocpp_transports._driver._interfaces import Runtime
from ocpp_transports._logging._log import Log
from ocpp_transports._options._connection import PeerOptions
from ocpp_transports._options._server import ServerOptions
from ocpp_transports._peer._outbox_host import OutboxHost
from ocpp_transports._server._stations._registry import ConnectionRegistry
from ocpp_transports.handshake import Handshake
from ocpp_transports.outbox._choice import StoreChoice, store_of
from ocpp_transports.outbox._ticket import Ticket
from ocpp_transports.outbox._use import StoreUse

from ._beginning import Beginning
from ._delivery import Delivery, OutboxConnection
from ._driver import StationsDriver
from ._reading import EnqueueReader

__all__ = ["ServerOutbox"]


_BETWEEN: Final = "\n"
"""Separates namespace and identity in the name of a peer: no identity has control characters."""


class ServerOutbox(OutboxHost):
    """The outboxes of one server. They outlive its engines, as their tickets do.

    Args:
        options: The options of the server.
        registry: The connections of the server.
        log: The log of the server.
        failed: Function that gets the error if the store fails.
    """

    opened_by: ClassVar[str] = "listen()"
    _has_peers: ClassVar[bool] = True
    _not_logged: ClassVar[Collection[OutboxReportKind]] = (*OutboxHost._not_logged, OutboxReportKind.GIVEN_UP)

    def __init__(
        self, options: ServerOptions, registry: ConnectionRegistry, log: Log, *, failed: Callable[[StoreError], None]
    ) -> None:
        choice = cast("StoreChoice", options.offline_queue)  # one in a cluster has another outbox
        super().__init__(store_of(choice), log, is_stopped=lambda: False, failed=failed)
        self._options = options
        self._registry = registry
        self._driver: StationsDriver | None = None
        self._reader = EnqueueReader(options)
        self.directions: MakeDirections = self._reader.directions
        """Makes the directions of each connection."""

    def start(self, runtime: Runtime) -> None:
        """Make the engine for a use of the server in this event loop."""
        self._driver = driver = StationsDriver(runtime, self._perform)
        options = self._options
        driver.engine = StationOutboxes(
            options.queue_config,
            _limits(options),
            ids=runtime.sources.ids(options.ids),
            name_of=self._name_of,
            touched=driver.touched,
        )

    async def open_store(self) -> None:
        """Open the store, unless it is open. Raises the errors of `open`."""
        if self._driver is not None:
            await self.open(self._driver)

    def set_options(self, options: ServerOptions) -> None:
        """Use other options, also for the messages that are queued."""
        self._options = self._reader.options = options
        if self._driver is not None:
            self._driver.engine.configure(options.queue_config, _limits(options), self._driver.runtime.now())

    async def close(self) -> None:
        """Store what is not stored yet, and close the store; tasks that wait learn of it."""
        driver = self._driver
        if driver is not None:
            driver.perform()
        try:
            await super().close()
        finally:
            if driver is not None:
                driver.stop()
            if self._driver is driver:
                self._driver = None

    def _discard(self, use: StoreUse) -> None:
        super()._discard(use)
        if self._driver is not None:
            self._driver.perform()

    def _end_waiting(self) -> None:
        if self._driver is not None:
            self._driver.perform()  # of many reports of the store, a turn performs a part
        super()._end_waiting()

    # Stations

    def delivery(
        self, handshake: Handshake, session: Session, driver: Driver[Any], protocol: str, *, must_register: bool
    ) -> Delivery | None:
        """Begin to deliver the messages of a station on a new connection."""
        if self._driver is None or not isinstance(session.calls, StationCalls):
            return None
        name = self._registry.name_of(handshake.identity, handshake.namespace)
        connection = OutboxConnection(name, session.calls, protocol, driver, self._driver.engine)
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
        """Queue a message for a station and return its ticket. Raises what `OCPPServer.enqueue` raises."""
        use = self._expect_open("enqueue")
        read, peer = self._reader.read(args, options, spoken), _peer_of(station)
        message = Enqueue(action=read.action, payload=read.payload, protocol=read.protocol, peer=peer, **read.options)
        engine, name = self._engine, self._name_of(peer)
        if rules is not None and name not in engine.connections:
            self._reader.expect_valid(read, spoken, rules)
        number = engine.enqueue(name, message, use.driver.runtime.now())
        ticket = self._tickets.get(number)
        if ticket is None:
            ticket = self._tickets[number] = self._new_ticket(number, message.action, message.key, message.peer)
        return ticket

    def queued_for(self, station: StationKey) -> list[Ticket]:
        """Return the tickets of one station's messages without an outcome."""
        self._expect_open("list queued messages")
        return [self._tickets[number] for number in self._engine.queued(self._name_of(_peer_of(station)))]

    async def tickets_of(self, station: StationKey) -> list[Ticket]:
        """Return the tickets of one station that are not acknowledged, the oldest first."""
        self._expect_open("read the queue")
        name = self._name_of(_peer_of(station))
        return sorted(
            (each for each in self._tickets.values() if self._is_of(name, each)), key=lambda each: each.number
        )

    def _is_of(self, name: str, ticket: Ticket) -> bool:
        station = ticket.station
        return station is not None and self._registry.name_of(station.identity, station.namespace) == name

    @property
    def size(self) -> int:
        """Messages in the outboxes of all stations."""
        return 0 if self._driver is None else self._engine.totals.messages

    @property
    def _engine(self) -> StationOutboxes:
        if self._driver is None:
            raise RuntimeError("the server is not bound to an event loop")
        return self._driver.engine

    def _name_of(self, peer: str) -> str:
        station = self._station_of(peer)
        return self._registry.name_of(station.identity, station.namespace)

    def _station_of(self, peer: str) -> StationKey:
        namespace, _, identity = peer.partition(_BETWEEN)
        return StationKey(namespace, identity)


def _limits(options: ServerOptions) -> OutboxLimits:
    return OutboxLimits(
        size=options.offline_queue_size, messages=options.offline_queue_total, bytes=options.offline_queue_bytes
    )


def _peer_of(station: StationKey) -> str:
    expect_station_key(station)
    return f"{station.namespace}{_BETWEEN}{station.identity}"
