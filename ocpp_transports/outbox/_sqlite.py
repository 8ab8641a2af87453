"""The SQLite store: a writer thread that commits whatever waits."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from math import inf
from os import PathLike
from pathlib import Path
from typing import Final, Literal, TypeAlias

from ocpp_core.errors import StoreError
from ocpp_core.outbox.commands import Restored, StoreBack, Stored, StoreDegraded, StoreFailed
from ocpp_core.outbox.effects import Store
from ocpp_core.outbox.stored.records import OutboxSnapshot, ReplaceAll

from ._database import Database, Synchronous
from ._file import DamagedStoreError, FileLock, move_aside
from ._interface import ReportToOutbox, StoreReport

__all__ = ["SQLiteStore"]

OnDamage: TypeAlias = Literal["raise", "aside"]
OnFailure: TypeAlias = Literal["halt", "memory"]
_RETRY: Final = 1.0
"""Seconds between attempts to write after a failure."""
_SECONDS_AN_OPENING: Final = 4
"""A station opens its store less often than that on average. Tickets fit into 63 bits until the year 2242."""


class SQLiteStore:
    """An outbox in a SQLite database, which survives a power cut.

    The database belongs to one store of one process: a lock file beside it refuses others. The thread of the store is
    the only one that uses the database. It commits all batches that wait in one transaction, so that many messages
    share one sync of the disk. The files `-wal`, `-lock` and `-spare` beside the database belong to it.

    Args:
        path: The database; its directory must exist. Network file systems are not supported: their locks fail.
        synchronous: "full" to wait for the disk at each commit, "normal" to lose the last commits in a power cut.
        spare: Bytes of a file that is deleted if the disk is full, so that messages can still be removed; 0 for none.
        on_damage: "raise" to refuse a damaged database, "aside" to rename it and to begin with an empty one.
        on_failure: "halt" to accept and send nothing while the database cannot be written. "memory" to continue without
            it: meanwhile the end of the process loses what is accepted, and repeats what is settled.
        retry: Seconds between attempts to write after a failure.

    Raises:
        ValueError: An argument has a value that is not allowed.
    """

    is_durable = True
    """It keeps the messages when it is closed."""

    def __init__(
        self,
        path: str | PathLike[str],
        *,
        synchronous: Synchronous = "full",
        spare: int = 262_144,
        on_damage: OnDamage = "raise",
        on_failure: OnFailure = "halt",
        retry: float = _RETRY,
    ) -> None:
        if synchronous not in ("full", "normal"):
            raise ValueError(f'expected synchronous as "full" or "normal", got {synchronous!r}')
        if on_damage not in ("raise", "aside"):
            raise ValueError(f'expected on_damage as "raise" or "aside", got {on_damage!r}')
        if on_failure not in ("halt", "memory"):
            raise ValueError(f'expected on_failure as "halt" or "memory", got {on_failure!r}')
        if spare < 0 or not retry > 0:
            raise ValueError(f"expected spare >= 0 bytes and retry > 0 seconds, got {spare!r} and {retry!r}")
        self._path = Path(path).resolve()  # a link has the lock of its file
        self._synchronous: Synchronous = synchronous
        self._spare = spare
        self._on_damage = on_damage
        self._on_failure = on_failure
        self._retry = retry
        self._changed = threading.Condition()
        self._clock: Callable[[], float] = time.monotonic  # virtual in the laboratory, as `_wait`
        self._waiting: deque[Store] = deque()
        self._is_closing = False
        self._opened: Restored | Exception | None = None
        self._thread: threading.Thread | None = None

    def open(self, report: ReportToOutbox) -> Restored:
        """Open the database and return what it has; `report` is called in the thread of the store.

        If `report` raises, because the event loop of the host is closed, the store commits what was submitted.

        Raises:
            StoreError: The database cannot be opened; it is unchanged.
            RuntimeError: The store is open.
        """
        if self._thread is not None:
            raise RuntimeError("cannot open: the store is open; close it first")
        self._waiting.clear()
        self._is_closing, self._opened = False, None
        self._thread = threading.Thread(target=self._run, args=(report,), name="ocpp-outbox", daemon=True)
        self._thread.start()
        opened = self._wait_until_opened()
        if isinstance(opened, Restored):
            return opened
        self.close()
        raise opened

    def _wait_until_opened(self) -> Restored | Exception:
        with self._changed:
            while self._opened is None:
                self._changed.wait()
            return self._opened

    def submit(self, batch: Store) -> None:
        """Queue a batch for the thread of the store."""
        with self._changed:
            self._waiting.append(batch)
            self._changed.notify_all()

    def close(self) -> None:
        """Commit the queued batches, close the database, and wait for the thread."""
        thread, self._thread = self._thread, None
        if thread is not None:
            with self._changed:
                self._is_closing = True
                self._changed.notify_all()
            thread.join()

    # In the thread of the store

    def _run(self, report: ReportToOutbox) -> None:
        try:
            lock = FileLock(self._path)
        except Exception as error:
            self._set_opened(error)
            return
        try:
            self._run_locked(report)
        except Exception as error:
            self._set_opened(error)
        finally:
            lock.release()

    def _run_locked(self, report: ReportToOutbox) -> None:
        database, state = self._open_database()
        try:
            self._set_opened(_restored(database.opened, state))
            if self._on_failure == "halt":
                self._serve(database, partial(_report, report))
            else:
                self._serve_from_memory(database, partial(_report, report), state)
        finally:
            database.close()

    def _open_database(self) -> tuple[Database, ReplaceAll]:
        try:
            return self._load(opened=0)
        except DamagedStoreError:
            if self._on_damage == "raise":
                raise
        move_aside(self._path)
        # The damaged file knew how often it was opened. The time is more, so that tickets stay unique.
        return self._load(opened=int(time.time()) // _SECONDS_AN_OPENING)

    def _load(self, opened: int) -> tuple[Database, ReplaceAll]:
        database = Database(self._path, self._synchronous, self._spare, opened)
        try:
            return database, database.load()
        except StoreError:
            database.close()
            raise

    def _set_opened(self, result: Restored | Exception) -> None:
        with self._changed:
            self._opened = result
            self._changed.notify_all()

    def _serve(self, database: Database, report: ReportToOutbox) -> None:
        """Commit until the store closes; after a failure, first make sure that the file can be written."""
        has_failed = is_back = False
        while True:
            batches = self._take(self._retry if has_failed and not is_back else None)
            if has_failed:
                batches = _from_whole_state(batches)
            if batches:
                has_failed, is_back = not self._commit(database, batches, report), False
            elif self._is_closing:
                return
            elif has_failed and not is_back:
                is_back = self._is_writable(database)
                if is_back:
                    report(StoreBack())

    def _serve_from_memory(self, database: Database, report: ReportToOutbox, state: ReplaceAll) -> None:
        """Commit until the store closes; after a failure, continue with a copy in memory until the file has it."""
        memory = OutboxSnapshot()
        memory.apply([state])
        next_try = inf
        while True:
            batches = self._take(None if next_try == inf else max(0.0, next_try - self._clock()))
            for batch in batches:
                memory.apply(batch.operations)
            if next_try < inf:
                next_try = self._try_to_return(database, memory, report, next_try)
            elif batches and (error := _failure_of(database, batches)) is not None:
                next_try = self._clock() + self._retry
                report(StoreDegraded(error))
            if batches:
                report(Stored(batches[-1].number))
            elif self._is_closing:
                return

    def _try_to_return(
        self, database: Database, memory: OutboxSnapshot, report: ReportToOutbox, next_try: float
    ) -> float:
        """Write the copy if it is time, or the last time; return when to try again, `inf` if the file has it."""
        now = self._clock()
        if now < next_try and not self._is_closing:
            return next_try
        if self._is_writable(database) and _failure_of(database, [Store(0, (memory.everything,))]) is None:
            report(StoreBack())
            return inf
        if self._is_closing:
            report(StoreDegraded(StoreError("closed before its changes were written; they are lost")))
        return now + self._retry

    def _is_writable(self, database: Database) -> bool:
        try:
            database.probe()
        except StoreError:
            return False
        return True

    def _take(self, timeout: float | None) -> list[Store]:
        with self._changed:
            self._wait(timeout)
            batches = list(self._waiting)
            self._waiting.clear()
            return batches

    def _wait(self, timeout: float | None) -> None:
        """Wait for a batch, the end or the timeout in seconds; the thread has the lock."""
        self._changed.wait_for(self._has_work, timeout)

    def _has_work(self) -> bool:
        return bool(self._waiting) or self._is_closing

    def _commit(self, database: Database, batches: list[Store], report: ReportToOutbox) -> bool:
        error = _failure_of(database, batches)
        report(Stored(batches[-1].number) if error is None else StoreFailed(batches[0].number, error))
        return error is None


def _failure_of(database: Database, batches: Sequence[Store]) -> StoreError | None:
    """Commit batches; return the error if that failed."""
    try:
        database.commit(batches)
    except StoreError as error:
        return error
    return None


def _report(report: ReportToOutbox, event: StoreReport) -> None:
    """Report to the host. If its event loop is closed, what it submitted before is stored nevertheless."""
    with suppress(Exception):
        report(event)


def _restored(opened: int, state: ReplaceAll) -> Restored:
    return Restored(
        first_ticket=opened << 32,
        records=state.records,
        bindings=state.bindings,
        outcomes=state.outcomes,
    )


def _from_whole_state(batches: list[Store]) -> list[Store]:
    """Return the batches from the first one on that has the whole state; those before it were discarded."""
    for index, batch in enumerate(batches):
        if isinstance(batch.operations[0], ReplaceAll):
            return batches[index:]
    return []
