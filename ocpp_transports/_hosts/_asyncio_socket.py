"""Sockets of asyncio and uvloop: the `asyncio.BufferedProtocol` is the connection.

`buffer_updated → feed → transport.write`: an incoming chunk is handled, and the resulting output is written, within one
callback of the event loop. A connection needs no task, lock or queue, so an idle one costs only memory.

It guarantees that output is written in order, and that its end is fed exactly once, whichever side ended it. While
output is congested nothing is read: a peer that does not read cannot make this side hold its messages. `Patience`
drops the connection when that output makes no progress.

Either the transport or the driver calls each method, at any time: `close` from within `buffer_updated`,
`connection_lost` from within `abort`. So each method first checks for the end (`is_closing`: this side closes;
`_is_over`: the end was fed), and `send` is replaced by a function that does nothing.

It must never raise into the event loop, which would log the exception and continue with half a connection. It must
never close in order while input is unread: the kernel would reset the connection and might destroy a response in
transit.
"""

import asyncio
from collections.abc import Callable
from ssl import SSLError
from typing import cast
from weakref import WeakKeyDictionary

from ocpp_core.admission.pins import fingerprint_of
from ocpp_core.inputs import BytesReceived, Congested, StreamFailed, StreamLost, StreamOpened
from ocpp_transports._driver._accepting import Connected
from ocpp_transports._driver._interfaces import Handle, InputSink, StreamInput
from ocpp_transports._driver._limits import HIGH_WATER, LINGER
from ocpp_transports._tls._reasons import client_reason
from ocpp_transports.handshake import ConnectionFacts

from ._failure import failure
from ._owner import ConnectionOwner
from ._patience import Patience
from ._tcp import acknowledged, is_broken, tune, unconfirmed

__all__ = ["SocketConnection"]

_SLICE = 65536
_CHUNK = 65536
_buffers: WeakKeyDictionary[asyncio.AbstractEventLoop, memoryview] = WeakKeyDictionary()
"""One input buffer for each event loop; data is copied out of it before anything else runs.

For a protocol without its own buffer asyncio makes a new one of 256 KiB at every read and shrinks it. That costs three
system calls, and a large part of the time for a short message.
"""


def _buffer_of(loop: asyncio.AbstractEventLoop) -> memoryview:
    buffer = _buffers.get(loop)
    if buffer is None:
        buffer = _buffers[loop] = memoryview(bytearray(_CHUNK))
    return buffer


def _swallow(_: object) -> None:
    """Stand in for `transport.write` before the open and after the end: uvloop raises for a closed transport."""


