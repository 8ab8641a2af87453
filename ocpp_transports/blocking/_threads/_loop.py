"""An event loop in a thread of its own, in which other threads run functions and wait for their results.

anyio's `BlockingPortal` does the same, except for three guarantees that this file has to make. A call never waits for
the event loop without its time limit. A call that meets the end of the loop fails instead of waiting indefinitely.
And a process that was forked from one with such a thread is told so.
"""

import os
import sys
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from contextvars import Context, copy_context
from functools import partial
from inspect import isawaitable
from math import inf
from typing import Any, Final

import anyio

from ocpp_core.errors import (
    ClosedError,
    TimeoutError,  # ours, a subclass of the builtin
)
from ocpp_transports._callbacks._containment import is_cancellation
from ocpp_transports._runtime._current import caller_from_outside
from ocpp_transports._server._lifecycle._serving import Loop, run_on

__all__ = ["LoopThread", "expect_outside", "is_in_loop"]

_ENDED: Final = "the event loop ended before there was a result"
_here: Final = threading.local()
"""Has the attribute `loop` in the threads of event loops, with their `LoopThread`."""


def is_in_loop() -> bool:
    """Return True for code that runs in the event loop of any `LoopThread`, which must never wait."""
    return hasattr(_here, "loop")


def expect_outside() -> None:
    """Raise RuntimeError for code that runs in the event loop of any `LoopThread`, since it might wait for itself."""
    if is_in_loop():
        raise RuntimeError(
            "cannot wait: this code runs in an event loop, which would wait with it; "
            "await the method of the asynchronous object in its own event loop instead, see `wrapped`"
        )


def _seconds(max_wait: float) -> float | None:
    """Return the time as the waits of `threading` take it, which have a maximum of their own."""
    return None if max_wait > threading.TIMEOUT_MAX else max_wait


