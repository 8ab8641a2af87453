"""The inputs and actions of a `QueueDelivery`."""

from collections.abc import Hashable
from typing import TypeAlias

from ocpp_core._dataclasses import dataclass
from ocpp_core.inputs import Tick

from .records import TakeAnswer, TakenCommand

__all__ = [
    "CommandEnded",
    "CommandsStored",
    "DeliveryAction",
    "DeliveryConnected",
    "DeliveryDisconnected",
    "DeliveryInput",
    "DeliveryRegistered",
    "QueueRequestFailed",
    "SendCommand",
    "SettleAnswered",
    "SettleTaken",
    "TakeAnswered",
    "TakeNext",
]


@dataclass(slots=True)
class DeliveryConnected:
    """A station has a new connection to this node, which takes the place of an older one."""

    station: str
    """The name of the station."""
    connection: Hashable
    """The connection."""


@dataclass(slots=True)
class DeliveryRegistered:
    """The station on a connection gets commands from now on, or gets none; ignored for an older connection."""

    station: str
    """The name of the station."""
    connection: Hashable
    """The connection."""
    is_registered: bool
    """True if it gets commands."""


@dataclass(slots=True)
class DeliveryDisconnected:
    """A connection has ended; ignored for an older one."""

    station: str
    """The name of the station."""
    connection: Hashable
    """The connection."""


@dataclass(slots=True)
class CommandsStored:
    """A node reports that it has stored a command for a station."""

    station: str
    """The name of the station."""


@dataclass(slots=True)
class TakeAnswered:
    """The store has answered `TakeNext`."""

    station: str
    """The name of the station."""
    token: str
    """The token of the request."""
    answer: TakeAnswer
    """The answer."""


@dataclass(slots=True)
class SettleAnswered:
    """The store has answered `SettleTaken`."""

    station: str
    """The name of the station."""
    token: str
    """The token of the request."""


@dataclass(slots=True)
class QueueRequestFailed:
    """There was no answer to `TakeNext` or `SettleTaken`; it may have taken effect."""

    station: str
    """The name of the station."""
    token: str
    """The token of the request."""


@dataclass(slots=True)
class CommandEnded:
    """The command of `SendCommand` has ended."""

    station: str
    """The name of the station."""
    token: str
    """The token of the command."""
    outcome: str | None
    """The outcome as JSON text; None if the command was certainly not written, and may be sent later."""


@dataclass(slots=True)
class TakeNext:
    """Take the next command of a station from the store, as the node that has the station."""

    station: str
    """The name of the station."""
    connection: Hashable
    """The connection that gets the command."""
    token: str
    """The token for the mark."""


@dataclass(slots=True)
class SendCommand:
    """Send a command on a connection, once; `CommandEnded` answers it."""

    station: str
    """The name of the station."""
    connection: Hashable
    """The connection."""
    token: str
    """The token of the command."""
    command: TakenCommand
    """The command."""


@dataclass(slots=True)
class SettleTaken:
    """Settle the command with a mark, or give it back unsent."""

    station: str
    """The name of the station."""
    token: str
    """The token of the mark."""
    number: int | None
    """The number of the command; None if it is not known which was marked."""
    outcome: str | None
    """The outcome as JSON text; None to give it back."""


DeliveryInput: TypeAlias = (
    DeliveryConnected
    | DeliveryRegistered
    | DeliveryDisconnected
    | CommandsStored
    | TakeAnswered
    | SettleAnswered
    | QueueRequestFailed
    | CommandEnded
    | Tick
)
"""Everything that goes into a `QueueDelivery`."""
DeliveryAction: TypeAlias = TakeNext | SendCommand | SettleTaken
"""Everything that a `QueueDelivery` asks its host to do."""
