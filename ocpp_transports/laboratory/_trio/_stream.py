"""One end of a virtual connection as a byte stream of anyio."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import anyio
from anyio.abc import ByteStream, SocketAttribute
from anyio.streams.tls import TLSAttribute

from ocpp_transports.laboratory._played_tls import PlayedTLS

__all__ = ["VirtualStream"]

_MOST_UNREAD = 65536
"""Bytes beyond which the stream leaves what arrives to the network."""


class VirtualStream(asyncio.Protocol, ByteStream):
    """A byte stream on a virtual transport; the network calls it as a protocol of asyncio.

    Args:
        tls: What it knows of the TLS that counts as protecting it; None without TLS.
    """

    _transport: asyncio.Transport

    def __init__(self, tls: PlayedTLS | None) -> None:
        self._tls = tls
        self._unread: deque[bytes] = deque()
        self._size = 0
        self._changed = anyio.Event()
        self._is_paused = self._has_ended = self._is_lost = self._is_closed = False

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = transport  # type: ignore[assignment]  # asyncio states the base class, streams have this

    def data_received(self, data: bytes) -> None:
        """Keep what has arrived until it is read."""
        self._unread.append(data)
        self._size += len(data)
        if self._size > _MOST_UNREAD:
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        """Note the orderly end of the peer; this end stays open."""
        self._has_ended = True
        self._wake()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end of the connection."""
        self._is_lost = True
        self._wake()

    def pause_writing(self) -> None:
        """Let `send` wait."""
        self._is_paused = True

    def resume_writing(self) -> None:
        """Let `send` go on."""
        self._is_paused = False
        self._wake()

    def _wake(self) -> None:
        changed, self._changed = self._changed, anyio.Event()
        changed.set()

    # ByteStream

    async def receive(self, max_bytes: int = 65536) -> bytes:
        """Return the next bytes; see anyio."""
        await anyio.lowlevel.checkpoint()
        while not (self._unread or self._has_ended or self._is_lost or self._is_closed):
            await self._changed.wait()
        if self._is_closed:
            raise anyio.ClosedResourceError
        if self._unread:
            return self._take(max_bytes)
        if self._has_ended:
            raise anyio.EndOfStream
        raise anyio.BrokenResourceError

    def _take(self, most: int) -> bytes:
        data = self._unread.popleft()
        if len(data) > most:
            self._unread.appendleft(data[most:])
            data = data[:most]
        self._size -= len(data)
        if self._size <= _MOST_UNREAD:
            self._transport.resume_reading()
        return data

    async def send(self, item: bytes) -> None:
        """Send bytes, and wait while the buffer of the network is full; see anyio."""
        await anyio.lowlevel.checkpoint()
        self._check()
        self._transport.write(item)
        while self._is_paused:
            await self._changed.wait()
            self._check()

    def _check(self) -> None:
        if self._is_closed:
            raise anyio.ClosedResourceError
        if self._is_lost:
            raise anyio.BrokenResourceError

    async def send_eof(self) -> None:
        """Send the orderly end; see anyio."""
        await anyio.lowlevel.checkpoint()
        if not self._is_lost:
            self._transport.write_eof()

    async def aclose(self) -> None:
        """Close this end; what was sent still arrives. See anyio."""
        self._is_closed = True
        self._transport.close()
        self._wake()
        await anyio.lowlevel.checkpoint()

    @property
    def extra_attributes(self) -> Mapping[Any, Callable[[], Any]]:
        """The address of the peer, whether TLS protects the connection, and the certificate of the peer."""
        peer, tls = self._transport.get_extra_info("peername"), self._tls
        attributes: dict[Any, Callable[[], Any]] = {SocketAttribute.remote_address: lambda: peer}
        if tls is not None:
            attributes[TLSAttribute.tls_version] = lambda: "TLSv1.3"
            attributes[TLSAttribute.peer_certificate] = tls.getpeercert
            attributes[TLSAttribute.peer_certificate_binary] = lambda: tls.certificate
        return attributes
