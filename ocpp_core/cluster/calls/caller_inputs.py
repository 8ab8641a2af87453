"""The inputs of a `RemoteCaller`: its calls, and what the registry, the carrier and the other nodes answer."""

from collections.abc import Hashable, Sequence
from enum import Enum, auto
from typing import Any, TypeAlias

from ocpp_core._dataclasses import dataclass
from ocpp_core.cluster.records import Found, NodeId
from ocpp_core.inputs import Tick

from .frames import AnswerFrame

__all__ = [
    "AbandonRemoteCall",
    "AnswerReceived",
    "CallerInput",
    "NodeLost",
    "OwnerKnown",
    "OwnerSearchFailed",
    "OwnerSearched",
    "StartRemoteCall",
    "WriteEnded",
    "WriteResult",
]


class WriteResult(Enum):
    """How the writing of a request ended."""

    SENT = auto()
    """It was written."""
    NOT_SENT = auto()
    """It was certainly not written."""
    UNKNOWN = auto()
    """It may have been written."""


@dataclass(slots=True)
class StartRemoteCall:
    """Call a station of another node. It ends with `CallAnswered` or `CallFailed`, unless it is abandoned."""

    call: Hashable
    """The host's name for the call, which no other call in progress has."""
    identity: str
    """The identity of the station."""
    content: Sequence[Any]
    """The call, for the host of the other node."""
    seconds: float
    """Seconds until it fails with `TimeoutError`; the setting `longest` limits it."""


@dataclass(slots=True)
class AbandonRemoteCall:
    """The application does not wait for a call any more; one that has ended is ignored."""

    call: Hashable
    """The host's name for the call."""


@dataclass(slots=True)
class OwnerKnown:
    """The host knows where a station is: a call of it needs no search. One with an older fence is ignored."""

    identity: str
    """The identity of the station."""
    found: Found
    """Where it is."""


@dataclass(slots=True)
class OwnerSearched:
    """The registry answered the search for the node of a station."""

    call: Hashable
    """The call of `FindOwner`; one that has ended is ignored."""
    found: Found | None
    """Where the station is; None if no node has it."""


@dataclass(slots=True)
class OwnerSearchFailed:
    """The registry did not answer."""

    call: Hashable
    """The call of `FindOwner`; one that has ended is ignored."""
    reason: str
    """Why, for the text of the error."""


@dataclass(slots=True)
class WriteEnded:
    """The carrier has written a request, or not; every `WriteRequest` ends with it, exactly once."""

    number: int
    """The number of the attempt."""
    result: WriteResult
    """How it ended."""


@dataclass(slots=True)
class AnswerReceived:
    """Another node answered; an answer to an attempt that has ended, or of a wrong node, is ignored."""

    node: NodeId
    """The node."""
    answer: AnswerFrame
    """Its answer."""


@dataclass(slots=True)
class NodeLost:
    """A node answers nothing that was written to it so far."""

    node: NodeId
    """The node."""


CallerInput: TypeAlias = (
    StartRemoteCall
    | AbandonRemoteCall
    | OwnerKnown
    | OwnerSearched
    | OwnerSearchFailed
    | WriteEnded
    | AnswerReceived
    | NodeLost
    | Tick
)
"""Everything that goes into a `RemoteCaller`."""
