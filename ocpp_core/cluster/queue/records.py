"""What a store of queued commands is asked, and what it answers. Times are those of the store."""

from dataclasses import field
from enum import StrEnum

from ocpp_core._dataclasses import dataclass
from ocpp_core.cluster.records import ClusterOwner, NodeId

__all__ = [
    "CommandState",
    "CommandStatus",
    "EnqueueAnswer",
    "NewCommand",
    "SettledCommand",
    "TakeAnswer",
    "TakenCommand",
]


class CommandState(StrEnum):
    """Where a command is in its life."""

    QUEUED = "q"
    """It waits for its station."""
    TAKEN = "t"
    """A node has it: the station may have received it."""
    SETTLED = "s"
    """It has an outcome, which never changes."""


@dataclass(frozen=True, slots=True)
class NewCommand:
    """A command to be stored."""

    number: int
    """The number of its ticket. A repetition with the same number is stored once."""
    action: str
    """The name of the OCPP action."""
    key: str | None
    """While the station has a command or an outcome with this key, that one counts, and nothing is stored."""
    content: str = field(repr=False)
    """The command as the hosts write it."""
    ttl: float
    """Seconds until the command must have been taken; then it is settled as expired."""
    deadline: float | None
    """Seconds until the station must have responded; None for no limit."""
    origin: NodeId
    """The node that is told the outcome."""

    @property
    def size(self) -> int:
        """Bytes that count towards the limits."""
        return len(self.content.encode())


@dataclass(frozen=True, slots=True)
class CommandStatus:
    """A command as the store has it."""

    number: int
    """The number of its ticket."""
    action: str
    """The name of the OCPP action."""
    key: str | None
    """Its key, or None."""
    state: CommandState
    """Where it is."""
    seconds: float
    """Seconds until the store changes the state by itself: it expires, is unknown, or is forgotten."""
    outcome: str | None = field(default=None, repr=False)
    """The outcome as JSON text; None unless it is settled."""


@dataclass(frozen=True, slots=True)
class SettledCommand:
    """A command that the store has settled while it answered, and the node that is to be told."""

    number: int
    """The number of its ticket."""
    origin: NodeId
    """The node that stored it."""


@dataclass(frozen=True, slots=True)
class EnqueueAnswer:
    """The answer to a new command."""

    status: CommandStatus | None
    """The command, or the earlier one with its key; None if there is no room for it."""
    owner: ClusterOwner | None = None
    """The node that has the station; None if it is away."""
    news: tuple[SettledCommand, ...] = ()
    """What was settled."""


@dataclass(frozen=True, slots=True)
class TakenCommand:
    """A command that is to be sent once."""

    number: int
    """The number of its ticket."""
    content: str = field(repr=False)
    """The command as the hosts wrote it."""
    ttl: float
    """Seconds that are left until it must be written."""
    deadline: float | None
    """Seconds that are left until the station must have responded; None for no limit."""


@dataclass(frozen=True, slots=True)
class TakeAnswer:
    """The answer to a node that has a station and takes its next command."""

    is_owner: bool
    """False if the node does not have the station with this fence."""
    command: TakenCommand | None = None
    """The command; None if none waits."""
    news: tuple[SettledCommand, ...] = ()
    """What was settled."""
