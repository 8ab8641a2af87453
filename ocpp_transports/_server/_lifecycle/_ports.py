"""Where a server may listen: a port that it opens itself, or sockets that another process opened."""

import socket
from typing import TYPE_CHECKING, TypedDict

from ocpp_transports._driver._limits import BACKLOG

if TYPE_CHECKING:
    from ssl import SSLContext

    from ocpp_core.handshake import SecurityProfile
    from ocpp_transports._options._tls import TLSOptions

__all__ = ["ListenKeywords", "expect_place", "inherited_sockets"]


class ListenKeywords(TypedDict, total=False):
    """The keyword arguments of `OCPPServer.listen`, for methods that call it."""

    ssl: "SSLContext | TLSOptions | None"
    backlog: int
    reuse_port: bool
    fd: int | None
    systemd: bool | str
    security_profile: "SecurityProfile | int | None"
    proxy_protocol: bool


def expect_place(
    port: object, host: object, backlog: object, *, reuse_port: object, fd: object, systemd: object
) -> None:
    """Raise TypeError or ValueError if these arguments name no place to listen, or two."""
    if isinstance(port, bool) or not isinstance(port, int) or not 0 <= port <= 65535:
        raise ValueError(f"expected a port from 0 to 65535, got {port!r}")
    if host is not None and not isinstance(host, str):
        raise TypeError(f"expected a host as text or None for all addresses, got {host!r}")
    if isinstance(backlog, bool) or not isinstance(backlog, int) or backlog < 0:
        raise ValueError(f"expected backlog >= 0, got {backlog!r}")
    if not isinstance(reuse_port, bool):
        raise TypeError(f"expected reuse_port as bool, got {reuse_port!r}")
    if reuse_port and not hasattr(socket, "SO_REUSEPORT"):
        raise ValueError("expected no reuse_port: this operating system does not have SO_REUSEPORT")
    if not isinstance(systemd, (bool, str)) or systemd == "":
        raise TypeError(f"expected systemd as bool or the name of a socket, got {systemd!r}")
    if fd is None and systemd is False:
        return
    if fd is not None and systemd is not False:
        raise ValueError("expected either fd or systemd, got both")
    if port != 0 or host is not None or backlog != BACKLOG or reuse_port:
        raise ValueError("expected no port, host, backlog or reuse_port with fd or systemd: the socket listens already")


def inherited_sockets(fd: int | None, systemd: bool | str) -> tuple[socket.socket, ...]:
    """Return the sockets that another process opened for this one; none without `fd` and `systemd`."""
    if fd is None and systemd is False:
        return ()
    from ._inherited import inherited_socket, sockets_of_systemd  # loaded only when used

    if fd is not None:
        return (inherited_socket(fd),)
    return sockets_of_systemd(systemd if isinstance(systemd, str) else None)
