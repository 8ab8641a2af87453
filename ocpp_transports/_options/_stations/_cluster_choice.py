"""The value of the option `cluster`, as far as the options know it."""

from typing import Protocol, runtime_checkable

__all__ = ["ClusterChoice"]


@runtime_checkable
class ClusterChoice(Protocol):
    """How a server joins a cluster: a `Cluster` of `ocpp_transports.cluster`."""

    @property
    def name(self) -> str:
        """The name of this node; empty for that of the host."""

    @property
    def lease(self) -> float:
        """Seconds after which the other nodes believe that a silent node is dead."""
