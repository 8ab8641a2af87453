"""Carries frames from node to node over streams that the nodes open to each other."""

import ssl
from collections.abc import Callable

from ocpp_core.cluster.records import NodeId
from ocpp_core.handshake import SecurityProfile
from ocpp_transports._logging._log import Log
from ocpp_transports._runtime._current import current_runtime
from ocpp_transports._tls._contexts import client_context, server_context
from ocpp_transports.cluster._carrier import NotSentError

from ._address import StreamAddress
from ._incoming import IncomingStreams
from ._outgoing import OutgoingStreams
from ._settings import DirectSettings
from ._unsent import UnsentFrames

__all__ = ["DirectCarrier"]


class DirectCarrier:
    """Sends frames to other nodes over streams, and accepts those of other nodes; see `Carrier`.

    There is at most one stream to a node in each direction. It is opened when something is sent to the address of the
    node, and stays open. A frame without an address goes back over the stream that the node has opened. `lost` is
    called when a stream ends that this node has opened: at once if the process of the other node ends, and after
    `silence` seconds if nothing arrives from it.

    Args:
        node: This node.
        settings: The limits, and the certificates for `tls://`.
        log: The log of the host.
        received: Function that gets each frame and the node that sent it.
        lost: Function that gets a node which answers nothing that was written to it over the stream that ended.

    Raises:
        ValueError: The certificates are not enough for both sides of a connection.
        OSError: A file of them cannot be read.
    """

    def __init__(
        self,
        node: NodeId,
        settings: DirectSettings,
        log: Log,
        received: Callable[[NodeId, bytes], None],
        lost: Callable[[NodeId], None],
    ) -> None:
        self._log = log
        self._deliver = received
        self._server_tls: ssl.SSLContext | None = None
        client_tls = None
        if settings.tls is not None:
            self._server_tls = server_context(settings.tls, SecurityProfile.TLS_CERT)
            client_tls = client_context(settings.tls)
        self._runtime = current_runtime(type(self).__name__, in_block=True, log=log)
        unsent = UnsentFrames(settings.max_unsent)
        self._incoming = IncomingStreams(node, settings, unsent, self._runtime, log, self._received)
        self._outgoing = OutgoingStreams(node, settings, unsent, self._runtime, client_tls, self._received, lost)
        self._is_closed = False

    async def listen(self, where: StreamAddress) -> StreamAddress:
        """Accept streams of other nodes, and return the address with the port; port 0 picks one.

        Raises:
            ValueError: An address with `tls://` needs certificates.
            OSError: The address is in use, or not of this machine.
        """
        if where.scheme != "tls":
            return await self._incoming.listen(where, None)
        if self._server_tls is None:
            raise ValueError("expected certificates for an address with tls://")
        return await self._incoming.listen(where, self._server_tls)

    def has_stream_to(self, node: NodeId) -> bool:
        """Return True while a stream is open that this node has opened."""
        return self._outgoing.get(node) is not None

    async def send(self, node: NodeId, address: str | None, frame: bytes) -> None:
        """Write a frame to a node.

        Raises:
            NotSentError: The node cannot be reached, or is another one now.
            UnknownError: The stream ended while the frame was written.
        """
        if self._is_closed:
            raise NotSentError("this node is closing")
        if address is None:
            stream = self._incoming.get(node) or self._outgoing.get(node)
            if stream is None:
                raise NotSentError("there is no stream to the node")
        else:
            stream = await self._outgoing.open(node, _read(address))
        await stream.send(frame)

    async def aclose(self) -> None:
        """End all streams. Idempotent."""
        self._is_closed = True
        self._outgoing.close()
        try:
            await self._runtime.aclose()
        finally:
            await self._incoming.aclose()

    def _received(self, node: NodeId, frame: bytes) -> None:
        try:
            self._deliver(node, frame)
        except Exception as error:
            self._log.failed("the receiver of a frame failed", error)


def _read(address: str) -> StreamAddress:
    try:
        return StreamAddress.read(address)
    except ValueError as error:
        raise NotSentError(str(error)) from None
