"""Carries frames from node to node over streams that the nodes open to each other."""

import ssl
from collections.abc import Callable
from typing import Any, Final

import anyio
from anyio.abc import ByteStream, Listener
from anyio.streams.tls import TLSListener

from ocpp_core.cluster.records import NodeId
from ocpp_core.handshake import SecurityProfile
from ocpp_transports._logging._log import Log
from ocpp_transports._runtime._current import current_runtime
from ocpp_transports._tls._contexts import client_context, server_context
from ocpp_transports.cluster._carrier import NotSentError

from ._address import StreamAddress
from ._settings import DirectSettings
from ._stream import BROKEN, FrameStream, RefusedError

__all__ = ["DirectCarrier"]

_SOCKET_MODE: Final = 0o600
"""Only the user of the process may connect to its Unix socket."""


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
        self._node = node
        self._settings = settings
        self._log = log
        self._received = received
        self._lost = lost
        self._server_tls: ssl.SSLContext | None = None
        self._client_tls: ssl.SSLContext | None = None
        if settings.tls is not None:
            self._server_tls = server_context(settings.tls, SecurityProfile.TLS_CERT)
            self._client_tls = client_context(settings.tls)
        self._runtime = current_runtime(type(self).__name__, in_block=True, log=log)
        self._opened: dict[NodeId, FrameStream] = {}
        self._accepted: dict[NodeId, FrameStream] = {}
        self._dialing: dict[NodeId, anyio.Lock] = {}
        self._incoming = 0
        self._is_closed = False

    async def listen(self, address: str) -> str:
        """Accept streams of other nodes, and return the address with the port.

        Args:
            address: `tcp://host:port`, `tls://host:port` or `unix:///path`; port 0 picks one.

        Raises:
            ValueError: It is no such address, or `tls` has no certificates.
            OSError: It is in use, or not of this machine.
        """
        where = StreamAddress.read(address)
        if where.scheme == "unix":
            unix = await anyio.create_unix_listener(where.path, mode=_SOCKET_MODE)
            self._runtime.spawn(self._serve(unix))
            return address
        tls = self._tls_for(where, self._server_tls)
        tcp = await anyio.create_tcp_listener(local_host=where.host, local_port=where.port)
        port = tcp.extra(anyio.abc.SocketAttribute.local_port)
        self._runtime.spawn(self._serve(tcp if tls is None else TLSListener(tcp, tls, standard_compatible=False)))
        return str(StreamAddress(where.scheme, where.host, port))

    async def send(self, node: NodeId, address: str | None, frame: bytes) -> None:
        """Write a frame to a node.

        Raises:
            NotSentError: The node cannot be reached, or is another one now.
            UnknownError: The stream ended while the frame was written.
        """
        if self._is_closed:
            raise NotSentError("this node is closing")
        if address is None:
            stream = self._accepted.get(node) or self._opened.get(node)
            if stream is None:
                raise NotSentError("there is no stream to the node")
        else:
            stream = self._opened.get(node) or await self._open(node, address)
        await stream.send(frame)

    async def aclose(self) -> None:
        """End all streams. Idempotent."""
        self._is_closed = True
        await self._runtime.aclose()

    # Streams of this node

    async def _open(self, node: NodeId, address: str) -> FrameStream:
        lock = self._dialing.setdefault(node, anyio.Lock())
        try:
            async with lock:
                return self._opened.get(node) or await self._dial(node, address)
        finally:
            if not lock.statistics().tasks_waiting:
                self._dialing.pop(node, None)

    async def _dial(self, node: NodeId, address: str) -> FrameStream:
        try:
            with anyio.fail_after(self._settings.hello_timeout):
                stream = FrameStream(await self._connect(StreamAddress.read(address)), self._settings)
        except (*BROKEN, ValueError) as error:
            raise NotSentError(f"cannot connect to the node: {type(error).__name__}") from None
        try:
            await stream.greet(self._node, node)
        except (*BROKEN, RefusedError) as error:
            await stream.aclose()
            raise NotSentError(f"cannot connect to the node: {error}") from None
        except BaseException:
            await stream.aclose()
            raise
        self._opened[node] = stream
        self._runtime.spawn(self._run_opened(stream, node))
        return stream

    async def _run_opened(self, stream: FrameStream, node: NodeId) -> None:
        await self._run(stream, node, self._opened)
        if not self._is_closed:
            self._lost(node)  # answers arrive over this stream only

    async def _connect(self, where: StreamAddress) -> ByteStream:
        if where.scheme == "unix":
            return await anyio.connect_unix(where.path)
        tls = self._tls_for(where, self._client_tls)
        if tls is None:
            return await anyio.connect_tcp(where.host, where.port)
        return await anyio.connect_tcp(where.host, where.port, ssl_context=tls, tls_standard_compatible=False)

    def _tls_for(self, where: StreamAddress, context: ssl.SSLContext | None) -> ssl.SSLContext | None:
        if where.scheme != "tls":
            return None
        if context is None:
            raise ValueError("expected certificates for an address with tls://")
        return context

    # Streams of other nodes

    async def _serve(self, listener: Listener[Any]) -> None:
        async with listener:
            await listener.serve(self._accept)

    async def _accept(self, accepted: ByteStream) -> None:
        stream = FrameStream(accepted, self._settings)
        self._incoming += 1
        try:
            if self._incoming > self._settings.max_streams:
                self._log.recurring("cluster", "too many streams of other nodes; a further one is closed")
                return
            node = await stream.greet(self._node)
            previous = self._accepted.get(node)
            if previous is not None:
                previous.close()
            self._accepted[node] = stream
            await self._run(stream, node, self._accepted)
        except (*BROKEN, RefusedError) as error:
            self._log.recurring("cluster", f"a stream of another node was closed: {str(error) or type(error).__name__}")
        except Exception as error:
            self._log.failed("a stream of another node failed", error)
        finally:
            self._incoming -= 1
            await stream.aclose()

    async def _run(self, stream: FrameStream, node: NodeId, streams: dict[NodeId, FrameStream]) -> None:
        try:
            await stream.run(lambda frame: self._pass_on(node, frame))
        finally:
            if streams.get(node) is stream:
                del streams[node]

    def _pass_on(self, node: NodeId, frame: bytes) -> None:
        try:
            self._received(node, frame)
        except Exception as error:
            self._log.failed("the receiver of a frame failed", error)
