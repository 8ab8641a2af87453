"""The outboxes of a server: commands for stations that are away."""

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any, ClassVar, Final

from ocpp_core.durable.stations import StationOutboxes
from ocpp_core.durable.totals import OutboxLimits
from ocpp_core.errors import StoreError
from ocpp_core.identity import StationKey
from ocpp_core.inbound.directions import MakeDirections
from ocpp_core.inbound.queued import queued
from ocpp_core.inputs import StartCall
from ocpp_core.messages import is_unicode
from ocpp_core.outbound.call import check_command
from ocpp_core.outbound.station_calls import StationCalls
from ocpp_core.outbox.commands import Enqueue
from ocpp_core.outbox.effects import OutboxReportKind
from ocpp_core.outbox.outbox import Outbox
from ocpp_core.outbox.settings import OutboxConfig
from ocpp_core.session import Session
from ocpp_core.versions import version_of
from ocpp_transports._calls._calling import read_request
from ocpp_transports._driver._driver import Driver
from ocpp_transports._driver._interfaces import Runtime
from ocpp_transports._logging._log import Log
from ocpp_transports._options._connection import PeerOptions
from ocpp_transports._options._server import ServerOptions
from ocpp_transports._peer._outbox_host import OutboxHost
from ocpp_transports._server._stations._registry import ConnectionRegistry
from ocpp_transports.handshake import Handshake
from ocpp_transports.outbox._choice import store_of
from ocpp_transports.outbox._enqueue_keywords import StationEnqueueKeywords
from ocpp_transports.outbox._ticket import Ticket
from ocpp_transports.outbox._use import StoreUse

from ._delivery import Delivery
from ._driver import StationsDriver

__all__ = ["ServerOutbox"]

_OPTIONS: Final = StationEnqueueKeywords.__annotations__.keys()
_BETWEEN: Final = "\n"
"""Separates namespace and identity in the name of a peer: no identity has control characters."""
_MOST: Final = 255
"""Characters of an identity, and of a namespace, for which a message is queued."""


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
        super().__init__(store_of(options.offline_queue), log, is_stopped=lambda: False, failed=failed)
        self._options = options
        self._registry = registry
        self._driver: StationsDriver | None = None
        self._without_messages = Outbox(
            OutboxConfig(gate="manual"), 1, ids=options.ids, emit=lambda _: None, changed=lambda: None
        )
        self.directions: MakeDirections = partial(queued, outbox=self._without_messages)
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
        self._options = options
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
        delivery = Delivery(name, session.calls, protocol, driver, self._driver.engine)
        if not protocol.startswith("ocpp"):  # another subprotocol may have no BootNotification
            delivery.begin(None)
        elif not must_register:
            registering = self._registry.registering(handshake, driver, self._options.boot_limit, asks=False)
            delivery.begin(registering(lambda _: None))
        return delivery

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
        message = self._read(station, args, options, spoken)
        engine, name = self._engine, self._name_of(message.peer)
        if rules is not None and name not in engine.connections:
            self._expect_valid(message, spoken, rules)
        number = engine.enqueue(name, message, use.driver.runtime.now())
        ticket = self._tickets.get(number)
        if ticket is None:
            ticket = self._tickets[number] = self._new_ticket(number, message.action, message.key, message.peer)
        return ticket

    def _read(
        self, station: StationKey, args: tuple[Any, ...], options: Mapping[str, Any], spoken: Collection[str]
    ) -> Enqueue:
        if unknown := options.keys() - _OPTIONS:
            raise TypeError(f"expected options of StationEnqueueKeywords, got {', '.join(sorted(unknown))}")
        others = {name: value for name, value in options.items() if name != "custom"}
        request = read_request(args, {"custom": options.get("custom", False)})
        request.expect_sent("csms", spoken)
        if request.protocol is not None and request.protocol not in spoken:
            raise ValueError(f"expected a message of {', '.join(spoken)}, got one of {request.protocol}")
        payload = dict(request.params)
        check_command(StartCall(0, request.action, payload), self._options.session, 0.0)
        return Enqueue(
            action=request.action, payload=payload, protocol=request.protocol, peer=_peer_of(station), **others
        )

    def _expect_valid(self, message: Enqueue, spoken: Collection[str], rules: PeerOptions) -> None:
        """Raise RPCError for a payload that strict mode would not send, if the station can only have one version."""
        protocols = spoken if message.protocol is None else (message.protocol,)
        if len(protocols) == 1:
            (protocol,) = protocols
            config, outbox = rules.session_in(protocol, trace=False), self._without_messages
            calls = StationCalls(version_of(protocol), config, rules.ids, lambda _: None, lambda _: None, outbox=outbox)
            calls.expect_valid(message.action, message.payload)

    def queued_for(self, station: StationKey) -> list[Ticket]:
        """Return the tickets of one station's messages without an outcome."""
        self._expect_open("list queued messages")
        return [self._tickets[number] for number in self._engine.queued(self._name_of(_peer_of(station)))]

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
    for what, name, least in (("namespace", station.namespace, 0), ("identity", station.identity, 1)):
        if not isinstance(name, str):
            raise TypeError(f"expected the {what} of a station as str, got {type(name).__name__}")
        if not least <= len(name) <= _MOST or not is_unicode(name) or _BETWEEN in name:
            raise ValueError(f"expected the {what} of a station, at most {_MOST} characters, got {name!r}")
    return f"{station.namespace}{_BETWEEN}{station.identity}"
