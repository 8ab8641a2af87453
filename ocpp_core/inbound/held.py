"""Requests that were decoded but not dispatched because of a limit, in the order of arrival."""

from collections import deque
from collections.abc import Iterator
from itertools import chain

from ocpp_core.actions import Dispatch
from ocpp_core.messages import utf8_length

__all__ = ["HeldRequests"]


class HeldRequests:
    """A queue of requests with its size and the IDs of its CALLs.

    SENDs have a queue of their own, because they may pass CALLs that the rate limit holds (see `rate`). The request
    numbers show which of the two queues begins with the older request.
    """

    __slots__ = ("_by_id", "_calls", "_sends", "size")

    def __init__(self) -> None:
        self.size: int = 0
        """Bytes of the texts, in UTF-8."""
        self._calls: deque[Dispatch] = deque()
        self._sends: deque[Dispatch] = deque()
        self._by_id: dict[str, Dispatch] = {}

    def __len__(self) -> int:
        return len(self._calls) + len(self._sends)

    def __iter__(self) -> Iterator[Dispatch]:
        return chain(self._calls, self._sends)

    def add(self, request: Dispatch) -> None:
        """Append a request; the caller ensures that no held CALL has the same message ID."""
        self.size += utf8_length(request.text)
        if request.expects_reply:
            self._calls.append(request)
            self._by_id[request.message_id] = request
        else:
            self._sends.append(request)

    @property
    def first(self) -> Dispatch:
        """The oldest request. Raises IndexError if there is none."""
        calls, sends = self._calls, self._sends
        return sends[0] if not calls or (sends and sends[0].request < calls[0].request) else calls[0]

    @property
    def first_send(self) -> Dispatch | None:
        """The oldest SEND, None without one."""
        return self._sends[0] if self._sends else None

    def take(self, request: Dispatch) -> None:
        """Remove a request, which must be `first` or `first_send`."""
        self.size -= utf8_length(request.text)
        if request.expects_reply:
            self._calls.popleft()
            del self._by_id[request.message_id]
        else:
            self._sends.popleft()

    def call(self, message_id: str) -> Dispatch | None:
        """Return the CALL with this ID, or None."""
        return self._by_id.get(message_id)
