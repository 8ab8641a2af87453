"""One end of a virtual connection, as asyncio's protocols see it, and the socket below it, as the kernel shows it.

It behaves like the socket transports of asyncio. A closed end sends what is in its buffer and then FIN. Bytes for a
closed end, and unread bytes at a close, bring a reset. A reset is noticed by the next read or write, and before that
only by the state of the socket.
"""

import asyncio
import errno
from collections import deque
from contextvars import Context
from math import inf
from typing import Any, Final, Protocol

from ocpp_transports._hosts._tcp import CLOSED, OUTPUT

from ._flow import Arrival, Flow, Segment
from ._loop import NetworkLoop

__all__ = ["TransportOwner", "VirtualTransport"]

_ESTABLISHED: Final = 1
"""TCP_ESTABLISHED in the states of include/net/tcp_states.h."""
_STEP: Final = 0.1
"""Seconds between two reads of a slow reader."""


class TransportOwner(Protocol):
    """The connection that has this end."""

    def ended(self, end: "VirtualTransport", /) -> None:
        """Note that the end is closed."""


class VirtualSocket:
    """The socket of an end: its options have no effect, its state is that of Linux (`TCP_INFO` in tcp(7))."""

    def __init__(self, end: "VirtualTransport") -> None:
        self._end = end
        self._options: dict[tuple[int, int], int] = {}

    def setsockopt(self, level: int, name: int, value: int) -> None:
        """Set an option."""
        self._options[level, name] = value

    def getsockopt(self, level: int, name: int, size: int = 0) -> int | bytes:
        """Return an option; or, with a size, the state of the connection and of its output."""
        if not size:
            return self._options.get((level, name), 0)
        flow = self._end.output
        info = bytearray(OUTPUT.pack(flow.in_flight, flow.arrived, flow.unsent))
        info[0] = CLOSED if self._end.was_reset else _ESTABLISHED
        return bytes(info[:size])


