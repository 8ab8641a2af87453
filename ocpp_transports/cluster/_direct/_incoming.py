"""The streams that other nodes open to this one."""

import ssl
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final, TypeAlias

import anyio
from anyio.abc import ByteStream, Listener
from anyio.streams.tls import TLSStream

from ocpp_core.cluster.records import NodeId
from ocpp_transports._driver._interfaces import Runtime
from ocpp_transports._logging._log import Log

from ._address import StreamAddress
from ._settings import DirectSettings
from ._stream import BROKEN, FrameStream, RefusedError
from ._unix_socket import SocketFile, remove_stale_socket
from ._unsent import UnsentFrames

__all__ = ["IncomingStreams"]

_SOCKET_MODE: Final = 0o600
"""Only the user of the process may connect to its Unix socket."""
_PAUSE: Final = 0.1
"""Seconds to wait after accepting failed, for example because the process has no file descriptor left."""
_Greeted: TypeAlias = tuple[FrameStream, NodeId]


class IncomingStreams:
    """Accepts streams, and keeps at most one of each node: the newest.

    Args:
        node: This node.
        settings: The limits.
        unsent: The frames of all streams that wait to be written.
        runtime: The owner of the tasks.
        log: The log of the host.
        received: Function that gets each frame and the node that sent it.
    """

    def __init__(
        self,
        node: NodeId,
        settings: DirectSettings,
        unsent: UnsentFrames,
        runtime: Runtime,
        log: Log,
        received: Callable[[NodeId, bytes], None],
    ) -> None:
        self._node = node
        self._settings = settings
        self._unsent = unsent
        self._runtime = runtime
        self._log = log
        self._received = received
        self._streams: dict[NodeId, FrameStream] = {}
        self._greeting: dict[anyio.CancelScope, None] = {}  # the oldest is the first
        self._listeners: list[Listener[Any]] = []
        self._file: SocketFile | None = None

    def get(self, node: NodeId) -> FrameStream | None:
        """Return the stream of a node; None without an open one."""
        stream = self._streams.get(node)
        return stream if stream is not None and stream.is_open else None

    async def listen(self, where: StreamAddress, tls: ssl.SSLContext | None) -> StreamAddress:
        """Accept streams at an address, and return it with the port. Raises OSError if it cannot."""
        if where.scheme == "unix":
            remove_stale_socket(where.path)
            unix = await anyio.create_unix_listener(where.path, mode=_SOCKET_MODE)
            self._file = SocketFile.at(where.path)
            self._serve(unix, None)
            return where
        tcp = await anyio.create_tcp_listener(local_host=where.host, local_port=where.port)
        for each in tcp.listeners:
            self._serve(each, tls)
        return StreamAddress(where.scheme, where.host, tcp.extra(anyio.abc.SocketAttribute.local_port))

    async def aclose(self) -> None:
        """Close what listens, after the runtime has ended the tasks; remove the file of a Unix socket. Idempotent."""
        with anyio.CancelScope(shield=True):  # it ends soon, and stopping halfway would be a leak
            for each in self._listeners:
                await each.aclose()  # its task may not have begun
        if self._file is not None:
            self._file.remove()

    def _serve(self, listener: Listener[Any], tls: ssl.SSLContext | None) -> None:
        self._listeners.append(listener)
        self._runtime.spawn(self._accept_all(listener, tls))

    async def _accept_all(self, listener: Listener[Any], tls: ssl.SSLContext | None) -> None:
        async with anyio.create_task_group() as tasks:
            while True:
                try:
                    await listener.serve(partial(self._accept, tls), tasks)
                except OSError as error:
                    self._log.recurring("cluster", f"cannot accept streams of other nodes: {error.strerror}")
                    await anyio.sleep(_PAUSE)

    async def _accept(self, tls: ssl.SSLContext | None, accepted: ByteStream) -> None:
        try:
            greeted = await self._within_limit(lambda: self._greet(tls, accepted))
            if greeted is not None:
                await self._run(*greeted)
        except (*BROKEN, RefusedError) as error:
            self._log.recurring("cluster", f"a stream of another node was closed: {str(error) or type(error).__name__}")
        except Exception as error:
            self._log.failed("a stream of another node failed", error)
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.aclose_forcefully(accepted)

    async def _within_limit(self, greet: Callable[[], Awaitable[_Greeted]]) -> _Greeted | None:
        """Greet a node; beyond the limit, give up the greeting that began first. Return None if this one is it."""
        if len(self._greeting) >= self._settings.max_greetings:
            oldest = next(iter(self._greeting))
            del self._greeting[oldest]
            oldest.cancel()
            self._log.recurring("cluster", "too many streams of other nodes have not greeted; the oldest is closed")
        with anyio.CancelScope() as scope:
            self._greeting[scope] = None
            try:
                return await greet()
            finally:
                self._greeting.pop(scope, None)
        return None

    async def _greet(self, tls: ssl.SSLContext | None, accepted: ByteStream) -> _Greeted:
        with anyio.fail_after(self._settings.hello_timeout):
            if tls is not None:
                accepted = await TLSStream.wrap(accepted, ssl_context=tls, standard_compatible=False)
            stream = FrameStream(accepted, self._settings, self._unsent)
            return stream, await stream.greet(self._node)

    async def _run(self, stream: FrameStream, node: NodeId) -> None:
        previous = self._streams.pop(node, None)
        if previous is not None:
            previous.close()
        if len(self._streams) >= self._settings.max_streams:
            self._log.recurring("cluster", "too many streams of other nodes; a further one is closed")
            return
        self._streams[node] = stream
        try:
            await stream.run(partial(self._received, node))
        finally:
            if self._streams.get(node) is stream:
                del self._streams[node]
