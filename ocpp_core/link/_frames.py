"""Frames as this side writes them, and the rules of the close frame (RFC 6455 §5 and §7.4)."""

from struct import Struct
from typing import Final

from ._fast_path import frame_header, xor
from ._opcode import Opcode

__all__ = [
    "ABNORMAL_CLOSURE",
    "INVALID_DATA",
    "MAX_REASON",
    "NO_STATUS",
    "POLICY_VIOLATION",
    "PROTOCOL_ERROR",
    "TOO_BIG",
    "FrameError",
    "close_payload",
    "cut_reason",
    "encode_frame",
    "is_close_code",
    "read_close",
]

PROTOCOL_ERROR: Final = 1002
NO_STATUS: Final = 1005
ABNORMAL_CLOSURE: Final = 1006
INVALID_DATA: Final = 1007
POLICY_VIOLATION: Final = 1008
TOO_BIG: Final = 1009

MAX_REASON: Final = 123
"""Bytes: a control frame holds 125 (RFC 6455 §5.5), of which the close code takes two."""

_CODE: Final = Struct("!H")
_FIN: Final = 0x80
_RSV1: Final = 0x40


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
    first, length = _FIN | (_RSV1 if compressed else 0) | opcode, len(payload)
    if key is not None:
        return frame_header(first, length, masked=True) + key + xor(payload, key)
    return (bytes((first, length)) if length < 126 else frame_header(first, length, masked=False)) + payload


def is_close_code(code: int) -> bool:
    """Whether a close frame may hold this code.

    RFC 6455 §7.4: 1004 is reserved, 1005, 1006 and 1015 never go on the wire, 1016 to 2999 are not defined yet; 1012 to
    1014 stand in the IANA registry, 3000 to 4999 belong to libraries and applications.
    """
    return 1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999


def cut_reason(reason: str) -> str:
    """Shorten a reason to what a close frame holds, at a character's end. Raises ValueError for a lone surrogate."""
    encoded = reason.encode()
    return reason if len(encoded) <= MAX_REASON else encoded[:MAX_REASON].decode(errors="ignore")


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
