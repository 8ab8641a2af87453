"""One stream between two nodes: frames, each after its length in 4 bytes. An empty frame shows that a node is alive."""

from collections.abc import Callable
from contextlib import suppress
from ssl import SSLError
from typing import Final

import anyio
from anyio.abc import ByteStream

from ocpp_core.cluster.calls.frames import VERSION, ByeFrame, Frame, HelloFrame, NodeFrameError, read_frame, write_frame
from ocpp_core.cluster.records import NodeId
from ocpp_transports.cluster._carrier import NotSentError, UnknownError

from ._settings import DirectSettings
from ._unsent import UnsentFrames

__all__ = ["BROKEN", "FrameStream", "RefusedError"]

_LENGTH: Final = 4
_MAX_HELLO: Final = 4096
BROKEN: Final = (
    OSError,
    SSLError,
    anyio.BrokenResourceError,
    anyio.BusyResourceError,  # TLS must write in order to read, while a frame is written
    anyio.ClosedResourceError,
    anyio.EndOfStream,
)
"""What the operations of a byte stream raise after its end; TimeoutError is an OSError."""


class RefusedError(Exception):
    """The other side is not a node that speaks a common version."""


class FrameStream:
    """Frames over a byte stream, which it owns.

    Args:
        stream: The byte stream.
        settings: The limits.
        unsent: The frames of all streams that wait to be written.
    """

    def __init__(self, stream: ByteStream, settings: DirectSettings, unsent: UnsentFrames) -> None:
        self.is_open = True
        """False after its end."""
        self._stream = stream
        self._settings = settings
        self._input = bytearray()
        self._heard_at = anyio.current_time()
        """When the last whole frame arrived."""
        self._unsent = unsent
        self._writing = anyio.Lock(fast_acquire=True)
        self._writing_since: float | None = None
        """Since when the frame has waited that is being written; None if there is none."""
        self._waiting = 0
        """Frames that wait to be written, and the one that is being written."""
        self._scope = anyio.CancelScope()

    async def greet(self, node: NodeId, expected: NodeId | None = None) -> NodeId:
        """Exchange the first frames, and return the node on the other side.

        Args:
            node: This node.
            expected: The node to which the stream was opened; None on the side that accepted it, which reads first.

        Raises:
            RefusedError: The other side is not a node that speaks a common version.
            OSError: The stream ended, or the other side did not answer in time; so do the other errors of `BROKEN`.
        """
        hello = write_frame(HelloFrame(node, (VERSION,)))
        with anyio.fail_after(self._settings.hello_timeout):
            if expected is not None:
                await self._write(hello)
            other = self._accepted(await self._read_greeting(), expected)
            if isinstance(other, str):
                await self._write(write_frame(ByeFrame(other)))
                raise RefusedError(other)
            if expected is None:
                await self._write(hello)
            return other.node

    async def send(self, frame: bytes) -> None:
        """Write a frame after those before it.

        Raises:
            NotSentError: The frame was not begun: the stream ended, the frame is too large, or too many frames wait.
            UnknownError: The stream ended while the frame was written.
        """
        size = len(frame)
        if size > self._settings.max_frame:
            raise NotSentError(f"expected a frame of at most {self._settings.max_frame} bytes, got {size}")
        if self._waiting >= self._settings.max_unsent_frames:
            raise NotSentError(f"{self._waiting} frames wait to be written to the node")
        self._unsent.add(size)
        self._waiting += 1
        try:
            since = anyio.current_time()
            async with self._writing:
                if not self.is_open:
                    raise NotSentError("the stream to the node has ended")
                self._writing_since = since
                await self._write_whole(frame)
        finally:
            self._waiting -= 1
            self._unsent.remove(size)

    async def run(self, received: Callable[[bytes], None]) -> None:
        """Pass on frames that arrive, until the end of the stream."""
        self._heard_at = anyio.current_time()
        try:
            with self._scope:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self._keep_alive)
                    tasks.start_soon(self._watch)
                    await self._receive(received)
                    tasks.cancel_scope.cancel()
        finally:
            self.close()
            await self.aclose()

    def close(self) -> None:
        """End the stream; `run` returns soon. Idempotent."""
        self.is_open = False
        self._scope.cancel()

    async def aclose(self) -> None:
        """Close the byte stream at once. Idempotent."""
        self.is_open = False
        with anyio.CancelScope(shield=True):
            await anyio.aclose_forcefully(self._stream)

    # The first frames

    def _accepted(self, frame: Frame | None, expected: NodeId | None) -> HelloFrame | str:
        """Return the greeting; the reason for its refusal if this node cannot talk to the sender."""
        if isinstance(frame, ByeFrame):
            return f"refused by the other node: {frame.reason[:200]!r}"
        if not isinstance(frame, HelloFrame):
            return "expected the greeting of a node"
        if VERSION not in frame.versions:
            return f"expected version {VERSION}, got {list(frame.versions[:10])}"
        if expected not in {None, frame.node}:  # a successor of the node may have its address
            return f"expected node {expected!r}, got {frame.node!r}"
        return frame

    async def _read_greeting(self) -> Frame | None:
        await self._read(_LENGTH)
        size = int.from_bytes(self._input[:_LENGTH])
        if not 0 < size <= _MAX_HELLO:
            return None
        await self._read(_LENGTH + size)
        frame = bytes(self._input[_LENGTH : _LENGTH + size])
        del self._input[: _LENGTH + size]
        try:
            return read_frame(frame)
        except NodeFrameError:
            return None

    async def _read(self, size: int) -> None:
        while len(self._input) < size:
            self._input += await self._stream.receive()

    # Frames

    async def _receive(self, received: Callable[[bytes], None]) -> None:
        while self._take_frames(received):
            try:
                self._input += await self._stream.receive()
            except BROKEN:
                return

    def _take_frames(self, received: Callable[[bytes], None]) -> bool:
        """Pass on the frames that have arrived; return False at one that is too large."""
        given, at = self._input, 0
        while len(given) - at >= _LENGTH:
            begin = at + _LENGTH
            end = begin + int.from_bytes(given[at:begin])
            if end - begin > self._settings.max_frame:
                return False
            if end > len(given):
                break
            if begin < end:
                received(bytes(given[begin:end]))
            at = end
        if at:
            del given[:at]
            self._heard_at = anyio.current_time()
        return True

    async def _write_whole(self, frame: bytes) -> None:
        """Write a frame; end the stream if a part of it may be missing."""
        try:
            await self._write(frame)
        except BROKEN:
            self.close()
        except BaseException:
            self.close()
            raise
        finally:
            self._writing_since = None
        if not self.is_open:
            raise UnknownError("the stream to the node ended while the frame was written")

    async def _write(self, frame: bytes) -> None:
        await self._stream.send(len(frame).to_bytes(_LENGTH) + frame)

    # Time

    async def _keep_alive(self) -> None:
        while True:
            await anyio.sleep(self._settings.keepalive)
            with suppress(NotSentError, UnknownError):
                await self.send(b"")

    async def _watch(self) -> None:
        """End the stream if nothing arrives, or a frame cannot be written; a timeout for each frame would cost more."""
        silence, send_timeout = self._settings.silence, self._settings.send_timeout
        while True:
            now = anyio.current_time()
            since = now if self._writing_since is None else self._writing_since
            end = min(self._heard_at + silence, since + send_timeout)
            if end <= now:
                self.close()
                return
            await anyio.sleep_until(end)
