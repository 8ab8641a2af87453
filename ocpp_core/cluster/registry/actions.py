"""The actions of a `RegistryEngine`: requests to the store, and decisions about connections."""

from collections.abc import Hashable, Sequence
from enum import StrEnum
from typing import TypeAlias

from ocpp_core._dataclasses import dataclass
from ocpp_core.cluster.records import NodeId

__all__ = [
    "AdmitConnection",
    "EvictConnection",
    "EvictionReason",
    "LeaseChanged",
    "NotifyReplaced",
    "RefusalReason",
    "RefuseConnection",
    "RegistryAction",
    "SendCheck",
    "SendClaim",
    "SendRelease",
    "SendRenewal",
    "SendRestore",
]


class RefusalReason(StrEnum):
    """Why a handshake is refused; the host responds with status 503."""

    UNAVAILABLE = "unavailable"
    """The store did not answer the claim in time."""
    TOO_MANY = "too many"
    """Too many claims are in progress."""
    REPLACED = "replaced"
    """The station has begun a newer handshake."""


class EvictionReason(StrEnum):
    """Why an open connection ends."""

    REPLACED = "replaced"
    """The station has a newer connection; the host closes this one with code 4000."""
    LAPSED = "lapsed"
    """The store is away for longer than the lease, and `close_when_lapsed` is set."""


@dataclass(slots=True)
class SendRenewal:
    """Renew the lease of the node, and read the generation and the losses of each bucket."""

    request: int
    """The number that the answer repeats."""


@dataclass(slots=True)
class SendClaim:
    """Claim a station."""

    request: int
    """The number that the answer repeats."""
    identity: str
    """The identity of the station."""


@dataclass(slots=True)
class SendRestore:
    """Continue a claim with its old fence."""

    request: int
    """The number that the answer repeats."""
    identity: str
    """The identity of the station."""
    fence: int
    """The fence of the claim."""


@dataclass(slots=True)
class SendCheck:
    """Read the owners of stations."""

    request: int
    """The number that the answer repeats."""
    identities: Sequence[str]
    """The identities of the stations."""


@dataclass(slots=True)
class SendRelease:
    """Remove the entry of a station if it is this node's with this fence."""

    request: int
    """The number that the answer repeats."""
    identity: str
    """The identity of the station."""
    fence: int
    """The fence of the claim."""


@dataclass(slots=True)
class AdmitConnection:
    """Let the handshake of a claim succeed: the node has the station."""

    identity: str
    """The identity of the station."""
    connection: Hashable
    """The host's name for the connection."""
    fence: int
    """The fence of the claim."""


@dataclass(slots=True)
class RefuseConnection:
    """Refuse the handshake of a claim."""

    identity: str
    """The identity of the station."""
    connection: Hashable
    """The host's name for the connection."""
    reason: RefusalReason
    """Why."""


@dataclass(slots=True)
class EvictConnection:
    """Close a connection: the engine no longer counts it as the station's."""

    identity: str
    """The identity of the station."""
    connection: Hashable
    """The host's name for the connection."""
    reason: EvictionReason
    """Why."""
    by: NodeId | None = None
    """The node that has the station now, which may be this one; None if it is not known."""


@dataclass(slots=True)
class NotifyReplaced:
    """Report to a node that this one has taken a station from it.

    The report may be lost: the node also learns of it with its next renewal.
    """

    node: NodeId
    """The node to report it to."""
    identity: str
    """The identity of the station."""
    fence: int
    """The fence of this node's claim."""


@dataclass(slots=True)
class LeaseChanged:
    """The lease of the node ended because the store is away, or lasts again."""

    is_valid: bool
    """True if the lease lasts."""


RegistryAction: TypeAlias = (
    SendRenewal
    | SendClaim
    | SendRestore
    | SendCheck
    | SendRelease
    | AdmitConnection
    | RefuseConnection
    | EvictConnection
    | NotifyReplaced
    | LeaseChanged
)
"""Everything that a `RegistryEngine` asks its host to do."""
