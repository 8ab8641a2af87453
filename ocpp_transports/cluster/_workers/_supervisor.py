"""The supervisor of the workers: what it does at which signal, and what it promises.

It opens the sockets of the port, some for each worker, and keeps them open. A worker gets copies, and accepts from
them. So the death of a worker loses its connections, and no connection that waits in a socket: its successor accepts
those. The supervisor itself accepts nothing, and does not load the application.

* **Start.** All workers start at the same time. If one ends before it serves, all end: the program is wrong.
* **A worker ends by itself.** Another one takes its sockets: at once, then after growing waits. If it ends too often,
  its sockets are closed, as their connections would wait in vain; then the others get all new connections.
* **SIGHUP.** One worker after the other is replaced. The successor accepts first, then the old worker closes its
  listeners, waits for handshakes in progress, and closes its stations with 1012 ("service restart") spread over its
  `close_window`: a station that returns finds a worker. If a successor does not serve, the old worker goes on and the
  restart ends.
* **SIGTERM, SIGINT.** All workers close with 1001, each within the time of its options; then it is killed. A second
  signal drops the connections.
* **A worker hangs.** Its event loop sends signs of life. Without one for `hang_timeout` seconds, it writes the stacks
  of its threads (SIGABRT) and is killed; then it is one that ended by itself.
* **The supervisor dies.** The workers notice the end of their stream to it, log it, and go on serving until SIGTERM.
  Nothing starts them again. They look for the next supervisor of the port, and retire once its workers serve.
* **A second supervisor.** A lock keeps one from serving a port that a living one has.

It runs on asyncio. Workers are new programs that load everything themselves, so a restart also brings new code.
"""

import asyncio
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from logging import Logger
from socket import socket

from ocpp_transports._server._lifecycle._notify import Notifier

from ._orphans import Orphans
from ._process import WorkerProcess
from ._registry._hub import Hub
from ._restarts import RestartPolicy
from ._settings import WorkerProgram
from ._slot import WorkerSlot

__all__ = ["Supervisor", "WorkersError"]


class WorkersError(RuntimeError):
    """The workers of a server do not start, or all of them ended too often."""


class Supervisor:
    """Runs the workers of one port until SIGTERM or SIGINT.

    Args:
        program: What the workers run.
        sockets: The listening sockets of each worker.
        open_sockets: Function that opens sockets for the worker with this number, which was given up.
        control: The socket to which workers of an earlier supervisor connect; None without one.
        log: The log.
        policy: When a worker starts again.
    """

    def __init__(
        self,
        program: WorkerProgram,
        sockets: Sequence[Sequence[socket]],
        open_sockets: Callable[[int], Sequence[socket]],
        *,
        control: socket | None,
        log: Logger,
        policy: RestartPolicy,
    ) -> None:
        self._program = program
        self._port = sockets[0][0].getsockname()[1]
        self._open_sockets = open_sockets
        self._log = log
        self._notifier = Notifier()
        self._hub = Hub(log)
        self._orphans = Orphans(control, self._hub, log)
        self._stopping = asyncio.Event()
        self._changed = asyncio.Event()
        self._is_restart_wanted = False
        self._tasks = asyncio.TaskGroup()
        self._slots = [self._slot(number, each, policy) for number, each in enumerate(sockets, start=1)]

    async def run(self) -> None:
        """Serve. Raises WorkersError."""
        async with self._tasks:
            self._receive_signals(asyncio.get_running_loop())
            helpers = [self._tasks.create_task(each) for each in (self._keep_alive(), self._orphans.accept())]
            try:
                problem = await self._serve_until_stopped()
            finally:
                await self._stop()
                for each in helpers:
                    each.cancel()
        if problem is not None:
            raise WorkersError(f"cannot serve: {problem}; see what it wrote before")

    def _slot(self, number: int, sockets: Sequence[socket], policy: RestartPolicy) -> WorkerSlot:
        return WorkerSlot(
            number,
            partial(WorkerProcess.start, number, self._program, self._hub, self._log),
            sockets,
            partial(self._open_sockets, number),
            given_up=self._changed.set,
            spawn=self._tasks.create_task,
            log=self._log,
            policy=policy,
        )

    def _receive_signals(self, loop: asyncio.AbstractEventLoop) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop_or_drop)
        loop.add_signal_handler(signal.SIGHUP, self._want_restart)

    def _stop_or_drop(self) -> None:
        if self._stopping.is_set():
            for slot in self._slots:
                slot.drop()
            self._orphans.drop()
        self._stopping.set()

    def _want_restart(self) -> None:
        self._is_restart_wanted = True
        self._changed.set()

    async def _serve_until_stopped(self) -> str | None:
        """Return why there are no workers, None at a signal."""
        serving = asyncio.create_task(self._serve())
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            serving.cancel()
            stopping.cancel()
        with suppress(asyncio.CancelledError):
            return await serving
        return None

    async def _serve(self) -> str:
        """Start all workers, then replace them whenever that is wanted. Return why there are none."""
        self._log.info("starting %d workers", len(self._slots))
        if not all(await asyncio.gather(*(slot.start() for slot in self._slots))):
            return "a worker ended before it served"
        self._log.info("%d workers serve on port %d", len(self._slots), self._port)
        self._notifier.ready()
        self._orphans.retire()
        while not all(slot.is_given_up for slot in self._slots):
            await self._changed.wait()
            self._changed.clear()
            if self._is_restart_wanted:
                self._is_restart_wanted = False
                await self._replace_all()
        return "every worker ended too often"

    async def _replace_all(self) -> None:
        self._log.info("replacing %d workers, one after the other", len(self._slots))
        for slot in self._slots:
            if not await slot.replace():
                self._log.error("the restart ends at worker %d: it and those after it are not replaced", slot.number)
                return
        self._log.info("all workers are replaced")

    async def _stop(self) -> None:
        """End all workers, within the time that they have reported."""
        self._stopping.set()
        self._notifier.stopping(max(self._orphans.longest_close, *(each.longest_close for each in self._slots)))
        await asyncio.gather(*(slot.stop() for slot in self._slots), self._orphans.until_gone())

    async def _keep_alive(self) -> None:
        """Give systemd signs of life, if it waits for them."""
        while self._notifier.watchdog_interval is not None:
            self._notifier.alive()
            await asyncio.sleep(self._notifier.watchdog_interval)
