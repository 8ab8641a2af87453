"""The offline queue in memory: calls made without a connection, until one writes them."""

from collections.abc import Callable, Iterator
from typing import Final

from ocpp_core.actions import SessionAction, Settle
from ocpp_core.config import ClientConfig
from ocpp_core.errors import CallCancelledError, CallDroppedError, ClosedError, OCPPError
from ocpp_core.timers import Timers

from .call import OutboundCall, expired_error
from .queue import CallQueue

__all__ = ["MemoryQueue"]

_NONE_WAITS: Final = CallQueue()
"""The shared empty queue of clients whose calls never had to wait; no call is added to it."""
_NO_TIMERS: Final = Timers()
"""Its timers; none is set."""


class MemoryQueue:
    """A queue of at most `offline_queue_size` calls and `max_queued_bytes` bytes, urgent calls first.

    When it overflows, the oldest call that is not urgent is dropped. A single call that is too large is dropped
    immediately. Both settle with CallDroppedError.
    """

    def __init__(self, config: ClientConfig, emit: Callable[[SessionAction], None]) -> None:
        self._size = config.offline_queue_size
        self._max_bytes = config.session.max_queued_bytes
        self._emit = emit
        self._queue = _NONE_WAITS
        self._timers = _NO_TIMERS

    def __len__(self) -> int:
        return len(self._queue.calls)

    def __iter__(self) -> Iterator[OutboundCall]:
        """Iterate over the calls in the order in which they will be written."""
        return iter(self._queue.calls)

    @property
    def deadline(self) -> float:
        """Time at which the first time to live expires."""
        return self._timers.next

    def add(self, call: OutboundCall) -> None:
        """Queue a call. Raises ValueError for a message ID that is queued already."""
        if call.message_id is not None and self.has_id(call.message_id):
            raise ValueError(f"expected an unused message id, got {call.message_id!r}")
        if call.size > self._max_bytes:
            self._settle(call, self._dropped(f"expected calls of at most {self._max_bytes} bytes together"))
            return
        if self._queue is _NONE_WAITS:
            self._queue, self._timers = CallQueue(), Timers()
        self._queue.add(call)
        self._timers.set(call, call.expires)
        self._trim()

    def has_id(self, message_id: str) -> bool:
        """Return True if a queued call has this ID, chosen by its caller."""
        return self._queue.has_id(message_id)

    def configure(self, config: ClientConfig) -> None:
        """Apply other limits from now on."""
        self._size = config.offline_queue_size
        self._max_bytes = config.session.max_queued_bytes
        self._trim()

    def first(self, now: float) -> OutboundCall | None:  # no call here waits for a time
        """Return the oldest call, urgent calls before the rest.

        None if the queue is empty.
        """
        calls = self._queue.calls
        return calls[0] if calls else None

    def take(self, call: OutboundCall) -> None:
        """Remove a call without settling it."""
        self._queue.remove(call)
        self._timers.cancel(call)

    def _trim(self) -> None:
        while excess := self._queue.excess(self._size, self._max_bytes):
            oldest = next((call for call in self._queue.calls if not call.urgent), self._queue.calls[0])
            self._queue.remove(oldest)
            self._settle(oldest, self._dropped(excess))

    def _dropped(self, excess: str) -> CallDroppedError:
        return CallDroppedError(f"the offline queue is full: {excess}")

    def cancel(self, token: int) -> None:
        """Settle a queued call as cancelled; ignore an unknown token."""
        call = self._queue.find(token)
        if call is not None:
            self._queue.remove(call)
            self._settle(call, CallCancelledError("cancelled before it was sent", sent=False))

    def expire(self, now: float) -> None:
        """Settle the calls whose time to live expired; they are never sent later."""
        for call in list(self._timers.due(now)):
            if isinstance(call, OutboundCall):
                self._queue.remove(call)
                self._settle(call, expired_error(call))

    def close(self) -> None:
        """Settle all calls: none will be sent any more."""
        for call in self._queue.take():
            self._settle(call, ClosedError(f"closed before {call.action} was sent"))

    def _settle(self, call: OutboundCall, error: OCPPError) -> None:
        self._timers.cancel(call)
        if call.token is not None:
            self._emit(Settle(call.token, None, error))
