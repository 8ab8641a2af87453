"""The close codes of WebSocket, and the close reason (RFC 6455 §5.5 and §7.4)."""

from typing import Final

__all__ = [
    "ABNORMAL_CLOSURE",
    "GOING_AWAY",
    "INVALID_DATA",
    "MAX_REASON",
    "NORMAL_CLOSURE",
    "NO_STATUS",
    "POLICY_VIOLATION",
    "PRIVATE_CODES",
    "PROTOCOL_ERROR",
    "TOO_BIG",
    "TRY_AGAIN_LATER",
    "cut_reason",
    "expect_close_code",
    "is_close_code",
]

NORMAL_CLOSURE: Final = 1000
"""The connection has done its job; the default of `close`."""
GOING_AWAY: Final = 1001
"""A server closes, or a client reached `ClientConfig.max_reconnects`."""
PROTOCOL_ERROR: Final = 1002
"""The peer broke RFC 6455, or sent too many bad messages."""
NO_STATUS: Final = 1005
"""Never sent: the Close frame had no code."""
ABNORMAL_CLOSURE: Final = 1006
"""Never sent: the connection ended without a Close frame."""
INVALID_DATA: Final = 1007
"""A text message was not UTF-8, or its compressed data was corrupt."""
POLICY_VIOLATION: Final = 1008
"""A message took too long, a rate was exceeded, or a serial number was wrong."""
TOO_BIG: Final = 1009
"""A message exceeded `max_message_size`, or all unfinished ones together their limit."""
TRY_AGAIN_LATER: Final = 1013
"""A client in a browser received more messages at a time than it may hold."""
PRIVATE_CODES: Final = 3000
"""First code of libraries and applications, whose range ends at 4999."""

MAX_REASON: Final = 123
"""Bytes of a close reason: a control frame has at most 125 (RFC 6455 §5.5), and the close code takes two."""


def is_close_code(code: object) -> bool:
    """Return True if a Close frame may contain this code.

    RFC 6455 §7.4: 1004 is reserved, 1005, 1006 and 1015 are never sent, 1016 to 2999 are not defined yet, and 3000 to
    4999 belong to libraries and applications. The IANA registry adds 1012 to 1014.
    """
    return isinstance(code, int) and (1000 <= code <= 1003 or 1007 <= code <= 1014 or PRIVATE_CODES <= code <= 4999)


def expect_close_code(code: object) -> None:
    """Raise ValueError for a code that a Close frame must not contain."""
    if not is_close_code(code):
        raise ValueError(f"expected a close code of 1000-1003, 1007-1014 or 3000-4999, got {code!r}")


def cut_reason(reason: str) -> str:
    """Return a reason, cut to the 123 bytes of UTF-8 that fit into a Close frame.

    It is cut at the end of a character. A lone surrogate, which UTF-8 cannot encode, becomes `?`. Raises TypeError
    unless the reason is a str.
    """
    if not isinstance(reason, str):
        raise TypeError(f"expected the close reason as text, got {reason!r}")
    return reason.encode(errors="replace")[:MAX_REASON].decode(errors="ignore")
