"""The usual frame, read by hand: one whole unfragmented, uncompressed text frame.

Nearly all that OCPP sends is of this kind, and wsproto needs several times as long for it. Whatever is not, is
incomplete or is wrong is left to the reader on wsproto, which has the last word on every verdict.
"""

from typing import Final

from ._frames import xor

__all__ = ["whole_text"]

_TEXT: Final = 0x81
"""FIN, no reserved bit, opcode 1 (RFC 6455 §5.2)."""
_MASK: Final = 0x80


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
