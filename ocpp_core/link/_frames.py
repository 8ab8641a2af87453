"""Frames as this side writes them, and the payload of the close frame (RFC 6455 §5)."""

from dataclasses import dataclass
from enum import IntEnum
from struct import Struct
from typing import Final

from ocpp_core.websocket.close import (
    INVALID_DATA,
    NO_STATUS,
    POLICY_VIOLATION,
    PROTOCOL_ERROR,
    TOO_BIG,
    is_close_code,
)

__all__ = [
    "Control",
    "FrameError",
    "Opcode",
    "close_payload",
    "encode_frame",
    "read_close",
    "text_frame",
    "xor",
]

_SHORT: Final = Struct("!BB")
_MEDIUM: Final = Struct("!BBH")
_LONG: Final = Struct("!BBQ")
_CODE: Final = Struct("!H")
_FIN: Final = 0x80
_RSV1: Final = 0x40
_MASKED: Final = 0x80


class Opcode(IntEnum):
    """What a frame is (RFC 6455 §5.2)."""

    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


@dataclass(slots=True)
class Control:
    """A whole control frame."""

    opcode: Opcode
    payload: bytes


class FrameError(Exception):
    """The peer broke the rules: fail the connection with this close code. Never leaves the link."""

    def __init__(self, code: int, detail: str) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail

    @property
    def reason(self) -> str:
        """What the peer is told."""
        return _REASONS.get(self.code, "protocol error")


_REASONS: Final = {
    POLICY_VIOLATION: "message too slow",
    TOO_BIG: "message too big",
    INVALID_DATA: "invalid data",
}


def encode_frame(opcode: Opcode, payload: bytes, *, key: bytes | None = None, compressed: bool = False) -> bytes:
    """Make one unfragmented frame; `key` is the masking key of four bytes of a client, None for a server."""
    first = _FIN | (_RSV1 if compressed else 0) | opcode
    masked = 0 if key is None else _MASKED
    length = len(payload)
    if length < 126:
        header = _SHORT.pack(first, masked | length)
    elif length < 1 << 16:
        header = _MEDIUM.pack(first, masked | 126, length)
    else:
        header = _LONG.pack(first, masked | 127, length)
    if key is None:
        return header + payload
    return header + key + xor(payload, key)


_SHORT_TEXTS: Final = tuple(bytes((_FIN | Opcode.TEXT, length)) for length in range(126))


def text_frame(payload: bytes) -> bytes:
    """Make the usual frame of a server: a whole, plain text."""
    length = len(payload)
    return _SHORT_TEXTS[length] + payload if length < 126 else encode_frame(Opcode.TEXT, payload)


def xor(payload: bytes, key: bytes) -> bytes:
    """Mask or unmask: XOR with the repeated key (RFC 6455 §5.3).

    A short payload as one operation on two long integers; of a longer one each byte of the key has its own column,
    translated at once.
    """
    length = len(payload)
    if length < _BY_COLUMNS_FROM:
        pad = (key * (length // 4 + 1))[:length]
        return (int.from_bytes(payload, "little") ^ int.from_bytes(pad, "little")).to_bytes(length, "little")
    one, two, three, four = key
    masked = bytearray(payload)
    masked[0::4] = masked[0::4].translate(_XOR_WITH[one])
    masked[1::4] = masked[1::4].translate(_XOR_WITH[two])
    masked[2::4] = masked[2::4].translate(_XOR_WITH[three])
    masked[3::4] = masked[3::4].translate(_XOR_WITH[four])
    return bytes(masked)


_BY_COLUMNS_FROM: Final = 512
"""Bytes from which on the columns are faster."""
_XOR_WITH: Final = tuple(xor(bytes(range(256)), bytes([byte]) * 4) for byte in range(256))


def close_payload(code: int, reason: str = "") -> bytes:
    """Make the payload of a close frame; `NO_STATUS` makes the empty one."""
    return b"" if code == NO_STATUS else _CODE.pack(code) + reason.encode()


def read_close(payload: bytes) -> tuple[int, str]:
    """Read the payload of a close frame: code and reason. Raises FrameError where it breaks RFC 6455 §5.5.1."""
    if not payload:
        return NO_STATUS, ""
    if len(payload) == 1:
        raise FrameError(PROTOCOL_ERROR, "a close frame of one byte")
    code: int = _CODE.unpack_from(payload)[0]
    if not is_close_code(code):
        raise FrameError(PROTOCOL_ERROR, f"the close code {code}, which must not be sent")
    try:
        return code, payload[2:].decode()
    except UnicodeDecodeError:
        raise FrameError(INVALID_DATA, "a close reason that is not UTF-8") from None
