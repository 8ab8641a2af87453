"""Encoded frames, and the payload of close frames (RFC 6455 §5)."""

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
from ocpp_core.websocket.masking import xor

from ._fast_path import frame_header
from ._opcode import Opcode

__all__ = [
    "FrameError",
    "close_payload",
    "encode_frame",
    "read_close",
]

_CODE: Final = Struct("!H")
_FIN: Final = 0x80
_RSV1: Final = 0x40


class FrameError(Exception):
    """An error of the peer, for which the link fails the connection with the close code."""

    def __init__(self, code: int, detail: str) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail

    @property
    def reason(self) -> str:
        """The reason in the close frame, without details."""
        return _REASONS.get(self.code, "protocol error")


_REASONS: Final = {
    POLICY_VIOLATION: "message too slow",
    TOO_BIG: "message too big",
    INVALID_DATA: "invalid data",
}


def encode_frame(opcode: Opcode, payload: bytes, *, key: bytes | None = None, compressed: bool = False) -> bytes:
    """Return one unfragmented frame.

    `key` is the four-byte masking key of a client, None for a server.
    """
    first, length = _FIN | (_RSV1 if compressed else 0) | opcode, len(payload)
    if key is not None:
        return frame_header(first, length, masked=True) + key + xor(payload, key)
    return (bytes((first, length)) if length < 126 else frame_header(first, length, masked=False)) + payload


def close_payload(code: int, reason: str = "") -> bytes:
    """Return the payload of a close frame; empty for `NO_STATUS`."""
    return b"" if code == NO_STATUS else _CODE.pack(code) + reason.encode()


def read_close(payload: bytes) -> tuple[int, str]:
    """Return code and reason of a close frame's payload.

    Raises FrameError if it breaks RFC 6455 §5.5.1.
    """
    if not payload:
        return NO_STATUS, ""
    if len(payload) == 1:
        raise FrameError(PROTOCOL_ERROR, "a close frame of one byte")
    code: int = _CODE.unpack_from(payload)[0]
    if not is_close_code(code):
        raise FrameError(PROTOCOL_ERROR, f"a close frame with the invalid code {code}")
    try:
        return code, payload[2:].decode()
    except UnicodeDecodeError:
        raise FrameError(INVALID_DATA, "a close reason that is not UTF-8") from None
