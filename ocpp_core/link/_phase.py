"""How far a link is."""

from enum import Enum
from typing import Final

__all__ = ["LINGER", "Phase"]

LINGER: Final = 0.5
"""Seconds a server that broke off goes on reading (and forgetting), unless the peer ends the stream before.

A socket closed with unread bytes is reset by TCP, and the reset may overtake the close frame or the HTTP answer.
"""


class Phase(Enum):
    """How far a link is."""

    HANDSHAKE = "handshake"
    OPEN = "open"
    CLOSING = "closing"
    """Our close frame is out; the peer's is awaited."""
    ENDING = "ending"
    """All is said; the peer's end of the stream is awaited, and what arrives before it is forgotten."""
    ENDED = "ended"
