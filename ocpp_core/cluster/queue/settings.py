"""The limits of a queue in a cluster, and the pauses of the node that delivers from it."""

from math import inf
from typing import Final

from ocpp_core._dataclasses import dataclass
from ocpp_core.config import expect_declared, number

__all__ = ["MAX_OUTCOMES", "MAX_OUTCOME_BYTES", "MAX_TTL", "ClusterQueueLimits", "DeliveryConfig"]

MAX_TTL: Final = 30 * 86_400.0
"""Seconds for which a command may wait for its station."""
MAX_OUTCOMES: Final = 100
"""Outcomes that are kept of one station; beyond, the oldest is forgotten."""
MAX_OUTCOME_BYTES: Final = 16_384
"""Bytes of one outcome; the payload of a larger one is not kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterQueueLimits:
    """The limits of a queue.

    Raises ValueError for a value out of range, TypeError for a wrong type.
    """

    size: int = number(100, least=1, most=1000, unit="commands")
    """Commands of one station; beyond, the oldest one that was not sent is dropped."""
    size_bytes: int = number(256 << 10, least=1, most=16 << 20, unit="bytes")
    """Bytes of the commands of one station; beyond, further ones are refused."""
    stations: int = number(1000, least=1, unit="stations")
    """Stations of one bucket with a command or an outcome; beyond, commands for others are refused."""
    kept: float = number(86_400, least=1, most=30 * 86_400, unit="seconds")
    """Seconds for which an outcome is kept, unless it is acknowledged."""

    def __post_init__(self) -> None:
        expect_declared(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryConfig:
    """The pauses of a `QueueDelivery`, in seconds."""

    retry: float = number(1.0, above=0)
    """Seconds until a request is repeated that the store did not answer; doubled each time."""
    longest_retry: float = number(30.0, above=0)
    """Seconds between two repetitions at most."""
    owner_retry: float = number(10.0, above=0)
    """Seconds until the node looks again that did not have the station for certain, or could not write to it."""
    recheck: float = number(600.0, above=0, most=inf)
    """Seconds until a station without commands is looked at again: the report of a new one may get lost."""

    def __post_init__(self) -> None:
        expect_declared(self)
