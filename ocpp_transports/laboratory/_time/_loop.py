"""A virtual asyncio event loop: its clock moves only when nothing is left to do at this instant.

A turn of asyncio's loop waits in `select` until the next timer is due. A turn of this one sets its clock to that timer
instead. Everything that reckons with the loop's clock follows without a change: `asyncio.sleep`, `wait_for`, `timeout`,
and the cancel scopes of anyio. Before the clock moves, three things must be true, in this order:

1. no callback is ready;
2. no thread and no subprocess works, because each may post a callback (`_work` counts them);
3. a timer is set, at or before the end of the run. Otherwise the run has a deadlock, or has reached its end.

What asyncio documents stays as it is. Its turn, `_run_once`, is replaced by one that does not poll the selector if
nothing real is watched, and its timers by a heap with an order for equal times.
"""

import asyncio
from asyncio import Handle, TimerHandle
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context
from itertools import count
from math import inf
from random import Random
from selectors import BaseSelector
from time import perf_counter
from typing import Any, TypeVar, TypeVarTuple

from ocpp_transports.laboratory._errors import (
    DeadlockError,
    PatienceError,
    StandstillError,
    VirtualTimeEndError,
    VirtualTimeError,
)
from ocpp_transports.laboratory._work._aiosqlite import count_aiosqlite
from ocpp_transports.laboratory._work._real_io import RealIO
from ocpp_transports.laboratory._work._sqlite_store import count_sqlite_stores
from ocpp_transports.laboratory._work._working import WorkingLoop

from ._report import SLOW, SlowCallbacks, report
from ._tasks import NumberedTask
from ._timers import OrderedTimers
from ._wall_clock import refuse_freezegun

__all__ = ["VirtualLoop"]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

CLOSING_TIME = 3600.0
"""Virtual seconds that tasks get to end after the run's end, which raised an error."""
GLANCE = 0.02
"""Real seconds before each step of virtual time in which real sockets, if they are not refused, may become ready."""
AGAIN = 0.001
"""Real seconds after which to look again at threads that have given a coroutine to the loop."""


