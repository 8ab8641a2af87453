"""One direction of a connection: bytes wait for the window, travel, arrive in order, and wait for the reader.

A sender has at most `WINDOW` bytes on the way or unread. What exceeds the window stays in the buffer of the sender's
transport, whose protocol learns of it (`pause_writing`).
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextvars import Context
from enum import Enum
from itertools import pairwise
from math import inf
from random import Random
from typing import Any, Final, Protocol, TypeAlias

from ._conditions import Conditions
from ._loop import NetworkLoop

__all__ = ["GIVE_UP", "WINDOW", "Arrival", "Flow", "FlowEnd", "Segment"]

WINDOW: Final = 65536
"""Bytes that may be on the way or unread."""
GIVE_UP: Final = 925.0
"""Seconds after which a sender whose bytes do not arrive drops the connection: `tcp_retries2` of Linux (tcp(7))."""
RETRANSMISSION: Final = 0.2
"""Seconds until a lost chunk is sent again: the least retransmission timeout of Linux."""
_PIECES: Final = 4
"""The most pieces of a chopped chunk."""


class Segment(Enum):
    """What travels besides bytes."""

    OPEN = "open"
    """The last part of the handshake: the listener accepts."""
    FIN = "fin"
    """The orderly end of the stream."""
    RESET = "reset"
    """The connection does not exist at the other side."""


Arrival: TypeAlias = Any
"""Bytes or a segment; or what a link of whole messages carries."""


class FlowEnd(Protocol):
    """The transport at one end of a flow."""

    context: Context
    """The context in which it gets what arrives: that of the other end must not reach it."""

    def take(self, item: Arrival, /) -> None:
        """Take what has arrived."""

    def drained(self) -> None:
        """Note that some of the sender's buffer has left."""

    def time_out(self) -> None:
        """Drop the connection, because its bytes do not arrive."""


