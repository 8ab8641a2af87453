"""A connection whose WebSocket another library speaks: it receives and sends texts.

A `Channel` is the interface of that library: three coroutines and `abort`. Two tasks of this side use it. One receives
and feeds, for as long as the connection lasts; the other sends queued texts, and ends when the queue is empty. They
are separate because neither direction may wait for the other: a receive may wait indefinitely, and a send for as long
as a slow line takes.

It guarantees that texts are sent in order, that a message is received only after the previous one was fed, and that
the end is fed exactly once. It counts the work of a turn itself: a library may have thousands of messages ready, and
its `receive` then never yields to the event loop. While the engine has no room or output is congested, it does not
receive.

It must never trust the channel to raise only the documented exceptions: any other one ends this connection, is logged,
and affects no other. A channel reports only through its functions, so it cannot be checked for a loss, and a long
text may take as long as `LEAST_RATE` allows.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from math import isfinite
from typing import Any, Protocol, Self, TypeAlias

import anyio

from ocpp_core.actions import TURN
from ocpp_core.errors import ConnectionFailedError, UnexpectedHttpResponse, WebsocketUpgradeError
from ocpp_core.inputs import BinaryReceived, Congested, TextReceived, TransportFailed, TransportLost, TransportOpened
from ocpp_core.websocket.close import ABNORMAL_CLOSURE
from ocpp_transports._callbacks._containment import end_program, is_cancellation
from ocpp_transports._driver._interfaces import Completion, Handle, InputSink, MessageInput, complete
from ocpp_transports._driver._limits import HIGH_WATER, SPAN

from ._failure import failure
from ._owner import ConnectionOwner
from ._patience import LEAST_RATE

__all__ = ["Channel", "ChannelClosed", "ChannelConnection", "OpenChannel", "outcome_of"]

_UNIT = SPAN / TURN
"""Seconds spent on a message that count as one unit of a turn's work."""


class ChannelClosed(Exception):  # noqa: N818 - it reports how a channel ended, in order or not
    """Raised when the channel is closed."""

    def __init__(self, code: int = ABNORMAL_CLOSURE, reason: str = "") -> None:
        super().__init__(code, reason)
        self.code = code
        """The close code (RFC 6455 §7.4); 1006 without a Close frame."""
        self.reason = reason
        """The close reason."""


class Channel(Protocol):
    """An open WebSocket of another library, or any other carrier of whole messages in order.

    One task receives and one sends, at the same time; both may be cancelled.
    """

    async def receive(self) -> str | bytes:
        """Return the next message, text or binary. Raises ChannelClosed if no more will follow."""

    async def send(self, text: str, /) -> None:
        """Send a text message; return when the next one may follow. Raises ChannelClosed if it cannot be sent."""

    async def close(self, code: int, reason: str) -> None:
        """Begin to close in order; `receive` raises ChannelClosed at the end."""

    def abort(self) -> None:
        """Release it without waiting for anything. Idempotent, harmless after the end."""


OpenChannel: TypeAlias = Callable[[], Awaitable[tuple[Channel, str | None]]]
"""Opens a channel; returns it and the negotiated subprotocol."""


def outcome_of(error: ConnectionFailedError, attempt: int) -> TransportFailed:
    """Return the outcome of a failed attempt.

    It includes when to try again: at the time that the server named, or never.
    """
    wait = error.retry_after if isinstance(error, UnexpectedHttpResponse) else 0.0
    return TransportFailed(error, not isinstance(error, WebsocketUpgradeError), attempt, wait)


