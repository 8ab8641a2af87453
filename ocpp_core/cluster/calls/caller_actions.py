"""The actions of a `RemoteCaller`: searches, frames to write, and the outcomes of calls."""

from collections.abc import Hashable
from typing import Any, TypeAlias

from ocpp_core._dataclasses import dataclass
from ocpp_core.cluster.records import NodeId

__all__ = ["CallAnswered", "CallFailed", "CallerAction", "FindOwner", "WriteCancel", "WriteProbe", "WriteRequest"]


@dataclass(slots=True)
class FindOwner:
    """Search the registry for the node of a station; `OwnerSearched` or `OwnerSearchFailed` answers it."""

    call: Hashable
    """The call that needs it."""
    identity: str
    """The identity of the station."""


@dataclass(slots=True)
class WriteRequest:
    """Write a request to a node; `WriteEnded` answers it."""

    number: int
    """The number of the attempt."""
    node: NodeId
    """The node."""
    address: str | None
    """Where it accepts connections; None if it does not."""
    frame: bytes
    """The request."""


@dataclass(slots=True)
class WriteCancel:
    """Write the cancellation of an attempt to a node; its loss does no harm."""

    node: NodeId
    """The node."""
    address: str | None
    """Where it accepts connections; None if it does not."""
    frame: bytes
    """The cancellation."""


@dataclass(slots=True)
class WriteProbe:
    """Ask a node whether it still executes attempts; the loss of the frame does no harm."""

    node: NodeId
    """The node."""
    address: str | None
    """Where it accepts connections; None if it does not."""
    frame: bytes
    """The probe."""


@dataclass(slots=True)
class CallAnswered:
    """A station responded."""

    call: Hashable
    """The call, which has ended."""
    payload: dict[str, Any]
    """The payload of the response."""


@dataclass(slots=True)
class CallFailed:
    """A call failed."""

    call: Hashable
    """The call, which has ended."""
    error: Exception
    """The error, as the call of a station of this node raises it."""


CallerAction: TypeAlias = FindOwner | WriteRequest | WriteCancel | WriteProbe | CallAnswered | CallFailed
"""Everything that a `RemoteCaller` asks its host to do."""
