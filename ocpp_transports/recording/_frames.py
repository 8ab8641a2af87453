"""The bytes that one side of a WebSocket received, without secrets: as many bytes, cut at the same places.

The bytes of all chunks are joined, because a value may be in several of them. Messages are put together, replaced, and
written into the same frames. A compressed message cannot keep its length: it becomes an uncompressed one, which a peer
may always send (RFC 7692 §6), in the place of its last byte.
"""

import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import field
from itertools import accumulate
from typing import Final

from ocpp_core._dataclasses import dataclass

from ._heads import hidden_head

__all__ = ["HideText", "Inflated", "TooLargeError", "hidden_bytes", "hidden_stream"]

HideText = Callable[[str], str]
"""Returns a message without its secrets, as long as before."""

_END: Final = b"\r\n\r\n"
_FIN, _COMPRESSED, _OPCODE, _MASKED, _LENGTH = 0x80, 0x40, 0x0F, 0x80, 0x7F
_RESERVED: Final = 0x30
_OPCODES: Final = frozenset({0, 1, 2, 8, 9, 10})
_CLOSE: Final = 8
_STATUS_BYTES: Final = 2
_HEAD: Final = 2
"""Bytes of the shortest head of a frame."""
_NO_DEFLATE: Final = b"\xff"
"""A block of no kind (RFC 1951 §3.2.3)."""
_TAIL: Final = b"\x00\x00\xff\xff"
_STAR: Final = b"*"


class TooLargeError(Exception):
    """The compressed messages are too large without compression."""

    def __init__(self, chunk: int) -> None:
        super().__init__(chunk)
        self.chunk: int = chunk
        """The index of the chunk in which the first of these messages begins that has no room."""


class Inflated:
    """The bytes that the compressed messages of a recording may still have without compression."""

    def __init__(self, most: int) -> None:
        self.left: int = most
        """Bytes that are left."""


@dataclass(slots=True)
class _Frame:
    """A frame of a stream, from `begin` to `end`, which is before its own end in the last one of a stream that was cut.

    `content` is its payload without mask.
    """

    begin: int
    start: int
    end: int
    first: int
    mask: bytes
    content: bytes
    is_whole: bool

    @property
    def opcode(self) -> int:
        return self.first & _OPCODE


@dataclass(slots=True)
class _Pieces:
    """What replaces parts of a stream: the offset of the last byte that each replaces, and the new bytes."""

    ends: list[tuple[int, int, bytes]] = field(default_factory=list)

    def add(self, begin: int, end: int, content: bytes) -> None:
        self.ends.append((begin, end, content))

    def cut(self, sizes: Sequence[int]) -> list[bytes]:
        """Return the new stream in chunks: bytes of the same number at their places, others where they ended."""
        chunks = [bytearray() for _ in sizes]
        ends = list(accumulate(sizes))
        for begin, end, content in self.ends:
            if len(content) != end - begin:
                chunks[bisect_left(ends, end)] += content
                continue
            for number in range(bisect_right(ends, begin), bisect_left(ends, end) + 1 if begin < end else 0):
                first = ends[number] - sizes[number] - begin
                chunks[number] += content[max(first, 0) : ends[number] - begin]
        return [bytes(chunk) for chunk in chunks]


def hidden_stream(chunks: Sequence[bytes], hide: HideText, hide_target: HideText, inflated: Inflated) -> list[bytes]:
    """Return the chunks of a stream that begins with the head of a request or response.

    Args:
        chunks: The received bytes.
        hide: Returns a message without its secrets.
        hide_target: The same for the target of a request.
        inflated: The room for compressed messages, which a peer can make a thousand times as large.

    Raises:
        TooLargeError: The compressed messages have more bytes than `inflated` has left.
    """
    stream, pieces = b"".join(chunks), _Pieces()
    found = stream.find(_END)
    head = len(stream) if found < 0 else found + len(_END)
    pieces.add(0, head, hidden_head(stream[:head], hide_target))
    sizes = [len(chunk) for chunk in chunks]
    messages = _Messages(stream, head, pieces, hide, inflated)
    messages.read()
    if messages.too_large_at is not None:
        raise TooLargeError(bisect_right([*accumulate(sizes)], messages.too_large_at))
    return pieces.cut(sizes)