class VirtualTransport(asyncio.Transport):
    """One end of a virtual connection.

    Args:
        loop: The event loop.
        owner: The connection that has this end.
        flows: The flow that this end sends, and the one that it receives.
        context: The context in which the protocol is called.
        extra: What `get_extra_info` returns besides the socket.
    """

    def __init__(
        self,
        loop: NetworkLoop,
        owner: TransportOwner,
        flows: tuple[Flow, Flow],
        context: Context,
        extra: dict[str, Any],
    ) -> None:
        super().__init__({"socket": VirtualSocket(self), **extra})
        self.output, self._input = flows
        self.output.sender = self._input.receiver = self
        self.context = context
        self.was_reset: bool = False
        """True if the other end has reset the connection."""
        self.is_gone: bool = False
        """True after the protocol got its `connection_lost`."""
        self._loop = loop
        self._owner = owner
        self._vanishes = False  # the other end must not learn of the end
        self._protocol: asyncio.Protocol | asyncio.BufferedProtocol
        self._unread: deque[bytes] = deque()
        self._slow_timer: asyncio.TimerHandle | None = None
        self._high, self._low = 65536, 16384
        self._is_paused = False  # the protocol must not write
        self._is_reading = True
        self._is_closing = False
        self._is_ending = False  # `connection_lost` is scheduled
        self._eof_wanted = self._eof_sent = False
        self._eof_came = self._eof_fed = False

    def begin(self, protocol: asyncio.Protocol | asyncio.BufferedProtocol) -> None:
        """Open the connection for this protocol."""
        self._protocol = protocol
        protocol.connection_made(self)

    # asyncio.Transport

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Return the protocol."""
        return self._protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Use another protocol from now on."""
        self._protocol = protocol  # type: ignore[assignment]  # as every transport: it must be one of streams

    def is_closing(self) -> bool:
        """Return True once closing has begun."""
        return self._is_closing

    def is_reading(self) -> bool:
        """Return True if it reads."""
        return self._is_reading and not self._is_closing

    def pause_reading(self) -> None:
        """Leave what arrives unread."""
        self._is_reading = False

    def resume_reading(self) -> None:
        """Read again, from the next turn on."""
        if not self._is_reading:
            self._is_reading = True
            self._loop.call_soon(self._deliver, context=self.context)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Set the sizes of the buffer at which writing is paused and resumed."""
        self._high = (65536 if low is None else 4 * low) if high is None else high
        self._low = self._high // 4 if low is None else low

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """Return the low and the high limit."""
        return self._low, self._high

    def get_write_buffer_size(self) -> int:
        """Return the number of bytes in the buffer."""
        return self.output.unsent

    def set_read_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Do nothing: TLS, whose transports have these limits, is not played."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send bytes."""
        if self._eof_wanted:
            raise RuntimeError("cannot write: write_eof() was called")
        if self._is_closing or not data:
            return
        if self.was_reset:
            self.drop(_reset())
            return
        self.output.send(bytes(data))
        if self.output.unsent > self._high and not self._is_paused:
            self._is_paused = True
            self._protocol.pause_writing()

    def can_write_eof(self) -> bool:
        """Return True."""
        return True

    def write_eof(self) -> None:
        """Send the orderly end after the buffer; go on reading."""
        if not (self._is_closing or self._eof_wanted):
            self._eof_wanted = True
            self.drained()

    def close(self) -> None:
        """Send the buffer, then close."""
        if not self._is_closing:
            self._is_closing = True
            if not self.output.unsent:
                self._end_soon(None)

    def abort(self) -> None:
        """Close at once; the buffer is lost."""
        self.drop(None)

    # The flows

    def take(self, item: Arrival) -> None:
        """Take what has arrived; bytes for a closed end bring a reset."""
        if self.is_gone:
            if isinstance(item, bytes):
                self.output.fly(Segment.RESET)
            return
        if isinstance(item, bytes):
            self._unread.append(item)
        elif item is Segment.FIN:
            self._eof_came = True
        else:
            self.was_reset = True
        self._deliver()

    def drained(self) -> None:
        """Note that some of the buffer has left."""
        if self._is_paused and self.output.unsent <= self._low:
            self._is_paused = False
            if not self._is_ending:
                self._protocol.resume_writing()
        if self.output.unsent or self._is_ending:
            return
        if self._is_closing:
            self._end_soon(None)
        elif self._eof_wanted:
            self._send_fin()

    def time_out(self) -> None:
        """Drop the connection, because its bytes do not arrive."""
        if self.is_gone:
            self._owner.ended(self)
        else:
            self.drop(TimeoutError(errno.ETIMEDOUT, "Connection timed out"))

    # Reading

    def _deliver(self) -> None:
        """Hand over what is unread, as long as the protocol reads."""
        while self._is_reading and not self._is_closing:
            if self._unread:
                if self._slow_timer is not None:
                    return
                self._read()
            elif self.was_reset:
                self.drop(_reset())
            elif self._eof_came and not self._eof_fed:
                self._eof_fed = True
                if not self._protocol.eof_received():
                    self.close()
            else:
                return

    def _read(self) -> None:
        data, most = self._unread.popleft(), self._most()
        if len(data) > most:
            self._unread.appendleft(data[most:])
            data = data[:most]
        self._input.consumed(len(data))
        try:
            self._feed(data)
        except Exception as error:  # as the transports of asyncio
            self._loop.call_exception_handler({"message": "a protocol raised", "exception": error, "transport": self})
            self.drop(error)

    def _most(self) -> int:
        """Return the number of bytes that may be read now."""
        slow = self._input.conditions.slow
        if slow == inf:
            return 65536
        most = max(1, int(slow * _STEP))
        when = self._loop.time() + most / slow
        self._slow_timer = self._loop.call_at(when, self._read_on, context=self.context)
        return most

    def _read_on(self) -> None:
        self._slow_timer = None
        self._deliver()

    def _feed(self, data: bytes) -> None:
        protocol = self._protocol
        if not isinstance(protocol, asyncio.BufferedProtocol):
            protocol.data_received(data)
            return
        while data:
            buffer = memoryview(protocol.get_buffer(len(data)))
            size = min(len(buffer), len(data))
            buffer[:size] = data[:size]
            data = data[size:]
            protocol.buffer_updated(size)

    # The end

    def drop(self, error: Exception | None) -> None:
        """End at once, with the reason that the protocol gets."""
        self._is_closing = True
        self.output.drop_unsent()
        self._end_soon(error)

    def vanish(self, error: Exception | None) -> None:
        """End at once; the other end does not learn of it."""
        self._vanishes = True
        self.drop(error)

    def _end_soon(self, error: Exception | None) -> None:
        if not self._is_ending:
            self._is_ending = True
            self._loop.call_soon(self._end, error, context=self.context)

    def _end(self, error: Exception | None) -> None:
        if self._slow_timer is not None:
            self._slow_timer.cancel()
        try:
            self._protocol.connection_lost(error)
        finally:
            self.is_gone = True
            self._part()
            self._owner.ended(self)

    def _part(self) -> None:
        """Let the other end learn of this end, as the kernel does."""
        if self.was_reset or self._vanishes:
            return
        if self._unread:
            self.output.fly(Segment.RESET)
        elif not self._eof_sent:
            self._send_fin()

    def _send_fin(self) -> None:
        if not self._eof_sent:
            self._eof_sent = True
            self.output.fly(Segment.FIN)


def _reset() -> ConnectionResetError:
    return ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")