class LoopThread:
    """An event loop that runs in a daemon thread until `stop`, or until an exception ends it.

    Raises ValueError for an unknown loop, ImportError for one that is not installed.
    """

    def __init__(self, loop: Loop) -> None:
        self.has_ended: bool = False
        """True if the loop has ended and no call can be made any more."""
        self._pid = os.getpid()
        self._calls: set[_Call] = set()
        self._tasks: anyio.abc.TaskGroup | None = None  # None before and after it accepts calls
        self._context: Context
        self._stopped: anyio.Event
        self._soon: Callable[[Callable[[], object]], object]
        started: Future[None] = Future()
        main = partial(Context().run, self._main, loop, started)  # a fresh context, whichever loop runs in this thread
        self._thread = threading.Thread(target=main, name=f"ocpp-{loop}", daemon=True)
        self._thread.start()
        try:
            started.result()
        except KeyboardInterrupt:
            started.add_done_callback(lambda _: self.stop(0))
            raise

    @property
    def is_here(self) -> bool:
        """True for code that runs in this event loop."""
        return getattr(_here, "loop", None) is self

    @property
    def is_forked(self) -> bool:
        """True in a process that was forked from the one with this thread: the loop does not run here."""
        return os.getpid() != self._pid

    @property
    def is_lost(self) -> bool:
        """True if the loop does not run, or not in this process."""
        return self.has_ended or self.is_forked

    def run(self, function: Callable[..., Any], *args: Any, max_wait: float = inf) -> Any:
        """Call a function or coroutine function in the event loop, and return its result.

        Raises its exception, and TimeoutError after `max_wait` seconds, ClosedError if the loop ends first. Then, and
        if Ctrl-C interrupts the wait, the function is cancelled. Raises RuntimeError in an event loop.
        """
        expect_outside()
        call = _Call(function, args)
        self._calls.add(call)
        try:
            self.soon(partial(self._begin, call))
            if self.has_ended:  # perhaps before it saw this call
                call.give_up()
            return self._wait(call, max_wait)
        finally:
            self._calls.discard(call)

    def soon(self, function: Callable[[], object]) -> None:
        """Call a plain function in the event loop, and do not wait for it. Raises ClosedError if the loop has ended."""
        try:
            self._soon(partial(self._context_of_caller().run, function))
        except RuntimeError:
            raise ClosedError(_ENDED) from None

    def spawn(self, function: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run a coroutine function as a task, from inside the event loop, until its end or that of the loop."""
        if self._tasks is not None:
            self._tasks.start_soon(function)

    def stop(self, max_wait: float = inf) -> None:
        """End the event loop and its thread, after at most `max_wait` seconds. Calls in progress fail."""
        with suppress(ClosedError):
            self.soon(self._stop)
        if not is_in_loop():
            self._thread.join(_seconds(max_wait))

    def _wait(self, call: "_Call", max_wait: float) -> Any:
        try:
            return call.outcome.result(_seconds(max_wait))
        except CancelledError:
            raise ClosedError(_ENDED, sent=True) from None
        except BaseException as error:  # also KeyboardInterrupt
            if not call.outcome.cancel():
                if isinstance(error, Exception) and error is not call.outcome.exception():
                    return call.outcome.result()  # it arrived at the last moment
                raise
            with suppress(ClosedError):
                self.soon(call.cancel)
            if not isinstance(error, Exception):
                raise
        raise TimeoutError(f"there was no result within {max_wait:.15g} s", sent=True)

    def _context_of_caller(self) -> Context:
        """Return the caller's context variables, on top of those in which anyio keeps the kind of the event loop."""
        context = self._context.copy()
        for variable, value in copy_context().items():
            if variable not in context:
                context.run(variable.set, value)
        return context

    # In the thread

    def _main(self, loop: Loop, started: "Future[None]") -> None:
        _here.loop = self
        try:
            run_on(loop, partial(self._serve, started))
        except BaseException as error:
            if not started.done():
                started.set_exception(error)
                return
            # Python 3.12.0 and 3.12.1 start no thread at exit, and asyncio needs one to end: all else is done by then.
            if not (isinstance(error, RuntimeError) and sys.version_info < (3, 12, 2) and self._is_at_exit):
                raise
        finally:
            self.has_ended = True
            for call in tuple(self._calls):
                call.give_up()

    @property
    def _is_at_exit(self) -> bool:
        return self._stopped.is_set() and not threading.main_thread().is_alive()

    async def _serve(self, started: "Future[None]") -> None:
        self._context = copy_context()
        self._soon = caller_from_outside()
        self._stopped = anyio.Event()
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            started.set_result(None)
            try:
                await self._stopped.wait()
            finally:
                self._tasks = None
            tasks.cancel_scope.cancel()

    def _stop(self) -> None:
        self._stopped.set()

    def _begin(self, call: "_Call") -> None:
        if self._tasks is None:
            call.give_up()
        else:
            self._tasks.start_soon(call.perform)


class _Call:
    """One call from another thread: its function, and its outcome for the thread that waits."""

    __slots__ = ("_args", "_function", "_scope", "outcome")

    def __init__(self, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self._function = function
        self._args = args
        self._scope: anyio.CancelScope | None = None
        self.outcome: Future[Any] = Future()

    async def perform(self) -> None:
        """Run the function in the event loop."""
        if self.outcome.cancelled():
            return
        with anyio.CancelScope() as self._scope:
            try:
                result = self._function(*self._args)
                if isawaitable(result):
                    result = await result
            except BaseException as error:  # every exception belongs to the thread that waits
                if is_cancellation(error):
                    self.give_up()
                    raise
                if self.outcome.set_running_or_notify_cancel():
                    self.outcome.set_exception(error)
            else:
                if self.outcome.set_running_or_notify_cancel():
                    self.outcome.set_result(result)

    def cancel(self) -> None:
        """Cancel the function: the thread no longer waits for it."""
        if self._scope is not None:
            self._scope.cancel()

    def give_up(self) -> None:
        """Let the thread that waits learn that there will be no result."""
        self.outcome.cancel()
