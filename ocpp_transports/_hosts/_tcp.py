"""What the kernel is told of a TCP connection, and what it knows that the stream does not say.

Linux answers `TCP_INFO` (tcp(7)) without touching the stream. Elsewhere nothing is known here: a reset is noticed by
the next read or write, and progress where bytes leave this process.
"""

import socket
import struct
from typing import Any, Final

__all__ = ["acknowledged", "is_broken", "tune", "unconfirmed"]

_TCP_INFO: Final = getattr(socket, "TCP_INFO", None)
_CLOSED: Final = 7
"""TCP_CLOSE among the states of include/net/tcp_states.h: the peer has reset the connection, or it has timed out."""
_ACKED: Final = struct.Struct("=120xQ")
"""`tcpi_bytes_acked` in struct tcp_info (linux/tcp.h): what the peer has confirmed in all."""
_OUTPUT: Final = struct.Struct("=24xI92xQ16xI")
"""`tcpi_unacked` (segments under way), `tcpi_bytes_acked`, and `tcpi_notsent_bytes`, since Linux 4.6."""

_FEW: Final = 8
"""Segments under way that may be pings only, whose confirmation a peer's kernel may put off for 40 ms."""


def tune(connected: socket.socket) -> None:
    """Switch Nagle's algorithm off and the kernel's keepalive on.

    asyncio does the first only for sockets that were made with the number of the TCP protocol.
    """
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _info(raw_socket: Any, size: int) -> bytes:
    if _TCP_INFO is None or raw_socket is None:
        return b""
    try:
        info: bytes = raw_socket.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, size)
    except (OSError, ValueError):  # no TCP socket, or one that is closed already; uvloop raises ValueError for that
        return b""
    return info


def is_broken(raw_socket: Any) -> bool:
    """Return True if the connection was reset, although what arrived before may still be unread."""
    state = _info(raw_socket, 1)
    return bool(state) and state[0] == _CLOSED


def acknowledged(raw_socket: Any) -> int | None:
    """Return the bytes that the peer has confirmed since the connection began, None where that cannot be known."""
    info = _info(raw_socket, _ACKED.size)
    return _ACKED.unpack(info)[0] if len(info) == _ACKED.size else None


def unconfirmed(raw_socket: Any) -> int | None:
    """Return what `acknowledged` does while there is output under way to wait for, 0 while there is none."""
    info = _info(raw_socket, _OUTPUT.size)
    if len(info) != _OUTPUT.size:
        return None
    under_way, confirmed, not_sent = _OUTPUT.unpack(info)
    return confirmed if not_sent or under_way > _FEW else 0
