"""One place for a worker: its sockets, which stay, and the process that serves them, which may change.

A socket stays open as long as a worker may come for it: the system keeps on queueing connections in it, while no
process or the next one accepts them. Closing it resets them.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from logging import Logger
from typing import Any, Protocol, TypeAlias

from ._restarts import RestartPolicy, Restarts
from ._settings import Order
from ._sockets import close_all

__all__ = ["Worker", "WorkerSlot"]


class Worker(Protocol):
    """The process of a worker, see `WorkerProcess`."""

    @property
    def pid(self) -> int:
        """The number of the process."""

    @property
    def how_it_ended(self) -> str:
        """In words how the process ended."""

    @property
    def longest_close(self) -> float:
        """Seconds that closing may take."""

    async def until_ready(self, timeout: float, /) -> bool:
        """Return True once it serves, False if it ended instead."""

    async def until_ended(self) -> None:
        """Wait until the process has ended."""

    async def leave(self, order: Order, /) -> bool:
        """Have it close; return False if it had to be killed."""

    def tell(self, order: Order, /) -> None:
        """Give it an order."""


_Start: TypeAlias = Callable[[Sequence[socket.socket]], Awaitable[Worker]]
_Spawn: TypeAlias = Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"]


class WorkerSlot:
    """Keeps one worker running.

    `start` starts a process for sockets. `given_up` is called when the worker has ended too often, and the sockets are
    closed; `open_sockets` opens others for the next attempt.
    """

    def __init__(
        self,
        number: int,
        start: _Start,
        sockets: Sequence[socket.socket],
        open_sockets: Callable[[], Sequence[socket.socket]],
        *,
        given_up: Callable[[], None],
        spawn: _Spawn,
        log: Logger,
        policy: RestartPolicy,
    ) -> None:
        self.number = number
        self.is_given_up = False
        self._start_process = start
        self._open_sockets = open_sockets
        self._given_up = given_up
        self._spawn = spawn
        self._log = log
        self._restarts = Restarts(policy)
        self._start_timeout = policy.start_timeout
        self._sockets = sockets
        self._worker: Worker | None = None
        """The newest worker that serves; it has not ended, or is about to be replaced."""
        self._leaving: dict[Worker, None] = {}
        self._starting = asyncio.Lock()
        self._revival: asyncio.Task[None] | None = None
        self._is_stopping = False

    @property
    def longest_close(self) -> float:
        """Seconds that closing its workers may take."""
        return max((each.longest_close for each in self._serving()), default=0.0)

    async def start(self) -> bool:
        """Start a worker unless there is one. Return False if it ended before it served."""
        async with self._starting:
            return self._worker is not None or await self._begin()

    async def replace(self) -> bool:
        """Start a successor on the same sockets, then have the worker leave. Return False if there is no successor.

        Then the worker goes on serving.
        """
        self._restarts.forgive()
        async with self._starting:
            old = self._worker
            if not await self._begin():
                return False
            if self._revival is not None:
                self._revival.cancel()
        if old is not None:
            await self._leave(old, Order.RETIRE)
        return True

    async def stop(self) -> None:
        """Have all its processes close, and start no further one. It takes at most `longest_close` seconds."""
        self._is_stopping = True
        close_all(self._sockets)
        if self._revival is not None:
            self._revival.cancel()
        async with self._starting:
            workers = self._serving()
        await asyncio.gather(*(self._leave(each, Order.STOP) for each in workers))

    def drop(self) -> None:
        """Have its processes drop their connections."""
        for each in self._serving():
            each.tell(Order.DROP)

    def _serving(self) -> tuple[Worker, ...]:
        return (*self._leaving, *(() if self._worker is None else (self._worker,)))

    async def _begin(self) -> bool:
        """Start a process, which is the worker once it serves."""
        try:
            sockets = self._open_sockets() if self.is_given_up else self._sockets
            worker = await self._start_process(sockets)
        except OSError as error:
            self._log.error("worker %d cannot start: %s", self.number, error)
            return False
        if not await worker.until_ready(self._start_timeout):
            self._log.error("worker %d ended before it served (%s)", self.number, worker.how_it_ended)
            if self.is_given_up:
                close_all(sockets)
            return False
        self._log.info("worker %d serves (process %d)", self.number, worker.pid)
        self._worker, self._sockets, self.is_given_up = worker, sockets, False
        self._spawn(self._watch(worker, asyncio.get_running_loop().time()))
        return True

    async def _leave(self, worker: Worker, order: Order) -> None:
        self._leaving[worker] = None
        if worker is self._worker:
            self._worker = None
        if not await worker.leave(order):
            self._log.error("worker %d (process %d) did not close in time and was killed", self.number, worker.pid)
        self._leaving.pop(worker, None)

    async def _watch(self, worker: Worker, since: float) -> None:
        """Wait until a worker has ended; start another one unless it was to end."""
        await worker.until_ended()
        if worker is self._worker and not self._is_stopping:
            self._worker = None
            self._log.warning(
                "worker %d (process %d) ended by itself (%s)", self.number, worker.pid, worker.how_it_ended
            )
            self._revival = self._spawn(self._revive(asyncio.get_running_loop().time() - since))

    async def _revive(self, served: float) -> None:
        """Start a worker until one serves, or there were too many attempts."""
        while (delay := self._restarts.delay(served)) is not None:
            if delay:
                self._log.warning("worker %d starts again in %g s", self.number, delay)
            await asyncio.sleep(delay)
            if await self.start():
                return
            served = 0.0
        self._give_up()

    def _give_up(self) -> None:
        self.is_given_up = True
        close_all(self._sockets)
        self._log.critical(
            "worker %d ended %d times in a row and is given up: its socket is closed, the connections that wait in it "
            "are lost; mend the program, then send SIGHUP",
            self.number,
            self._restarts.failures,
        )
        self._given_up()
