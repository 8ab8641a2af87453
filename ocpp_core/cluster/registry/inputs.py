"""The inputs of a `RegistryEngine`: what the application requests, and what the store and other nodes report.

Every request to the store, an action with a number, ends with its answer or with `RequestFailed`, exactly once.
"""

from collections.abc import Hashable, Sequence
from typing import TypeAlias

from ocpp_core._dataclasses import dataclass
from ocpp_core.cluster.records import Claimed, ClaimRestored, ClusterOwner, NodeId, Renewed, UnknownOwner
from ocpp_core.inputs import Tick

__all__ = [
    "CheckAnswered",
    "ClaimAnswered",
    "ClaimStation",
    "ConnectionEnded",
    "OwnershipQuestioned",
    "RegistryInput",
    "ReleaseAnswered",
    "RenewalAnswered",
    "ReplacementNoticed",
    "RequestFailed",
    "RestoreAnswered",
]


@dataclass(slots=True)
class ClaimStation:
    """A handshake passed every other check: claim its station.

    It ends with `AdmitConnection` or `RefuseConnection`, unless `ConnectionEnded` precedes them. If an older claim of
    the station is in progress at this node, its handshake is refused, and this claim follows when it has ended.
    """

    identity: str
    """The identity of the station."""
    connection: Hashable
    """The host's name for the connection, which no other connection has."""


@dataclass(slots=True)
class ConnectionEnded:
    """A handshake or a connection ended, whatever the reason; one that the engine does not know is ignored."""

    identity: str
    """The identity of the station."""
    connection: Hashable
    """The host's name for the connection."""


@dataclass(slots=True)
class ClaimAnswered:
    """The store answered a claim."""

    request: int
    """The number of the request."""
    answer: Claimed
    """The answer."""


@dataclass(slots=True)
class RestoreAnswered:
    """The store answered a restore."""

    request: int
    """The number of the request."""
    answer: ClaimRestored
    """The answer."""


@dataclass(slots=True)
class RenewalAnswered:
    """The store answered a renewal."""

    request: int
    """The number of the request."""
    answer: Renewed
    """The answer, with a count for each bucket."""


@dataclass(slots=True)
class CheckAnswered:
    """The store answered a check."""

    request: int
    """The number of the request."""
    owners: Sequence[ClusterOwner | UnknownOwner | None]
    """The owner of each station of the request, in its order; None for one without an owner."""


@dataclass(slots=True)
class ReleaseAnswered:
    """The store answered a release."""

    request: int
    """The number of the request."""
    was_removed: bool
    """True if the entry was this node's, with the fence of the release."""


@dataclass(slots=True)
class RequestFailed:
    """The store did not answer in time, or was not reached; the request may still take effect."""

    request: int
    """The number of the request."""


@dataclass(slots=True)
class ReplacementNoticed:
    """Another node reports that it has taken a station."""

    identity: str
    """The identity of the station."""
    fence: int
    """The fence of the other node's claim."""
    by: NodeId
    """The other node."""


@dataclass(slots=True)
class OwnershipQuestioned:
    """Another node named a claim of this node that it does not know: check the station."""

    identity: str
    """The identity of the station."""


RegistryInput: TypeAlias = (
    ClaimStation
    | ConnectionEnded
    | ClaimAnswered
    | RestoreAnswered
    | RenewalAnswered
    | CheckAnswered
    | ReleaseAnswered
    | RequestFailed
    | ReplacementNoticed
    | OwnershipQuestioned
    | Tick
)
"""Everything that goes into a `RegistryEngine`."""
