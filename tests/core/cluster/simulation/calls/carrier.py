"""The interface of the simulated carriers: what takes frames from process to process."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol, TypeAlias

from ocpp_core.cluster.calls.caller_inputs import WriteResult
from ocpp_core.cluster.records import NodeId

if TYPE_CHECKING:
    from .node import CallingNode

Ended: TypeAlias = Callable[[WriteResult], None]
"""Gets how the writing of a frame ended, in the process of the sender."""
Nodes: TypeAlias = "Mapping[str, CallingNode]"
"""The nodes of a cluster by name."""


class Carrier(Protocol):
    """Takes frames from the processes of a cluster to others."""

    def send(self, sender: "CallingNode", node: NodeId, frame: bytes, ended: Ended | None = None) -> None:
        """Send a request or a cancellation; `ended` gets its result, if the sender lives then."""

    def answer(self, sender: "CallingNode", node: NodeId, frame: bytes) -> None:
        """Send an answer."""

    def started(self, node: "CallingNode") -> None:
        """Note that a process has started."""

    def ended(self, node: "CallingNode") -> None:
        """Note that a process has ended."""


def name_of(node: NodeId) -> str:
    """Return the name of a node, which its successors have too."""
    return node.partition(".")[0]
