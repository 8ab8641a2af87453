"""A disk that fails: what a commit reports, and what the file then has."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ocpp_core.errors import StoreError
from ocpp_core.outbox.effects import Store
from ocpp_core.outbox.stored.outcomes import MessageDropped
from ocpp_core.outbox.stored.records import Delete, KeptOutcome, Lane, Operation, OutboxRecord, Put, ReplaceAll
from ocpp_transports.outbox._database import Database
from ocpp_transports.outbox._file import create

PAGE = 4096


def put(ticket: int, size: int = 10) -> Put:
    payload = f'{{"x":"{"x" * size}"}}'
    return Put(OutboxRecord(ticket=ticket, action="X", payload=payload, lane=Lane.OTHER, accepted_at=0.0))


def batch(*operations: Operation) -> list[Store]:
    return [Store(1, operations)]


def tickets(database: Database) -> list[int]:
    return [record.ticket for record in database.load().records]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "station.db", "full", 4 * PAGE, 0)
    database.load()
    yield database
    database.close()


def limit(database: Database, pages: int) -> None:
    """Let the disk be full once the database has a few pages more than now."""
    (now,) = database._connection.execute("PRAGMA page_count").fetchone()
    database._connection.execute(f"PRAGMA max_page_count = {now + pages}")


def failure(text: str, code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError(text)
    error.sqlite_errorcode = code
    return error


class FailingConnection:
    """A connection whose commits fail, before or after they are in the file, as often as `times` says."""

    def __init__(self, connection: sqlite3.Connection, code: int, *, is_kept: bool = False, times: int = 1) -> None:
        self._connection = connection
        self._code = code
        self._is_kept = is_kept
        self._times = times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, statement: str, *values: Any) -> Any:
        fails = statement == "COMMIT" and self._times > 0
        done = None if fails and not self._is_kept else self._connection.execute(statement, *values)
        if fails:
            self._times -= 1
            raise failure("injected", self._code)
        return done


def break_commits(database: Database, code: int, **options: Any) -> None:
    database._connection = FailingConnection(database._connection, code, **options)  # type: ignore[assignment]  # a double


class TestAFailedCommit:
    @pytest.mark.parametrize(
        "code",
        [
            sqlite3.SQLITE_FULL,
            sqlite3.SQLITE_READONLY,
            sqlite3.SQLITE_IOERR_WRITE,
            sqlite3.SQLITE_BUSY,
            sqlite3.SQLITE_CANTOPEN,
            sqlite3.SQLITE_CORRUPT,
        ],
    )
    def test_leaves_the_file_as_it_was_and_the_store_usable(self, database: Database, code: int) -> None:
        database.commit(batch(put(1)))
        break_commits(database, code, times=2)  # also the one with the spare space
        with pytest.raises(StoreError, match=r"cannot write the outbox .*injected"):
            database.commit(batch(put(2), Delete(KeptOutcome(1, None, MessageDropped()))))
        assert tickets(database) == [1]
        database.probe()
        database.commit(batch(put(3)))
        assert tickets(database) == [1, 3]


class TestAFullDisk:
    def test_rolls_the_whole_group_back(self, database: Database) -> None:
        limit(database, 2)
        with pytest.raises(StoreError, match="database or disk is full"):
            database.commit([Store(1, (put(1),)), Store(2, (put(2, 10 * PAGE),))])
        assert tickets(database) == []

    def test_gives_the_spare_space_to_a_commit(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        limit(database, 2)
        free = database._free_spare

        def freed() -> bool:
            limit(database, 100)
            return free()

        monkeypatch.setattr(database, "_free_spare", freed)
        database.commit(batch(put(1, 10 * PAGE)))
        assert tickets(database) == [1]

    def test_does_not_prevent_opening_the_file(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        count, free, is_full = database._count_opening, database._free_spare, True

        def counted() -> None:
            if is_full:
                raise failure("database or disk is full", sqlite3.SQLITE_FULL)
            count()

        def freed() -> bool:
            nonlocal is_full
            is_full = False
            return free()

        monkeypatch.setattr(database, "_count_opening", counted)
        monkeypatch.setattr(database, "_free_spare", freed)
        database.load()
        assert (database.opened, is_full) == (2, False)

    def test_does_not_prevent_deletions_and_a_new_spare_is_kept_when_there_is_room(
        self, database: Database, tmp_path: Path
    ) -> None:
        spare = tmp_path / "station.db-spare"
        database.commit(batch(put(1), put(2)))
        limit(database, 2)
        with pytest.raises(StoreError):
            database.commit(batch(put(3, 10 * PAGE)))
        database.commit(batch(Delete(KeptOutcome(1, None, MessageDropped()))))
        assert (tickets(database), spare.exists()) == ([2], True)

    def test_lets_a_deletion_that_failed_have_the_spare_space(
        self, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        database.commit(batch(put(1), put(2)))
        break_commits(database, sqlite3.SQLITE_FULL)
        monkeypatch.setattr(database, "_keep_spare", lambda: None)
        database.commit(batch(Delete(KeptOutcome(1, None, MessageDropped()))))
        assert (tickets(database), (tmp_path / "station.db-spare").exists()) == ([2], False)


class TestAFailedSync:
    def test_may_have_kept_the_messages_until_the_whole_state_replaces_them(self, database: Database) -> None:
        break_commits(database, sqlite3.SQLITE_IOERR_FSYNC, is_kept=True)
        with pytest.raises(StoreError, match="cannot write the outbox"):
            database.commit(batch(put(1)))
        assert tickets(database) == [1]  # after opening the file anew, the truth shows
        database.commit(batch(ReplaceAll((), (), ())))
        assert tickets(database) == []

    def test_is_reported_as_unknown_if_the_file_cannot_be_opened_again(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def gone() -> None:
            raise StoreError("gone")

        break_commits(database, sqlite3.SQLITE_IOERR_FSYNC, is_kept=True)
        monkeypatch.setattr(database, "reopen", gone)
        with pytest.raises(StoreError, match="it is unknown whether the messages were kept"):
            database.commit(batch(put(1)))


class TestASpareFile:
    def test_that_finds_no_room_is_removed_and_does_not_take_the_last_of_it(
        self, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        spare = tmp_path / "station.db-spare"

        def write_a_part(path: Path, content: bytes) -> None:
            with path.open("wb") as file:
                file.write(content[:100])
            raise OSError("no space left on device")

        monkeypatch.setattr(Path, "write_bytes", write_a_part)
        assert (database._free_spare(), spare.exists(), database._is_full) == (True, False, True)


class TestARollbackThatFails:
    def test_is_ended_by_opening_the_file_anew(self, database: Database) -> None:
        database._connection.execute("BEGIN")
        with pytest.raises(StoreError, match="within a transaction"):
            database.commit(batch(put(1)))
        database.probe()
        database.commit(batch(put(1)))
        assert tickets(database) == [1]


class TestAReplacedFile:
    @pytest.mark.parametrize("is_database", [False, True])
    def test_is_noticed_before_the_commit_and_never_written(
        self, database: Database, tmp_path: Path, is_database: bool
    ) -> None:
        path, other = tmp_path / "station.db", tmp_path / "other.db"
        other.write_bytes(b"text")
        if is_database:
            create(other, 0)
        content = other.read_bytes()
        other.rename(path)
        for write in (lambda: database.commit(batch(put(1))), database.probe):
            with pytest.raises(StoreError, match="the file was replaced; move the other one away"):
                write()
        assert path.read_bytes() == content
        path.unlink()
        database.probe()
        database.commit(batch(ReplaceAll((put(2).record,), (), ())))
        assert tickets(database) == [2]


class TestARemovedFile:
    """Its log stays: SQLite would write the pages in it into the new database."""

    def test_leaves_a_log_that_is_moved_aside(self, database: Database, tmp_path: Path) -> None:
        path = tmp_path / "station.db"
        database.commit(batch(put(1)))
        path.unlink()
        database.probe()
        assert tickets(database) == []
        assert path.with_name("station.db.damaged-1-wal").exists()

    def test_of_a_process_that_was_killed_does_not_come_back(self, database: Database, tmp_path: Path) -> None:
        database.commit(batch(put(1)))
        log = (tmp_path / "station.db-wal").read_bytes()
        removed = tmp_path / "removed.db"
        for number in (1, 2):
            removed.with_name("removed.db-wal").write_bytes(log)
            again = Database(removed, "full", 0, 0)
            assert tickets(again) == []
            again.close()
            removed.unlink()
            assert removed.with_name(f"removed.db.damaged-{number}-wal").read_bytes() == log


class TestTheNumberOfOpenings:
    def test_is_synced_with_each_setting_because_tickets_must_stay_unique(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        statements: list[str] = []
        connect = sqlite3.connect

        def traced(*arguments: Any, **options: Any) -> sqlite3.Connection:
            connection: sqlite3.Connection = connect(*arguments, **options)
            connection.set_trace_callback(statements.append)
            return connection

        monkeypatch.setattr(sqlite3, "connect", traced)
        database = Database(tmp_path / "station.db", "normal", 0, 0)
        database.load()
        database.close()
        update = statements.index("UPDATE opened SET times = 1")
        assert statements[update - 1 : update + 2 : 2] == ["PRAGMA synchronous = FULL", "PRAGMA synchronous = NORMAL"]


class TestARemovedLog:
    def test_is_noticed_before_the_commit_and_loses_nothing(self, database: Database, tmp_path: Path) -> None:
        database.commit(batch(put(1)))
        (tmp_path / "station.db-wal").unlink()
        with pytest.raises(StoreError, match="No such file or directory"):
            database.commit(batch(put(2)))
        database.probe()
        assert tickets(database) == [1]
        database.commit(batch(put(3)))
        assert tickets(database) == [1, 3]
