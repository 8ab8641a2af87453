"""The settings of a node's part of the registry."""

from ocpp_core._dataclasses import dataclass
from ocpp_core.config import expect_declared, number

__all__ = ["RegistryConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryConfig:
    """The settings of a `RegistryEngine`.

    Raises ValueError for a value out of range, TypeError for a wrong type.
    """

    buckets: int = number(256, least=1, unit="buckets")
    """Buckets of the store over which the stations are distributed."""
    lease: float = number(9.0, above=0)
    """Seconds from a renewal until the other nodes count this node as dead."""
    renewal: float = number(3.0, above=0)
    """Seconds between renewals."""
    margin: float = number(0.5, least=0)
    """Seconds before the end of its lease at which the node stops to believe: clocks run at different speeds."""
    claim_timeout: float = number(2.0, above=0)
    """Seconds to wait for the answer to a claim; then the handshake is refused."""
    max_requests: int = number(10_000, least=1, unit="requests")
    """Claims in progress, beyond which a handshake is refused; requests in progress, beyond which releases wait."""
    check_size: int = number(1000, least=1, unit="stations")
    """Stations that one check asks for; one check is in progress at a time."""
    max_restores: int = number(100, least=1, unit="requests")
    """Restores in progress; others wait."""
    max_strays: int = number(10_000, least=1, unit="stations")
    """Stations without a connection here that the store may count as this node's; beyond, the oldest is forgotten. A
    forgotten one is cleared up by the next claim of its station, or with the node's lease."""
    close_when_lapsed: bool = False
    """True to close the connections of stations in which the node no longer believes, because the store is away or the
    process was stopped."""

    def __post_init__(self) -> None:
        expect_declared(self)
        for name in ("renewal", "claim_timeout"):
            if getattr(self, name) >= self.validity:
                raise ValueError(
                    f"expected {name} below lease - margin ({self.validity:g} s), got {getattr(self, name)!r}"
                )

    @property
    def validity(self) -> float:
        """Seconds for which the node believes in a station, from the sending of the request that confirmed it."""
        return self.lease - self.margin
