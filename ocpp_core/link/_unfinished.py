"""The memory of unfinished messages, counted over all connections of a server."""

from typing import Final

from ocpp_core.websocket.close import TOO_BIG

from ._frames import FrameError

__all__ = ["FREE", "Unfinished"]

FREE: Final = 65536
"""Bytes that one connection may always hold, so that stations with small messages are not disconnected."""


class Unfinished:
    """The bytes of all unfinished messages, decompressed, of the links that share this object.

    A server makes one and passes it to every link; `LinkConfig.max_unfinished_size` is the limit.
    """

    __slots__ = ("size",)

    def __init__(self) -> None:
        self.size: int = 0
        """Bytes of all unfinished messages together."""

    def change(self, before: int, after: int, limit: float) -> None:
        """Record that a link holds `after` bytes instead of `before`.

        Args:
            before: The bytes that the link held so far.
            after: The bytes that it holds now.
            limit: The bytes that all links may hold together.

        Raises:
            FrameError: The limit is exceeded.
        """
        self.size += after - before
        if self.size > limit and after > FREE:
            raise FrameError(TOO_BIG, f"unfinished messages of more than {limit} bytes together")

    def release(self, size: int) -> None:
        """Forget bytes that a link held."""
        self.size -= size
