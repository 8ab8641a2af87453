"""The private directory of a port: the lock of its supervisor, and the sockets over which its workers are reached.

It is `ocpp-ws-io-<user>/<port>-<addresses>` in the directory for temporary files, and only this user can enter it. The
supervisor holds a lock on the directory, which ends with its process however that ends. systemd-tmpfiles, which removes
old files, leaves a locked directory alone.
"""

import os
import socket
import stat
from collections.abc import Iterable
from contextlib import suppress
from errno import EADDRINUSE, EINVAL
from pathlib import Path
from secrets import token_hex
from tempfile import gettempdir
from zlib import crc32

__all__ = ["PortDirectory", "control_socket", "remove_sockets_of", "socket_of_worker"]


def control_socket(directory: str | Path) -> str:
    """Return the path of the socket on which the supervisor of a port accepts workers of an earlier one.

    It is longer than the paths for workers: if one is too long for a socket, this one is.
    """
    return str(Path(directory) / "supervisor.socket")


def socket_of_worker(directory: str | None) -> str | None:
    """Return a path for the socket of this process, to which the other workers connect; None without the directory.

    It is no other's on any machine: nodes of a cluster that find it in the registry must not find another node there.
    """
    if directory is None or not Path(directory).is_dir():  # removed in the meantime
        return None
    return str(Path(directory) / f"{os.getpid()}-{token_hex(4)}")


def remove_sockets_of(directory: str | Path, pid: int) -> None:
    """Remove the sockets that a worker has left, because it was killed."""
    for each in Path(directory).glob(f"{pid}-*"):
        each.unlink(missing_ok=True)


class PortDirectory:
    """The directory of one port, which this process has locked.

    Args:
        port: The port.
        addresses: The addresses on which it is opened.

    Raises:
        OSError: With EADDRINUSE, a supervisor of this user serves the port. With another number, the directory cannot
            be made, others may enter it, or its path cannot be that of a socket in a URL.
    """

    def __init__(self, port: int, addresses: Iterable[str]) -> None:
        name = f"{port}-{crc32(','.join(sorted(addresses)).encode()):08x}"
        parent = Path(gettempdir(), f"ocpp-ws-io-{os.geteuid()}")
        _make_private(parent)
        self.path: Path = parent / name
        """The directory."""
        if not {"?", "#"}.isdisjoint(str(self.path)):
            raise OSError(EINVAL, f"expected a path without ? and #, got {str(self.path)!r}")
        self._lock = self._locked(port)
        try:
            self._note().write_text(str(os.getpid()))
            self.control: socket.socket = _listening(Path(control_socket(self.path)))
            """The socket on which the supervisor accepts workers of an earlier one."""
            self._clear()
        except BaseException:
            self._unlock()
            raise

    def _locked(self, port: int) -> int:
        """Lock the directory, and return its descriptor."""
        import fcntl  # POSIX alone has it

        while True:
            _make_private(self.path)
            descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                raise OSError(EADDRINUSE, self._taken(port)) from None
            if _is_same(descriptor, self.path):
                return descriptor
            os.close(descriptor)  # its supervisor has removed it just now

    def _taken(self, port: int) -> str:
        """Return why there is no lock."""
        process = "another process"
        with suppress(OSError, ValueError):
            process = f"process {int(self._note().read_text())}"
        return (
            f"cannot serve on port {port}: {process} is the supervisor of its workers; send it SIGHUP to replace them, "
            "or SIGTERM and wait for its end"
        )

    def _note(self) -> Path:
        return self.path / "process"

    def _clear(self) -> None:
        """Remove the sockets of workers that ended after their supervisor."""
        for each in self.path.glob("*-*"):
            pid = each.name.partition("-")[0]
            if pid.isdecimal() and not _is_running(int(pid)):
                each.unlink(missing_ok=True)

    def close(self) -> None:
        """Unlock the directory, and remove it unless workers are left that use it."""
        self.control.close()
        self._unlock()

    def _unlock(self) -> None:
        for each in (self._note(), Path(control_socket(self.path))):
            each.unlink(missing_ok=True)
        with suppress(OSError):
            self.path.rmdir()
        os.close(self._lock)


def _make_private(directory: Path) -> None:
    """Make a directory that only this user can enter, unless there is one. Raises OSError if others can enter it."""
    with suppress(FileExistsError):
        directory.mkdir(mode=0o700)
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise PermissionError(f"expected a directory that only this user can enter, got {str(directory)!r}")


def _listening(path: Path) -> socket.socket:
    """Open a socket of this path, instead of one that an earlier process left."""
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listening.bind(str(path))
        listening.listen()
        listening.setblocking(False)
    except BaseException:
        listening.close()
        raise
    return listening


def _is_same(descriptor: int, path: Path) -> bool:
    """Return True if this is still the directory of the path."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False


def _is_running(pid: int) -> bool:
    """Return True if there is such a process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # of another user
    return True
