"""Received frames: wsproto parses them, this file joins them to messages and enforces the limits.

The result depends only on the bytes, never on how they were split. A header is checked when it is whole, uncompressed
payload byte by byte (so that bad UTF-8 fails early), and compressed payload in fixed slices.
"""

import zlib
from codecs import IncrementalDecoder, getincrementaldecoder
from typing import Final

from wsproto.extensions import Extension
from wsproto.frame_protocol import CloseReason, Frame, FrameDecoder, FrameProtocol, Opcode, ParseFailed, RsvBits

from ocpp_core._dataclasses import dataclass
from ocpp_core.config import LinkConfig
from ocpp_core.inputs import BinaryReceived, TextReceived
from ocpp_core.websocket.close import INVALID_DATA, TOO_BIG

from ._deflate import SLICE, Deflate
from ._frames import FrameError
from ._opcode import Control
from ._opcode import Opcode as OurOpcode
from ._unfinished import Unfinished

__all__ = ["MessageReader", "Piece"]

_NO_RSV: Final = RsvBits(rsv1=False, rsv2=False, rsv3=False)
_RSV1: Final = RsvBits(rsv1=True, rsv2=False, rsv3=False)
_UTF8: Final = getincrementaldecoder("utf-8")
_PACKED: Final = 1.25
_PACKED_ROOM: Final = 65536
"""The most bytes of a compressed message on the wire: `_PACKED` times its limit, plus `_PACKED_ROOM`.

zlib enlarges incompressible data by at most an eighth, and a few bytes for each fragment. Empty blocks make a
compressed message longer without adding to its size, so the limit of the size alone would allow an endless message.
"""


@dataclass(slots=True)
class Piece:
    """A piece of an unfinished message, to count the work on it."""

    size: int
    """Bytes of the piece, after decompression."""


class _Rules(Extension):
    """The checks of data frame headers, and the state of the unfinished message.

    wsproto calls the hook again for the same header if it arrives in pieces, so the hook only stores the frame's data;
    `begin` counts the frame.
    """

    name = "rules"

    def __init__(self, config: LinkConfig, *, compressible: bool) -> None:
        self.config = config
        self.detail = ""
        self.opcode: Opcode | None = None
        self.compressed = False
        self.size = 0
        self._packed = 0
        self._compressible = compressible
        self._fragments = 0
        self._noted = (Opcode.TEXT, False, 0)

    def offer(self) -> bool:
        """Return False: wsproto does not do the handshake."""
        return False

    def frame_inbound_header(
        self,
        proto: FrameDecoder | FrameProtocol,  # wsproto's signature
        opcode: Opcode,
        rsv: RsvBits,
        payload_length: int,
    ) -> CloseReason | RsvBits:
        """Check a header: order (RFC 6455 §5.4), limits, and reserved bits (RFC 7692 §6)."""
        if opcode.iscontrol():
            return _NO_RSV
        continues = opcode is Opcode.CONTINUATION
        if continues != (self.opcode is not None):
            self.detail = "a message inside another one" if self.opcode else "a continuation frame without a message"
            return CloseReason.PROTOCOL_ERROR
        compressed = self.compressed if continues else rsv.rsv1
        if self._fragments + 1 > self.config.max_fragments:
            self.detail = f"a message of more than {self.config.max_fragments:.15g} fragments"
            return CloseReason.MESSAGE_TOO_BIG
        if not compressed and self.size + payload_length > self.config.max_message_size:
            self.detail = self.too_big()
            return CloseReason.MESSAGE_TOO_BIG
        if compressed and self._packed + payload_length > self.config.max_message_size * _PACKED + _PACKED_ROOM:
            self.detail = "a compressed message that is too long for its size limit"
            return CloseReason.MESSAGE_TOO_BIG
        self._noted = (opcode, rsv.rsv1, payload_length)
        return _RSV1 if self._compressible and not continues else _NO_RSV

    def too_big(self) -> str:
        """Return the exceeded limit."""
        return f"a message of more than {self.config.max_message_size:.15g} bytes"

    def begin(self) -> None:
        """Count the frame whose header was checked last, when its payload starts."""
        opcode, rsv1, length = self._noted
        if opcode is not Opcode.CONTINUATION:
            self.opcode, self.compressed = opcode, rsv1
        self._fragments += 1
        if self.compressed:
            self._packed += length
        else:
            self.size += length

    def end(self) -> None:
        """Reset the state for the next message."""
        self.opcode, self.compressed, self.size, self._packed, self._fragments = None, False, 0, 0, 0


