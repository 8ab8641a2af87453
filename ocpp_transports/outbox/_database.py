"""One open database: commits, and the recovery from errors of the disk. It is used in one thread only."""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal, TypeAlias

from ocpp_core.errors import StoreError
from ocpp_core.outbox.effects import Store
from ocpp_core.outbox.stored.records import ReplaceAll

from ._file import DamagedStoreError, check, create, sibling
from ._migrations import migrate
from ._tables import apply, load

__all__ = ["Database", "Synchronous"]

Synchronous: TypeAlias = Literal["full", "normal"]
"""Whether each commit waits for the disk."""
_ERRORS: Final = (OSError, sqlite3.Error, MemoryError, UnicodeDecodeError)
"""What SQLite and the file system raise.

`sqlite3` turns SQLITE_NOMEM into MemoryError. It raises UnicodeDecodeError if a message of SQLite quotes a schema that
is damaged and not UTF-8.
"""
_BUSY_SECONDS: Final = 0.0
"""Seconds to wait for a lock: no other connection may have one."""

_MOST_OPENINGS: Final = (1 << 31) - 1
"""Openings of a database: a ticket has their number above its lower 32 bits, and must fit into 63 bits."""


class Database:
    """A database of the outbox. Raises StoreError if it cannot be opened."""

    def __init__(self, path: Path, synchronous: Synchronous, spare: int, opened: int) -> None:
        self._path = path
        self._log = sibling(path, "-wal")
        self._synchronous = synchronous
        self._spare = spare
        self.opened = opened
        """How often the database was opened; a new one begins with this count."""
        self._is_full = False
        self._connection = self._connect()

    def _connect(self) -> sqlite3.Connection:
        """Open the file, and create it if there is none."""
        try:
            if not check(self._path):
                create(self._path, self.opened)
            self._node = _node(self._path)
            connection = sqlite3.connect(self._path, isolation_level=None, timeout=_BUSY_SECONDS)
        except _ERRORS as error:
            raise self._failure(error) from error
        try:
            self._prepare(connection)
            self._log_node = _node(self._log)
        except (*_ERRORS, StoreError) as error:
            connection.close()
            raise self._failure(error) from error
        return connection

    def _failure(self, error: Exception) -> StoreError:
        if isinstance(error, StoreError):
            return error
        if isinstance(error, UnicodeDecodeError):
            return DamagedStoreError(f"cannot open the outbox {str(self._path)!r}: its schema is damaged")
        kind = DamagedStoreError if _is_damage(error) else StoreError
        return kind(f"cannot open the outbox {str(self._path)!r}: {error}")

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.text_factory = bytes.decode  # its error does not show the text, which may be a payload
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = WAL")
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise sqlite3.DatabaseError(f"it is damaged: {verdict}")
        migrate(connection, self._path)

    def load(self) -> ReplaceAll:
        """Count this opening, which also proves that the file can be written, and return the stored state.

        Raises StoreError if the file cannot be written or a row is damaged.
        """
        try:
            self._with_spare(self._count_opening)
            self._keep_spare()
            return load(self._connection)
        except _ERRORS as error:
            raise self._failure(error) from error

    def _count_opening(self) -> None:
        """Count this opening. The count outlives a power cut with each setting: tickets must stay unique."""
        row = self._connection.execute("SELECT times FROM opened").fetchone()
        if row is None or not isinstance(row[0], int) or not 0 <= row[0] < _MOST_OPENINGS:
            raise sqlite3.DatabaseError("it is damaged: the number of openings is missing")
        self.opened = row[0] + 1
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("UPDATE opened SET times = ?", (self.opened,))
        self._set_synchronous()

    def _set_synchronous(self) -> None:
        self._connection.execute(f"PRAGMA synchronous = {self._synchronous.upper()}")

    def commit(self, batches: Sequence[Store]) -> None:
        """Make batches durable in one transaction.

        Raises StoreError if they were rolled back, or if that is not known.
        """
        try:
            self._expect_same_file()
            self._expect_same_log()
            self._with_spare(lambda: self._write(batches))
        except Exception as error:  # whatever it is, the outbox must learn that nothing was stored
            raise self._rolled_back(error) from error
        self._shrink()

    def _write(self, batches: Sequence[Store]) -> None:
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            for batch in batches:
                apply(connection, batch.operations)
            connection.execute("COMMIT")
        except BaseException:
            with suppress(*_ERRORS):
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
            raise

    def _rolled_back(self, error: Exception) -> StoreError:
        """Make sure that a failed commit is undone, as far as possible, and return the error to report.

        After a failed sync, the connection no longer shows a row that is in the file nevertheless. Opening it anew
        shows the truth; `ReplaceAll` then corrects it.
        """
        text = f"cannot write the outbox {str(self._path)!r}: {error}"
        if isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_IOERR:
            try:
                self.reopen()
                self._set_synchronous()
            except (*_ERRORS, StoreError):
                return StoreError(f"{text}; it is unknown whether the messages were kept")
        return StoreError(text)

    def reopen(self) -> None:
        """Open the file anew, and create it if it was removed.

        Raises StoreError if that fails, OSError if another file is in its place: its messages would be overwritten.
        """
        with suppress(FileNotFoundError):
            self._expect_same_file()
        with suppress(*_ERRORS):
            self._connection.close()
        self._connection = self._connect()

    def probe(self) -> None:
        """Open the file anew, which ends whatever state a failure left, and write to it.

        Raises StoreError unless the file can be written.
        """
        try:
            self.reopen()
            self._set_synchronous()
            self._connection.execute("UPDATE opened SET times = ?", (self.opened,))
        except _ERRORS as error:
            raise self._failure(error) from error

    def close(self) -> None:
        """Move everything into the one file, and close it."""
        with suppress(*_ERRORS):
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with suppress(*_ERRORS):
            self._connection.close()

    def _expect_same_file(self) -> None:
        """Raise OSError if the file was removed or replaced: SQLite would go on writing to the removed one."""
        if _node(self._path) != self._node:
            raise OSError("the file was replaced; move the other one away")

    def _expect_same_log(self) -> None:
        """Raise OSError if the log was removed or replaced: the end of the process would lose what is in it."""
        if _node(self._log) != self._log_node:
            raise OSError("its file -wal was replaced")

    # A full disk, on which even deletions need space

    def _keep_spare(self) -> None:
        spare = sibling(self._path, "-spare")
        if self._spare and not spare.exists():
            try:
                spare.write_bytes(bytes(self._spare))
            except OSError:  # a full disk: without a spare, the next failure is reported at once
                with suppress(OSError):
                    spare.unlink()  # a part of it would take the last space, and look like a spare

    def _with_spare(self, write: Callable[[], None]) -> None:
        """Write; if the disk is full, free the spare space and write again."""
        try:
            write()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_FULL or not self._free_spare():
                raise
            write()

    def _free_spare(self) -> bool:
        """Give the spare space to the database; return False if there is none."""
        try:
            sibling(self._path, "-spare").unlink()
        except OSError:
            return False
        self._is_full = True
        self._shrink()
        return True

    def _shrink(self) -> None:
        """Empty the write-ahead log after each commit on a full disk, until there is space for a spare again."""
        if self._is_full:
            with suppress(*_ERRORS):
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._keep_spare()
            self._is_full = not sibling(self._path, "-spare").exists()


def _node(path: Path) -> int:
    return path.stat().st_ino


def _is_damage(error: Exception) -> bool:
    """Return True if the file is at fault; SQLITE_ERROR is a table or column that is missing."""
    if isinstance(error, sqlite3.OperationalError):
        return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR
    return isinstance(error, sqlite3.DatabaseError)
