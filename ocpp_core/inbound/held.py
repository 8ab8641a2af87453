"""Requests that were decoded but not dispatched because too many are in progress, in the order of arrival."""

from collections import deque
from collections.abc import Iterator

from ocpp_core.actions import Dispatch
from ocpp_core.messages import utf8_length

__all__ = ["HeldRequests"]


class HeldRequests:
    """A queue of requests with its size and the IDs of its CALLs."""

    __slots__ = ("_by_id", "_requests", "size")

    def __init__(self) -> None:
        self.size: int = 0
        """Bytes of the texts, in UTF-8."""
        self._requests: deque[Dispatch] = deque()
        self._by_id: dict[str, Dispatch] = {}

    def __len__(self) -> int:
        return len(self._requests)

    def __iter__(self) -> Iterator[Dispatch]:
        return iter(self._requests)

    def add(self, request: Dispatch) -> None:
        """Append a request; the caller ensures that no held CALL has the same message ID."""
        self.size += utf8_length(request.text)
        self._requests.append(request)
        if request.expects_reply:
            self._by_id[request.message_id] = request

    def take(self) -> Dispatch:
        """Remove and return the oldest request. Raises IndexError if there is none."""
        request = self._requests.popleft()
        self.size -= utf8_length(request.text)
        if request.expects_reply:
            del self._by_id[request.message_id]
        return request

    def call(self, message_id: str) -> Dispatch | None:
        """Return the CALL with this ID, or None."""
        return self._by_id.get(message_id)
