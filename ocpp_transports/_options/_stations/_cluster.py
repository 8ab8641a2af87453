"""The option of a server that shares its stations with other servers."""

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Final, Self

from ocpp_core._dataclasses import dataclass
from ocpp_transports._options._stations._cluster_choice import ClusterChoice

from ._queue import QueueOptions

__all__ = ["ClusterOptions"]

_FIXED: Final = ("cluster", "ignore_identity_case")


@dataclass(frozen=True, kw_only=True)
class ClusterOptions(QueueOptions):
    """The options of a server for a cluster."""

    cluster: str | ClusterChoice | None = field(default=None, repr=False)
    """The cluster of servers that this one joins: the URL of Redis, or a `Cluster` of `ocpp_transports.cluster`. A
    station then has one connection in the whole cluster, the newest, and `call` reaches it from every server. None for
    a server of its own."""

    def __post_init__(self) -> None:
        super().__post_init__()
        choice: object = self.cluster
        if choice is not None and not isinstance(choice, (str, ClusterChoice)):
            got = type(choice).__name__
            raise TypeError(f"expected cluster as the URL of Redis or a Cluster of ocpp_transports.cluster, got {got}")
        if choice is None and self.cluster_queue is not None:
            raise ValueError(
                "cannot queue commands in a cluster: the server is in none; pass cluster=, or another queue"
            )

    def changed(self, changes: Mapping[str, Any]) -> Self:
        """Return a copy with changes. Raises the errors of the base class, and ValueError for another cluster.

        The registry has the stations by their identities, so in a cluster the rule for their case is fixed too.
        """
        for name in _FIXED if self.cluster is not None else _FIXED[:1]:
            if changes.get(name, getattr(self, name)) != getattr(self, name):
                raise ValueError(f"cannot change {name}: it is fixed; pass it to the constructor")
        return super().changed(changes)
