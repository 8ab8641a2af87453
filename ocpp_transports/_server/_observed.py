"""The events of all connections of a server: for its observers, and as its own events with the station."""

from abc import abstractmethod
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from ocpp_transports._callbacks._containment import end_program
from ocpp_transports._driver._accepting import BAD_PROXY_HEADER
from ocpp_transports._logging._log import Log
from ocpp_transports._peer._close_grace import CloseGrace
from ocpp_transports._peer._delegate import MESSAGE_EVENTS
from ocpp_transports._peer._observers import Observers
from ocpp_transports._tls._reasons import TLS_FAILED
from ocpp_transports.event_names import STATION_EVENTS
from ocpp_transports.events import (
    ConnectionEvent,
    ConnectionFailedEvent,
    ErrorEvent,
    SecurityEvent,
    SecurityEventKind,
    StationEvent,
    UpgradeAbortedEvent,
)

from ._listening import ServerEvents
from ._security._records import SecurityRecords
from ._stations._connection import OCPPServerClient
from ._stations._registry import ConnectionRegistry

if TYPE_CHECKING:
    from ocpp_transports._metrics._metrics import Metrics

__all__ = ["ObservedMixin", "ServerObserver"]

ServerObserver: TypeAlias = Callable[[ConnectionEvent, OCPPServerClient | None], object]
ObserverT = TypeVar("ObserverT", bound=ServerObserver)

_INCIDENTS: Final[Mapping[str, SecurityEventKind]] = {
    TLS_FAILED: "tls_failed",
    BAD_PROXY_HEADER: "bad_proxy_header",
}
"""The failures before a request that are security events, by what failed."""
_OF_STATIONS: Final = frozenset(STATION_EVENTS)
_OF_REFUSED_CONNECTIONS: Final = frozenset({"upgrade_aborted", "connection_failed", "security", "error"})


class ObservedMixin(ServerEvents):
    """Observers, and the events of a server that stem from its connections.

    Both cost something only while they are used: then every connection, also one that is open already, relays its
    events, and traces messages if those are used.
    """

    _registry: ConnectionRegistry
    _close_grace: CloseGrace
    _log: Log
    _metrics: "Metrics | None"
    """What counts, for the option `metrics`."""
    _security: SecurityRecords

    def __init__(self) -> None:
        super().__init__()
        self._observers: Observers[OCPPServerClient | None] = Observers(self._relays_changed, self._observer_failed)

    def observe(self, observer: ObserverT) -> ObserverT:
        """Call `observer(event, client)` with every event of every connection of this server; a decorator too.

        `event` is one of `events.ConnectionEvent`; its class tells which. Each message comes once. `client` is the
        handle on the station. It is None for events without one: a rejected handshake (`UpgradeAbortedEvent`,
        `ConnectionFailedEvent`, `SecurityEvent`) and an `ErrorEvent` of the server.

        An observer is a plain function and must not block: it runs between two messages. If it raises, the exception is
        logged and nothing else is affected. Returns the observer.

        Raises:
            TypeError: It is a coroutine function, or accepts other arguments.
            ValueError: It observes already.
        """
        return self._observers.add(observer)

    def remove_observer(self, observer: ServerObserver) -> None:
        """Stop calling this observer; ignored if it does not observe."""
        self._observers.remove(observer)

    @abstractmethod
    def _spawn(self, coro: Coroutine[Any, Any, None], /) -> None:
        """Run a coroutine as a task of this server."""

    # Connections that are not accepted

    def _refused(self, event: UpgradeAbortedEvent) -> None:
        """Count and emit that a handshake was rejected."""
        if self._metrics is not None:
            self._metrics.refused(event.status, event.reason)
        self._emit("upgrade_aborted", event)

    def _lost(self, kind: str, event: ConnectionFailedEvent) -> None:
        """Log and emit that a connection failed before its request."""
        incident = _INCIDENTS.get(kind)
        if incident is None:
            self._log.connection_failed(kind, event.remote_address, event.reason)
        else:
            self._alarmed(SecurityEvent(incident, None, event.remote_address, event.reason))
        if self._metrics is not None:
            self._metrics.count("ocpp_connections_failed")
        self._emit("connection_failed", event)

    def _turned_away(self, remote_address: str | None, limit: str) -> None:
        """Report a socket that was closed unread."""
        self._alarmed(SecurityEvent("too_many_sockets", None, remote_address, limit))

    def _alarmed(self, event: SecurityEvent) -> None:
        """Log, count and emit an incident."""
        self._security.write(event)
        if self._metrics is not None:
            self._metrics.count("ocpp_security_events", event.kind)
        self._emit("security", event)

    def _failed(self, text: str, error: BaseException) -> None:
        """Log and emit an exception of the application during a handshake."""
        self._log.raised(text, error)
        self._emit("error", ErrorEvent(error))
        end_program(error, self._spawn)

    # The events of all connections

    def _listeners_changed(self) -> None:
        """Have the events of connections forwarded while any of them has a listener here."""
        listens = self._emitter.listens
        forward = self._forward if listens(*STATION_EVENTS) else None
        self._observers.forward_to(forward, messages=listens(*MESSAGE_EVENTS))

    def _relays_changed(self) -> None:
        """Let the connections and this server relay their events, or stop, as the observers require."""
        self._emitter.relay = self._relay if self._observers.is_wanted else None
        for station in self._registry.open:
            station._listeners_changed()

    def _relay(self, name: str, event: Any) -> None:
        if name in _OF_REFUSED_CONNECTIONS:
            self._observers.notify(name, event, None)

    def _forward(self, name: str, event: Any, client: OCPPServerClient | None) -> None:
        if name in _OF_STATIONS and self._emitter.listens(name):
            after = self._close_grace.expect() if name == "close" else None
            self._emitter.emit(name, StationEvent(client, event), after=after)

    def _observer_failed(self, error: BaseException) -> None:
        self._log.raised("an observer raised", error)
        end_program(error, self._spawn)
