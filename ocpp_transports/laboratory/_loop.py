"""A virtual asyncio event loop: its clock moves only when nothing is left to do at this instant.

A turn of asyncio's loop waits in `select` until the next timer is due. A turn of this one sets its clock to that timer
instead. Everything that reckons with the loop's clock follows without a change: `asyncio.sleep`, `wait_for`, `timeout`,
and the cancel scopes of anyio.

What `BaseEventLoop` documents stays as it is. Its turn, `_run_once`, is replaced, and its timers are in a heap with an
order for equal times.
"""

import asyncio
from asyncio import Handle, TimerHandle
from collections import deque
from collections.abc import Callable
from contextvars import Context
from itertools import count
from math import inf
from random import Random
from typing import Any, TypeVarTuple

from ._errors import DeadlockError, StandstillError, VirtualTimeEndError, VirtualTimeError
from ._report import report
from ._timers import OrderedTimers

__all__ = ["VirtualLoop"]

Ts = TypeVarTuple("Ts")

CLOSING_TIME = 3600.0
"""Virtual seconds that tasks get to end after the run's end, which raised an error."""
MOST_TURNS = 1_000_000
"""Turns without time passing, after which a run fails."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """An asyncio event loop in virtual time, which starts at 0 seconds.

    Pass it as the factory of a runner (`asyncio.Runner(loop_factory=VirtualLoop)`), or use `run`. Timers of one instant
    run in the order in which they were set.

    Args:
        seed: Seed of everything that this loop and what is built on it draw.
        end: Time in seconds at which the run fails with `VirtualTimeEndError`.
        shuffled: True to run timers of one instant in an order that the seed decides.
    """

    # Of BaseEventLoop; its type has no private names.
    _ready: deque[Handle]
    _stopping: bool
    _check_closed: Callable[[], None]

    ocpp_runtime: Callable[..., Any] | None = None
    """Makes the runtime of clients and servers on this loop; None for that of real sockets."""

    def __init__(self, *, seed: int = 0, end: float = inf, shuffled: bool = False) -> None:
        self.seed = seed
        """The seed, for what is built on this loop."""
        self.end: float = end
        """Time in seconds at which the run fails."""
        self._now = 0.0
        self._turns = 0
        self._timers = OrderedTimers(Random(f"{seed}/timers").random if shuffled else count().__next__)
        super().__init__()

    def time(self) -> float:
        """Return the virtual time in seconds, which starts at 0."""
        return self._now

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> TimerHandle:
        """Call a function at a virtual time. Raises ValueError if the time is not a number."""
        self._check_closed()
        if when != when:  # the test for NaN, which has no place in an order
            raise ValueError(f"expected a time in seconds, got {when!r}")
        handle = TimerHandle(when, callback, args, self, context)
        handle._scheduled = True  # type: ignore[attr-defined]  # as BaseEventLoop: its cancel() is to be counted
        self._timers.add(when, handle)
        return handle

    def _timer_handle_cancelled(self, handle: TimerHandle) -> None:
        if handle._scheduled:  # type: ignore[attr-defined]  # see call_at
            self._timers.note_cancelled()

    def _run_once(self) -> None:
        """Make one turn: move the clock if nothing is ready, then run what is ready."""
        ready = self._ready
        if not ready and not self._stopping:
            self._pass_time()
        self._timers.move_due(self._now, ready)
        self._turns += 1
        if self._turns > MOST_TURNS:
            self._turns = 0
            raise self._ended(StandstillError, f"the loop made {MOST_TURNS} turns without time passing")
        for _ in range(len(ready)):
            handle = ready.popleft()
            if not handle._cancelled:
                handle._run()

    def _pass_time(self) -> None:
        when = self._timers.next_at()
        if when <= self._now:
            return
        if when == inf:
            raise self._ended(DeadlockError, "every task waits, and nothing is left that could wake one")
        if when > self.end:
            reason = f"the run has reached its end of {self.end:g} s, and the next timer is at {when:g} s"
            self.end += CLOSING_TIME
            raise self._ended(VirtualTimeEndError, reason)
        self._now = when
        self._turns = 0

    def _ended(self, error: type[VirtualTimeError], reason: str) -> VirtualTimeError:
        return error(report(reason, self, self._timers))

    def close(self) -> None:
        """Close the loop; see asyncio."""
        super().close()
        self._timers.clear()
