"""The part of an asyncio event loop that the virtual network uses, on trio: its clock, and functions at a time."""

from asyncio import Handle, TimerHandle
from collections import deque
from collections.abc import Callable
from contextvars import Context
from itertools import count
from typing import Any, TypeVarTuple

import trio

from ocpp_transports._logging._log import LOGGER
from ocpp_transports.laboratory._time._timers import OrderedTimers

__all__ = ["TrioTimers"]

Ts = TypeVarTuple("Ts")


class TrioTimers:
    """Calls functions at times of the trio clock, in the order of (time, number); one task runs them all."""

    def __init__(self) -> None:
        self._timers = OrderedTimers(count().__next__)
        self._running = trio.CancelScope()
        self._alarm = trio.CancelScope()

    def time(self) -> float:
        """Return the time of the trio clock, in seconds."""
        return trio.current_time()

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> TimerHandle:
        """Call a function at a time."""
        handle = TimerHandle(when, callback, args, self, context)  # type: ignore[arg-type]  # it uses what is here
        handle._scheduled = True  # type: ignore[attr-defined]  # so that its cancel() is counted
        self._timers.add(when, handle)
        self._alarm.deadline = min(self._alarm.deadline, when)
        return handle

    def call_soon(self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None) -> Handle:
        """Call a function in the next turn."""
        return self.call_at(self.time(), callback, *args, context=context)

    async def run(self) -> None:
        """Call each function at its time, until stopped."""
        with self._running:
            while True:
                with trio.CancelScope(deadline=self._timers.next_at()) as self._alarm:
                    await trio.sleep_forever()
                self._call_due()

    def stop(self) -> None:
        """Call no function any more."""
        self._running.cancel()

    def _call_due(self) -> None:
        ready: deque[Handle] = deque()
        self._timers.move_due(self.time(), ready)
        for handle in ready:
            if not handle.cancelled():
                handle._run()  # it reports what the function raises

    # What a TimerHandle asks its loop

    def get_debug(self) -> bool:
        """Return False: handles need not remember where they were made."""
        return False

    def _timer_handle_cancelled(self, handle: TimerHandle) -> None:
        if handle._scheduled:  # type: ignore[attr-defined]  # see call_at
            self._timers.note_cancelled()

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Log what a function raised."""
        LOGGER.error("%s", context["message"], exc_info=context.get("exception"))
