"""How a process joins a cluster: the value of the option `cluster`, and what it is made of."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from ocpp_core.cluster.records import NodeId
from ocpp_core.config import expect_declared, number

from ._carrier import Carrier
from ._store import RegistryStore

__all__ = ["Backend", "Cluster"]

_NAME_LENGTH: Final = 64


class Backend(Protocol):
    """What the nodes of a cluster share: it makes the store and the carrier of each node."""

    def new_store(self, lease: float, timeout: float) -> RegistryStore:
        """Return a store for one node; nothing is opened yet. Both arguments are seconds."""

    def new_carrier(
        self, node: NodeId, received: Callable[[NodeId, bytes], None], lost: Callable[[NodeId], None]
    ) -> Carrier:
        """Return the carrier of a node, and begin to receive.

        Args:
            node: The node.
            received: Function that gets each frame and the node that sent it.
            lost: Function that gets a node which certainly answers no more.
        """


@dataclass(frozen=True, slots=True)
class Cluster:
    """How a process joins a cluster.

        shared = MemoryCluster()
        server = OCPPServer(protocols=["ocpp1.6"], cluster=Cluster(shared, name="csms-1"))

    Raises:
        ValueError: A value is out of its range.
        TypeError: A value has the wrong type.
    """

    backend: Backend
    """What the nodes share: a `MemoryCluster`."""
    name: str = "node"
    """The name of this node, for logs: 1 to 64 printable ASCII characters. Nodes may share one."""
    lease: float = number(9, least=0.1, most=3600)
    """Seconds after which a node that renews nothing counts as dead; it renews at each third."""
    timeout: float = number(2, least=0.01, most=60)
    """Seconds to wait for an answer of the registry. A station that connects gets 503 then."""

    def __post_init__(self) -> None:
        if not all(callable(getattr(self.backend, name, None)) for name in ("new_store", "new_carrier")):
            raise TypeError(f"expected backend as a MemoryCluster, got {type(self.backend).__name__}")
        if not isinstance(self.name, str):
            raise TypeError(f"expected name as str, got {type(self.name).__name__}")
        if not (0 < len(self.name) <= _NAME_LENGTH and self.name.isascii() and self.name.isprintable()):
            raise ValueError(f"expected name as 1 to {_NAME_LENGTH} printable ASCII characters, got {self.name!r}")
        expect_declared(self)
