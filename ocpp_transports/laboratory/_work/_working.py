"""An asyncio event loop that knows whether a thread or subprocess works for it."""

import asyncio
import threading
from asyncio import Handle
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager
from contextvars import Context
from typing import Any, TypeVar, TypeVarTuple
from warnings import warn

from ocpp_transports.laboratory._errors import UncountedThreadWarning

from ._anyio_workers import AnyioWorkers
from ._asking import AskingThreads
from ._real_io import GuardsRealIO, Subprocesses
from ._threads import CountingExecutor, RealWork

__all__ = ["WorkingLoop"]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class WorkingLoop(GuardsRealIO, asyncio.SelectorEventLoop):
    """An event loop that counts the real work that is done for it, and refuses what it cannot count."""

    # Of BaseEventLoop, whose type has no private names.
    _thread_id: int | None
    _default_executor: ThreadPoolExecutor | None
    _check_closed: Callable[[], None]
    _check_default_executor: Callable[[], None]

    def __init__(self) -> None:
        self.work: RealWork = RealWork(self)
        """The work of threads that this loop waits for."""
        self._anyio_workers = AnyioWorkers(self)
        self._asking = AskingThreads()
        self._subprocesses = Subprocesses()
        self.strangers: dict[str, None] = {}
        """Names of threads that called into the loop while nothing was counted."""
        super().__init__()

    def real_work(self, what: str = "real work") -> AbstractContextManager[None]:
        """Let time stand still during a block, in which a thread works; may be called in any thread."""
        return self.work.counted(what)

    def is_working(self) -> bool:
        """Return True while a thread or subprocess works."""
        threads = len(self.work.pieces) + self._anyio_workers.working()
        if threads and self._asking:
            threads -= self._asking.waiting()
        return threads > 0 or self._subprocesses.are_running()

    def works(self) -> list[str]:
        """Return what works."""
        workers = self._anyio_workers.working()
        return [
            *list(self.work.pieces.values()),
            *([f"{workers} threads of anyio"] if workers else []),
            *(f"subprocess {child.get_pid()}" for child in self._subprocesses.running()),
        ]

    def run_in_executor(self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts) -> "asyncio.Future[T]":
        """Run a function in a thread, which is counted until it has returned; see asyncio."""
        self._check_closed()
        counting = CountingExecutor(executor or self._own_executor(), self.work)
        future = super().run_in_executor(counting, func, *args)
        counting.end_when_done()
        return future

    def _own_executor(self) -> Executor:
        self._check_default_executor()
        if self._default_executor is None:
            self.set_default_executor(executor := ThreadPoolExecutor(thread_name_prefix="asyncio"))
            return executor
        return self._default_executor

    async def shutdown_default_executor(self, *timeout: Any) -> None:
        """Wait for the threads of the default executor; see asyncio."""
        with self.real_work("the end of the default executor"):
            await super().shutdown_default_executor(*timeout)

    async def _make_subprocess_transport(self, *args: Any, **kwargs: Any) -> asyncio.SubprocessTransport:
        with self.real_work("the start of a subprocess"):
            made = super()._make_subprocess_transport(*args, **kwargs)  # type: ignore[misc]  # a private name
            transport: asyncio.SubprocessTransport = await made
        self._subprocesses.add(transport)
        return transport

    def call_soon_threadsafe(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> Handle:
        """Call a function from any thread; see asyncio."""
        if self._thread_id not in (None, threading.get_ident()):
            self._note_thread(callback)
        return super().call_soon_threadsafe(callback, *args, context=context)

    def _note_thread(self, callback: Callable[..., object]) -> None:
        """Note the thread that runs this: it asks for a coroutine, or it should have been counted."""
        thread = threading.current_thread()
        if thread.ident in self.work.threads or thread in self._anyio_workers:
            self._asking.note(callback)
        # The garbage collector ends asynchronous generators in any thread; that is no work.
        elif not self.is_working() and getattr(callback, "__func__", None) is not type(self).create_task:
            self.strangers[thread.name] = None

    def warn_of_strangers(self) -> None:
        """Warn of the threads that called into the loop while nothing was counted."""
        names, self.strangers = ", ".join(self.strangers), {}
        warn(
            f"virtual time may have passed while a thread worked: {names} called into the loop, and its work is not "
            "counted; put what waits for it into `with real_work():`",
            UncountedThreadWarning,
            stacklevel=2,
        )