class VirtualLoop(WorkingLoop):
    """An asyncio event loop in virtual time, which starts at 0 seconds.

    Pass it as the factory of a runner (`asyncio.Runner(loop_factory=VirtualLoop)`), or use `run`. Timers of one instant
    run in the order in which they were set. Time stands still while a thread works that `run_in_executor`,
    `asyncio.to_thread`, `anyio.to_thread`, aiosqlite or a `SQLiteStore` has started, and within `real_work`. A
    `SQLiteStore` that cannot write waits in virtual time until it tries again.

    Args:
        seed: Seed of everything that this loop and what is built on it draw.
        end: Time in seconds at which the run fails with `VirtualTimeEndError`.
        shuffled: True to run timers of one instant in an order that the seed decides.
        patience: Real seconds to wait for a thread or subprocess; then the run fails with `PatienceError`.
        most_turns: Turns without time passing, after which the run fails with `StandstillError`.
        real_io: `"refuse"` to raise RealIOError where a program opens a real socket, pipe or subprocess. `"wait"` to
            let time stand still while a subprocess runs, and give sockets 0.02 real seconds before each step.

    Raises:
        ValueError: A limit is not greater than 0, or `real_io` is neither of the two.
        RuntimeError: freezegun is active.
    """

    # Of BaseEventLoop and BaseSelectorEventLoop, whose types have no private names.
    _ready: deque[Handle]
    _stopping: bool
    _debug: bool
    _selector: BaseSelector
    _check_thread: Callable[[], None]
    _check_callback: Callable[[object, str], None]
    _process_events: Callable[[Any], None]
    _closed: bool = True  # so that a loop whose __init__ raises has nothing to close

    ocpp_runtime: Callable[..., Any] | None = None
    """Makes the runtime of clients and servers on this loop; None for that of real sockets."""

    def __init__(
        self,
        *,
        seed: int = 0,
        end: float = inf,
        shuffled: bool = False,
        patience: float = 60.0,
        most_turns: int = 1_000_000,
        real_io: RealIO = "refuse",
    ) -> None:
        if not (end > 0 and patience > 0 and most_turns > 0):
            raise ValueError(f"expected limits greater than 0, got {end=}, {patience=}, {most_turns=}")
        if real_io not in ("refuse", "wait"):
            raise ValueError(f'expected real_io as "refuse" or "wait", got {real_io!r}')
        refuse_freezegun()
        self.seed: int = seed
        """The seed, for what is built on this loop."""
        self.end: float = end
        """Time in seconds at which the run fails."""
        self.slow_callbacks: SlowCallbacks = SlowCallbacks()
        """The slowest callbacks of more than 0.1 real seconds, as text; errors of the run list them."""
        self._patience = patience
        self._most_turns = most_turns
        self._spinning = (-inf, 0.0)
        """Virtual and real time of the first `most_turns` turns of an instant at which a thread worked."""
        self._now = 0.0
        self._turns = 0
        self._timers = OrderedTimers(Random(f"{seed}/timers").random if shuffled else count().__next__)
        self._next_task = count().__next__
        super().__init__()
        self.refuses_real_io: bool = real_io == "refuse"
        self._is_watching = not self.refuses_real_io
        """True once a signal or a file descriptor may be watched: each turn polls the selector then."""

    def time(self) -> float:
        """Return the virtual time in seconds, which starts at 0."""
        return self._now

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> TimerHandle:
        """Call a function at a virtual time. Raises ValueError if the time is not a number."""
        if self._closed or self._debug:
            self._check(callback)
        if when != when:  # the test for NaN, which has no place in an order
            raise ValueError(f"expected a time in seconds, got {when!r}")
        handle = TimerHandle(when, callback, args, self, context)
        handle._scheduled = True  # type: ignore[attr-defined]  # as BaseEventLoop: its cancel() is to be counted
        self._timers.add(when, handle)
        return handle

    def _check(self, callback: object) -> None:
        self._check_closed()
        if self._debug:
            self._check_thread()
            self._check_callback(callback, "call_at")

    def _timer_handle_cancelled(self, handle: TimerHandle) -> None:
        if handle._scheduled:  # type: ignore[attr-defined]  # see call_at
            self._timers.note_cancelled()

    def create_task(
        self,
        coro: Coroutine[Any, Any, T] | Generator[Any, None, T],
        *,
        name: Any = None,
        context: Context | None = None,
        **options: Any,
    ) -> "asyncio.Task[T]":
        """Start a task; see asyncio."""
        if options or self.get_task_factory() is not None:
            return super().create_task(coro, name=name, context=context, **options)
        self._check_closed()
        return NumberedTask(coro, self._next_task(), loop=self, name=name, context=context)

    def add_signal_handler(self, sig: int, callback: Callable[[*Ts], object], *args: *Ts) -> None:
        """Call a function on a signal; see asyncio."""
        super().add_signal_handler(sig, callback, *args)
        self._is_watching = True

    def run_forever(self) -> None:
        """Run until `stop` is called.

        Raises:
            VirtualTimeError: The clock cannot move on. The loop may run again, to end its tasks.
            RuntimeError: freezegun is active.
        """
        refuse_freezegun()
        count_aiosqlite()
        count_sqlite_stores()
        super().run_forever()

    def _run_once(self) -> None:
        """Make one turn: move the clock if nothing is ready, then run what is ready."""
        ready = self._ready
        if self._is_watching:
            self._poll(0)
        self._timers.move_due(self._now, ready)
        if not ready and not self._stopping:
            if self._is_watching or self.is_working():
                self._wait_for_work()
            if not ready:
                self._pass_time()
        self._turns += 1
        if self._turns > self._most_turns:
            self._stand_still()
        began = perf_counter()
        handle: Handle | None = None
        for _ in range(len(ready)):
            handle = ready.popleft()
            if not handle._cancelled:  # quicker than cancelled(), as in BaseEventLoop
                handle._run()
                ended = perf_counter()
                if ended - began > SLOW:
                    self.slow_callbacks.note(handle, ended - began)
                began = ended
        handle = None  # as BaseEventLoop: this frame would keep a failed task, through the traceback of its exception

    def _poll(self, timeout: float) -> None:
        self._process_events(self._selector.select(timeout))

    def _wait_for_work(self) -> None:
        """Wait in real time until a callback is ready or nothing works."""
        until = perf_counter() + self._patience
        while not self._ready and self.is_working():
            left = until - perf_counter()
            if left <= 0:
                raise self._out_of_patience()
            # A thread that begins to wait for the loop, instead of working, does not say so.
            self._poll(min(left, AGAIN) if self._asking else left)
        if not self.refuses_real_io and not self._ready:
            self._poll(GLANCE)

    def _pass_time(self) -> None:
        """Set the clock to the next timer. Raises VirtualTimeError if there is none before the end."""
        if self.strangers:
            self.warn_of_strangers()
        when = self._timers.next_at()
        if when == inf:
            raise self._ended(DeadlockError, "every task waits, and nothing is left that could wake one")
        if when > self.end:
            reason = f"the run has reached its end of {self.end:g} s, and the next timer is at {when:g} s"
            self.end += CLOSING_TIME
            raise self._ended(VirtualTimeEndError, reason)
        self._now = when
        self._turns = 0
        self._timers.move_due(when, self._ready)

    def _stand_still(self) -> None:
        """Judge many turns without time passing: a task may spin until a thread has ended, while `patience` lasts."""
        self._turns = 0
        if not self.is_working():
            raise self._ended(StandstillError, f"the loop made {self._most_turns} turns without time passing")
        if self._spinning[0] != self._now:
            self._spinning = (self._now, perf_counter())
        elif perf_counter() - self._spinning[1] > self._patience:
            raise self._out_of_patience()

    def _out_of_patience(self) -> VirtualTimeError:
        return self._ended(PatienceError, f"real work has not ended within {self._patience:g} real seconds")

    def _ended(self, error: type[VirtualTimeError], reason: str) -> VirtualTimeError:
        return error(report(reason, self, self._timers, self.works(), self.slow_callbacks))

    def close(self) -> None:
        """Close the loop; see asyncio."""
        super().close()
        self._timers.clear()
