"""Requests that were decoded but not dispatched because of a limit, in the order of arrival."""

from collections import deque

from ocpp_core.actions import Dispatch
from ocpp_core.messages import utf8_length

__all__ = ["HeldRequests"]


class HeldRequests:
    """A queue of requests with its size and the IDs of its CALLs."""

    __slots__ = ("_calls", "_queue", "size")

    def __init__(self) -> None:
        self.size = 0
        """Bytes of the texts, in UTF-8."""
        self._queue: deque[Dispatch] = deque()
        self._calls: dict[str, Dispatch] = {}

    def __len__(self) -> int:
        return len(self._queue)

    def add(self, request: Dispatch) -> None:
        """Append a request; the caller ensures that no held CALL has the same message ID."""
        self._queue.append(request)
        self.size += utf8_length(request.text)
        if request.expects_reply:
            self._calls[request.message_id] = request

    @property
    def first(self) -> Dispatch:
        """The oldest request. Raises IndexError if there is none."""
        return self._queue[0]

    def take(self) -> Dispatch:
        """Remove and return the oldest request. Raises IndexError if there is none."""
        request = self._queue.popleft()
        self.size -= utf8_length(request.text)
        if request.expects_reply:
            del self._calls[request.message_id]
        return request

    def call(self, message_id: str) -> Dispatch | None:
        """Return the CALL with this ID, or None."""
        return self._calls.get(message_id)
