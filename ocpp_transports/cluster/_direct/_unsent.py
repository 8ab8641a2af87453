"""The frames that wait to be written, over all streams of a node."""

from ocpp_transports.cluster._carrier import NotSentError

__all__ = ["UnsentFrames"]


class UnsentFrames:
    """Counts the bytes of frames that wait, so that nodes which do not read cannot fill the memory.

    Args:
        limit: Bytes that may wait.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._bytes = 0

    def add(self, size: int) -> None:
        """Count a frame. Raises NotSentError, and does not count it, if it would exceed the limit."""
        if self._bytes + size > self._limit:
            raise NotSentError(f"frames of {self._bytes} bytes wait to be written to other nodes")
        self._bytes += size

    def remove(self, size: int) -> None:
        """Count a frame no more: it is written, or given up."""
        self._bytes -= size
