"""The host of a connection whose WebSocket another library speaks: texts in, texts out, by tasks of this side."""

from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from math import isfinite
from typing import Any, Protocol, Self, TypeAlias

import anyio

from ocpp_core.actions import TURN
from ocpp_core.errors import ConnectionFailedError, UnexpectedHttpResponse, WebsocketUpgradeError
from ocpp_core.inputs import BinaryReceived, Congested, TextReceived, TransportFailed, TransportLost, TransportOpened
from ocpp_core.websocket.close import ABNORMAL_CLOSURE
from ocpp_transports._callbacks._containment import end_program, is_cancellation
from ocpp_transports._driver._driver import SPAN, Completion, Driver, Handle
from ocpp_transports._runtime._base import HIGH_WATER, SocketRuntime

from ._dialer import failure
from ._patience import LEAST_RATE

__all__ = ["Channel", "ChannelClosed", "ChannelHost", "OpenChannel"]

_UNIT = SPAN / TURN
"""Seconds spent on a message that count as one unit of the work of a turn."""


class ChannelClosed(Exception):  # noqa: N818 - it says how a channel ended, in order or not
    """The channel is closed; `code` and `reason` as the WebSocket's Close frame gave them, 1006 without one."""

    def __init__(self, code: int = ABNORMAL_CLOSURE, reason: str = "") -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


class Channel(Protocol):
    """An open WebSocket of another library, or whatever else carries whole messages in order.

    One task receives and one sends, at the same time; both may be cancelled.
    """

    async def receive(self) -> str | bytes:
        """Return the next message, text or binary. Raises ChannelClosed when there will be none."""

    async def send(self, text: str, /) -> None:
        """Send a text message; returns when the next one may follow. Raises ChannelClosed if it cannot be sent."""

    async def close(self, code: int, reason: str) -> None:
        """Begin to close in order; `receive` raises ChannelClosed when it is done."""

    def abort(self) -> None:
        """Let go of it without waiting for anything. Idempotent, harmless when it is closed."""


OpenChannel: TypeAlias = Callable[[], Awaitable[tuple[Channel, str | None]]]
"""Opens a channel; gives it and the subprotocol that was agreed on."""


def _outcome(error: ConnectionFailedError, attempt: int) -> TransportFailed:
    """Tell of a failed attempt, and when the next one makes sense: not before the server said, or never."""
    wait = error.retry_after if isinstance(error, UnexpectedHttpResponse) else 0.0
    return TransportFailed(error, not isinstance(error, WebsocketUpgradeError), attempt, wait)


