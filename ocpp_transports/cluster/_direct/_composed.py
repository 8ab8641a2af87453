"""The carrier of a node: streams to the nodes that advertise an address, the carrier of the backend to the others."""

import os
from collections.abc import Callable

from ocpp_core.cluster.records import NodeId
from ocpp_transports._logging._log import Log
from ocpp_transports.cluster._carrier import Carrier, NotSentError
from ocpp_transports.cluster._settings import Cluster

from ._address import StreamAddress
from ._carrier import DirectCarrier

__all__ = ["ComposedCarrier"]


class ComposedCarrier:
    """Chooses the carrier of each frame; see `Carrier`.

    A frame to an address that this process can dial is written to the stream of that node. If the node cannot be
    reached, the frame is not sent: it is not given to the other carrier, where a dead node looks alive until its lease
    ends. A frame without an address, such as an answer, goes over a stream of its receiver, and over the carrier of the
    backend if there is none. So does a frame to an address that only other processes can dial: `tls://` if this node
    has no certificates, and a Unix socket that this machine does not
    have, or that only another user may write to.

    Args:
        cluster: The settings.
        node: This node.
        log: The log of the host.
        received: Function that gets each frame and the node that sent it.
        lost: Function that gets a node which answers nothing that was written to it so far.

    Raises:
        ValueError: The certificates are invalid.
        OSError: A file of them cannot be read.
    """

    def __init__(
        self,
        cluster: Cluster,
        node: NodeId,
        log: Log,
        received: Callable[[NodeId, bytes], None],
        lost: Callable[[NodeId], None],
    ) -> None:
        self._cluster = cluster
        self._node = node
        self._received = received
        self._lost = lost
        self._direct = DirectCarrier(node, cluster.direct_settings(), log, received, lost)
        self._over_backend: Carrier | None = None

    async def listen(self) -> str | None:
        """Accept streams, and return the address of this node for others; None if it advertises none.

        Raises OSError if it cannot listen.
        """
        where = self._cluster.advertised
        if where is None:
            return None
        return where.with_port((await self._direct.listen(where.listening)).port)

    def open(self) -> None:
        """Make the carrier of the backend."""
        self._over_backend = self._cluster.backend.new_carrier(self._node, self._received, self._lost_by_backend)

    async def send(self, node: NodeId, address: str | None, frame: bytes) -> None:
        """Send a frame to a node.

        Raises:
            NotSentError: The frame was certainly not sent.
            UnknownError: The frame may have been sent.
        """
        if address is None:
            await self._send_back(node, frame)
        elif self._direct.has_stream_to(node) or self._can_dial(address):
            await self._direct.send(node, address, frame)
        else:
            await self._send_over_backend(node, address, frame)

    async def aclose(self) -> None:
        """End all streams. Idempotent."""
        try:
            await self._direct.aclose()
        finally:
            if self._over_backend is not None:
                await self._over_backend.aclose()

    async def _send_back(self, node: NodeId, frame: bytes) -> None:
        try:
            await self._direct.send(node, None, frame)
        except NotSentError:
            await self._send_over_backend(node, None, frame)

    async def _send_over_backend(self, node: NodeId, address: str | None, frame: bytes) -> None:
        if self._over_backend is None:
            raise NotSentError("this node is not open")
        await self._over_backend.send(node, address, frame)

    def _can_dial(self, address: str) -> bool:
        try:
            where = StreamAddress.read(address)
        except ValueError:
            return False
        if where.scheme == "unix":
            return os.access(where.path, os.W_OK)
        return where.scheme == "tcp" or self._cluster.tls is not None

    def _lost_by_backend(self, node: NodeId) -> None:
        """Report a node whose lease has ended, unless its stream shows that it lives: Redis may have lost its data."""
        if not self._direct.has_stream_to(node):
            self._lost(node)
