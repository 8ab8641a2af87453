"""The events of the servers of a cluster for other programs: billing, dashboards, alarms.

async with ClusterEvents("redis://127.0.0.1:6379", group="billing", consumer="w1") as events:
    async for event in events:
        ...
        events.ack(event)
"""

from ._events._consumer import ClusterEvents
from ._events._kinds import (
    ClusterEvent,
    EventGap,
    MessageSeen,
    SecurityReported,
    StationConnected,
    StationDisconnected,
)
from ._events._settings import EventsOut

__all__ = [
    "ClusterEvent",
    "ClusterEvents",
    "EventGap",
    "EventsOut",
    "MessageSeen",
    "SecurityReported",
    "StationConnected",
    "StationDisconnected",
]
