"""What messages that have begun and not ended hold of a server's memory, over all its connections."""

from typing import Final

from ocpp_core.websocket.close import TOO_BIG

from ._frames import FrameError

__all__ = ["FREE", "Unfinished"]

FREE: Final = 65536
"""Bytes that a connection may hold though all together hold too much: whoever sends small messages is not cut off."""


class Unfinished:
    """The bytes of all unfinished messages, decompressed, of the links that share this object.

    A server makes one and gives it to every link; `LinkConfig.max_unfinished_size` says how far it may go.
    """

    __slots__ = ("size",)

    def __init__(self) -> None:
        self.size = 0

    def change(self, before: int, after: int, limit: float) -> None:
        """Take note that a link holds `after` bytes instead of `before`. Raises FrameError where that is too much."""
        self.size += after - before
        if self.size > limit and after > FREE:
            raise FrameError(TOO_BIG, f"unfinished messages of more than {limit} bytes together")
