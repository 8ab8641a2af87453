"""The sockets of a port that several processes share, one for each process and address.

Linux distributes the connections of the port among them by a hash of both addresses (SO_REUSEPORT, socket(7)). One
socket for all processes would serve the process that wakes first: one of two processes gets most connections.
"""

import socket
from collections.abc import Sequence
from errno import EADDRINUSE

__all__ = ["SharedPort", "close_all"]


class SharedPort:
    """A port on which each worker has sockets of its own, and perhaps a port for each worker alone.

    Args:
        port: The port; 0 lets the system choose it, then `port` is the chosen one.
        host: The address to listen on; None means all addresses.
        backlog: Connections that wait to be accepted by one worker.
        own_port: The port of worker 1 alone, the next one is that of worker 2; None for none.
        own_host: The address of these ports.
    """

    def __init__(
        self, port: int, host: str | None, backlog: int, *, own_port: int | None = None, own_host: str | None = None
    ) -> None:
        self.port = port
        self._host = host
        self._backlog = backlog
        self._own_port = own_port
        self._own_host = own_host

    @property
    def addresses(self) -> list[str]:
        """The numeric addresses on which it is opened. Raises OSError if the host is unknown."""
        return [address for _, address in _addresses(self._host, self.port)]

    def open_all(self, workers: int) -> list[tuple[socket.socket, ...]]:
        """Open the sockets of so many workers. Raises OSError as `open`, then none is open."""
        opened: list[tuple[socket.socket, ...]] = []
        try:
            opened.extend(self.open(number) for number in range(1, workers + 1))
        except OSError:
            for each in opened:
                close_all(each)
            raise
        return opened

    def is_shared(self) -> bool:
        """Return True if a process listens on the port already; it may let others do so too."""
        try:
            for family, address in _addresses(self._host, self.port):
                _bound(family, address, self.port, reuse_port=False).close()
        except OSError as error:
            return error.errno == EADDRINUSE
        return False

    def open(self, number: int) -> tuple[socket.socket, ...]:
        """Open the listening sockets of one worker. Raises OSError if a port is not available.

        The system chooses a port 0 once, then `port` is the chosen one.
        """
        shared = self._listening(self._host, self.port)
        self.port = shared[0].getsockname()[1]
        if self._own_port is None:
            return shared
        try:
            return (*shared, *self._listening(self._own_host, self._own_port + number - 1))
        except OSError:
            close_all(shared)
            raise

    def _listening(self, host: str | None, port: int) -> tuple[socket.socket, ...]:
        """Open the sockets of a port, one for each address."""
        opened: list[socket.socket] = []
        try:
            for family, address in _addresses(host, port):
                opened.append(_bound(family, address, port, reuse_port=True))
                opened[-1].listen(self._backlog)
                opened[-1].setblocking(False)  # for all processes, which share this state
                port = opened[0].getsockname()[1]
        except OSError as error:
            close_all(opened)
            where = f"{'all addresses' if host is None else host} port {port}"
            raise type(error)(error.errno, f"cannot listen on {where}: {error.strerror or error}") from error
        return tuple(opened)


def _addresses(host: str | None, port: int) -> list[tuple[socket.AddressFamily, str]]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
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
