"""The files of Unix sockets, which outlive the process that made them."""

import errno
import socket
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

__all__ = ["SocketFile", "remove_stale_socket"]


class SocketFile(NamedTuple):
    """The file of a socket that this process has made: path, device and inode."""

    path: str
    device: int
    inode: int

    @classmethod
    def at(cls, path: str) -> "SocketFile":
        """Return the file that is at a path now. Raises OSError without one."""
        found = Path(path).lstat()
        return cls(path, found.st_dev, found.st_ino)

    def remove(self) -> None:
        """Remove the file, unless another one is at its path now."""
        with suppress(OSError):
            if self.at(self.path) == self:
                Path(self.path).unlink()


def remove_stale_socket(path: str) -> None:
    """Remove the socket of a process that has ended, if there is one at this path.

    Raises OSError if there is another kind of file, or a socket on which a process listens.
    """
    file = Path(path)
    if not file.is_socket():
        if file.is_symlink() or file.exists():
            raise OSError(errno.EEXIST, "cannot listen: a file that is no socket has this path", path)
        return
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)  # a full backlog would block
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            file.unlink()
            return
        except BlockingIOError:
            pass
    raise OSError(errno.EADDRINUSE, "cannot listen: another process listens on this socket", path)
