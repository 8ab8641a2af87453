"""Makes events for consumers of the entries of a stream."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from ocpp_core.actions import Direction
from ocpp_core.cluster.events.buffer import GAP
from ocpp_core.cluster.events.entries import EventEntry, UnreadableEntryError, read_entry
from ocpp_core.identity import StationKey
from ocpp_transports.events import MessageEvent, SecurityEvent

from ._deliveries import EventDelivery
from ._kinds import ClusterEvent, EventGap, MessageSeen, SecurityReported, StationConnected, StationDisconnected
from ._log import AppendedEntry

__all__ = ["events_of", "unknown_gap"]

_MILLI: Final = 1000


def events_of(appended: AppendedEntry, delivery: EventDelivery | None) -> Sequence[ClusterEvent]:
    """Return the events of an entry, or raise UnreadableEntryError for one that this version did not write."""
    if appended.fields is None:
        return (unknown_gap(appended, delivery),)
    entry, stored = read_entry(appended.fields), appended.position.milliseconds / _MILLI
    try:
        return [_event(entry, place, stored, delivery) for place in range(len(entry.events))]
    except (KeyError, ValueError, TypeError, AttributeError, OverflowError):
        raise UnreadableEntryError("expected an event of a known kind, got another one") from None


def unknown_gap(appended: AppendedEntry, delivery: EventDelivery | None) -> EventGap:
    """Return the event that stands for an entry which cannot be read."""
    stored = appended.position.milliseconds / _MILLI
    return EventGap(id="", node="", time=stored, stored=stored, delivery=delivery, messages=None, others=None)


def _event(entry: EventEntry, place: int, stored: float, delivery: EventDelivery | None) -> ClusterEvent:
    kind, time, *values = entry.events[place]
    common = {
        "id": f"{entry.node}-{entry.first + place}",
        "node": entry.node,
        "time": float(time),
        "stored": stored,
        "delivery": delivery,
    }
    return _MAKERS[kind](common, *values)


_Common = Mapping[str, Any]


def _connected(common: _Common, identity: str, namespace: str, protocol: str, address: str | None) -> StationConnected:
    station = StationKey(namespace, identity)
    return StationConnected(**common, station=station, protocol=protocol, remote_address=address)


def _disconnected(common: _Common, identity: str, namespace: str, code: int, reason: str) -> StationDisconnected:
    return StationDisconnected(**common, station=StationKey(namespace, identity), code=code, reason=reason)


def _message(
    common: _Common,
    identity: str,
    namespace: str,
    direction: str,
    action: str | None,
    latency: float | None,
    frame: list[Any],
) -> MessageSeen:
    message = MessageEvent(Direction(direction), frame, action, latency)
    return MessageSeen(**common, station=StationKey(namespace, identity), message=message)


def _security(
    common: _Common,
    kind: Any,
    identity: str | None,
    namespace: str,
    address: str | None,
    detail: str,
    status: int | None,
    reason: str,
) -> SecurityReported:
    event = SecurityEvent(kind, identity, address, detail, status, reason, namespace)
    return SecurityReported(**common, security=event)


def _gap(common: _Common, messages: int, others: int) -> EventGap:
    return EventGap(**common, messages=messages, others=others)


_MAKERS: Final[Mapping[str, Callable[..., ClusterEvent]]] = {
    "c": _connected,
    "d": _disconnected,
    "m": _message,
    "s": _security,
    GAP: _gap,
}
