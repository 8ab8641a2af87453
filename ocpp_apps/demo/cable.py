"""A relay of bytes between a station and the central system that can be interrupted."""

from contextlib import suppress
from typing import Final

import anyio
from anyio.abc import ByteStream, SocketAttribute, SocketStream, TaskGroup
from anyio.streams.stapled import MultiListener

__all__ = ["Cable"]

_ENDS: Final = (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError, OSError)


class Cable:
    """Relays connections at `near` to the port passed to `plug`. Until then connections wait."""

    def __init__(self) -> None:
        self._far = 0
        self._plugged = anyio.Event()
        self._is_whole = True
        self._links: set[anyio.CancelScope] = set()
        self.near: str = ""
        """The URL that the station connects to."""

    async def lay(self, tasks: TaskGroup) -> None:
        """Listen on the station's side while these tasks run."""
        listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
        self.near = f"ws://127.0.0.1:{listener.extra(SocketAttribute.local_port)}"
        tasks.start_soon(self._serve, listener)

    def plug(self, port: int) -> None:
        """Set the port on the loopback interface that connections are relayed to."""
        self._far = port
        self._plugged.set()

    def cut(self) -> None:
        """Break all connections without a close frame. New connections break immediately."""
        self._is_whole = False
        for link in self._links:
            link.cancel()

    def mend(self) -> None:
        """Relay new connections again."""
        self._is_whole = True

    async def _serve(self, listener: MultiListener[SocketStream]) -> None:
        async with listener:
            await listener.serve(self._relay)

    async def _relay(self, near: SocketStream) -> None:
        async with near:
            await self._plugged.wait()
            if not self._is_whole:
                return
            with anyio.CancelScope() as link, suppress(OSError):
                self._links.add(link)
                try:
                    async with await anyio.connect_tcp("127.0.0.1", self._far) as far:
                        await self._join(near, far)
                finally:
                    self._links.discard(link)

    async def _join(self, near: ByteStream, far: ByteStream) -> None:
        """Relay bytes in both directions until one end closes."""
        async with anyio.create_task_group() as ways:
            for source, sink in ((near, far), (far, near)):
                ways.start_soon(self._carry, source, sink, ways.cancel_scope)

    async def _carry(self, source: ByteStream, sink: ByteStream, link: anyio.CancelScope) -> None:
        with suppress(*_ENDS):
            async for chunk in source:
                await sink.send(chunk)
        link.cancel()
