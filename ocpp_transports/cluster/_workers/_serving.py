"""`serve`: a server in several processes as a whole program."""

import asyncio
import signal
import socket
from contextlib import ExitStack
from errno import EADDRINUSE
from logging import Logger
from math import inf
from typing import Final

from ocpp_transports._driver._limits import BACKLOG
from ocpp_transports._logging._log import LOGGER
from ocpp_transports._server._lifecycle._ports import expect_place
from ocpp_transports._server._lifecycle._serving import Loop, expect_loop

from ._port_directory import PortDirectory
from ._restarts import RestartPolicy
from ._settings import WorkerProgram
from ._sockets import SharedPort
from ._supervisor import Supervisor

__all__ = ["serve"]

_MOST_WORKERS: Final = 1024
_HANG_TIMEOUT: Final = 30.0
_LEAST_HANG_TIMEOUT: Final = 1
_MOST_PORT: Final = 65535


def serve(
    target: str,
    *,
    workers: int,
    port: int,
    host: str | None = None,
    backlog: int = BACKLOG,
    loop: Loop = "asyncio",
    hang_timeout: float | None = _HANG_TIMEOUT,
    worker_port: int | None = None,
    worker_host: str | None = "127.0.0.1",
) -> None:
    """Serve in several processes that share a port, as a whole program, until Ctrl-C or SIGTERM.

        def make_server():                                       # in csms.py
            return OCPPServer(protocols=["ocpp1.6"])

        serve("csms:make_server", workers=4, port=9000)

    This process is their supervisor. It keeps the sockets, starts workers again that end, and does not import the
    module. SIGHUP replaces one worker after the other. At SIGINT or SIGTERM all workers close as
    `OCPPServer.serve_forever` does; a second signal drops the connections. If this process is killed, the workers go on
    until they get SIGTERM, or until the next `serve` of the port replaces them.

    Only on POSIX, in the main thread. Linux distributes the connections among the workers; other systems may prefer one
    of them.

    Args:
        target: The function that returns the `OCPPServer` of a worker, as `module:function`. It may be a coroutine
            function. Each worker imports the module and calls it on its event loop.
        workers: The number of processes, 1 to 1024.
        port: The port to listen on; 0 lets the system choose one.
        host: The address to listen on; None means all addresses.
        backlog: Connections that wait to be accepted by one worker, 1024 by default, within the system's limit.
        loop: The event loop of the workers.
        hang_timeout: Seconds, at least 1, for which the event loop of a worker may stand still: 30 by default. Then the
            worker writes the stacks of its threads to standard error, is killed, and another one starts. None for no
            limit.
        worker_port: The port on which worker 1 alone listens too; worker 2 has the next one, and so on. `/metrics`,
            `/health` and `/ready` of one worker are there. None for no such ports.
        worker_host: The address of these ports; None means all addresses.

    Raises:
        WorkersError: A worker ended before it served, or all of them ended too often.
        OSError: A port is not available, or another supervisor of this user serves it.
        ValueError: An argument is not allowed.
        TypeError: An argument has the wrong type.
        ImportError: The loop is not installed.
        RuntimeError: The operating system cannot share a port, or an event loop is running already.
    """
    if not hasattr(socket, "SO_REUSEPORT") or not hasattr(signal, "SIGHUP"):
        raise RuntimeError(
            "cannot serve with several processes: this operating system cannot share a port among them; "
            "run each on a port of its own"
        )
    _expect_target(target)
    expect_place(port, host, backlog, reuse_port=True, fd=None, systemd=False)
    expect_loop(loop)
    if isinstance(workers, bool) or not isinstance(workers, int) or not 1 <= workers <= _MOST_WORKERS:
        raise ValueError(f"expected workers from 1 to {_MOST_WORKERS}, got {workers!r}")
    _expect_hang_timeout(hang_timeout)
    _expect_worker_ports(worker_port, worker_host, workers, port)
    shared = SharedPort(port, host, backlog, own_port=worker_port, own_host=worker_host)
    # uvloop cannot start a process in a group of its own.
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        runner.run(_supervise(shared, workers, target, loop, hang_timeout))


async def _supervise(port: SharedPort, workers: int, target: str, loop: Loop, hang_timeout: float | None) -> None:
    log = LOGGER.getChild("workers")
    is_shared = port.is_shared()
    # Connections come to a socket from its opening. A port that the system chooses has no supervisor.
    opened = None if port.port else port.open_all(workers)
    with ExitStack() as exits:
        directory = _lock(port, log, exits)
        program = WorkerProgram(target, loop, None if directory is None else str(directory.path), hang_timeout)
        supervisor = Supervisor(
            program,
            port.open_all(workers) if opened is None else opened,
            port.open,
            control=None if directory is None else directory.control,
            log=log,
            policy=RestartPolicy(),
        )
        if is_shared:
            log.warning(
                "other processes listen on port %d already and share its connections; "
                "workers of an earlier supervisor do so until the new ones serve",
                port.port,
            )
        await supervisor.run()


def _lock(port: SharedPort, log: Logger, exits: ExitStack) -> PortDirectory | None:
    """Lock the directory of the port; None if the system has no place for it. Raises OSError if another process did."""
    try:
        directory = PortDirectory(port.port, port.addresses)
    except socket.gaierror:
        return None  # the port cannot be opened either, which says so
    except OSError as error:
        if error.errno == EADDRINUSE:
            raise
        log.warning(
            "there is no directory for port %d, so no later supervisor can replace its workers: %s; "
            "set TMPDIR to a directory that this user can write to",
            port.port,
            error,
        )
        return None
    exits.callback(directory.close)
    return directory


def _expect_hang_timeout(hang_timeout: object) -> None:
    """Raise ValueError or TypeError unless these are seconds, or None."""
    if hang_timeout is None:
        return
    if isinstance(hang_timeout, bool) or not isinstance(hang_timeout, (int, float)):
        raise TypeError(f"expected hang_timeout as seconds or None, got {hang_timeout!r}")
    if not _LEAST_HANG_TIMEOUT <= hang_timeout < inf:
        raise ValueError(f"expected hang_timeout >= {_LEAST_HANG_TIMEOUT} or None, got {hang_timeout!r}")


def _expect_worker_ports(worker_port: object, worker_host: object, workers: int, port: int) -> None:
    """Raise ValueError or TypeError unless each worker can have a port of its own, or none has one."""
    if worker_host is not None and not isinstance(worker_host, str):
        raise TypeError(f"expected worker_host as text or None for all addresses, got {worker_host!r}")
    if worker_port is None:
        return
    most = _MOST_PORT - workers + 1
    if isinstance(worker_port, bool) or not isinstance(worker_port, int) or not 1 <= worker_port <= most:
        raise ValueError(f"expected worker_port from 1 to {most} for {workers} workers, got {worker_port!r}")
    if worker_port <= port < worker_port + workers:
        raise ValueError(f"expected worker_port with {workers} ports beside port {port}, got {worker_port!r}")


def _expect_target(target: object) -> None:
    """Raise TypeError or ValueError unless it names a function as `module:function`."""
    if not isinstance(target, str):
        raise TypeError(f"expected target as 'module:function', got {target!r}")
    module, _, name = target.partition(":")
    if not all(part.isidentifier() for part in (*module.split("."), *name.split("."))):
        raise ValueError(f"expected target as 'module:function', got {target!r}")
