"""The work of real threads, counted exactly: virtual time must not pass while a thread works.

A piece of work begins before its thread can start with it. It ends in the thread of the loop, after everything that its
thread posted to the loop. So a loop that has nothing to do, and counts no work, may move its clock.
"""

import sys
import threading
from asyncio import AbstractEventLoop, get_running_loop
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import partial
from pathlib import PurePath
from typing import Any

__all__ = ["CountingExecutor", "RealWork", "lines_of_threads", "real_work"]


class RealWork:
    """The pieces of real work that a loop waits for.

    Args:
        loop: The event loop.
    """

    def __init__(self, loop: AbstractEventLoop) -> None:
        self._loop = loop
        self.pieces: dict[object, str] = {}
        """What each piece is, by its key."""
        self.threads: set[int] = set()
        """The threads of executors that run a function."""

    def begin(self, what: str) -> object:
        """Count a piece of work, and return its key; from any thread."""
        key = object()
        self.pieces[key] = what
        return key

    def now(self) -> float:
        """Return the time of the loop, in seconds; from any thread."""
        return self._loop.time()

    def post(self, function: Callable[[], object]) -> None:
        """Call a function in the loop; from any thread. Raises RuntimeError if the loop is closed."""
        self._loop.call_soon_threadsafe(function)

    def end(self, key: object) -> None:
        """Stop counting a piece once the loop has handled what was posted before; from any thread."""
        with suppress(RuntimeError):  # the loop is closed
            self.post(partial(self.pieces.pop, key))

    @contextmanager
    def counted(self, what: str) -> Iterator[None]:
        """Count the work of a block."""
        key = self.begin(what)
        try:
            yield
        finally:
            self.end(key)


def real_work(what: str = "real work") -> AbstractContextManager[None]:
    """Let virtual time stand still during a block, in which a thread of yours works; on other loops, do nothing.

    Open the block in the event loop, before the thread begins. In the thread itself, use `VirtualLoop.real_work`.
    """
    counted: Callable[[str], AbstractContextManager[None]] | None = getattr(get_running_loop(), "real_work", None)
    return nullcontext() if counted is None else counted(what)


class CountingExecutor(Executor):
    """Counts what is submitted to an executor.

    Args:
        executor: The executor that does the work.
        work: Where it is counted.
    """

    def __init__(self, executor: Executor, work: RealWork) -> None:
        self._executor = executor
        self._work = work
        self._key: object = None
        self._future: Future[Any] | None = None

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Submit a function; see Executor."""
        self._key = self._work.begin(f"function {_name(fn)} in an executor")
        try:
            if isinstance(self._executor, ThreadPoolExecutor):  # another one may send the function to a process
                fn = partial(self._run, fn)
            self._future = self._executor.submit(fn, *args, **kwargs)
        except BaseException:
            self._work.end(self._key)
            raise
        return self._future

    def _run(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        thread = threading.get_ident()
        self._work.threads.add(thread)
        try:
            return fn(*args, **kwargs)
        finally:
            self._work.threads.discard(thread)

    def end_when_done(self) -> None:
        """Stop counting when the work is done; called once the loop's own callback waits for it, which goes first."""
        if self._future is not None:
            self._future.add_done_callback(lambda _: self._work.end(self._key))


def _name(fn: Callable[..., Any]) -> str:
    """Return the name of a function, also of one that `asyncio.to_thread` has bound to the context of its caller."""
    while isinstance(fn, partial):
        fn = fn.args[0] if getattr(fn.func, "__name__", "") == "run" and fn.args else fn.func
    return getattr(fn, "__qualname__", type(fn).__qualname__)


def lines_of_threads() -> Iterator[str]:
    """Return for each thread but this one its name, and the innermost calls that it is in."""
    frames = sys._current_frames()
    for thread in threading.enumerate():
        frame = frames.get(thread.ident or 0)
        if thread is not threading.current_thread() and frame is not None:
            calls: list[str] = []
            while frame is not None and len(calls) < 3:
                calls.append(f"{frame.f_code.co_qualname} ({PurePath(frame.f_code.co_filename).name}:{frame.f_lineno})")
                frame = frame.f_back
            yield f"{thread.name}: {' < '.join(calls)}"
