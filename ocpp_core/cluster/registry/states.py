"""The states of a station at the node that has its connection."""

from collections.abc import Hashable
from typing import TypeAlias

from ocpp_core._dataclasses import dataclass

__all__ = ["Doubted", "Owned", "OwnedState"]


@dataclass(frozen=True, slots=True)
class Owned:
    """The store confirmed the claim under the baseline of its bucket; each renewal with this baseline confirms it."""

    connection: Hashable
    """The host's name for the connection."""
    fence: int
    """The fence of the claim."""
    confirmed: float
    """When the request was sent that confirmed the claim first, in the host's seconds; renewals confirm the bucket."""


@dataclass(frozen=True, slots=True)
class Doubted:
    """The store may have another owner; no renewal confirms the claim until a check or a restore is answered."""

    connection: Hashable
    """The host's name for the connection."""
    fence: int
    """The fence of the claim."""
    confirmed: float
    """When the last request was sent that confirmed the claim, in the host's seconds."""


OwnedState: TypeAlias = Owned | Doubted
"""The states of a station with a connection at this node."""
