"""The most frequent frames, read and written without wsproto.

Nearly all frames are whole uncompressed texts, pings or pongs, and wsproto needs several times as long for them. The
reader, which uses wsproto, handles received frames of any other kind, incomplete ones and invalid ones.
"""

from random import Random
from struct import Struct
from typing import Final

from ocpp_core.websocket.masking import xor

from ._opcode import Control, Opcode

__all__ = ["frame_header", "text_frame", "whole_control", "whole_text"]

_TEXT: Final = 0x81
"""FIN, no reserved bit, opcode 1 (RFC 6455 §5.2)."""
_CONTROL: Final = {0x80 | opcode: opcode for opcode in (Opcode.PING, Opcode.PONG)}
_MASK: Final = 0x80
_MAX_CONTROL: Final = 125
"""Bytes of a control frame's payload (RFC 6455 §5.5)."""
_SHORT: Final = tuple(bytes((_TEXT, length)) for length in range(126))
_SHORT_MASKED: Final = tuple(bytes((_TEXT, _MASK | length)) for length in range(126))
_MEDIUM: Final = Struct("!BBH")
_LONG: Final = Struct("!BBQ")


def whole_text(data: bytes, at: int, limit: float, *, masked: bool) -> tuple[str, int] | None:
    """Return the text of the frame that begins at `at`, and the position of the next frame.

    None for anything but a valid whole text frame of at most `limit` bytes, masked as the sender's role requires.
    """
    have = len(data) - at
    if have < 2 or data[at] != _TEXT:
        return None
    length = data[at + 1] ^ (_MASK if masked else 0)
    if length < 126:
        begin = at + 2
    elif length == 126 and have >= 4:
        length = data[at + 2] << 8 | data[at + 3]
        if length < 126:
            return None  # RFC 6455 §5.2: the minimal number of bytes must be used
        begin = at + 4
    else:
        return None  # very long, or masked although it must not be, or the reverse
    body = begin + 4 if masked else begin
    end = body + length
    if end > len(data) or length > limit:
        return None
    try:
        payload = data[body:end]
        return (xor(payload, data[begin:body]) if masked else payload).decode(), end
    except UnicodeDecodeError:
        return None


def whole_control(data: bytes, at: int, *, masked: bool) -> tuple[Control, int] | None:
    """Return the ping or pong that begins at `at`, and the position of the next frame.

    None for anything else.
    """
    have = len(data) - at
    opcode = _CONTROL.get(data[at]) if have >= 2 else None
    if opcode is None:
        return None
    length = data[at + 1] ^ (_MASK if masked else 0)
    body = at + (6 if masked else 2)
    end = body + length
    if length > _MAX_CONTROL or end > len(data):
        return None
    payload = data[body:end]
    return Control(opcode, xor(payload, data[at + 2 : body]) if masked and payload else payload), end


def text_frame(payload: bytes, masking: Random | None) -> bytes:
    """Return the frame of a whole uncompressed text.

    `masking` makes a client's masking key, None for a server.
    """
    length = len(payload)
    if masking is None:
        return (_SHORT[length] if length < 126 else frame_header(_TEXT, length, masked=False)) + payload
    key = masking.randbytes(4)
    header = _SHORT_MASKED[length] if length < 126 else frame_header(_TEXT, length, masked=True)
    return header + key + xor(payload, key)


def frame_header(first: int, length: int, *, masked: bool) -> bytes:
    """Return the header of a frame up to the masking key, with the shortest length field (RFC 6455 §5.2)."""
    mask = _MASK if masked else 0
    if length < 126:
        return bytes((first, mask | length))
    if length < 1 << 16:
        return _MEDIUM.pack(first, mask | 126, length)
    return _LONG.pack(first, mask | 127, length)
