"""The two ends of a wire: a station, and the server's connection to it."""

from functools import partial
from typing import Protocol

from ocpp_core.actions import Action, CloseStream, OpenTransport, UpgradeRequested
from ocpp_core.errors import ConnectionFailedError
from ocpp_core.inputs import Accept, BytesReceived, Connect, Reject, StreamFailed, StreamOpened
from ocpp_core.stack import ClientStack, ServerStack

from ._clock import LabClock
from ._endpoint import CallOutcome, Handler, LabEndpoint
from ._wire import Wire

__all__ = ["Central", "LabStation", "ServerConnection"]


class Central(Protocol):
    """The part of the server that the ends need."""

    handlers: dict[str, Handler]
    connections: "list[ServerConnection]"

    def accept_stream(self, station: "LabStation") -> "ServerConnection":
        """Accept a new stream of a station."""

    def decide(self, request: UpgradeRequested) -> Accept | Reject:
        """Decide on an upgrade request."""


class LabStation(LabEndpoint):
    """A station on the network `wire`, with its own `handlers`."""

    engine: ClientStack
    """The stack of the station."""

    def __init__(self, lab: LabClock, server: Central, engine: ClientStack, wire: Wire) -> None:
        super().__init__(lab, engine, {})
        self._server = server
        self.handlers: dict[str, Handler] = {}
        """The handlers of the station by action."""
        self.wire = wire
        """The network between the station and the server."""
        self.connection: ServerConnection | None = None
        """The server's end of the connection; None without one."""
        self._attempt = 0
        self._dialling = False

    def connect(self) -> CallOutcome:
        """Start to connect."""
        return self.command(Connect)

    def cut(self) -> None:
        """End the stream for both sides now."""
        connection = self._hang_up()
        if connection is not None:
            connection.feed(BytesReceived(b""))
        self.feed(BytesReceived(b"", self._attempt))

    def _hang_up(self) -> "ServerConnection | None":
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.station = None
        return connection

    def _perform_other(self, action: Action) -> None:
        if isinstance(action, OpenTransport):
            self._hang_up()
            self._attempt, self._dialling = action.attempt, True
            self.lab.at(self.lab.now + self.wire.latency, partial(self._dialled, action.attempt))
        elif isinstance(action, CloseStream):
            self._dialling = False
            connection = self._hang_up()
            if connection is not None and not self.wire.silent:
                self.lab.at(self.lab.now + self.wire.latency, partial(connection.feed, BytesReceived(b"")))

    def _dialled(self, attempt: int) -> None:
        if not self._dialling or attempt != self._attempt:
            return
        self._dialling = False
        if not self.wire.reachable:
            self.feed(StreamFailed(ConnectionFailedError("unreachable"), attempt))
            return
        self.connection = self._server.accept_stream(self)
        self.feed(StreamOpened(attempt))

    def _send(self, data: bytes) -> None:
        connection = self.connection
        if connection is not None:
            for delay, piece in self.wire.carry(data, self.lab.random):
                self.lab.at(self.lab.now + delay, partial(connection.receive, piece))

    def receive(self, attempt: int, data: bytes) -> None:
        """Receive bytes from the wire, unless their connection ended."""
        if attempt == self._attempt and self.connection is not None:
            self.feed(BytesReceived(data, attempt))


class ServerConnection(LabEndpoint):
    """The server's end of one stream; `station` is None after the stream ended."""

    engine: ServerStack
    """The stack of the connection."""

    def __init__(self, lab: LabClock, server: Central, engine: ServerStack, station: LabStation) -> None:
        super().__init__(lab, engine, server.handlers)
        self._server = server
        self.station: LabStation | None = station
        """The station at the other end; None once the stream ended."""
        self.wire: Wire = station.wire
        """The network between the station and the server."""
        self._attempt = station._attempt  # two ends of one wire

    def receive(self, data: bytes) -> None:
        """Receive bytes from the wire, unless the stream ended."""
        if self.station is not None:
            self.feed(BytesReceived(data))

    def _perform_other(self, action: Action) -> None:
        if isinstance(action, UpgradeRequested):
            self.feed(self._server.decide(action))
        elif isinstance(action, CloseStream):
            station, self.station = self.station, None
            self._server.connections.remove(self)
            if station is not None and not self.wire.silent:
                self._deliver(station, b"", self.wire.latency)

    def _send(self, data: bytes) -> None:
        if self.station is not None:
            for delay, piece in self.wire.carry(data, self.lab.random):
                self._deliver(self.station, piece, delay)

    def _deliver(self, station: LabStation, data: bytes, delay: float) -> None:
        self.lab.at(self.lab.now + delay, partial(station.receive, self._attempt, data))
