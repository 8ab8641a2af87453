"""What a store of the registry answers to a node: owners, fences, counts of lost stations, and its generation."""

from enum import Enum
from typing import NewType

from ocpp_core._dataclasses import dataclass

__all__ = ["ClaimRestored", "Claimed", "ClusterOwner", "Found", "NodeId", "Renewed", "UnknownOwner"]

NodeId = NewType("NodeId", str)
"""One life of a node: its name, a dot, and its epoch in 16 hex digits. The epoch is new at each start of the process,
so no node is mistaken for its predecessor."""


@dataclass(frozen=True, slots=True)
class ClusterOwner:
    """The node that has a station."""

    node: NodeId
    """The node."""
    fence: int
    """The fence of its claim: a later claim in the same bucket has a larger one."""


class UnknownOwner(Enum):
    """The place of an owner in the answer to a check, of which one server of several answers nothing."""

    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Claimed:
    """The answer to a claim: the node has the station."""

    fence: int
    """The fence of the claim: the time of the store in µs, or more if the bucket has had a larger one."""
    losses: int
    """Stations of this bucket that other nodes have taken from this node so far."""
    previous: ClusterOwner | None
    """The owner before the claim, which may be the node itself; None if there was none."""
    generation: str
    """The life of the store's data; another one if data may have been lost."""
    waiters: tuple[NodeId, ...] = ()
    """The nodes that waited for the station: they are to be told when it is open. The store has forgotten them."""


@dataclass(frozen=True, slots=True)
class ClaimRestored:
    """The answer to a restore: the attempt to continue a claim after the store may have lost data."""

    is_ours: bool
    """True if the node has the station, with its old fence."""
    current: ClusterOwner | None
    """The owner before the restore, which may be the node itself; None if there was none."""
    losses: int
    """Stations of this bucket that other nodes have taken from this node so far."""
    generation: str
    """The life of the store's data; another one if data may have been lost."""


@dataclass(frozen=True, slots=True)
class Renewed:
    """The answer to a renewal: the lease of the node is written."""

    generations: tuple[str | None, ...]
    """For each bucket, the life of its data; another one if data may have been lost. The buckets may be distributed
    over several servers: None if that of the bucket did not answer."""
    losses: tuple[int, ...]
    """For each bucket, the stations that other nodes have taken from this node so far."""


@dataclass(frozen=True, slots=True)
class Found:
    """The answer to a search: who has a station."""

    owner: ClusterOwner
    """The node and the fence of its claim."""
    address: str | None
    """Where the node accepts connections of other nodes; None if it does not."""
    is_alive: bool
    """True while the lease of the node lasts."""
