"""The usual frames, read by hand: a whole unfragmented, uncompressed text, a ping or a pong.

Nearly all that stations send is of this kind, and wsproto needs several times as long for it. Whatever is not, is
incomplete or is wrong is left to the reader on wsproto, which has the last word on every verdict.
"""

from typing import Final

from ._frames import Control, Opcode, xor

__all__ = ["whole_control", "whole_text"]

_TEXT: Final = 0x81
"""FIN, no reserved bit, opcode 1 (RFC 6455 §5.2)."""
_CONTROL: Final = {0x80 | opcode: opcode for opcode in (Opcode.PING, Opcode.PONG)}
_MASK: Final = 0x80
_MAX_CONTROL: Final = 125
"""Bytes of a control frame's payload (RFC 6455 §5.5)."""


def whole_text(data: bytes, at: int, limit: float, *, masked: bool) -> tuple[str, int] | None:
    """Read the frame that begins at `at`: its text, and where the next frame begins.

    None for anything but a valid whole text frame of at most `limit` bytes, masked as its sender's role has to.
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
        return None  # very long, or not masked as it has to be
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
    """Read the ping or pong that begins at `at`, and where the next frame begins; None for anything else."""
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
