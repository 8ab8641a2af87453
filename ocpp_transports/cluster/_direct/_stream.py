"""One stream between two nodes: frames, each after its length in 4 bytes. An empty frame shows that a node is alive."""

from collections.abc import Callable
from contextlib import suppress
from ssl import SSLError
from typing import Final

import anyio
from anyio.abc import ByteStream
from anyio.streams.buffered import BufferedByteReceiveStream

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
    anyio.ClosedResourceError,
    anyio.EndOfStream,
    anyio.IncompleteRead,
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
        self._input = BufferedByteReceiveStream(stream)
        self._unsent = unsent
        self._writing = anyio.Lock()
        self._waiting = 0
        """Frames that wait to be written, and the one that is written."""
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
            await self._send(frame)
        finally:
            self._waiting -= 1
            self._unsent.remove(size)

    async def _send(self, frame: bytes) -> None:
        is_begun = is_written = False
        try:
            with anyio.fail_after(self._settings.send_timeout):
                async with self._writing:
                    if self.is_open:
                        is_begun = True
                        await self._write(frame)
                        is_written = True
        except BROKEN:
            pass
        except BaseException:
            if is_begun:
                self.close()  # a part of the frame may be written
            raise
        if not is_written:
            self.close()
            failure = UnknownError if is_begun else NotSentError
            raise failure("the stream to the node ended before the frame was written")

    async def run(self, received: Callable[[bytes], None]) -> None:
        """Pass on frames that arrive, until the end of the stream."""
        try:
            with self._scope:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self._keep_alive)
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

    def _accepted(self, frame: Frame | None, expected: NodeId | None) -> HelloFrame | str:
        """Return the greeting; the reason for its refusal if this node cannot talk to the sender."""
        if isinstance(frame, ByeFrame):
            return f"refused by the other node: {frame.reason[:200]!r}"
        if not isinstance(frame, HelloFrame):
            return "expected the greeting of a node"
        if VERSION not in frame.versions:
            return f"expected version {VERSION}, got {list(frame.versions)}"
        if expected not in {None, frame.node}:  # a successor of the node may have its address
            return f"expected node {expected!r}, got {frame.node!r}"
        return frame

    async def _read_greeting(self) -> Frame | None:
        size = await self._read_length()
        if not 0 < size <= _MAX_HELLO:
            return None
        try:
            return read_frame(await self._input.receive_exactly(size))
        except NodeFrameError:
            return None

    async def _receive(self, received: Callable[[bytes], None]) -> None:
        while True:
            try:
                with anyio.fail_after(self._settings.silence):
                    size = await self._read_length()
                    if size > self._settings.max_frame:
                        return
                    frame = await self._input.receive_exactly(size) if size else b""
            except BROKEN:
                return
            if frame:
                received(frame)

    async def _keep_alive(self) -> None:
        while self.is_open:
            await anyio.sleep(self._settings.keepalive)
            with suppress(NotSentError, UnknownError):
                await self.send(b"")

    async def _read_length(self) -> int:
        return int.from_bytes(await self._input.receive_exactly(_LENGTH))

    async def _write(self, frame: bytes) -> None:
        await self._stream.send(len(frame).to_bytes(_LENGTH) + frame)
