"""The kernel's settings and state of a TCP connection, which the stream does not expose.

Linux answers `TCP_INFO` (tcp(7)) without touching the stream. On other systems nothing is known here: the next read or
write notices a reset, and output counts as progress when it leaves this process.
"""

import socket
import struct
from typing import Any, Final

__all__ = ["CLOSED", "OUTPUT", "acknowledged", "is_broken", "tune", "unconfirmed"]

_TCP_INFO: Final = getattr(socket, "TCP_INFO", None)
CLOSED: Final = 7
"""TCP_CLOSE in the states of include/net/tcp_states.h: the peer reset the connection, or it timed out."""
_ACKED: Final = struct.Struct("=120xQ")
"""`tcpi_bytes_acked` in struct tcp_info (linux/tcp.h): the total number of bytes that the peer has confirmed."""
OUTPUT: Final = struct.Struct("=24xI92xQ16xI")
"""`tcpi_unacked` (segments in flight), `tcpi_bytes_acked`, and `tcpi_notsent_bytes`, since Linux 4.6."""

_FEW: Final = 8
"""Segments in flight that may be pings only; a peer's kernel may delay their confirmation by 40 ms."""


def tune(connected: socket.socket) -> None:
    """Turn Nagle's algorithm off and the kernel's keepalive on.

    asyncio does the former only for sockets that were made with the number of the TCP protocol.
    """
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _info(raw_socket: Any, size: int) -> bytes:
    if _TCP_INFO is None or raw_socket is None:
        return b""
    try:
        info: bytes = raw_socket.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, size)
    except (OSError, ValueError):  # not a TCP socket, or closed already, for which uvloop raises ValueError
        return b""
    return info


def is_broken(raw_socket: Any) -> bool:
    """Return True if the connection was reset, although earlier data may still be unread."""
    state = _info(raw_socket, 1)
    return bool(state) and state[0] == CLOSED


def acknowledged(raw_socket: Any) -> int | None:
    """Return the bytes that the peer has confirmed since the connection began, None if unknown."""
    info = _info(raw_socket, _ACKED.size)
    return _ACKED.unpack(info)[0] if len(info) == _ACKED.size else None


def unconfirmed(raw_socket: Any) -> int | None:
    """Return the value of `acknowledged` while output is in flight, 0 while none is."""
    info = _info(raw_socket, OUTPUT.size)
    if len(info) != OUTPUT.size:
        return None
    in_flight, confirmed, not_sent = OUTPUT.unpack(info)
    return confirmed if not_sent or in_flight > _FEW else 0
