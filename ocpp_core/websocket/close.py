"""The close codes of WebSocket, and the reason beside them (RFC 6455 §5.5 and §7.4)."""

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
GOING_AWAY: Final = 1001
PROTOCOL_ERROR: Final = 1002
NO_STATUS: Final = 1005
"""Never sent: the Close frame held no code."""
ABNORMAL_CLOSURE: Final = 1006
"""Never sent: the connection ended without a Close frame."""
INVALID_DATA: Final = 1007
POLICY_VIOLATION: Final = 1008
TOO_BIG: Final = 1009
TRY_AGAIN_LATER: Final = 1013
PRIVATE_CODES: Final = 3000
"""From this code on, up to 4999, codes belong to libraries and applications."""

MAX_REASON: Final = 123
"""Bytes: a control frame holds 125 (RFC 6455 §5.5), of which the close code takes two."""


def is_close_code(code: object) -> bool:
    """Return True if a Close frame may hold this code.

    RFC 6455 §7.4: 1004 is reserved, 1005, 1006 and 1015 never go on the wire, 1016 to 2999 are not defined yet; 1012 to
    1014 are in the IANA registry, 3000 to 4999 belong to libraries and applications.
    """
    return isinstance(code, int) and (1000 <= code <= 1003 or 1007 <= code <= 1014 or PRIVATE_CODES <= code <= 4999)


def expect_close_code(code: object) -> None:
    """Raise ValueError for a code that a Close frame must not hold."""
    if not is_close_code(code):
        raise ValueError(f"expected a close code of 1000-1003, 1007-1014 or 3000-4999, got {code!r}")


def cut_reason(reason: str) -> str:
    """Return a reason that fits into a Close frame: at most 123 bytes of UTF-8, cut at the end of a character.

    A lone surrogate, which UTF-8 cannot express, becomes `?`. Raises TypeError unless the reason is a text.
    """
    if not isinstance(reason, str):
        raise TypeError(f"expected the close reason as text, got {reason!r}")
    return reason.encode(errors="replace")[:MAX_REASON].decode(errors="ignore")
