"""The phases of a link."""

from enum import Enum
from typing import Final

__all__ = ["LINGER", "Phase"]

LINGER: Final = 0.5
"""Seconds for which a server that ended a connection reads and discards bytes, unless the peer ends the stream first.

TCP resets a socket that is closed with unread bytes, and the reset may overtake the close frame or the HTTP response.
"""


class Phase(Enum):
    """The phases of a link, in their order."""

    HANDSHAKE = "handshake"
    OPEN = "open"
    CLOSING = "closing"
    """This side sent its close frame; that of the peer is awaited."""
    ENDING = "ending"
    """Nothing more is sent; bytes are discarded until the peer ends the stream."""
    ENDED = "ended"
