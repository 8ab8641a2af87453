"""Plain TCP connections on trio, called back by the poller: `ready → feed → socket.send`.

An incoming chunk is handled, and the resulting output is written, within one call of the poller. A connection needs no
task, lock or queue, so an idle one costs only memory. It behaves as that of asyncio does (`_asyncio_socket`): output is
written at once, what the kernel does not accept is kept and makes the connection congested beyond `HIGH_WATER`, and
nothing is read while it is congested.

It guarantees that output is written in order, and that its end is fed exactly once, whichever side ended it. The end is
fed from the event loop and not from within a call of the driver, except by `is_lost`. So a connection that is dropped
closes its socket at once and feeds its loss in the next turn.

It must never raise into the poller, which serves all connections of the trio run: `ready` and the timers report what
was raised and drop this connection. All of them run in the context of the connection (PEP 567), so context variables
that a handler sets stay there.

It must never close in order while input is unread: the kernel would reset the connection and might destroy a response
in transit. It must never stay registered for an event that it does not handle: it would be ready without end. Errors
cannot be switched off, so a connection that must not read ends at the first one; `is_lost` would find the same.
"""

import socket
from collections.abc import Callable
from contextvars import Context, copy_context
from select import EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT

from ocpp_core.errors import ConnectionFailedError
from ocpp_core.inputs import BytesReceived, Congested, StreamFailed, StreamLost, StreamOpened
from ocpp_transports._callbacks._containment import end_program, ending_in
from ocpp_transports._driver._accepting import Connected
from ocpp_transports._driver._interfaces import Handle, InputSink, StreamInput
from ocpp_transports._driver._limits import HIGH_WATER, LINGER
from ocpp_transports._hosts._owner import ConnectionOwner
from ocpp_transports._hosts._patience import Patience
from ocpp_transports._hosts._tcp import acknowledged, is_broken, tune, unconfirmed
from ocpp_transports.handshake import ConnectionFacts

from ._poller import Poller, current_poller

__all__ = ["EpollConnection"]

_CHUNK = 65536
_LOW_WATER = HIGH_WATER // 4