def hidden_bytes(content: bytes, hide: HideText) -> bytes:
    """Return the bytes of a message without its secrets."""
    hidden = hide(content.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
    return hidden if len(hidden) == len(content) else _STAR * len(content)


class _Messages:
    """Reads the frames after the head, and hides what is in them."""

    def __init__(self, stream: bytes, at: int, pieces: _Pieces, hide: HideText, room: Inflated) -> None:
        self.too_large_at: int | None = None
        """The offset of the first message for which there is no room; no further one is read."""
        self._room = room
        self._stream = stream
        self._at = at
        self._pieces = pieces
        self._hide = hide
        self._frames: list[_Frame] = []  # of a message that has not ended
        self._inflater = zlib.decompressobj(-15)

    def read(self) -> None:
        while self.too_large_at is None and (frame := self._next()) is not None:
            self._at = frame.end
            if frame.opcode >= _CLOSE:
                self._end_frames(frame)
                continue
            self._frames.append(frame)
            if frame.first & _FIN:
                self._end_message()
        self._end_message()
        rest = self._stream[self._at :]
        self._pieces.add(self._at, len(self._stream), rest[:_HEAD] + _STAR * len(rest[_HEAD:]))

    def _next(self) -> _Frame | None:
        """Return the next frame; the last one may be cut off. None for what is no frame, and ends the connection."""
        stream, at = self._stream, self._at
        if len(stream) < at + _HEAD or not _may_begin(stream[at]):
            return None
        first, second = stream[at], stream[at + 1]
        size, start = second & _LENGTH, at + 2
        if size > 125:
            width = 2 if size == 126 else 8
            size, start = int.from_bytes(stream[start : start + width]), start + width
        masked = 4 if second & _MASKED else 0
        mask, start = stream[start : start + masked], start + masked
        if start > len(stream):
            return None
        end = min(start + size, len(stream))
        return _Frame(at, start, end, first, mask, _masked(stream[start:end], mask), start + size == end)

    def _end_frames(self, frame: _Frame) -> None:
        """Write a control frame, now or with the message whose frames it is between."""
        if self._frames:
            self._frames.append(frame)
        else:
            self._pieces.add(frame.begin, frame.end, self._control(frame))

    def _control(self, frame: _Frame) -> bytes:
        """Return a ping, a pong, or a close frame, whose status code stays (RFC 6455 §5.5.1)."""
        code = _STATUS_BYTES if frame.opcode == _CLOSE else 0
        content = frame.content[:code] + self._hidden(frame.content[code:])
        return self._stream[frame.begin : frame.start] + _masked(content, frame.mask)

    def _end_message(self) -> None:
        frames, self._frames = self._frames, []
        data = [frame for frame in frames if frame.opcode < _CLOSE]
        content = b"".join(frame.content for frame in data)
        if data and data[0].first & _COMPRESSED:
            self._write_inflated(frames, data, content)
            return
        hidden = self._hidden(content)
        for frame in frames:
            if frame.opcode >= _CLOSE:
                self._pieces.add(frame.begin, frame.end, self._control(frame))
                continue
            head = self._stream[frame.begin : frame.start]
            size = frame.end - frame.start
            part, hidden = hidden[:size], hidden[size:]
            self._pieces.add(frame.begin, frame.end, head + _masked(part, frame.mask))

    def _hidden(self, content: bytes) -> bytes:
        return hidden_bytes(content, self._hide)

    def _write_inflated(self, frames: list[_Frame], data: list[_Frame], content: bytes) -> None:
        """Write a compressed message as one frame; control frames between its frames come first.

        One that was cut is left out, because the engine had not read it. One that cannot be inflated stays one.
        """
        for frame in frames:
            kept = self._control(frame) if frame.opcode >= _CLOSE else b""
            if frame is not frames[-1]:
                self._pieces.add(frame.begin, frame.end, kept)
        last, opcode = frames[-1], data[0].opcode
        is_whole = last.is_whole and bool(data[-1].first & _FIN)
        inflated = self._inflated(content) if is_whole else None
        if self._room.left < 0:
            self.too_large_at = frames[0].begin
            return
        whole = b""
        if inflated is not None:
            whole = _frame(opcode, self._hidden(inflated), last.mask)
        elif is_whole:
            whole = _frame(opcode, _NO_DEFLATE, last.mask, _COMPRESSED)
        self._pieces.add(last.begin, last.end, whole)

    def _inflated(self, content: bytes) -> bytes | None:
        """Return the message; None for one that cannot be inflated, and that the engine refused therefore."""
        try:
            inflated = self._inflater.decompress(content + _TAIL, self._room.left + 1)
        except zlib.error:
            return None
        self._room.left -= len(inflated)
        if self._inflater.eof:
            self._inflater = zlib.decompressobj(-15)
        return inflated


def _may_begin(first: int) -> bool:
    """Return True if a frame may begin with this byte. No control frame is compressed (RFC 7692 §6.1)."""
    opcode = first & _OPCODE
    return not first & _RESERVED and opcode in _OPCODES and (opcode < _CLOSE or not first & _COMPRESSED)


def _frame(opcode: int, content: bytes, mask: bytes, reserved: int = 0) -> bytes:
    size, flag = len(content), _MASKED if mask else 0
    if size < 126:
        head = bytes((_FIN | reserved | opcode, flag | size))
    elif size < 1 << 16:
        head = bytes((_FIN | reserved | opcode, flag | 126)) + size.to_bytes(2)
    else:
        head = bytes((_FIN | reserved | opcode, flag | 127)) + size.to_bytes(8)
    return head + mask + _masked(content, mask)


def _masked(content: bytes, mask: bytes) -> bytes:
    """Mask, or remove the mask (RFC 6455 §5.3)."""
    if len(mask) < 4:
        return content
    size = len(content)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(content) ^ int.from_bytes(key)).to_bytes(size)
