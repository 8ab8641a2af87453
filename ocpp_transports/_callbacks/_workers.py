"""The threads in which the application's plain functions run: they may block there. Their number is bounded."""

from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from inspect import isawaitable
from typing import Any, TypeAlias

import anyio  # loads its threads when they are first used

from ._fair_turns import FairTurns

__all__ = ["Workers"]

_Job: TypeAlias = "Future[None]"
"""Done when a function has returned, or cancelled if it never began."""


class Workers:
    """At most `limit` threads at a time; further functions wait for one, those of different keys in rotation.

    A function cannot be ended from outside. If its caller is cancelled, for example by `handler_timeout`, the function
    keeps its thread until it returns, and its result is dropped. `soon` calls a function in the event loop.
    """

    def __init__(self, limit: int, soon: Callable[[Callable[[], object]], None]) -> None:
        if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
            raise ValueError(f"expected max_threads >= 1 as an integer, got {limit!r}")
        self._turns = FairTurns(limit)
        self._soon = soon
        self.is_over: bool = False
        """True once the interpreter exits: Python may start no thread then, and no function runs any more."""

    async def run(self, function: Callable[..., Any], *args: Any, key: object) -> Any:
        """Run a function in a thread, and return its result or raise its exception.

        `key` is what the function works for, such as a station. SystemExit and KeyboardInterrupt, which cannot end a
        program from another thread, become a RuntimeError; so does GeneratorExit, which would end the caller silently.
        """
        self._expect_threads()
        await self._turns.acquire(key)
        return await self._run(function, args, lambda _: self._soon(self._turns.release))

    async def run_for_thread(self, function: Callable[..., Any], *args: Any) -> Any:
        """Run a function for a thread that waits for its result, at once: that thread may be one of the `limit`."""
        self._expect_threads()
        return await self._run(function, args, lambda _: None)

    async def _run(self, function: Callable[..., Any], args: tuple[Any, ...], ended: Callable[[_Job], None]) -> Any:
        job: _Job = Future()
        try:
            result = await anyio.to_thread.run_sync(
                partial(_perform, job, function, args), abandon_on_cancel=True, limiter=anyio.CapacityLimiter(1)
            )
        finally:
            job.cancel()  # if it has not begun
            job.add_done_callback(ended)  # now, or in the thread when the function returns
        return await result if isawaitable(result) else result

    def _expect_threads(self) -> None:
        if self.is_over:
            raise RuntimeError("cannot run a function in a thread: the interpreter exits")


def _perform(job: _Job, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    if not job.set_running_or_notify_cancel():
        return None
    try:
        return function(*args)
    except (SystemExit, KeyboardInterrupt, GeneratorExit) as error:
        raise RuntimeError(f"the function raised {type(error).__name__} in a thread") from error
    finally:
        job.set_result(None)
