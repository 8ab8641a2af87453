"""The way between the threads of an application and the event loop of one client or server, in both directions."""

import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import update_wrapper
from inspect import iscoroutine
from math import inf
from types import TracebackType
from typing import Any, Final, Protocol, TypeVar

from ocpp_core.config import Range
from ocpp_core.errors import ClosedError
from ocpp_transports._callbacks._arguments import expect_arguments
from ocpp_transports._callbacks._workers import Workers
from ocpp_transports._handlers._contexts import HandlerContext
from ocpp_transports._handlers._table import is_coroutine_function
from ocpp_transports._runtime._current import is_in_event_loop
from ocpp_transports._server._lifecycle._serving import Loop, expect_loop
from ocpp_transports.events import CloseEvent, StationEvent

from ._listeners import RunningListeners
from ._loop import LoopThread, expect_outside, is_in_loop
from ._shared import THREADS

__all__ = ["MAX_THREADS", "Bridge", "Wrapped", "expect_max_wait"]

MAX_THREADS: Final = 32
"""Threads for the functions of one client or server by default."""
_SECONDS: Final = Range(0, unit="seconds")

_F = TypeVar("_F", bound=Callable[..., Any])


def expect_max_wait(max_wait: float) -> None:
    """Raise ValueError unless it is a time in seconds; `inf` means no limit."""
    if isinstance(max_wait, bool) or max_wait not in _SECONDS:
        raise ValueError(f"expected max_wait {_SECONDS}, got {max_wait!r}")


class _LeftError(Exception):
    """The event loop was left before a function began in it."""


class Wrapped(Protocol):
    """The asynchronous client or server; see `OCPPClient` and `OCPPServer`."""

    async def __aenter__(self) -> object: ...
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> object: ...
    async def close(self, *, force: bool = False, await_pending: bool = True) -> object:
        """Close it."""