class EpollConnection:
    """One TCP connection: an accepted one, or that of one attempt of a client.

    Closing lingers like that of a socket on asyncio; see `_asyncio_socket`. The `opening` is the task that opens it;
    closing it before it has a socket cancels that task.
    """

    __slots__ = (
        "_attempt",
        "_closed",
        "_context",
        "_events",
        "_is_held",
        "_is_over",
        "_outbox",
        "_owner",
        "_patience",
        "_poller",
        "_socket",
        "_timer",
        "driver",
        "is_closing",
        "opening",
    )
    driver: InputSink[StreamInput]
    _context: Context
    _poller: Poller

    def __init__(self, owner: ConnectionOwner, attempt: int = 0, closed: Callable[[], None] | None = None) -> None:
        self.is_closing = False
        self.opening: Handle | None = None
        self._owner = owner
        self._attempt = attempt
        self._closed = closed
        self._socket: socket.socket | None = None
        self._events = 0  # what the poller watches, besides errors
        self._outbox: bytearray | None = None  # what the kernel has not accepted
        self._patience: Patience | None = None  # while output is congested
        self._timer: Handle | None = None  # ends the connection
        self._is_held = False  # the driver has paused reading
        self._is_over = False  # the end was fed, or must not be

    # Opening

    def accept(self, accepted: socket.socket, address: str | None, connected: Connected) -> None:
        """Serve an accepted socket of this address. Raises OSError, with the socket closed, if it cannot be served."""
        if self._begin(accepted):
            self._context.run(self._hand_over, connected, address)

    def open(self, dialled: socket.socket) -> None:
        """Serve the socket of this attempt. Raises OSError, with the socket closed, if it cannot be served."""
        if self._begin(dialled):
            self._context.run(self._feed_opened)

    def _begin(self, connected: socket.socket) -> bool:
        self.opening = None
        if self.is_closing or self._owner.is_closed:
            self.is_closing = True
            connected.close()
            self.unopened()
            return False
        try:
            tune(connected)
            self._poller = current_poller()
            self._poller.add(connected.fileno(), EPOLLIN, self)
        except OSError:
            connected.close()
            self.unopened()
            raise
        self._context = copy_context()
        self._socket = connected
        self._events = EPOLLIN
        self._owner.streams[self] = None
        return True

    def _hand_over(self, connected: Connected, address: str | None) -> None:
        try:
            self.driver = connected(self, ConnectionFacts(address, None, False, None))
        except Exception as error:  # a fault of the library must not end the event loop
            self._owner.log.failed("a connection could not be served", error)
            self._is_over = True
            self._drop()

    def _feed_opened(self) -> None:
        try:
            self.driver.feed(StreamOpened(self._attempt))
        except Exception as error:  # as above
            self._crashed(error)

    def failed(self, error: ConnectionFailedError) -> None:
        """Feed the reason why the dial failed."""
        if not self.is_closing:
            self.is_closing = True
            self.driver.feed(StreamFailed(error, self._attempt))

    def unopened(self) -> None:
        """Note that its socket is closed, or that it will get none."""
        closed, self._closed = self._closed, None
        if closed is not None:
            closed()

    # Connection

    def read(self, on: bool, /) -> None:
        """Start reading, or stop; see Connection."""
        self._is_held = not on
        self._watch()

    def _watch(self) -> None:
        """Wait for input unless reading is paused or has ended, and for room if there is output."""
        if self._socket is None:
            return
        reads = not self._is_over and (self.is_closing or not (self._is_held or self._patience))
        events = (EPOLLIN if reads else 0) | (0 if self._outbox is None else EPOLLOUT)
        if events != self._events:
            self._events = events
            self._poller.change(self._socket.fileno(), events)

    def is_lost(self) -> bool:
        """Return True if the peer has reset the connection; see Connection."""
        if self._socket is None or self.is_closing or not is_broken(self._socket):
            return False
        self._drop()
        self._feed_loss()
        return True

    def outflow(self) -> int | None:
        """Return the progress of output in the kernel; see Connection."""
        return None if self._socket is None or self._patience is not None else unconfirmed(self._socket)

    def send(self, data: bytes, /) -> None:
        """Write what the kernel accepts now, and keep the rest; see Connection."""
        if self.is_closing or self._socket is None:
            return
        if self._outbox is not None:
            self._keep(self._outbox, data)
            return
        try:
            sent = self._socket.send(data)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:  # the stream has ended
            self._drop()
            return
        if sent < len(data):
            self._outbox = bytearray()
            self._keep(self._outbox, memoryview(data)[sent:])

    def _keep(self, outbox: bytearray, rest: bytes | memoryview) -> None:
        outbox += rest
        if self._patience is None and len(outbox) > HIGH_WATER:
            self._patience = Patience(
                self._owner, self.driver.send_timeout, mark=self._progress, give_up=self._drop_unread
            )
            self._watch()
            self.driver.feed(Congested(on=True))
        else:
            self._watch()

    def close(self, code: int = 1000, reason: str = "", *, abort: bool = False) -> None:  # not for bytes
        """End the connection after sending the output, or at once; or cancel the dial."""
        if self._socket is None:
            self.is_closing = True
            if self.opening is not None:
                self.opening.cancel()
        elif abort:
            self._drop()
        elif not self.is_closing:
            self.is_closing = True
            self._end_patience()
            self._end_in(LINGER)
            self._watch()
            if self._outbox is None:
                self._shut(self._socket)

    def _shut(self, connected: socket.socket) -> None:
        """Close our end, after the output; the peer's end may have come before."""
        if self._is_over:
            self._drop()
            return
        try:
            connected.shutdown(socket.SHUT_WR)
        except OSError:  # the peer left, and its reset has arrived already
            self._drop()

    # Called by the poller

    def ready(self, events: int, /) -> None:
        """Read, and write what waits; see Watched."""
        try:
            self._context.run(self._receive if events == EPOLLIN == self._events else self._attend, events)
        except BaseException as error:  # it would end the event loop
            self._crashed(error)

    def abandon(self) -> None:
        """End the connection with its event loop; see Watched."""
        self._expire()

    def _attend(self, events: int, /) -> None:
        """Handle everything but mere input. What the kernel reports is tried and not believed, errors are final.

        An event may be older than the last change of what is watched, if another connection of the turn made it.
        """
        if self._outbox is not None and self._socket is not None:
            self._flush(self._outbox, self._socket)
        if self._events & EPOLLIN:
            self._receive(events)
        elif events & (EPOLLERR | EPOLLHUP):
            self._lose()

    def _receive(self, _: int, /) -> None:
        if self._socket is None:  # it was closed while its output was flushed
            return
        try:
            data = self._socket.recv(_CHUNK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:  # the stream has ended
            self._lose()
            return
        if data:
            self._feed(data)
        else:
            self._receive_end()

    def _feed(self, data: bytes) -> None:
        if not self.is_closing:
            self.driver.feed(BytesReceived(data, self._attempt))

    def _receive_end(self) -> None:
        """Feed the peer's end. It may still read: our end stays open until it is closed."""
        if not self._is_over:
            self._is_over = True
            self.driver.feed(BytesReceived(b"", self._attempt))
        if self.is_closing and self._outbox is None:
            self._lose()
        else:
            self._watch()

    def _flush(self, outbox: bytearray, connected: socket.socket) -> None:
        try:
            sent = connected.send(outbox)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:  # the stream has ended
            self._lose()
            return
        del outbox[:sent]
        if not outbox:
            self._outbox = None
            if self.is_closing:
                self._shut(connected)
        if self._patience is not None and len(outbox) <= _LOW_WATER:
            self._end_patience()
            self.driver.feed(Congested(on=False))
        self._watch()

    def _progress(self) -> int:
        """Return the bytes that the peer has confirmed, or else the bytes that have left this process."""
        confirmed = acknowledged(self._socket)
        return -len(self._outbox or b"") if confirmed is None else confirmed

    # Ending

    def _drop_unread(self) -> None:
        self.driver.gave_up = True
        self._drop()

    def _end_patience(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _crashed(self, error: BaseException) -> None:
        if ending_in(error) is None:
            self._owner.log.failed("a connection failed", error)
        else:
            end_program(error, self._owner.spawn)
        self._drop()

    def _drop(self) -> None:
        """Close the socket; feed the loss in the next turn of the event loop."""
        if self._socket is not None:
            self._release(self._socket)
            self._end_in(0)

    def _end_in(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._owner.call_at(self._owner.now() + seconds, self._expire)

    def _expire(self) -> None:
        try:
            self._context.run(self._lose)
        except BaseException as error:  # it would end the timers, or the poller
            self._crashed(error)

    def _lose(self) -> None:
        """Close the socket and feed the loss, unless the peer's orderly end was fed before."""
        if self._socket is not None:
            self._release(self._socket)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        try:
            self._feed_loss()
        finally:
            self._owner.streams.pop(self, None)
            self.unopened()
            self._owner.changed()

    def _release(self, connected: socket.socket) -> None:
        self.is_closing = True
        self._socket = None
        self._outbox = None
        self._end_patience()
        self._poller.remove(connected.fileno())
        connected.close()

    def _feed_loss(self) -> None:
        if not self._is_over:
            self._is_over = True
            self.driver.feed(StreamLost(self._attempt))
