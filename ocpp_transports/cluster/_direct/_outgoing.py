"""The streams that this node opens to others."""

import ssl
from collections.abc import Callable
from functools import partial

import anyio
from anyio.abc import ByteStream

from ocpp_core.cluster.records import NodeId
from ocpp_transports._driver._interfaces import Runtime
from ocpp_transports.cluster._carrier import NotSentError

from ._address import StreamAddress
from ._settings import DirectSettings
from ._stream import BROKEN, FrameStream, RefusedError
from ._unsent import UnsentFrames

__all__ = ["OutgoingStreams"]


class _Dial:
    """An attempt to open a stream, whose outcome everything gets that waits for it."""

    def __init__(self) -> None:
        self.ended = anyio.Event()
        self.stream: FrameStream | None = None
        self.reason = "this node is closing"


class OutgoingStreams:
    """Opens a stream to a node when a frame is sent to it, and keeps it.

    Args:
        node: This node.
        settings: The limits.
        unsent: The frames of all streams that wait to be written.
        runtime: The owner of the tasks.
        tls: The certificates for `tls://`; None without any.
        received: Function that gets each frame and the node that sent it.
        lost: Function that gets a node whose stream has ended.
    """

    def __init__(
        self,
        node: NodeId,
        settings: DirectSettings,
        unsent: UnsentFrames,
        runtime: Runtime,
        tls: ssl.SSLContext | None,
        received: Callable[[NodeId, bytes], None],
        lost: Callable[[NodeId], None],
    ) -> None:
        self._node = node
        self._settings = settings
        self._unsent = unsent
        self._runtime = runtime
        self._tls = tls
        self._received = received
        self._lost = lost
        self._streams: dict[NodeId, FrameStream] = {}
        self._dials: dict[NodeId, _Dial] = {}
        self._is_closed = False

    def get(self, node: NodeId) -> FrameStream | None:
        """Return the stream to a node; None without an open one."""
        stream = self._streams.get(node)
        return stream if stream is not None and stream.is_open else None

    async def open(self, node: NodeId, where: StreamAddress) -> FrameStream:
        """Return the stream to a node, which may have ended. Raises NotSentError if the node cannot be reached."""
        stream = self._streams.get(node)
        if stream is not None:
            return stream  # if it has ended, `lost` is called before another one is opened
        dial = self._dials.get(node)
        if dial is None:
            dial = self._dials[node] = _Dial()
            self._runtime.spawn(self._dial(dial, node, where))
        await dial.ended.wait()
        if dial.stream is None:
            raise NotSentError(f"cannot connect to the node: {dial.reason}")
        return dial.stream

    def close(self) -> None:
        """Report no more nodes as lost, and end the waiting for dials. The runtime ends the rest."""
        self._is_closed = True
        for dial in self._dials.values():
            dial.ended.set()

    async def _dial(self, dial: _Dial, node: NodeId, where: StreamAddress) -> None:
        try:
            stream = dial.stream = self._streams[node] = await self._connect(node, where)
        except (*BROKEN, RefusedError, ValueError) as error:
            dial.reason = str(error) if isinstance(error, RefusedError) else type(error).__name__
            return
        finally:
            del self._dials[node]
            dial.ended.set()
        await stream.run(partial(self._received, node))
        del self._streams[node]
        if not self._is_closed:
            self._lost(node)  # answers to what was written to it arrive over this stream only

    async def _connect(self, node: NodeId, where: StreamAddress) -> FrameStream:
        with anyio.fail_after(self._settings.hello_timeout):
            stream = FrameStream(await self._open(where), self._settings, self._unsent)
        try:
            await stream.greet(self._node, node)
        except BaseException:
            await stream.aclose()
            raise
        return stream

    async def _open(self, where: StreamAddress) -> ByteStream:
        if where.scheme == "unix":
            return await anyio.connect_unix(where.path)
        if where.scheme == "tcp":
            return await anyio.connect_tcp(where.host, where.port)
        if self._tls is None:
            raise RefusedError("this node has no certificates for tls://")
        return await anyio.connect_tcp(where.host, where.port, ssl_context=self._tls, tls_standard_compatible=False)
