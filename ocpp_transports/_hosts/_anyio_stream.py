"""Any byte stream of anyio, on either of its backends, including the sockets of trio.

One task for each connection reads, feeds, and sends the resulting output, in this order. So nothing is read from a peer
that does not read our output. Output that other code adds while the task waits for input is sent by one short task.
There is no lock, timer task or writer task.

It guarantees that output is written in order and whole: only tasks of this file write, so the cancellation of a caller
cannot cut a frame in two, and `close` ends only waits for input, never a write. The end is fed exactly once, in the
`finally` of the task, even if the application's code has raised.

It must never write from the task of a caller, and never receive while output is congested: then only the sockets'
buffers would bound what a peer can make this process hold.
"""

from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from functools import partial
from ssl import SSLError
from typing import Any, Self

import anyio
from anyio.abc import ByteStream, SocketAttribute
from anyio.streams.tls import TLSStream

from ocpp_core.inputs import BytesReceived, Congested, StreamFailed, StreamLost, StreamOpened
from ocpp_transports._driver._accepting import Connected, ProxiedSocket
from ocpp_transports._driver._interfaces import Completion, Handle, InputSink, StreamInput, complete
from ocpp_transports._driver._limits import HIGH_WATER, LINGER
from ocpp_transports._tls._handshakes import TLSHandshakes
from ocpp_transports._tls._reasons import client_reason

from ._failure import failure
from ._owner import ConnectionOwner
from ._patience import Patience
from ._streams import address_of, drop, facts_of, keep_alive, socket_of
from ._tcp import acknowledged, is_broken, unconfirmed

__all__ = ["StreamConnection"]

_CHUNK = 65536
_LOW_WATER = HIGH_WATER // 4
_SLICE = 16384
"""Bytes to send at a time, so that progress within a long message shows even if only whole sends are visible."""


