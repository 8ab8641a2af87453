"""The sockets of a port that several processes share, one for each process and address.

Linux distributes the connections of the port among them by a hash of both addresses (SO_REUSEPORT, socket(7)). One
socket for all processes would serve the process that wakes first: one of two processes gets most connections.
"""

import socket
from collections.abc import Sequence
from errno import EADDRINUSE

__all__ = ["SharedPort", "close_all"]


class SharedPort:
    """A port on which each worker has sockets of its own."""

    def __init__(self, port: int, host: str | None, backlog: int) -> None:
        self.port = port
        self._host = host
        self._backlog = backlog

    def open_all(self, workers: int) -> list[tuple[socket.socket, ...]]:
        """Open the sockets of so many workers. Raises OSError as `open`, then none is open."""
        opened: list[tuple[socket.socket, ...]] = []
        try:
            opened.extend(self.open() for _ in range(workers))
        except OSError:
            for each in opened:
                close_all(each)
            raise
        return opened

    def is_shared(self) -> bool:
        """Return True if a process listens on the port already; it may let others do so too."""
        try:
            for family, address in self._addresses():
                _bound(family, address, self.port, reuse_port=False).close()
        except OSError as error:
            return error.errno == EADDRINUSE
        return False

    def open(self) -> tuple[socket.socket, ...]:
        """Open the listening sockets of one more worker. Raises OSError if the port is not available.

        The system chooses a port 0 once, then `port` is the chosen one.
        """
        opened: list[socket.socket] = []
        try:
            for family, address in self._addresses():
                opened.append(_bound(family, address, self.port, reuse_port=True))
                opened[-1].listen(self._backlog)
                opened[-1].setblocking(False)  # for all processes, which share this state
                self.port = opened[0].getsockname()[1]
        except OSError as error:
            close_all(opened)
            where = f"{'all addresses' if self._host is None else self._host} port {self.port}"
            raise type(error)(error.errno, f"cannot listen on {where}: {error.strerror or error}") from error
        return tuple(opened)

    def _addresses(self) -> list[tuple[socket.AddressFamily, str]]:
        found = socket.getaddrinfo(self._host, self.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        families = (socket.AF_INET, socket.AF_INET6) if socket.has_ipv6 else (socket.AF_INET,)
        return list(dict.fromkeys((each[0], str(each[4][0])) for each in found if each[0] in families))


def _bound(family: socket.AddressFamily, address: str, port: int, *, reuse_port: bool) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse_port:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind((address, port))
    except BaseException:
        made.close()
        raise
    return made


def close_all(sockets: Sequence[socket.socket]) -> None:
    """Close these sockets."""
    for each in sockets:
        each.close()