class ChannelHost:
    """A `Host` on one accepted channel, or the `OutStream` of one attempt of a client."""

    driver: Driver

    def __init__(self, runtime: SocketRuntime, attempt: int = 0) -> None:
        self.now = runtime.now
        self.call_at = runtime.call_at
        self.completion = runtime.completion
        self.spawn = runtime.spawn
        self.next_turn = runtime.next_turn
        self.is_closing = False
        self._runtime = runtime
        self._attempt = attempt
        self._channel: Channel | None = None
        self._is_over = False
        self._reader: Handle | None = None  # or a dial
        self._flusher: Handle | None = None
        self._output: deque[str] = deque()
        self._unsent = 0
        self._is_held = False  # the driver wants nothing read
        self._is_congested = False
        self._work = 0  # units since this turn began
        self._wanted: Completion | None = None  # what the reader waits for before it reads on
        self._close_frame: tuple[int, str] | None = None

    # The two ways to a channel

    def dial_by(self, open_channel: OpenChannel, driver: Driver) -> Self:
        """Open a channel as this attempt of a client; returns itself."""
        self.driver = driver
        self._reader = self.spawn(self._dial(open_channel))
        return self

    async def _dial(self, open_channel: OpenChannel) -> None:
        try:
            channel, subprotocol = await open_channel()
        except BaseException as error:
            if is_cancellation(error):
                raise
            self.is_closing = self._is_over = True
            self.driver.feed(_outcome(failure(error), self._attempt))
            end_program(error, self.spawn)
            return
        await self._read(channel, subprotocol)

    async def carry(self, channel: Channel, subprotocol: str | None) -> None:
        """Carry the messages of an accepted channel, in this task, until it is over; cancelling that drops it."""
        self._runtime.streams.add(self)
        try:
            with anyio.CancelScope() as self._reader:
                await self._read(channel, subprotocol)
        finally:
            self._runtime.streams.discard(self)
            self._runtime.changed()

    def spawn_own(self, coro: Coroutine[Any, Any, None]) -> Handle:
        """Run a coroutine as a task that the end of this connection ends, and nothing else."""
        return self._runtime.spawn(coro, self)

    # Host

    def dial(self, attempt: int, subprotocols: Sequence[str]) -> None:  # noqa: ARG002 - as the protocol has it
        """Refuse: accepted connections do not dial."""
        raise RuntimeError(f"expected a client's host for attempt {attempt}, this one was accepted")

    def read(self, on: bool, /) -> None:  # noqa: FBT001 - a switch
        """Take what arrives, or leave it with the channel; see Host."""
        self._is_held = not on
        self._look_again()

    def is_lost(self) -> bool:
        """Nothing is known of a channel but what reading from it tells."""
        return False

    def outflow(self) -> int | None:
        """Say nothing: who sends the pings of a channel has to know."""
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
        """End the channel after what was sent, or at once; or call the dial off."""
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
        if self._is_over:  # called off in the meantime
            channel.abort()
            return
        self._channel = channel
        try:
            self.driver.feed(TransportOpened(subprotocol, self._attempt))
            while True:
                self._receive(await channel.receive())
                while self._is_held or self._is_congested:
                    await self._until_wanted()
                if self._work >= TURN:  # a library may have many messages ready, and never wait until they are gone
                    await self._until_next_turn()
        except ChannelClosed as closed:
            end = closed
        except BaseException as error:
            if is_cancellation(error):
                raise
            self._runtime.log.failed("a channel failed", error)  # it ends the channel, and nothing else
            end_program(error, self.spawn)
        finally:
            self._reader = None
            self._lose(end.code, end.reason)

    def _receive(self, message: str | bytes) -> None:
        began = self.now()
        if isinstance(message, str):
            self.driver.feed(TextReceived(message, self._attempt))
        else:
            self.driver.feed(BinaryReceived(message, self._attempt))
        self._work += 1 + (len(message) >> 11) + int((self.now() - began) / _UNIT)

    async def _until_wanted(self) -> None:
        """Read nothing from a peer that does not read itself, nor what there is no room for."""
        self._wanted = self.completion()
        await self._wanted.wait()

    async def _until_next_turn(self) -> None:
        self._work = 0
        turn = self.completion()
        self.next_turn(lambda: turn.set(None, None))
        await turn.wait()

    def _look_again(self) -> None:
        if self._wanted is not None:
            self._wanted.set(None, None)

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
        except ChannelClosed:  # how it ended is for the reader to learn, and to tell
            self._output.clear()
            self._unsent, self._is_congested = 0, False  # else the reader might wait for room, and never learn of it
        except BaseException as error:
            if is_cancellation(error):
                raise
            self._runtime.log.failed("a channel took no more", error)
            self._lose(ABNORMAL_CLOSURE, "")
            end_program(error, self.spawn)
        finally:
            self._flusher = None
            self._look_again()

    async def _send(self, channel: Channel, text: str) -> None:
        """Send a text, whose progress cannot be seen: a long one may take as long as a slow line wants for it."""
        patience = self.driver.send_timeout + len(text) / LEAST_RATE
        timer = (
            self.call_at(self.now() + patience, lambda: self._lose(ABNORMAL_CLOSURE, ""))
            if isfinite(patience)
            else None
        )
        try:
            await channel.send(text)
        finally:
            if timer is not None:
                timer.cancel()
        self._unsent -= len(text)
        if self._is_congested and self._unsent <= HIGH_WATER // 4:
            self._congest(on=False)

    def _congest(self, *, on: bool) -> None:
        """Tell the engine that output piles up, or flows again."""
        self._is_congested = on
        self.driver.feed(Congested(on=on))
        self._look_again()

    # The end

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
