"""The offline queue: calls made without a connection, kept until there is one."""

from collections.abc import Callable

from ocpp_core.actions import Settle
from ocpp_core.errors import CallCancelledError, CallDroppedError, ClosedError, OCPPError
from ocpp_core.timers import Timers

from .call import OutboundCall, expired_error
from .queue import CallQueue

__all__ = ["Outbox"]


class Outbox:
    """At most `size` unsent calls of at most `max_bytes` together, urgent ones first, then the oldest.

    An overflow drops the oldest one that is not urgent, and tells its caller; what alone is too large never comes in.
    """

    def __init__(self, size: int, max_bytes: float, emit: Callable[[Settle], None]) -> None:
        self._size = size
        self._max_bytes = max_bytes
        self._emit = emit
        self._queue = CallQueue()
        self._timers = Timers()

    def __len__(self) -> int:
        return len(self._queue.calls)

    @property
    def deadline(self) -> float:
        """When the first call's time to live ends."""
        return self._timers.next

    def add(self, call: OutboundCall) -> None:
        """Keep a call. Raises ValueError for a message id that is kept already."""
        if call.message_id is not None and self._queue.has_id(call.message_id):
            raise ValueError(f"message id {call.message_id!r} is in flight already")
        if call.size > self._max_bytes:
            self._settle(call, self._dropped(f"expected calls of at most {self._max_bytes} bytes together"))
            return
        self._queue.add(call)
        self._timers.set(call, call.expires)
        self._trim()

    def restore(self, calls: list[OutboundCall]) -> None:
        """Put calls that a lost connection did not write back to the head, in their order."""
        self._queue.put_back(calls)
        for call in calls:
            self._timers.set(call, call.expires)
        self._trim()

    def resize(self, size: int, max_bytes: float) -> None:
        """Keep no more than this from now on."""
        self._size = size
        self._max_bytes = max_bytes
        self._trim()

    def _trim(self) -> None:
        while excess := self._queue.excess(self._size, self._max_bytes):
            oldest = next((call for call in self._queue.calls if not call.urgent), self._queue.calls[0])
            self._queue.remove(oldest)
            self._settle(oldest, self._dropped(excess))

    def _dropped(self, excess: str) -> CallDroppedError:
        return CallDroppedError(f"the offline queue is full: {excess}")

    def cancel(self, token: int) -> None:
        """Settle a kept call as cancelled; of an unknown token: nothing."""
        call = self._queue.find(token)
        if call is not None:
            self._queue.remove(call)
            self._settle(call, CallCancelledError("cancelled before it was sent", sent=False))

    def expire(self, now: float) -> None:
        """Settle the calls whose time to live is over: they are never sent later."""
        for call in list(self._timers.due(now)):
            if isinstance(call, OutboundCall):
                self._queue.remove(call)
                self._settle(call, expired_error(call))

    def take(self) -> list[OutboundCall]:
        """Hand over everything, in order, unsettled."""
        self._timers.clear()
        return self._queue.take()

    def close(self) -> None:
        """Settle everything: nothing will be sent any more."""
        for call in self.take():
            self._settle(call, ClosedError(f"closed before {call.action} was sent"))

    def _settle(self, call: OutboundCall, error: OCPPError) -> None:
        self._timers.cancel(call)
        if call.token is not None:
            self._emit(Settle(call.token, None, error))