class SocketConnection(asyncio.BufferedProtocol):
    """One TCP or TLS connection: an accepted one, or that of one attempt of a client.

    Closing lingers: the output is flushed, then our end of the stream is closed and the peer's end awaited. Closing a
    socket with unread input would reset the connection and might destroy a response in transit.
    """

    __slots__ = (
        "_attempt",
        "_buffer",
        "_closed",
        "_connected",
        "_is_held",
        "_is_over",
        "_is_tls",
        "_linger_timer",
        "_owner",
        "_patience",
        "_transport",
        "driver",
        "is_closing",
        "opening",
        "send",
    )
    driver: InputSink[StreamInput]

    def __init__(
        self,
        owner: ConnectionOwner,
        connected: Connected | None = None,
        attempt: int = 0,
        closed: Callable[[], None] | None = None,
    ) -> None:
        self.send: Callable[[bytes], None] = _swallow
        self.is_closing = False
        self.opening: Handle | None = None
        self._owner = owner
        self._connected = connected
        self._closed = closed
        self._attempt = attempt
        self._transport: asyncio.Transport | None = None
        self._patience: Patience | None = None  # while output is congested
        self._linger_timer: Handle | None = None
        self._is_held = False  # the driver has paused reading
        self._is_over = False  # the end was fed, or must not be
        self._is_tls = False

    # Connection

    def read(self, on: bool, /) -> None:
        """Start reading, or stop; see Connection."""
        self._is_held = not on
        self._switch_reading()

    def _switch_reading(self) -> None:
        """Read unless the driver has paused reading or output is congested; at the end, read all that remains."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if self.is_closing or not (self._is_held or self._patience):
            transport.resume_reading()
        else:
            transport.pause_reading()

    def is_lost(self) -> bool:
        """Return True if the peer has reset the connection; see Connection."""
        transport = self._transport
        if transport is None or self.is_closing or not is_broken(transport.get_extra_info("socket")):
            return False
        self.is_closing = True
        transport.abort()
        self._feed_loss()
        return True

    def outflow(self) -> int | None:
        """Return the progress of output in the kernel; see Connection."""
        transport = self._transport
        if transport is None or self._patience is not None:
            return None
        return unconfirmed(transport.get_extra_info("socket"))

    def close(self, code: int = 1000, reason: str = "", *, abort: bool = False) -> None:  # not for bytes
        """End the connection after sending the output, or at once; or cancel the dial."""
        transport = self._transport
        self.send = _swallow
        if transport is None:
            self.is_closing = True
            if self.opening is not None:
                self.opening.cancel()
        elif abort:
            self.is_closing = True
            transport.abort()
        elif not self.is_closing:
            self.is_closing = True
            self._linger(transport)

    def _linger(self, transport: asyncio.Transport) -> None:
        self._end_patience()
        self._linger_timer = self._owner.call_at(self._owner.now() + LINGER, transport.abort)
        self._switch_reading()
        if transport.is_closing():
            return
        if self._is_over or self._is_tls:
            transport.close()  # TLS closes its end with an alert and waits for the peer's
        else:
            self._shut(transport)

    def _shut(self, transport: asyncio.Transport) -> None:
        try:
            transport.write_eof()
        except OSError:  # the peer left, and its reset has arrived already
            transport.abort()

    # asyncio.BufferedProtocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Handle an open stream, after its TLS handshake."""
        self._buffer = _buffer_of(asyncio.get_running_loop())
        self._transport = transport = cast("asyncio.Transport", transport)
        self.opening = None
        if self.is_closing or self._owner.is_closed:  # on uvloop a cancelled one may never report its loss
            self._give_up(transport)
            return
        self._owner.streams[self] = None
        self._is_tls = transport.get_extra_info("sslcontext") is not None
        transport.set_write_buffer_limits(HIGH_WATER)
        tune(transport.get_extra_info("socket"))
        self.send = self._send
        if self._is_tls:
            self.send = self._send_sliced
            transport.set_read_buffer_limits(_CHUNK)  # type: ignore[attr-defined]  # of TLS transports on every loop
        try:
            if self._connected is None:
                self.driver.feed(StreamOpened(self._attempt))
            else:
                self.driver = self._connected(self, _facts(transport))
        except Exception as error:  # a fault of the library must not end the event loop
            self._owner.log.failed("a connection could not be served", error)
            self._give_up(transport)

    def _send(self, data: bytes) -> None:
        """Send unless the transport has failed and is about to report it: until then it would log each write."""
        transport = cast("asyncio.Transport", self._transport)
        if not transport.is_closing():
            transport.write(data)

    def _send_sliced(self, data: bytes) -> None:
        """Send over TLS, whose transports notice congestion at the next write only.

        Those of asyncio also hide that the transport below has failed, and log each write from then on.
        """
        transport = cast("asyncio.Transport", self._transport)
        if transport.is_closing() or is_broken(transport.get_extra_info("socket")):
            return
        if len(data) <= _SLICE:
            transport.write(data)
            return
        view = memoryview(data)
        for start in range(0, len(data), _SLICE):
            transport.write(view[start : start + _SLICE])

    def _give_up(self, transport: asyncio.Transport) -> None:
        self._is_over = self.is_closing = True
        transport.abort()

    def get_buffer(self, sizehint: int) -> memoryview:  # as the protocol has it
        """Return the buffer for the next chunk."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Feed a chunk."""
        if not self.is_closing:
            self.driver.feed(BytesReceived(bytes(self._buffer[:nbytes]), self._attempt))

    def eof_received(self) -> bool:
        """Feed the peer's end. It may still read: our end stays open until it is closed, except with TLS."""
        self._feed_end()
        return not (self.is_closing or self._is_tls)

    def pause_writing(self) -> None:
        """Report congestion to the engine, pause reading, and watch the progress of output."""
        transport = self._transport
        if self.is_closing or transport is None:
            return
        self._patience = Patience(self._owner, self.driver.send_timeout, mark=self._progress, give_up=self._drop_unread)
        self._switch_reading()
        self.driver.feed(Congested(on=True))

    def _drop_unread(self) -> None:
        self.driver.gave_up = True
        if self._transport is not None:
            self._transport.abort()

    def _progress(self) -> int:
        """Return the bytes that the peer has confirmed, or else the bytes that have left this process."""
        transport = cast("asyncio.Transport", self._transport)
        confirmed = acknowledged(transport.get_extra_info("socket"))
        return -transport.get_write_buffer_size() if confirmed is None else confirmed

    def resume_writing(self) -> None:
        """Report to the engine that output flows again."""
        if self.is_closing or self._patience is None:
            return
        self._end_patience()
        self._switch_reading()
        self.driver.feed(Congested(on=False))

    def _end_patience(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Feed the loss of the stream, whichever side ended it, unless the peer's orderly end was fed before."""
        self.send = _swallow
        if isinstance(exc, SSLError) and self._connected is None and not self.is_closing:
            # With TLS 1.3 a client learns that the server rejected it only after its own side of the handshake.
            self.failed(exc.with_traceback(None), "the server")
        self.is_closing = True
        self._end_patience()
        if self._linger_timer is not None:
            self._linger_timer.cancel()
            self._linger_timer = None
        self._feed_loss()
        self._transport = None  # a TLS transport keeps referring to this connection: a reference cycle of 300 KB
        self._owner.streams.pop(self, None)
        self._notify_closed()
        self._owner.changed()

    @property
    def has_ended(self) -> bool:
        """True after the transport was lost, also before there is one."""
        return self._transport is None

    def opened(self) -> None:
        """Note that opening an accepted socket has ended: without a transport it is closed."""
        if self.has_ended:
            self._notify_closed()

    def _notify_closed(self) -> None:
        closed, self._closed = self._closed, None
        if closed is not None:
            closed()

    def _feed_end(self) -> None:
        if not self._is_over:
            self._is_over = True
            self.driver.feed(BytesReceived(b"", self._attempt))

    def _feed_loss(self) -> None:
        if not self._is_over:
            self._is_over = True
            self.driver.feed(StreamLost(self._attempt))

    def failed(self, error: Exception, target: str) -> None:
        """Feed the reason why the dial failed."""
        if self.is_closing:
            return
        self.is_closing = True
        self.driver.feed(StreamFailed(failure(error, target, client_reason(error)), self._attempt))


def _facts(transport: asyncio.Transport) -> ConnectionFacts:
    address = transport.get_extra_info("peername")
    ssl_object = transport.get_extra_info("ssl_object")
    certificate = ssl_object.getpeercert() if ssl_object is not None else None
    return ConnectionFacts(
        address[0] if isinstance(address, tuple) else None,
        certificate or None,
        ssl_object is not None,
        fingerprint_of(ssl_object.getpeercert(True)) if certificate else None,
    )
