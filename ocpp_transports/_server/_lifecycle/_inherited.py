"""Sockets that another process opened: those of systemd's socket activation, and single descriptors.

systemd passes them as the descriptors from 3 on. It names the process that they are for in `LISTEN_PID`, their number
in `LISTEN_FDS` and their names in `LISTEN_FDNAMES` (sd_listen_fds(3)).
"""

import os
import socket
from collections.abc import MutableMapping, Sequence
from typing import Final

__all__ = ["inherited_socket", "sockets_of_systemd"]

_FIRST: Final = 3
_VARIABLES: Final = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")


def inherited_socket(fd: int) -> socket.socket:
    """Return a listening socket on a copy of this descriptor, which its owner still has to close.

    Raises ValueError unless it is a TCP socket that listens.
    """
    if isinstance(fd, bool) or not isinstance(fd, int) or fd < 0:
        raise ValueError(f"expected fd as the number of a descriptor, got {fd!r}")
    try:
        copy = os.dup(fd)  # not inherited by child processes
    except OSError as error:
        raise ValueError(f"expected fd as a listening TCP socket, got {fd}: {error.strerror}") from None
    try:
        return _listening(copy, f"fd as a listening TCP socket, got {fd}")
    except BaseException:
        os.close(copy)
        raise


def sockets_of_systemd(
    name: str | None = None, environment: MutableMapping[str, str] = os.environ, *, first: int = _FIRST
) -> tuple[socket.socket, ...]:
    """Return the sockets that systemd passed to this process, or those of this name, each once.

    The variables are removed when all sockets are taken: child processes must not take them for theirs.

    Raises:
        RuntimeError: systemd passed none to this process, or none of this name.
        ValueError: One is not a TCP socket that listens.
    """
    names = _names(environment)
    found = [first + index for index, each in enumerate(names) if each and name in (None, each)]
    if not found:
        wanted = "no sockets" if name is None else f"no socket named {name!r}"
        raise RuntimeError(
            f"cannot listen: systemd passed {wanted} to this process; start it by a socket unit, or pass a port"
        )
    sockets = _all_listening(found)
    for each in sockets:
        each.set_inheritable(False)
    left = ["" if first + index in found else each for index, each in enumerate(names)]
    if any(left):
        environment["LISTEN_FDNAMES"] = ":".join(left)
    else:
        for variable in _VARIABLES:
            environment.pop(variable, None)
    return sockets


def _all_listening(fds: Sequence[int]) -> tuple[socket.socket, ...]:
    """Take over these descriptors, or none of them: then they stay open, and the next attempt finds them."""
    sockets: list[socket.socket] = []
    try:
        sockets.extend(_listening(fd, f"listening TCP sockets from systemd, got descriptor {fd}") for fd in fds)
    except ValueError:
        for each in sockets:
            each.detach()
        raise
    return tuple(sockets)


def _names(environment: MutableMapping[str, str]) -> list[str]:
    """Return the names of the passed descriptors, in order, empty for those that are taken."""
    try:
        pid, count = int(environment.get("LISTEN_PID", "")), int(environment.get("LISTEN_FDS", ""))
    except ValueError:
        return []
    if pid != os.getpid() or not 0 < count < 1 << 16:
        return []
    names = environment.get("LISTEN_FDNAMES")
    return ["unknown"] * count if names is None else (names.split(":") + [""] * count)[:count]


def _listening(fd: int, expected: str) -> socket.socket:
    """Take over a descriptor. Raises ValueError unless it is a TCP socket that listens; then it stays as it is."""
    try:
        adopted = socket.socket(fileno=fd)
    except OSError as error:
        raise ValueError(f"expected {expected}: {error.strerror}") from None
    is_tcp = adopted.type == socket.SOCK_STREAM and adopted.family in (socket.AF_INET, socket.AF_INET6)
    if is_tcp and adopted.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        return adopted
    adopted.detach()
    raise ValueError(f"expected {expected}: {'it does not listen' if is_tcp else 'it is another kind of socket'}")
