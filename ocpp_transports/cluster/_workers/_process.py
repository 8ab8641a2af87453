"""A worker as its supervisor sees it: a process, and the stream to it."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from logging import Logger
from typing import Final

from ocpp_transports.cluster._settings import WORKER_VARIABLE

from ._port_directory import remove_sockets_of
from ._pulse import INTERVALS, until_silent
from ._registry._hub import Hub
from ._settings import READY, Order, WorkerProgram, WorkerSettings

__all__ = ["WorkerProcess"]

_BOOT: Final = """\
import json, sys
given = json.loads(sys.argv[1])
sys.path[:] = given["path"]
from ocpp_transports.cluster._workers._in_worker._worker import main
main(given)
"""
_OF_SYSTEMD: Final = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")
"""Variables for the supervisor: it alone reports to systemd."""
_LONGEST_CLOSE: Final = 60.0
"""Seconds for a worker that did not report how long it takes."""
_STACK_TIMEOUT: Final = 2.0
"""Seconds for a hung worker to write its stack and end; a stopped one cannot."""
_MOST_SIGNS: Final = 65_536
"""Bytes of signs of life to read at a time."""


class WorkerProcess:
    """One process; `start` makes it.

    It has a process group of its own: Ctrl-C at a terminal reaches the supervisor alone, which has its workers close.
    """

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        channel: socket.socket,
        serving: "asyncio.Task[None]",
        program: WorkerProgram,
        log: Logger,
    ) -> None:
        self._process = process
        self._channel = channel
        self._tasks = [serving]
        self._program = program
        self._log = log
        self.longest_close = _LONGEST_CLOSE
        """Seconds that closing may take."""

    @classmethod
    async def start(
        cls, number: int, program: WorkerProgram, hub: Hub, log: Logger, sockets: Sequence[socket.socket]
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
            settings = _settings(program, number, channel, registry, fds)
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-c",
                _BOOT,
                json.dumps(settings.as_json()),
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=(channel, registry, *fds),
                process_group=0,
                env=_environment(number),
            )
            ours.pop_all()
            serving = asyncio.create_task(hub.serve(pairs[1][0]))
            return cls(process, pairs[0][0], serving, program, log)

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
        if is_ready and self._program.hang_timeout is not None:
            self._tasks.append(asyncio.create_task(self._kill_if_hung(self._program.hang_timeout)))
        return is_ready

    async def _read_ready(self) -> bool:
        """Read the line that reports that it serves; False if the worker ended before."""
        try:
            received = await asyncio.get_running_loop().sock_recv(self._channel, 64)  # written at once
        except OSError:
            return False
        line, _, _ = received.partition(b"\n")
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
        for each in self._tasks:
            each.cancel()
        if self._program.directory is not None:
            remove_sockets_of(self._program.directory, self.pid)

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

    async def _kill_if_hung(self, timeout: float) -> None:
        """Kill the process when it shows no sign of life; SIGABRT has it write the stack of each thread first."""
        await until_silent(self._has_shown_life, timeout)
        self._log.error(
            "process %d has shown no sign of life for %g s: its event loop is blocked, or it is stopped; it is killed",
            self.pid,
            timeout,
        )
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGABRT)
        await asyncio.sleep(_STACK_TIMEOUT)
        self._kill()

    def _has_shown_life(self) -> bool:
        """Return True if there were signs of life since the last call."""
        with suppress(OSError):
            return bool(self._channel.recv(_MOST_SIGNS))
        return False

    def _kill(self) -> None:
        """End it at once; nothing happens if it has ended."""
        with suppress(ProcessLookupError):
            self._process.kill()


def _settings(
    program: WorkerProgram, number: int, channel: int, registry: int, sockets: tuple[int, ...]
) -> WorkerSettings:
    return WorkerSettings(
        number,
        program.target,
        program.loop,
        channel,
        registry,
        sockets,
        tuple(sys.path),
        program.directory,
        None if program.hang_timeout is None else program.hang_timeout / INTERVALS,
    )


def _environment(number: int) -> dict[str, str]:
    """Return the environment of a worker."""
    inherited = {name: value for name, value in os.environ.items() if name not in _OF_SYSTEMD}
    return {**inherited, WORKER_VARIABLE: str(number)}
