"""The limits of calls between nodes."""

from ocpp_core._dataclasses import dataclass
from ocpp_core.config import expect_declared, number

__all__ = ["RemoteCallsConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteCallsConfig:
    """The settings of a `RemoteCaller` and a `RemoteExecutor`; those of one cluster must be equal.

    Raises ValueError for a value out of range, TypeError for a wrong type.
    """

    max_calls: int = number(10_000, least=1, unit="calls")
    """Calls in progress: those of this node, and those that it executes for others. Further ones are not sent."""
    max_calls_per_node: int = number(2_000, least=1, unit="calls")
    """Calls in progress from one node to another; both of them count."""
    max_bytes: int = number(64 * 1024 * 1024, least=1, unit="bytes")
    """Size of all calls in progress, as they are written to frames."""
    max_frame: int = number(4 * 1024 * 1024, least=1024, unit="bytes")
    """Size of one frame."""
    max_attempts: int = number(3, least=1, unit="attempts")
    """Requests for one call: a station may move to another node while it is called."""
    max_known_owners: int = number(10_000, least=0, unit="stations")
    """Stations whose node is remembered, so that a call needs no answer of the registry."""
    longest: float = number(3600, above=0)
    """Seconds that a call may take from its start to its outcome, the time in queues included."""
    probe_after: float = number(15, above=0)
    """Seconds after which the caller asks the other node whether it still executes a call, and again after as many."""
    max_callers: int = number(10_000, least=1, unit="nodes")
    """Nodes whose requests are remembered; requests of a further node are not executed until another one was silent for
    a minute."""

    def __post_init__(self) -> None:
        expect_declared(self)
