"""What needs the real world, as methods of an event loop: refused, unless the loop waits for it.

A real socket, pipe or subprocess has a time of its own, which virtual time would run away from. The methods that open
one are refused where they are called, so that the traceback shows the caller.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

from ocpp_transports.laboratory._errors import RealIOError

__all__ = ["GuardsRealIO", "RealIO"]

RealIO = Literal["refuse", "wait"]
"""What a virtual event loop does if a program opens a real socket, pipe or subprocess."""


_OPENING: Final[Mapping[str, str]] = {
    "create_connection": "open a connection",
    "create_server": "listen",
    "create_datagram_endpoint": "open a datagram socket",
    "create_unix_connection": "open a connection",
    "create_unix_server": "listen",
    "connect_accepted_socket": "serve a connection",
    "connect_read_pipe": "read a pipe",
    "connect_write_pipe": "write to a pipe",
    "subprocess_exec": "start a subprocess",
    "subprocess_shell": "start a subprocess",
    "getaddrinfo": "resolve a host name",
    "getnameinfo": "resolve an address",
    "sock_accept": "accept a connection",
    "sock_connect": "open a connection",
    "sock_recv": "read a socket",
    "sock_recv_into": "read a socket",
    "sock_recvfrom": "read a socket",
    "sock_sendall": "write to a socket",
    "sock_sendto": "write to a socket",
    "add_reader": "watch a file descriptor",
    "add_writer": "watch a file descriptor",
}
"""What each method of an event loop would do, by its name."""


def _guarded(name: str, verb: str) -> Any:
    """Return the method of that name, which raises RealIOError unless real input and output are waited for."""

    def method(self: "GuardsRealIO", *args: Any, **kwargs: Any) -> Any:
        if self.refuses_real_io:
            raise RealIOError(
                f"cannot {verb}: the event loop has virtual time and no real input and output; use the network of the "
                'laboratory or a fake, or make the loop with real_io="wait"'
            )
        real: Callable[..., Any] = getattr(super(GuardsRealIO, self), name)
        return real(*args, **kwargs)

    method.__name__ = name
    return method


class GuardsRealIO:
    """The methods of an asyncio event loop that open something real."""

    refuses_real_io: bool = False
    """True to raise RealIOError."""


for _name, _verb in _OPENING.items():
    setattr(GuardsRealIO, _name, _guarded(_name, _verb))


class Subprocesses:
    """The subprocesses of a loop that have not ended."""

    def __init__(self) -> None:
        self._transports: list[asyncio.SubprocessTransport] = []

    def add(self, transport: asyncio.SubprocessTransport) -> None:
        """Count a subprocess until its exit is known."""
        self._transports.append(transport)

    def are_running(self) -> bool:
        """Return True if one has not ended."""
        return bool(self._transports) and bool(self.running())

    def running(self) -> list[asyncio.SubprocessTransport]:
        """Return those that have not ended."""
        self._transports = [transport for transport in self._transports if transport.get_returncode() is None]
        return self._transports
