"""The database file: its lock, its checks before SQLite opens it, its creation, and keeping a damaged one aside.

Closing any descriptor of a database file drops the locks that SQLite holds on it in this process (POSIX). So the lock
is a file of its own, and the file is read directly only before SQLite opens it.
"""

import os
import sqlite3
import sys
from contextlib import closing, suppress
from pathlib import Path
from typing import IO, Final

from ocpp_core.errors import StoreError

from ._migrations import expect_version
from ._tables import APPLICATION_ID, SCHEMA, DamagedStoreError

__all__ = ["DamagedStoreError", "FileLock", "check", "create", "move_aside", "sibling"]

_MAGIC: Final = b"SQLite format 3\0"
_MODE: Final = 0o600
"""Messages have ID tokens and keys."""
_HEADER: Final = 100
"""Bytes of the header of a database (SQLite file format §1.3)."""


def sibling(path: Path, suffix: str) -> Path:
    """Return the path of a file beside the database."""
    return path.with_name(path.name + suffix)


class FileLock:
    """The exclusive lock of a database, for as long as it is held. Raises StoreError if another store has it."""

    def __init__(self, path: Path) -> None:
        try:
            self._file: IO[bytes] = sibling(path, "-lock").open("ab")
        except OSError as error:
            raise StoreError(f"cannot open the outbox {str(path)!r}: {error.strerror}; check its directory") from error
        try:
            _lock(self._file.fileno())
        except OSError as error:
            self._file.close()
            raise StoreError(f"cannot open the outbox {str(path)!r}: another process or store has it open") from error

    def release(self) -> None:
        """Release the lock; its file stays."""
        self._file.close()


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def check(path: Path) -> bool:
    """Return True if the file is a database of ours that can be opened, False if there is none.

    Raises StoreError for anything else.
    """
    if not path.exists():
        return False
    if not path.is_file():
        raise StoreError(f"cannot open the outbox {str(path)!r}: expected a file; choose another path")
    if not os.access(path, os.R_OK | os.W_OK):
        raise StoreError(f"cannot open the outbox {str(path)!r}: it is read-only; change its permissions")
    with path.open("rb") as file:
        header = file.read(_HEADER)
    if len(header) < _HEADER or not header.startswith(_MAGIC):
        raise DamagedStoreError(f"cannot open the outbox {str(path)!r}: it is not a database; move it away")
    if int.from_bytes(header[68:72]) != APPLICATION_ID:
        raise StoreError(f"cannot open the outbox {str(path)!r}: it is another program's database; choose another path")
    expect_version(path, int.from_bytes(header[60:64]))
    return True


def create(path: Path, opened: int) -> None:
    """Create a database. A file at the path is always complete: it is built under another name.

    The journals of a database that was removed are moved aside: SQLite would write their pages into the new one.
    """
    move_aside(path)
    half = sibling(path, "-new")
    for leftover in (half, sibling(half, "-journal")):
        leftover.unlink(missing_ok=True)
    half.touch(_MODE)  # the journals get it from the database
    with closing(sqlite3.connect(half, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("BEGIN")
        for statement in SCHEMA:
            connection.execute(statement)
        connection.execute("INSERT INTO opened VALUES (?)", (opened,))
        connection.execute("COMMIT")
    os.replace(half, path)  # noqa: PTH105 - the call whose atomicity counts
    _sync_directory(path.parent)


def _sync_directory(directory: Path) -> None:
    with suppress(OSError):  # Windows opens no directory
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def move_aside(path: Path) -> Path:
    """Rename a database with its journals, as far as they exist, without overwriting anything; return its new path."""
    number = 1
    while _parts(aside := sibling(path, f".damaged-{number}")):
        number += 1
    for part in _parts(path):
        part.rename(aside.with_name(aside.name + part.name.removeprefix(path.name)))
    sibling(path, "-shm").unlink(missing_ok=True)
    return aside


def _parts(path: Path) -> list[Path]:
    """Return the database and its journals, as far as they exist.

    The database is first: if a rename is the last one before a crash, the journals are left alone, and the next opening
    moves them aside. A database without its log would have an older state.
    """
    return [part for suffix in ("", "-wal", "-journal") if (part := sibling(path, suffix)).exists()]
