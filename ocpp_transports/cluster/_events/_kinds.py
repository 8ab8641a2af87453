"""The events that consumers of a cluster get."""

from dataclasses import field

from ocpp_core._dataclasses import dataclass
from ocpp_core.identity import StationKey
from ocpp_transports.events import MessageEvent, SecurityEvent

from ._deliveries import EventDelivery

__all__ = ["ClusterEvent", "EventGap", "MessageSeen", "SecurityReported", "StationConnected", "StationDisconnected"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterEvent:
    """What all events of a cluster have."""

    id: str
    """The ID of the event, the same at each delivery: the node, `-`, and a number that grows with each event of the
    node."""
    node: str
    """The server: its name, `.`, and 16 hex digits that are new at each start of the process."""
    time: float
    """When the event happened, in seconds since 1970, on the clock of the server."""
    stored: float
    """When the event was stored, in seconds since 1970, on the clock of the store; see `since` of `ClusterEvents`."""
    delivery: EventDelivery | None = field(default=None, repr=False, compare=False)
    """The delivery that `ClusterEvents.ack` acknowledges."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StationConnected(ClusterEvent):
    """A station connected to the server."""

    station: StationKey
    """The station."""
    protocol: str
    """The negotiated subprotocol."""
    remote_address: str | None
    """Numeric address of the station; None if it is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StationDisconnected(ClusterEvent):
    """A connection of a station ended. A newer one, at this or another server, may have begun before."""

    station: StationKey
    """The station."""
    code: int
    """The close code (RFC 6455 §7.4); 1006 without a close frame, 4000 if a newer connection replaced it."""
    reason: str
    """The reason that was sent or received; may be empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageSeen(ClusterEvent):
    """The server received or sent a message."""

    station: StationKey
    """The station."""
    message: MessageEvent
    """The message; secrets in it are replaced unless the server has `redact=False`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityReported(ClusterEvent):
    """The server refused a station, or ended its connection, for a reason that may be an attack."""

    security: SecurityEvent
    """What happened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventGap(ClusterEvent):
    """Events are missing before this one.

    Their server dropped them because the store was away or slow, or they were removed before they were read, or another
    version of the library wrote them. `id` and `node` are empty if the server is not known.
    """

    messages: int | None
    """Messages that are missing; None if it is not known."""
    others: int | None
    """Other events that are missing; None if it is not known."""