class MessageReader:
    """The decoder of bytes to messages and control frames."""

    __slots__ = ("_attempt", "_counted", "_data", "_decoder", "_deflate", "_inside", "_rules", "_slice", "_utf8")

    def __init__(self, config: LinkConfig, *, client: bool, attempt: int, deflate: Deflate | None) -> None:
        self._rules = _Rules(config, compressible=deflate is not None)
        self._decoder = FrameDecoder(client, [self._rules])
        self._attempt = attempt
        self._deflate = deflate
        self._inside = False
        self._data = bytearray()
        self._slice = bytearray()
        self._utf8: IncrementalDecoder | None = None
        self._counted = 0

    def count(self, unfinished: Unfinished) -> None:
        """Count the stored bytes of the message.

        Raises FrameError if all links together exceed the limit.
        """
        config = self._rules.config
        before, self._counted = self._counted, len(self._data) + len(self._slice) + len(self._decoder.buffer)
        unfinished.change(before, self._counted, max(config.max_unfinished_size, config.max_message_size))

    def count_no_more(self, unfinished: Unfinished) -> None:
        """Subtract the counted bytes, because the reader is dropped."""
        unfinished.release(self._counted)
        self._counted = 0

    @property
    def has_begun(self) -> bool:
        """True while a message is unfinished."""
        return self._rules.opcode is not None

    @property
    def idle(self) -> bool:
        """True if no message or frame is in progress, so that the reader may be dropped."""
        return self._rules.opcode is None and self._decoder.header is None and not self._decoder.buffer

    def configure(self, config: LinkConfig) -> None:
        """Apply other limits, from the next frame on."""
        self._rules.config = config

    def feed(self, data: bytes) -> None:
        """Buffer bytes; `next` decodes them."""
        self._decoder.receive_bytes(data)

    def next(self) -> TextReceived | BinaryReceived | Control | Piece | None:
        """Return the next message, control frame or piece of a message.

        None if it needs more bytes. Raises FrameError if the peer broke a rule; the reader must not be used after that.
        """
        try:
            frame = self._decoder.process_buffer()
        except ParseFailed as failed:
            raise FrameError(int(failed.code), self._rules.detail or str(failed)) from None
        if frame is None:
            return None
        if frame.opcode.iscontrol():
            return self._control(frame)
        before = len(self._data)
        return self._piece(frame) or Piece(len(self._data) - before)

    def _control(self, frame: Frame) -> Control:
        return Control(OurOpcode(frame.opcode), _payload(frame))

    def _piece(self, frame: Frame) -> TextReceived | BinaryReceived | None:
        """Process a piece of a data frame's payload, and return the message if it is whole."""
        rules, payload = self._rules, _payload(frame)
        whole = not self._inside and frame.frame_finished
        if not self._inside:
            whole = whole and rules.opcode is None
            rules.begin()
        self._inside = not frame.frame_finished
        last = frame.frame_finished and frame.message_finished
        if rules.compressed:
            self._inflate(payload, frame_ends=frame.frame_finished, last=last)
        elif whole and last:
            return self._message(payload)
        else:
            self._append(payload, last=last)
        return self._message(self._data) if last else None

    def _append(self, payload: bytes, *, last: bool) -> None:
        if self._rules.opcode is Opcode.TEXT:
            if self._utf8 is None:
                self._utf8 = _UTF8()
            try:
                self._utf8.decode(payload, last)
            except UnicodeDecodeError:
                raise FrameError(INVALID_DATA, "a text message that is not UTF-8") from None
        self._data += payload

    def _inflate(self, payload: bytes, *, frame_ends: bool, last: bool) -> None:
        """Inflate slices that start at the beginning of the frame, regardless of how its bytes were split."""
        self._slice += payload
        while len(self._slice) >= SLICE:
            self._inflate_slice(bytes(self._slice[:SLICE]))
            del self._slice[:SLICE]
        if frame_ends:
            self._inflate_slice(bytes(self._slice))
            self._slice.clear()
        if last:
            self._inflate_slice(None)
            self._append(b"", last=True)

    def _inflate_slice(self, data: bytes | None) -> None:
        assert self._deflate is not None  # noqa: S101 - the rules refuse compressed frames without it
        rules = self._rules
        try:
            for piece in self._deflate.finish() if data is None else self._deflate.inflate(data):
                rules.size += len(piece)
                if rules.size > rules.config.max_message_size:
                    raise FrameError(TOO_BIG, rules.too_big())
                self._append(piece, last=False)
        except zlib.error:
            raise FrameError(INVALID_DATA, "a compressed message that is not a deflate stream") from None

    def _message(self, data: bytes | bytearray) -> TextReceived | BinaryReceived:
        is_text = self._rules.opcode is Opcode.TEXT
        self._rules.end()
        if self._data:
            self._data = bytearray()
        self._utf8 = None
        if not is_text:
            return BinaryReceived(bytes(data), self._attempt)
        try:
            return TextReceived(data.decode(), self._attempt)
        except UnicodeDecodeError:
            raise FrameError(INVALID_DATA, "a text message that is not UTF-8") from None


def _payload(frame: Frame) -> bytes:
    payload = frame.payload
    assert isinstance(payload, bytes)  # noqa: S101 - only wsproto's message decoder, not used here, returns other types
    return payload
