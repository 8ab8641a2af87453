"""Workers of an earlier supervisor of the port, which was killed: how they join the next one, and how they leave.

Such a worker connects twice to the socket of the next supervisor: for orders, and for the registry. So the new workers
know its stations, and a station that connects to one of them has one connection. Once the new workers serve, the old
one retires: it leaves the port, and closes its stations with 1012 spread over its `close_window`.
"""

import asyncio
import os
import signal
from contextlib import suppress
from logging import Logger
from socket import socket
from typing import Final

from ._registry._hub import Hub
from ._settings import ORDERS, REGISTRY, Order

__all__ = ["Orphans"]

_PAUSE: Final = 1.0
"""Seconds until the next attempt to accept, after one failed: the process has no descriptors left."""
_GREETING: Final = 64
"""Bytes of the longest greeting."""


class _Orphan:
    """One worker of an earlier supervisor."""

    def __init__(self, stream: socket, pid: int, longest_close: float) -> None:
        self._stream = stream
        self.pid = pid
        self.longest_close = longest_close
        """Seconds that closing may take."""

    def tell(self, order: Order) -> None:
        """Give it an order; nothing happens if it has ended."""
        with suppress(OSError):
            self._stream.send(f"{order.value}\n".encode())

    async def until_ended(self) -> None:
        """Wait until the process has ended."""
        while await _received(self._stream, _GREETING):
            pass

    def kill(self) -> None:
        """End the process. Its stream is open, so no other process has its number."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


class Orphans:
    """Accepts the workers of an earlier supervisor, and has them retire.

    Args:
        listening: The socket to which they connect; None if the supervisor has no place for it.
        hub: The registry of the new workers, which these share.
        log: The log of the supervisor.
    """

    def __init__(self, listening: socket | None, hub: Hub, log: Logger) -> None:
        self._listening = listening
        self._hub = hub
        self._log = log
        self._workers: set[_Orphan] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._are_replaced = asyncio.Event()

    @property
    def longest_close(self) -> float:
        """Seconds that closing may take of those that were told to."""
        told = self._workers if self._are_replaced.is_set() else ()
        return max((each.longest_close for each in told), default=0.0)

    def retire(self) -> None:
        """Have each close, also those that come later: the new workers serve."""
        self._are_replaced.set()

    def drop(self) -> None:
        """Have each drop its connections, of those that were told to close."""
        if self._are_replaced.is_set():
            for each in self._workers:
                each.tell(Order.DROP)

    async def until_gone(self) -> None:
        """Wait until those have ended that were told to close."""
        if self._are_replaced.is_set():
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def accept(self) -> None:
        """Accept streams until cancelled, then end them: a worker that was not told to close serves on."""
        if self._listening is None:
            return
        try:
            while True:
                await self._accept_one(self._listening)
        finally:
            for task in self._tasks:
                task.cancel()

    async def _accept_one(self, listening: socket) -> None:
        try:
            stream, _ = await asyncio.get_running_loop().sock_accept(listening)
        except OSError as error:
            self._log.error("cannot accept a worker of an earlier supervisor: %s", error)
            await asyncio.sleep(_PAUSE)
            return
        task = asyncio.create_task(self._welcome(stream))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _welcome(self, stream: socket) -> None:
        """Serve one stream, whose first byte names its purpose."""
        stream.setblocking(False)
        kind = await _received(stream, 1)
        if kind == REGISTRY:
            await self._hub.serve(stream)  # closes it
            return
        with stream:
            if kind == ORDERS and (greeting := await _received(stream, _GREETING)):  # written at once
                pid, longest_close = greeting.split()
                await self._see_off(_Orphan(stream, int(pid), float(longest_close)))

    async def _see_off(self, worker: _Orphan) -> None:
        """Have a worker close as soon as the new ones serve, and wait for its end."""
        self._log.info("process %d, a worker of an earlier supervisor, serves until it is replaced", worker.pid)
        self._workers.add(worker)
        ending = asyncio.create_task(worker.until_ended())
        replaced = asyncio.create_task(self._are_replaced.wait())
        try:
            await asyncio.wait({ending, replaced}, return_when=asyncio.FIRST_COMPLETED)
            worker.tell(Order.RETIRE)
            await asyncio.wait_for(ending, worker.longest_close)
            self._log.info("process %d, a worker of an earlier supervisor, has ended", worker.pid)
        except TimeoutError:
            worker.kill()
            self._log.error(
                "process %d, a worker of an earlier supervisor, did not close in time and was killed", worker.pid
            )
        finally:
            ending.cancel()
            replaced.cancel()
            self._workers.discard(worker)


async def _received(stream: socket, most: int) -> bytes:
    """Return what has arrived; nothing after the end."""
    try:
        return await asyncio.get_running_loop().sock_recv(stream, most)
    except OSError:
        return b""
