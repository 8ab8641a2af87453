"""The runtime of a browser: asyncio on the page's own loop, without sockets, threads and anyio.

Pyodide's loop rejects times that have passed, where other loops fire at once; anyio loses timeouts because of that.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final

from ocpp_transports._driver._interfaces import Completion, Handle
from ocpp_transports._driver._sources import Sources
from ocpp_transports._logging._log import Log

__all__ = ["LATE", "SECOND_LOOKS", "BrowserRuntime"]

LATE: Final = 0.1
"""Seconds of delay that make a timer late: the page was busy, or its tab is hidden and its timers are throttled."""
SECOND_LOOKS: Final = 3
"""Turns of the loop that a late timer lets pass, so that input that has arrived (a response) is handled first."""


class _Timer:
    """Fires at `when`, or as soon afterwards as the page permits."""

    __slots__ = ("_fn", "_handle", "_looks", "_loop", "_when")

    def __init__(self, loop: asyncio.AbstractEventLoop, when: float, fn: Callable[[], None]) -> None:
        self._loop = loop
        self._when = when
        self._fn: Callable[[], None] | None = fn
        self._looks = SECOND_LOOKS
        self._handle: asyncio.Handle = loop.call_later(max(0.0, when - loop.time()), self._ring)

    def cancel(self) -> None:
        """Cancel it."""
        self._handle.cancel()
        self._fn = None

    def _ring(self) -> None:
        if self._looks and self._loop.time() - self._when > LATE:
            self._looks -= 1
            self._handle = self._loop.call_soon(self._ring)  # a turn of the loop is never throttled, but a timer is
            return
        fn, self._fn = self._fn, None
        if fn is not None:
            fn()


class _Over:
    """The handle of a task that never began."""

    def cancel(self) -> None:
        """Do nothing."""


class BrowserRuntime:
    """The part of the page's loop that a client uses; see Runtime. Raises RuntimeError unless a loop runs."""

    def __init__(self, log: Log) -> None:
        self._loop = asyncio.get_running_loop()
        self._log = log
        self._tasks: dict[asyncio.Task[None], None] = {}
        self._closers: set[asyncio.Task[Any] | None] = set()
        self._is_closed = False
        self.sources = Sources()

    def now(self) -> float:
        """Return the page's monotonic clock, in seconds."""
        return self._loop.time()

    def wall(self) -> float:
        """Return the wall-clock time of the page; see Runtime."""
        return time.time()

    def call_at(self, when: float, fn: Callable[[], None], /) -> Handle:
        """Call `fn` at `when`; see Runtime."""
        return _Timer(self._loop, when, fn)

    def next_turn(self, fn: Callable[[], int | None], /) -> Handle:
        """Call `fn` in a later turn; see Runtime."""
        return self._loop.call_soon(fn)

    def completion(self) -> Completion[Any]:
        """Return an empty completion."""
        return self._loop.create_future()

    def expect_here(self) -> None:
        """Do nothing: a page has one thread and one event loop."""

    def spawn(self, coro: Coroutine[Any, Any, None], /) -> Handle:
        """Run a coroutine as a task; see Runtime."""
        if self._is_closed:
            coro.close()
            return _Over()
        task = self._loop.create_task(coro)
        self._tasks[task] = None
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.pop(task, None)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._log.failed("a task failed", error)

    async def aclose(self) -> None:
        """End all tasks except those that wait here; see Runtime."""
        self._is_closed = True
        self._closers.add(asyncio.current_task())
        others = [task for task in self._tasks if task not in self._closers]
        for task in others:
            task.cancel()
        if others:
            await asyncio.wait(others)