class StreamConnection:
    """One byte stream: an accepted one, or that of one attempt of a client.

    Closing lingers like that of a socket; see `_asyncio_socket`.
    """

    __slots__ = (
        "_attempt",
        "_batch",
        "_broken",
        "_flushed",
        "_idle",
        "_is_feeding",
        "_is_held",
        "_is_over",
        "_is_receiving",
        "_is_writing",
        "_outbox",
        "_owner",
        "_patience",
        "_reading",
        "_stream",
        "_task",
        "_unsent",
        "_wanted",
        "driver",
        "is_closing",
    )
    driver: InputSink[StreamInput]
    _reading: anyio.CancelScope  # around the wait for input

    def __init__(self, owner: ConnectionOwner) -> None:
        self.is_closing = False
        self._owner = owner
        self._attempt = 0  # those of a client begin with 1
        self._broken: SSLError | None = None
        self._stream: ByteStream | None = None
        self._task: Handle | None = None
        self._outbox: list[bytes] = []
        self._batch = b""  # being written
        self._unsent = 0  # bytes, including those being written
        self._flushed = 0
        self._patience: Patience | None = None  # while congested
        self._is_held = False  # the driver has paused reading
        self._wanted: Completion[None] | None = None  # awaited while reading is paused
        self._idle: Completion[None] | None = None
        self._is_feeding = False
        self._is_receiving = False
        self._is_writing = False
        self._is_over = False  # the end was fed, or must not be

    def serve(
        self,
        stream: ByteStream,
        connected: Connected,
        tls: TLSHandshakes | None = None,
        closed: Callable[[], None] | None = None,
        arrival: ProxiedSocket | None = None,
    ) -> None:
        """Serve an accepted stream; call `closed` when it is closed.

        The header of its `arrival` is read first, then follows a TLS handshake with `tls`.
        """
        if tls is not None:
            tls.begin(self)
        serving = self._serve(stream, connected, tls, arrival)
        self._task = self._owner.spawn(serving if closed is None else _then(serving, closed), self)
        if self._owner.is_closed:
            self._abort()

    def dial_by(
        self, connect: Callable[[], Awaitable[ByteStream]], driver: InputSink[StreamInput], attempt: int
    ) -> Self:
        """Open a stream with `connect` and drive it as this attempt of a client; return itself."""
        self.driver = driver
        self._attempt = attempt
        self._task = self._owner.spawn(self._dial(connect), self)
        if self._owner.is_closed:
            self._abort()
        return self

    # Connection

    def read(self, on: bool, /) -> None:
        """Start reading, or stop; see Connection."""
        self._is_held = not on
        if on and self._wanted is not None:
            complete(self._wanted, None)

    def is_lost(self) -> bool:
        """Return True if the peer has reset the connection; see Connection."""
        stream = self._stream
        if stream is None or self.is_closing or not is_broken(socket_of(stream)):
            return False
        self._abort()
        self._feed_loss()
        return True

    def outflow(self) -> int | None:
        """Return the progress of output in the kernel; see Connection."""
        stream = self._stream
        return None if stream is None or self._patience is not None else unconfirmed(socket_of(stream))

    def send(self, data: bytes, /) -> None:
        """Append to the output; the reading task sends it if it is active, otherwise a short task does."""
        stream = self._stream
        if self.is_closing or stream is None:
            return
        self._outbox.append(data)
        self._unsent += len(data)
        if self._unsent > HIGH_WATER and self._patience is None:
            self._patience = Patience(self._owner, self.driver.send_timeout, mark=self._progress, give_up=self._give_up)
            self.driver.feed(Congested(on=True))
        if not (self._is_writing or self._is_feeding):
            self._is_writing = True
            self._owner.spawn(self._write(stream), self)

    def close(self, code: int = 1000, reason: str = "", *, abort: bool = False) -> None:  # not for bytes
        """End the connection after sending the output, or at once; or cancel the dial."""
        if abort or self._stream is None:
            self._abort()
        elif not self.is_closing:
            self.is_closing = True
            if self._is_receiving:
                self._reading.cancel()

    def _give_up(self) -> None:
        self.driver.gave_up = True
        self._abort()

    def _abort(self) -> None:
        self.is_closing = True
        if self._task is not None:
            self._task.cancel()

    # The task of the stream

    async def _serve(
        self, stream: ByteStream, connected: Connected, tls: TLSHandshakes | None, arrival: ProxiedSocket | None
    ) -> None:
        if arrival is not None and not await self._has_header(stream, arrival, tls):
            return
        secured = stream if tls is None else await self._secure(stream, tls, arrival)
        if secured is not None:
            await self._run(secured, partial(self._connected, secured, connected))

    async def _has_header(self, stream: ByteStream, arrival: ProxiedSocket, tls: TLSHandshakes | None) -> bool:
        """Read the PROXY header; return False, with the stream closed, if there is none."""
        is_read = False
        try:
            is_read = await arrival.read(stream.extra(SocketAttribute.raw_socket))
        finally:
            if not is_read:
                if tls is not None:
                    tls.leave(self)
                await drop(stream)
        return is_read

    async def _secure(self, stream: ByteStream, tls: TLSHandshakes, arrival: ProxiedSocket | None) -> ByteStream | None:
        """Do the TLS handshake; return None, with the stream closed, if it failed."""
        secured: ByteStream | None = None
        address, is_check = (address_of(stream), False) if arrival is None else (arrival.address, arrival.is_check)
        try:
            with tls.handshake(self, socket_of(stream), address, is_check=is_check):
                with anyio.fail_after(tls.timeout):
                    secured = await TLSStream.wrap(stream, server_side=True, ssl_context=tls.context)
        finally:
            if secured is None:
                await drop(stream)
        return secured

    async def _dial(self, connect: Callable[[], Awaitable[ByteStream]]) -> None:
        try:
            stream = await connect()
        except Exception as error:  # every exception of the resolver, the network or TLS is an outcome
            if not self.is_closing:
                self.is_closing = self._is_over = True
                self.driver.feed(StreamFailed(failure(error), self._attempt))
        else:
            await self._run(stream, self._feed_opened)

    async def _run(self, stream: ByteStream, opened: Callable[[], None]) -> None:
        self._stream = stream
        try:
            keep_alive(stream)
            self._is_feeding = True
            opened()
            self._is_feeding = False
            with anyio.CancelScope() as self._reading:
                await self._read(stream)
            with anyio.move_on_after(LINGER):
                await self._say_goodbye(stream)
        finally:
            self._task = None  # the rest must not be cancelled again
            self.is_closing = True
            self._outbox.clear()
            if self._patience is not None:
                self._patience.cancel()
            await drop(stream)
            self._feed_loss()

    def _connected(self, stream: ByteStream, connected: Connected) -> None:
        self._is_over = True  # in case no driver follows
        self.driver = connected(self, facts_of(stream))
        self._is_over = False

    def _feed_opened(self) -> None:
        if self.is_closing:
            self._is_over = True
        else:
            self.driver.feed(StreamOpened(self._attempt))

    async def _read(self, stream: ByteStream) -> None:
        """Read until this end is closed; pause while output is congested, or while the driver has paused reading."""
        while not self.is_closing:
            if self._outbox or self._patience is not None:
                await self._flush(stream)
            elif self._is_held:
                await self._until_wanted()
            else:
                self._take(await self._receive(stream))

    async def _until_wanted(self) -> None:
        self._is_receiving = True
        self._wanted = self._owner.completion()
        try:
            await self._wanted
        finally:
            self._is_receiving = False
            self._wanted = None

    def _take(self, data: bytes | None) -> None:
        if self.is_closing:
            return
        self._is_feeding = True
        if data:
            self.driver.feed(BytesReceived(data, self._attempt))
        elif data is None:
            self._feed_loss()
        else:
            self._feed_end()
        self._is_feeding = False

    async def _receive(self, stream: ByteStream) -> bytes | None:
        """Wait for a chunk, b"" at the peer's end, None if the stream broke; after the peer's end, wait for ours.

        Only these waits are ended by `close`: no write is cut.
        """
        self._is_receiving = True
        try:
            if self._is_over:
                await self._owner.completion()
            return await stream.receive(_CHUNK)
        except anyio.EndOfStream:
            return b""
        except Exception as error:  # with any exception the stream has ended
            self._broken = error.with_traceback(None) if isinstance(error, SSLError) else None
            return None
        finally:
            self._is_receiving = False

    async def _say_goodbye(self, stream: ByteStream) -> None:
        """Flush, close our end, and await the peer's; later data from the peer is ignored."""
        await self._flush(stream)
        with suppress(Exception):  # with any exception the stream has ended
            if isinstance(stream, TLSStream):
                await stream.aclose()  # TLS closes its end with an alert and waits for the peer's
                return
            await stream.send_eof()
            while not self._is_over:
                await stream.receive(_CHUNK)

    def _feed_end(self) -> None:
        if not self._is_over:
            self._is_over = True
            self.driver.feed(BytesReceived(b"", self._attempt))

    def _feed_loss(self) -> None:
        if self._is_over:
            return
        self._is_over = True
        if self._broken is not None and self._attempt:
            # With TLS 1.3 a client learns that the server rejected it only after its own side of the handshake.
            reason = client_reason(self._broken)
            self.driver.feed(StreamFailed(failure(self._broken, reason=reason), self._attempt))
        self.driver.feed(StreamLost(self._attempt))

    # Writing

    def _progress(self) -> int:
        """Return the bytes that the peer has confirmed, or else the bytes that the stream has accepted."""
        confirmed = None if self._stream is None else acknowledged(socket_of(self._stream))
        return self._flushed if confirmed is None else confirmed

    async def _flush(self, stream: ByteStream) -> None:
        """Return when nothing is left to send, whichever task sends it."""
        while self._outbox or self._is_writing:
            if self._is_writing:
                self._idle = self._owner.completion()
                await self._idle
            else:
                self._is_writing = True
                await self._write(stream)

    async def _write(self, stream: ByteStream) -> None:
        try:
            while self._outbox:
                self._batch = b"".join(self._outbox)
                self._outbox.clear()
                await self._send(stream)
        finally:
            self._batch = b""
            self._is_writing = False
            if self._idle is not None:
                complete(self._idle, None)
                self._idle = None

    async def _send(self, stream: ByteStream) -> None:
        size = len(self._batch)  # in no variable: trio's cancellation keeps frames until a garbage collection
        try:
            for start in range(0, size, _SLICE):
                await stream.send(self._batch[start : start + _SLICE])
                self._flushed += min(_SLICE, size - start)
        except Exception:  # with any exception the stream has ended
            self._outbox.clear()
            self._abort()
            return
        self._unsent -= size
        if self._patience is not None and self._unsent <= _LOW_WATER:
            self._patience.cancel()
            self._patience = None
            self.driver.feed(Congested(on=False))


async def _then(coro: Coroutine[Any, Any, None], closed: Callable[[], None]) -> None:
    try:
        await coro
    finally:
        closed()
