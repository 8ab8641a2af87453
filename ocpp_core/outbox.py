"""The offline queue: calls made without a connection, kept until there is one."""

from collections import deque
from collections.abc import Callable

from .actions import Settle
from .calls import OutboundCall, enqueue, expired_error
from .errors import CallCancelledError, CallDroppedError, ClosedError, OCPPError
from .timers import Timers

__all__ = ["Outbox"]


class Outbox:
    """At most `size` unsent calls, urgent ones first, then the oldest.

    An overflow drops the oldest one that is not urgent, and tells its caller.
    """

    def __init__(self, size: int, emit: Callable[[Settle], None]) -> None:
        self._size = size
        self._emit = emit
        self._calls: deque[OutboundCall] = deque()
        self._timers = Timers()

    def __len__(self) -> int:
        return len(self._calls)

    @property
    def deadline(self) -> float:
        """When the first call's time to live ends."""
        return self._timers.next

    def add(self, call: OutboundCall) -> None:
        """Keep a call. Raises ValueError for a message id that is kept already."""
        if call.message_id is not None and any(kept.message_id == call.message_id for kept in self._calls):
            raise ValueError(f"message id {call.message_id!r} is in flight already")
        enqueue(self._calls, call)
        self._timers.set(call, call.expires)
        self._trim()

    def restore(self, calls: list[OutboundCall]) -> None:
        """Put calls that a lost connection did not write back to the head, in their order."""
        self._calls.extendleft(reversed(calls))
        for call in calls:
            self._timers.set(call, call.expires)
        self._trim()

    def resize(self, size: int) -> None:
        """Keep at most `size` calls from now on."""
        self._size = size
        self._trim()

    def _trim(self) -> None:
        while len(self._calls) > self._size:
            oldest = next((call for call in self._calls if not call.urgent), self._calls[0])
            self._calls.remove(oldest)
            self._settle(oldest, CallDroppedError(f"the offline queue holds {self._size} calls already"))

    def cancel(self, token: int) -> None:
        """Settle a kept call as cancelled; of an unknown token: nothing."""
        for call in self._calls:
            if call.token == token:
                self._calls.remove(call)
                self._settle(call, CallCancelledError("cancelled before it was sent", sent=False))
                return

    def expire(self, now: float) -> None:
        """Settle the calls whose time to live is over: they are never sent later."""
        for call in list(self._timers.due(now)):
            if isinstance(call, OutboundCall):
                self._calls.remove(call)
                self._settle(call, expired_error(call))

    def take(self) -> list[OutboundCall]:
        """Hand over everything, in order, unsettled."""
        calls = list(self._calls)
        self._calls.clear()
        self._timers.clear()
        return calls

    def close(self) -> None:
        """Settle everything: nothing will be sent any more."""
        for call in self.take():
            self._settle(call, ClosedError(f"closed before {call.action} was sent"))

    def _settle(self, call: OutboundCall, error: OCPPError) -> None:
        self._timers.cancel(call)
        if call.token is not None:
            self._emit(Settle(call.token, None, error))
