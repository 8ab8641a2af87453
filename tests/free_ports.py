"""Ports for servers that a test starts later, as processes of their own."""

import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["free_port"]

PORTS = range(15_000, 25_000)
"""Below those that systems choose themselves, for clients and for servers that ask for port 0."""


@contextmanager
def free_port() -> Iterator[int]:
    """Reserve a TCP port of the loopback interface until the end of the block.

    A port that is bound and released may be given to somebody else before the server starts. No system gives away one
    of `PORTS` by itself, and a UDP socket with the same number keeps it from other tests, also of other processes.
    """
    while True:
        number = random.choice(PORTS)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as reservation:
            try:
                reservation.bind(("127.0.0.1", number))
                socket.create_server(("127.0.0.1", number)).close()
            except OSError:
                continue
            yield number
            return
