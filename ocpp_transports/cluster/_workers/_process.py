"""A worker as its supervisor sees it: a process, and the stream to it."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from typing import Final

from ocpp_transports._server._lifecycle._serving import Loop

from ._registry._hub import Hub
from ._settings import READY, Order, WorkerSettings

__all__ = ["WorkerProcess"]

_BOOT: Final = """\
import json, sys
given = json.loads(sys.argv[1])
sys.path[:] = given["path"]
from ocpp_transports.cluster._workers._worker import main
main(given)
"""
_OF_SYSTEMD: Final = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")
"""Variables for the supervisor: it alone reports to systemd."""
_LONGEST_CLOSE: Final = 60.0
"""Seconds for a worker that did not report how long it takes."""


class WorkerProcess:
    """One process; `start` makes it.

    It has a process group of its own: Ctrl-C at a terminal reaches the supervisor alone, which has its workers close.
    """

    def __init__(
        self, process: asyncio.subprocess.Process, channel: socket.socket, serving: "asyncio.Task[None]"
    ) -> None:
        self._process = process
        self._channel = channel
        self._serving = serving
        self.longest_close = _LONGEST_CLOSE
        """Seconds that closing may take."""

    @classmethod
    async def start(
        cls, number: int, target: str, loop: Loop, hub: Hub, sockets: Sequence[socket.socket]
    ) -> "WorkerProcess":
        """Start a worker that takes over copies of these sockets. Raises OSError if there is no process left."""
        with ExitStack() as theirs, ExitStack() as ours:
            pairs = [socket.socketpair() for _ in range(2)]
            for own, other in pairs:
                own.setblocking(False)
                ours.enter_context(own)
                theirs.enter_context(other)
            fds = tuple(each.fileno() for each in sockets)
            channel, registry = (other.fileno() for _, other in pairs)
            settings = WorkerSettings(number, target, loop, channel, registry, fds, tuple(sys.path))
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-c",
                _BOOT,
                json.dumps(settings.as_json()),
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=(channel, registry, *fds),
                process_group=0,
                env={name: value for name, value in os.environ.items() if name not in _OF_SYSTEMD},
            )
            ours.pop_all()
            return cls(process, pairs[0][0], asyncio.create_task(hub.serve(pairs[1][0])))

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    @property
    def how_it_ended(self) -> str:
        """In words how the process ended: its exit code, or the signal that killed it."""
        code = self._process.returncode
        if code is None or code >= 0:
            return f"exit code {code}"
        with suppress(ValueError):
            return f"signal {signal.Signals(-code).name}"
        return f"signal {-code}"

    async def until_ready(self, timeout: float) -> bool:
        """Wait until it serves; return False if it ended instead. It is killed after `timeout` seconds."""
        reading = asyncio.create_task(self._read_ready())
        ending = asyncio.create_task(self.until_ended())
        is_ready = False
        try:
            async with asyncio.timeout(timeout):
                await asyncio.wait({reading, ending}, return_when=asyncio.FIRST_COMPLETED)
                is_ready = reading.done() and reading.result()
                if not is_ready:
                    await ending  # it may still write why
        except TimeoutError:
            pass
        finally:
            reading.cancel()
            ending.cancel()
            if not is_ready:
                self._kill()
                await self.until_ended()
        return is_ready

    async def _read_ready(self) -> bool:
        """Read the line that reports that it serves; False if the worker ended before."""
        try:
            line = await asyncio.get_running_loop().sock_recv(self._channel, 64)  # written at once
        except OSError:
            return False
        if not line.startswith(READY):
            return False
        self.longest_close = float(line.removeprefix(READY))
        return True

    def tell(self, order: Order) -> None:
        """Give it an order; nothing happens if it has ended."""
        with suppress(OSError):
            self._channel.send(f"{order.value}\n".encode())

    async def until_ended(self) -> None:
        """Wait until the process has ended."""
        await self._process.wait()
        self._channel.close()
        self._serving.cancel()

    async def leave(self, order: Order) -> bool:
        """Have it close; kill it if it takes longer than it has reported. Return False if it had to be killed."""
        self.tell(order)
        try:
            await asyncio.wait_for(self.until_ended(), self.longest_close)
        except TimeoutError:
            self._kill()
            await self.until_ended()
            return False
        return True

    def _kill(self) -> None:
        """End it at once; nothing happens if it has ended."""
        with suppress(ProcessLookupError):
            self._process.kill()
