"""The stream of a worker to its supervisor: orders arrive, and signs of life leave."""

import os
import socket
from collections.abc import Callable
from contextlib import suppress

import anyio

from ocpp_transports._logging._log import LOGGER
from ocpp_transports.cluster._workers._pulse import ALIVE
from ocpp_transports.cluster._workers._settings import ORDERS, Order

from ._next_supervisor import connect_to_next

__all__ = ["follow_supervisors", "show_life"]


async def follow_supervisors(
    channel: socket.socket,
    directory: str | None,
    longest_close: float,
    obey: Callable[[Order], None],
    orphaned: Callable[[], None],
) -> None:
    """Obey the supervisor until it ends, then each further one of the port.

    Args:
        channel: The stream to the supervisor that started this process.
        directory: The directory of the port; None without one.
        longest_close: Seconds that closing may take.
        obey: Function that gets each order.
        orphaned: Function that is called when the first supervisor has ended.
    """
    log = LOGGER.getChild("workers")
    await _receive(channel, obey)
    orphaned()
    log.warning(
        "the supervisor has ended; process %d serves until SIGTERM, or until the next one of its port", os.getpid()
    )
    while True:
        with await connect_to_next(directory, b"%s%d %f" % (ORDERS, os.getpid(), longest_close)) as stream:
            log.info("process %d has the next supervisor of its port", os.getpid())
            await _receive(stream, obey)


async def _receive(stream: socket.socket, obey: Callable[[Order], None]) -> None:
    """Pass on orders until the end of the stream."""
    received = b""
    while True:
        await anyio.wait_readable(stream)
        try:
            chunk = stream.recv(64)
        except OSError:
            return
        if not chunk:
            return
        *lines, received = (received + chunk).split(b"\n")
        for line in lines:
            obey(Order(line.decode()))


async def show_life(channel: socket.socket, interval: float) -> None:
    """Show the supervisor that the event loop runs, until the supervisor ends."""
    with suppress(OSError):
        while True:
            with suppress(BlockingIOError):  # the supervisor is stopped, and reads nothing
                channel.send(ALIVE)
            await anyio.sleep(interval)