class ChannelConnection:
    """A `Connection` of texts: one accepted channel, or the channel of one attempt of a client."""

    driver: InputSink[MessageInput]

    def __init__(self, owner: ConnectionOwner, attempt: int = 0) -> None:
        self.is_closing: bool = False
        self._owner = owner
        self._attempt = attempt
        self._channel: Channel | None = None
        self._is_over = False
        self._reader: Handle | None = None  # or the dial
        self._flusher: Handle | None = None
        self._output: deque[str] = deque()
        self._unsent = 0
        self._is_held = False  # the driver has paused reading
        self._is_congested = False
        self._work = 0  # units since this turn began
        self._wanted: Completion[None] | None = None  # the reader awaits it before it continues
        self._close_frame: tuple[int, str] | None = None

    # Dialled and accepted channels

    def dial_by(self, open_channel: OpenChannel, driver: InputSink[MessageInput | TransportFailed]) -> Self:
        """Open a channel as this attempt of a client; return itself."""
        self.driver = driver
        self._reader = self._owner.spawn(self._dial(open_channel, driver))
        return self

    async def _dial(self, open_channel: OpenChannel, driver: InputSink[MessageInput | TransportFailed]) -> None:
        try:
            channel, subprotocol = await open_channel()
        except BaseException as error:
            if is_cancellation(error):
                raise
            self.is_closing = self._is_over = True
            driver.feed(outcome_of(failure(error), self._attempt))
            end_program(error, self._owner.spawn)
            return
        await self._read(channel, subprotocol)

    async def carry(self, channel: Channel, subprotocol: str | None) -> None:
        """Carry the messages of an accepted channel, in this task, until it ends; cancelling drops it."""
        self._owner.streams[self] = None
        try:
            with anyio.CancelScope() as self._reader:
                await self._read(channel, subprotocol)
        finally:
            self._owner.streams.pop(self, None)
            self._owner.changed()

    def spawn_own(self, coro: Coroutine[Any, Any, None]) -> Handle:
        """Run a coroutine as a task that only the end of this connection ends."""
        return self._owner.spawn(coro, self)

    # Connection

    def read(self, on: bool, /) -> None:
        """Start reading, or stop; see Connection."""
        self._is_held = not on
        self._look_again()

    def is_lost(self) -> bool:
        """Return False: a channel reports its loss only to a receive."""
        return False

    def outflow(self) -> int | None:
        """Return None: the library that sends the pings of a channel watches them."""
        return None

    def send(self, data: str, /) -> None:
        """Append a text to the output, which a short task sends."""
        if not self.is_closing and self._channel is not None:
            self._output.append(data)
            self._unsent += len(data)
            if self._unsent > HIGH_WATER and not self._is_congested:
                self._congest(on=True)
            self._start_flushing(self._channel)

    def close(self, code: int = 1000, reason: str = "", *, abort: bool = False) -> None:
        """End the channel after sending the output, or at once; or cancel the dial."""
        if self._channel is None:
            self.is_closing = self._is_over = True
            if self._reader is not None:
                self._reader.cancel()
        elif abort:
            self._lose(ABNORMAL_CLOSURE, "")
        elif not self.is_closing:
            self.is_closing = True
            self._close_frame = code, reason
            self._start_flushing(self._channel)

    # Reading

    async def _read(self, channel: Channel, subprotocol: str | None) -> None:
        end = ChannelClosed()
        if self._is_over:  # cancelled in the meantime
            channel.abort()
            return
        self._channel = channel
        try:
            self.driver.feed(TransportOpened(subprotocol, self._attempt))
            while True:
                self._receive(await channel.receive())
                while self._is_held or self._is_congested:
                    await self._until_wanted()
                if self._work >= TURN:  # a library with many messages ready may never yield until they are received
                    await self._until_next_turn()
        except ChannelClosed as closed:
            end = closed
        except BaseException as error:
            if is_cancellation(error):
                raise
            self._owner.log.failed("a channel failed", error)  # it ends the channel only
            end_program(error, self._owner.spawn)
        finally:
            self._reader = None
            self._lose(end.code, end.reason)

    def _receive(self, message: str | bytes) -> None:
        began = self._owner.now()
        if isinstance(message, str):
            self.driver.feed(TextReceived(message, self._attempt))
        else:
            self.driver.feed(BinaryReceived(message, self._attempt))
        self._work += 1 + (len(message) >> 11) + int((self._owner.now() - began) / _UNIT)

    async def _until_wanted(self) -> None:
        """Wait while output is congested, or while the driver has paused reading."""
        self._wanted = self._owner.completion()
        await self._wanted

    async def _until_next_turn(self) -> None:
        self._work = 0
        turn: Completion[None] = self._owner.completion()
        self._owner.next_turn(lambda: complete(turn, None))
        await turn

    def _look_again(self) -> None:
        if self._wanted is not None:
            complete(self._wanted, None)

    # Writing

    def _start_flushing(self, channel: Channel) -> None:
        if self._flusher is None:
            self._flusher = self.spawn_own(self._flush(channel))

    async def _flush(self, channel: Channel) -> None:
        try:
            while self._output:
                await self._send(channel, self._output.popleft())
            if self._close_frame is not None:
                await channel.close(*self._close_frame)
        except ChannelClosed:  # the reader learns and reports how it ended
            self._output.clear()
            self._unsent, self._is_congested = 0, False  # otherwise the reader might wait for room indefinitely
        except BaseException as error:
            if is_cancellation(error):
                raise
            self._owner.log.failed("sending on a channel failed", error)
            self._lose(ABNORMAL_CLOSURE, "")
            end_program(error, self._owner.spawn)
        finally:
            self._flusher = None
            self._look_again()

    async def _send(self, channel: Channel, text: str) -> None:
        """Send a text; its progress is invisible, so a long one may take as long as it needs on a slow line."""
        patience = self.driver.send_timeout + len(text) / LEAST_RATE
        timer = self._owner.call_at(self._owner.now() + patience, self._give_up) if isfinite(patience) else None
        try:
            await channel.send(text)
        finally:
            if timer is not None:
                timer.cancel()
        self._unsent -= len(text)
        if self._is_congested and self._unsent <= HIGH_WATER // 4:
            self._congest(on=False)

    def _give_up(self) -> None:
        self.driver.gave_up = True
        self._lose(ABNORMAL_CLOSURE, "")

    def _congest(self, *, on: bool) -> None:
        """Report to the engine that output is congested, or flows again."""
        self._is_congested = on
        self.driver.feed(Congested(on=on))
        self._look_again()

    # Closing

    def _lose(self, code: int, reason: str) -> None:
        if self._is_over or self._channel is None:
            return
        self.is_closing = self._is_over = True
        self._output.clear()
        for task in (self._reader, self._flusher):
            if task is not None:
                task.cancel()
        self._channel.abort()
        self.driver.feed(TransportLost(code, reason, self._attempt))
