"""How a worker whose supervisor was killed finds the next one."""

import socket
from typing import Final

import anyio

from ocpp_transports.cluster._workers._port_directory import control_socket

__all__ = ["connect_to_next"]

_INTERVAL: Final = 0.5
"""Seconds between two attempts."""


async def connect_to_next(directory: str | None, greeting: bytes) -> socket.socket:
    """Wait for the next supervisor of the port; return a stream to it, with the greeting sent.

    Without a directory for the port, it waits without end.
    """
    while directory is None:
        await anyio.sleep_forever()
    while True:
        await anyio.sleep(_INTERVAL)
        stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        stream.setblocking(False)
        try:
            stream.connect(control_socket(directory))
            stream.send(greeting)
        except OSError:  # there is none, or too many workers come at the same time
            stream.close()
        else:
            return stream
