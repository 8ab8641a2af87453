"""Makes lines of JSON of what happens on a server, for its stream of events.

["c", time, identity, namespace, protocol, address]             a station connected
["d", time, identity, namespace, code, reason]                  its connection ended
["m", time, identity, namespace, direction, action, latency, frame]
["s", time, kind, identity, namespace, address, detail, status, reason]
"""

from collections.abc import Callable
from typing import Protocol

from ocpp_core.cluster.events.entries import event_json, event_line
from ocpp_transports._logging._redaction import redact
from ocpp_transports._logging._redaction_text import may_hold_secret
from ocpp_transports.events import CloseEvent, ConnectionEvent, MessageEvent, OpenEvent, SecurityEvent
from ocpp_transports.handshake import Handshake

from ._settings import EventsOut

__all__ = ["EventWriter", "ObservedStation"]


class ObservedStation(Protocol):
    """The connection of a station, as observers of a server get it."""

    @property
    def identity(self) -> str:
        """The identity of the station."""

    @property
    def namespace(self) -> str:
        """The namespace of the identity."""

    @property
    def handshake(self) -> Handshake:
        """The request of the station."""


class EventWriter:
    """Observes the connections of a server.

    Args:
        settings: What to write.
        wall: The time of day, in seconds since 1970.
        add: Called with each line, and True for a message.
    """

    def __init__(self, settings: EventsOut, wall: Callable[[], float], add: Callable[[bytes, bool], None]) -> None:
        self._redact = settings.redact
        self._actions = settings.actions
        self._direction = settings.direction
        self._identities = settings.identities
        self._wall = wall
        self._add = add

    def observe(self, event: ConnectionEvent, station: ObservedStation | None) -> None:
        """Write an event, if it is of a kind that is written."""
        if isinstance(event, MessageEvent):
            if station is not None and self._wants(event, station.identity):
                self._add(self._message(event, station), True)
        elif isinstance(event, SecurityEvent):
            self._add(self._security(event), False)
        elif station is not None and isinstance(event, OpenEvent):
            address = station.handshake.remote_address
            self._add(self._line("c", station, event.protocol, address), False)
        elif station is not None and isinstance(event, CloseEvent):
            self._add(self._line("d", station, event.code, event.reason), False)

    def _wants(self, event: MessageEvent, identity: str) -> bool:
        return (
            (self._actions is None or event.action in self._actions)
            and (self._direction is None or event.direction.value == self._direction)
            and (self._identities is None or identity in self._identities)
        )

    def _line(self, kind: str, station: ObservedStation, *values: object) -> bytes:
        return event_line(kind, self._wall(), station.identity, station.namespace, *values)

    def _message(self, event: MessageEvent, station: ObservedStation) -> bytes:
        text = event_json(event.frame)
        if self._redact and may_hold_secret(text):
            text = event_json(redact(event.frame))
        head = self._line("m", station, event.direction.value, event.action, event.latency)
        return b"%b,%b]" % (head[:-1], text.encode())

    def _security(self, event: SecurityEvent) -> bytes:
        return event_line(
            "s",
            self._wall(),
            event.kind,
            event.identity,
            event.namespace,
            event.remote_address,
            event.detail,
            event.status,
            event.reason,
        )
