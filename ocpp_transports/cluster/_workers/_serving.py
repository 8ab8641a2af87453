"""`serve`: a server in several processes as a whole program."""

import asyncio
import signal
import socket
from typing import Final

from ocpp_transports._driver._limits import BACKLOG
from ocpp_transports._logging._log import LOGGER
from ocpp_transports._server._lifecycle._ports import expect_place
from ocpp_transports._server._lifecycle._serving import Loop, expect_loop

from ._restarts import RestartPolicy
from ._sockets import SharedPort
from ._supervisor import Supervisor

__all__ = ["serve"]

_MOST_WORKERS: Final = 1024


def serve(
    target: str,
    *,
    workers: int,
    port: int,
    host: str | None = None,
    backlog: int = BACKLOG,
    loop: Loop = "asyncio",
) -> None:
    """Serve in several processes that share a port, as a whole program, until Ctrl-C or SIGTERM.

        def make_server():                                       # in csms.py
            return OCPPServer(protocols=["ocpp1.6"])

        serve("csms:make_server", workers=4, port=9000)

    This process is their supervisor. It keeps the sockets, starts workers again that end, and does not import the
    module. SIGHUP replaces one worker after the other. At SIGINT or SIGTERM all workers close as
    `OCPPServer.serve_forever` does; a second signal drops the connections. If this process is killed, the workers go on
    until they get SIGTERM.

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

    Raises:
        WorkersError: A worker ended before it served, or all of them ended too often.
        OSError: The port is not available.
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
    # uvloop cannot start a process in a group of its own.
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        runner.run(_supervise(target, workers, SharedPort(port, host, backlog), loop))


async def _supervise(target: str, workers: int, port: SharedPort, loop: Loop) -> None:
    log = LOGGER.getChild("workers")
    is_shared = port.is_shared()
    supervisor = Supervisor(target, workers, port, loop=loop, log=log, policy=RestartPolicy())
    if is_shared:
        log.warning("other processes listen on port %d already: they share its connections", port.port)
    await supervisor.run()


def _expect_target(target: object) -> None:
    """Raise TypeError or ValueError unless it names a function as `module:function`."""
    if not isinstance(target, str):
        raise TypeError(f"expected target as 'module:function', got {target!r}")
    module, _, name = target.partition(":")
    if not all(part.isidentifier() for part in (*module.split("."), *name.split("."))):
        raise ValueError(f"expected target as 'module:function', got {target!r}")
