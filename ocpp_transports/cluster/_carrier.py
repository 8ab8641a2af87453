"""The interface of a carrier: what takes frames from node to node."""

from typing import Protocol

from ocpp_core.cluster.records import NodeId

__all__ = ["Carrier", "NotSentError", "UnknownError"]


class NotSentError(Exception):
    """The frame was certainly not sent."""


class UnknownError(Exception):
    """The frame may have been sent."""


class Carrier(Protocol):
    """Takes frames from this node to others; what arrives is passed to functions given at its construction."""

    async def send(self, node: NodeId, address: str | None, frame: bytes) -> None:
        """Send a frame to a node.

        Raises:
            NotSentError: The frame was certainly not sent.
            UnknownError: The frame may have been sent.
        """

    async def aclose(self) -> None:
        """End all streams."""