class Flow:
    """One direction of a connection.

    Args:
        loop: The event loop, whose clock it uses.
        random: Decides what happens to each chunk.
        conditions: The conditions from now on; replace them at any time.
        cut: Called to reset the connection.
    """

    __slots__ = (
        "_air",
        "_cut",
        "_due",
        "_last",
        "_line_free",
        "_loop",
        "_outstanding",
        "_patience",
        "_random",
        "_refill",
        "_timer",
        "_unsent",
        "arrived",
        "chunks",
        "conditions",
        "is_held",
        "receiver",
        "sender",
        "unsent",
    )
    sender: FlowEnd
    receiver: FlowEnd

    def __init__(self, loop: NetworkLoop, random: Random, conditions: Conditions, cut: Callable[[], None]) -> None:
        self.conditions: Conditions = conditions
        self.is_held: bool = False
        """True while nothing arrives."""
        self.unsent: int = 0
        """Bytes in the sender's buffer."""
        self.arrived: int = 0
        """Bytes that have arrived, and that the sender knows to have arrived."""
        self.chunks: int = 0
        """Chunks that have departed."""
        self._loop = loop
        self._random = random
        self._cut = cut
        self._unsent: deque[memoryview] = deque()
        self._air: deque[tuple[float, Arrival]] = deque()
        self._outstanding = 0  # bytes on the way or unread
        self._line_free = self._last = self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._refill: asyncio.TimerHandle | None = None
        self._patience: asyncio.TimerHandle | None = None

    # The sender

    def send(self, data: bytes) -> None:
        """Append bytes."""
        if not self._unsent and self._outstanding + len(data) <= WINDOW:
            self._depart(data)
        else:
            self._unsent.append(memoryview(data))
            self.unsent += len(data)
            self._pump()

    def post(self, item: Arrival, size: int) -> None:
        """Send a whole message, for which there is no window."""
        self.chunks += 1
        conditions = self.conditions
        if conditions.is_plain:
            self.fly(item)
        elif conditions.cut and self._random.random() < conditions.cut:
            self._cut()
        else:
            self.fly(item, self._delay(size))

    @property
    def in_flight(self) -> int:
        """The number of chunks on the way."""
        return len(self._air)

    def drop_unsent(self) -> None:
        """Forget what has not departed."""
        self._unsent.clear()
        self.unsent = 0

    def stop(self) -> None:
        """Forget everything: neither end needs it any more."""
        self.drop_unsent()
        self._air.clear()
        for timer in (self._timer, self._refill, self._patience):
            if timer is not None:
                timer.cancel()
        self._timer = self._refill = self._patience = None

    def _pump(self) -> None:
        self._refill = None
        while self._unsent and self._outstanding < WINDOW:
            data, room = self._unsent[0], WINDOW - self._outstanding
            if len(data) > room:
                self._unsent[0], data = data[room:], data[:room]
            else:
                self._unsent.popleft()
            self.unsent -= len(data)
            self._depart(bytes(data))
        self.sender.drained()

    def _depart(self, data: bytes) -> None:
        self._outstanding += len(data)
        self.chunks += 1
        conditions = self.conditions
        if conditions.is_plain:
            self.fly(data)
        elif conditions.cut and self._random.random() < conditions.cut:
            self._cut()
        else:
            for piece in self._pieces(data):
                self.fly(piece, self._delay(len(piece)))

    def _pieces(self, data: bytes) -> list[bytes]:
        """Return the chunk, or its pieces."""
        chop = self.conditions.chop
        if len(data) < 2 or not chop or self._random.random() >= chop:
            return [data]
        count = min(len(data), self._random.randint(2, _PIECES))
        places = [0, *sorted(self._random.sample(range(1, len(data)), count - 1)), len(data)]
        return [data[start:end] for start, end in pairwise(places)]

    def _delay(self, size: int) -> float:
        """Return the seconds that bytes need besides the latency."""
        conditions, delay = self.conditions, 0.0
        if conditions.bandwidth < inf:
            now = self._loop.time()
            self._line_free = max(now, self._line_free) + size / conditions.bandwidth
            delay = self._line_free - now
        if conditions.jitter:
            delay += self._random.uniform(0, conditions.jitter)
        if conditions.loss and self._random.random() < conditions.loss:
            delay += RETRANSMISSION
        return delay

    # The way

    def fly(self, item: Arrival, delay: float = 0.0) -> None:
        """Send something after what has departed, whatever the conditions."""
        self._last = max(self._last, self._loop.time() + self.conditions.latency + delay)
        self._air.append((self._last, item))
        if self._timer is None:
            self._go_on()

    def _arrive(self) -> None:
        """Hand over what is due; a timer may ring slightly early."""
        self._timer = None
        air, now = self._air, max(self._loop.time(), self._due)
        while air and air[0][0] <= now and not self.is_held:
            self._land(air.popleft()[1])
        if air:
            self._go_on()

    def _go_on(self) -> None:
        """Wait for the next arrival, or for the end of the fault that prevents it."""
        if self._timer is not None or self._patience is not None:
            return
        if self.is_held:
            context = self.sender.context
            self._patience = self._loop.call_at(self._loop.time() + GIVE_UP, self._give_up, context=context)
        else:
            self._due = self._air[0][0]
            self._timer = self._loop.call_at(self._due, self._arrive, context=self.receiver.context)

    def _land(self, item: Arrival) -> None:
        if isinstance(item, bytes):
            self.arrived += len(item)
        self.receiver.take(item)

    def _give_up(self) -> None:
        self._patience = None
        self._air.clear()
        self.sender.time_out()

    def hold(self) -> None:
        """Let nothing arrive from now on."""
        self.is_held = True

    def release(self) -> None:
        """Let what was held arrive."""
        self.is_held = False
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        soon = self._loop.time() + self.conditions.latency
        held = [(max(when, soon), item) for when, item in self._air]
        self._air.clear()
        self._air.extend(held)
        self._last = max(self._last, soon)
        if held:
            self._go_on()
        self._make_room()

    # The receiver

    def consumed(self, size: int) -> None:
        """Note that the receiver has read bytes; the sender learns of the room after the latency."""
        self._outstanding -= size
        if self._unsent:
            self._make_room()

    def _make_room(self) -> None:
        if self._unsent and self._refill is None and not self.is_held:
            when = self._loop.time() + self.conditions.latency
            self._refill = self._loop.call_at(when, self._pump, context=self.sender.context)
