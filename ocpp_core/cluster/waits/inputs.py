"""The inputs and actions of `StationWaits`."""

from collections.abc import Hashable, Sequence
from typing import TypeAlias

from ocpp_core._dataclasses import dataclass
from ocpp_core.cluster.records import Found, NodeId
from ocpp_core.inputs import Tick

__all__ = [
    "AskReceived",
    "EndWait",
    "OpenedReceived",
    "SendWatch",
    "StartWait",
    "StationAwaited",
    "StationEnded",
    "StationOpened",
    "WaitEnded",
    "WaitsAction",
    "WaitsInput",
    "WatchAnswered",
    "WatchFailed",
    "WriteAsk",
    "WriteOpened",
]


@dataclass(slots=True)
class StartWait:
    """Wait for a station. It ends with `WaitEnded`, unless `EndWait` precedes."""

    wait: Hashable
    """The host's name for the wait, which no other wait has."""
    identity: str
    """The identity of the station."""


@dataclass(slots=True)
class EndWait:
    """The application does not wait any more; a wait that has ended is ignored."""

    wait: Hashable
    """The host's name for the wait."""


@dataclass(slots=True)
class WatchAnswered:
    """The store knows that this node waits for a station, and who has it now."""

    identity: str
    """The identity of the station."""
    found: Found | None
    """Where the station is; None if no node has it."""


@dataclass(slots=True)
class WatchFailed:
    """The store did not answer."""

    identity: str
    """The identity of the station."""


@dataclass(slots=True)
class OpenedReceived:
    """Another node reports that a station is open there."""

    node: NodeId
    """The other node."""
    identity: str
    """The identity of the station."""


@dataclass(slots=True)
class StationAwaited:
    """This node has claimed a station for which other nodes wait."""

    identity: str
    """The identity of the station."""
    nodes: Sequence[NodeId]
    """The nodes, which may include this one."""


@dataclass(slots=True)
class AskReceived:
    """Another node waits for a station that this one has."""

    node: NodeId
    """The other node."""
    identity: str
    """The identity of the station."""


@dataclass(slots=True)
class StationOpened:
    """A station has opened its connection to this node."""

    identity: str
    """The identity of the station."""


@dataclass(slots=True)
class StationEnded:
    """A handshake or a connection of a station with this node has ended."""

    identity: str
    """The identity of the station."""


@dataclass(slots=True)
class SendWatch:
    """Let the store know that this node waits for a station; `WatchAnswered` or `WatchFailed` answers it."""

    identity: str
    """The identity of the station."""


@dataclass(slots=True)
class WriteAsk:
    """Write to a node that this one waits for its station; a loss delays the wait until the next look."""

    node: NodeId
    """The node."""
    address: str | None
    """Where it accepts connections; None if it does not."""
    identity: str
    """The identity of the station."""


@dataclass(slots=True)
class WriteOpened:
    """Write to a node that a station is open here; a loss delays its wait until its next look."""

    node: NodeId
    """The node."""
    identity: str
    """The identity of the station."""


@dataclass(slots=True)
class WaitEnded:
    """A station is open."""

    wait: Hashable
    """The wait, which has ended."""
    node: NodeId
    """The node that has the station, which may be this one."""


WaitsInput: TypeAlias = (
    StartWait
    | EndWait
    | WatchAnswered
    | WatchFailed
    | OpenedReceived
    | StationAwaited
    | AskReceived
    | StationOpened
    | StationEnded
    | Tick
)
"""Everything that goes into `StationWaits`."""
WaitsAction: TypeAlias = SendWatch | WriteAsk | WriteOpened | WaitEnded
"""Everything that `StationWaits` asks its host to do."""