class Bridge:
    """Calls an asynchronous client or server from any thread, and the application's functions from its event loop.

    `present` returns what a plain function gets in place of an asynchronous object. `opens` names the method that opens
    the object, for errors.
    """

    def __init__(
        self, wrapped: Wrapped, loop: Loop, max_threads: int, *, present: Callable[["Bridge", Any], Any], opens: str
    ) -> None:
        expect_loop(loop)
        self.workers: Workers = Workers(max_threads, self.soon)
        self.listeners: RunningListeners = RunningListeners(self.spawn)
        self._wrapped = wrapped
        self._loop: Loop = loop
        self._present = present
        self._opens = opens
        self._lock = threading.RLock()  # functions of the application may run while it is held
        self._thread: LoopThread | None = None
        self._usable: LoopThread | None = None  # the same, except while it is being opened or released

    # From the threads to the event loop

    @property
    def is_open(self) -> bool:
        """True while there is an event loop."""
        return self._usable is not None

    def open(self) -> None:
        """Use the event loop from now on; starts it if it does not run. Idempotent.

        Raises the errors of its start, and RuntimeError if an earlier one ended by itself or runs in another process.
        """
        usable = self._usable
        if usable is not None:
            self._expect_alive(usable)
            return
        expect_outside()
        with self._lock:
            if self.is_open:
                return
            self._thread = thread = THREADS.join(self._loop, self)
            try:
                thread.run(self._wrapped.__aenter__)
            except BaseException:
                self._thread = None
                THREADS.leave(thread, self, inf)
                raise
            self._usable = thread

    def run(self, function: Callable[..., Any], *args: Any, max_wait: float = inf) -> Any:
        """Call a function or coroutine function in the event loop, and return its result.

        Without an open event loop, and inside it, a function that has to wait raises RuntimeError. Raises TimeoutError
        after `max_wait` seconds.
        """
        expect_max_wait(max_wait)
        while True:
            thread = self._usable
            if is_in_loop() if thread is None else thread.is_here:
                return _without_waiting(function(*args))
            with suppress(_LeftError):
                if thread is not None:
                    return self._run_in(thread, function, args, max_wait)
                with self._lock:
                    if self._usable is None:
                        return self._without_loop(function(*args))

    def run_open(self, function: Callable[..., Any], *args: Any, max_wait: float = inf) -> Any:
        """Do as `run` after `open`, even if another thread closes in between."""
        expect_max_wait(max_wait)
        while True:
            self.open()
            thread = self._usable
            if thread is not None:
                with suppress(_LeftError):
                    return self._run_in(thread, function, args, max_wait)

    def _run_in(self, thread: LoopThread, function: Callable[..., Any], args: tuple[Any, ...], max_wait: float) -> Any:
        self._expect_alive(thread)
        return thread.run(self._begin, thread, function, args, max_wait=max_wait)

    def _begin(self, thread: LoopThread, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        """Call a function in the event loop, unless it was left: it would bind the object to it again."""
        if self._usable is not thread:
            raise _LeftError
        return function(*args)

    def soon(self, function: Callable[[], object]) -> None:
        """Call a function in the event loop, or here if there is none any more."""
        thread = self._thread
        if thread is not None and not thread.is_forked:
            with suppress(Exception):
                thread.soon(function)
                return
        function()

    def close(self, function: Callable[[], Coroutine[Any, Any, CloseEvent]], max_wait: float) -> CloseEvent:
        """Close with this coroutine function, then release the event loop. Idempotent.

        Without that event loop nothing is touched: the sockets of a forked process are those of its parent.
        """
        thread = self._thread
        if thread is not None and thread.is_lost:
            return CloseEvent(1006, "the event loop does not run")
        try:
            result: CloseEvent = self.run(function, max_wait=max_wait)
        except ClosedError:
            if self._thread is thread:
                raise
            return self.close(function, max_wait)  # another thread has closed it meanwhile
        if thread is not None:
            self._release(thread, inf)  # soon: only tasks that ignore their cancellation take time
        return result

    def end_functions(self) -> None:
        """Call functions of the application in threads no more."""
        self.workers.is_over = True

    def close_at_exit(self, max_wait: float) -> None:
        """Close within a few times `max_wait` seconds."""
        thread = self._thread
        for close in (lambda: self._wrapped.close(await_pending=False), lambda: self._wrapped.close(force=True)):
            if thread is None or thread.is_lost:
                return
            with suppress(Exception):
                thread.run(close, max_wait=max_wait)
                self._release(thread, max_wait)
                return

    def _release(self, thread: LoopThread, max_wait: float) -> None:
        with self._lock:
            if self._usable is not thread:
                return
            self._usable = None
            try:
                thread.run(self._wrapped.__aexit__, None, None, None, max_wait=max_wait)
                thread.run(self.listeners.ended, max_wait=max_wait)
            finally:
                self._thread = None
                THREADS.leave(thread, self, max_wait)

    def _expect_alive(self, thread: LoopThread) -> None:
        """Raise RuntimeError if the event loop has ended by itself, or runs in another process."""
        if thread.is_forked:
            reason = "this process was forked after its event loop had started; make a new one after the fork"
            raise RuntimeError(f"cannot use {self._name}: {reason}")
        if thread.has_ended and thread is self._thread:
            raise RuntimeError(f"cannot use {self._name}: its event loop was ended by an exception; make a new one")

    def _without_loop(self, result: Any) -> Any:
        """Return a result, or that of a coroutine that does not have to wait."""
        if not iscoroutine(result):
            return result
        reason = f"cannot wait: {self._name} is not open; enter its block, or call {self._opens}"
        if is_in_event_loop():  # of the application, as in a notebook: the object must not take it for its own
            with ThreadPoolExecutor(1) as threads:
                return threads.submit(_finish, result, reason).result()
        return _finish(result, reason)

    def spawn(self, function: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run a coroutine function as a task of the event loop, from inside it."""
        if self._thread is not None:
            self._thread.spawn(function)

    @property
    def _name(self) -> str:
        return f"the {type(self._wrapped).__name__}"

    # From the event loop to the threads

    def present(self, value: Any) -> Any:
        """Return the blocking counterpart of an asynchronous object; anything else unchanged."""
        if isinstance(value, StationEvent):
            return replace(value, client=self._present(self, value.client))
        return self._present(self, value)

    def in_thread(self, function: _F, role: str, *names: str) -> _F:
        """Return a coroutine function that runs a plain function in a thread; return a coroutine function unchanged.

        Raises TypeError if it cannot be called with these arguments; `role` is its purpose.
        """
        if not callable(function) or is_coroutine_function(function):
            return function
        expect_arguments(function, role, *names)
        return update_wrapper(self.threaded(function), function)  # type: ignore[return-value]  # it takes the same

    def threaded(self, function: Callable[..., Any]) -> Callable[..., Coroutine[Any, Any, Any]]:
        """Return a coroutine function that runs a function in a thread; stations take turns if they wait for one."""

        async def run(*args: Any) -> Any:
            station = next((each.client for each in args if isinstance(each, HandlerContext)), None)
            return await self.workers.run(function, *map(self.present, args), key=station)

        return run


def _without_waiting(result: Any) -> Any:
    """Return the result of a function that was called in an event loop. Raises RuntimeError if it has to wait."""
    if iscoroutine(result):
        result.close()
        expect_outside()
    return result


def _finish(coroutine: Coroutine[Any, Any, Any], reason: str) -> Any:
    """Return the result of a coroutine that does not have to wait. Raises RuntimeError with the reason otherwise."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    except RuntimeError as error:  # it looked for the event loop
        raise RuntimeError(reason) from error
    coroutine.close()
    raise RuntimeError(reason)
