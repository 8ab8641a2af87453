"""The offline queue: calls made without a connection, kept until there is one."""

from collections import deque
from collections.abc import Callable

from .actions import Settle
from .calls import OutboundCall
from .errors import CallCancelledError, CallDroppedError, ClosedError, OCPPError, TimeoutError  # noqa: A004 - ours
from .timers import Timers

__all__ = ["Outbox"]


class Outbox:
    """At most `size` unsent calls, oldest first; an overflow drops the oldest one and tells its caller."""

    def __init__(self, size: int, emit: Callable[[Settle], None]) -> None:
        self.size = size
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
        """Keep a call; an urgent one goes to the head. Raises ValueError for a message id that is kept already."""
        if call.message_id is not None and any(kept.message_id == call.message_id for kept in self._calls):
            raise ValueError(f"message id {call.message_id!r} is in flight already")
        if call.urgent:
            self._calls.appendleft(call)
        else:
            self._calls.append(call)
        self._timers.set(call, call.expires)
        self._trim()

    def restore(self, calls: list[OutboundCall]) -> None:
        """Put calls that a lost connection did not write back to the head, in their order."""
        self._calls.extendleft(reversed(calls))
        for call in calls:
            self._timers.set(call, call.expires)
        self._trim()

    def _trim(self) -> None:
        while len(self._calls) > self.size:
            self._settle(self._calls.popleft(), CallDroppedError(f"the offline queue holds {self.size} calls already"))

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
                self._settle(call, TimeoutError(f"{call.action} was not sent within its time to live"))

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
