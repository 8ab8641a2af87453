"""The threads in which the application's plain functions run: they may block there. Their number is bounded."""

from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from inspect import isawaitable
from typing import Any

import anyio
from anyio import to_thread

__all__ = ["Workers"]


class Workers:
    """At most `limit` threads at a time; further functions wait for one, in their order.

    A function cannot be ended from outside. If its caller is cancelled, for example by `handler_timeout`, the function
    keeps its thread until it returns, and its result is dropped. `soon` calls a function in the event loop.
    """

    def __init__(self, limit: int, soon: Callable[[Callable[[], object]], None]) -> None:
        if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
            raise ValueError(f"expected max_threads >= 1 as an integer, got {limit!r}")
        self._limit = limit
        self._free: anyio.Semaphore | None = None  # made in the event loop, which decides its kind
        self._soon = soon
        self.is_over: bool = False
        """True once the interpreter exits: Python may start no thread then, and no function runs any more."""

    async def run(self, function: Callable[..., Any], *args: Any) -> Any:
        """Run a function in a thread, and return its result or raise its exception.

        SystemExit and KeyboardInterrupt, which cannot end a program from another thread, become a RuntimeError.
        """
        if self.is_over:
            raise RuntimeError("cannot run a function in a thread: the interpreter exits")
        if self._free is None:
            self._free = anyio.Semaphore(self._limit)
        await self._free.acquire()
        job: Future[None] = Future()
        try:
            result = await to_thread.run_sync(
                partial(_perform, job, function, args), abandon_on_cancel=True, limiter=anyio.CapacityLimiter(1)
            )
        finally:
            job.cancel()  # if it has not begun
            job.add_done_callback(partial(self._done, self._free))  # now, or in the thread when the function returns
        return await result if isawaitable(result) else result

    def _done(self, free: anyio.Semaphore, _: "Future[None]") -> None:
        self._soon(free.release)


def _perform(job: "Future[None]", function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    if not job.set_running_or_notify_cancel():
        return None
    try:
        return function(*args)
    except (SystemExit, KeyboardInterrupt) as error:
        raise RuntimeError(f"the function raised {type(error).__name__} in a thread") from error
    finally:
        job.set_result(None)
