"""Databases of older and newer schemas."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ocpp_core.errors import StoreError
from ocpp_core.outbox.stored.outcomes import MessageAnswered, MessageUnknown, UnknownReason
from ocpp_core.outbox.stored.records import Binding, KeptOutcome, Lane
from ocpp_transports.outbox import _migrations
from ocpp_transports.outbox._database import Database
from ocpp_transports.outbox._tables import SCHEMA_VERSION

VERSIONS = Path(__file__).parent


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database of schema version 1."""
    path = tmp_path / "station.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((VERSIONS / "schema_1.sql").read_text(encoding="utf-8"))
    return path


def read(path: Path, statement: str) -> object:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(statement).fetchone()


def columns(path: Path) -> set[tuple[object, ...]]:
    """Return the tables and columns, without the order and defaults of columns."""
    statement = """SELECT tables.name, columns.name, columns.type, columns."notnull", columns.pk
                   FROM sqlite_schema AS tables, pragma_table_info(tables.name) AS columns"""
    with closing(sqlite3.connect(path)) as connection:
        return set(connection.execute(statement))


def future(monkeypatch: pytest.MonkeyPatch, *steps: str) -> None:
    """Let the next schema be the newest one, with these statements on the way to it."""
    newest = SCHEMA_VERSION
    monkeypatch.setattr(_migrations, "MIGRATIONS", {**_migrations.MIGRATIONS, newest: steps})
    monkeypatch.setattr(_migrations, "SCHEMA_VERSION", newest + 1)


class TestAnOlderSchema:
    def test_is_read_as_it_was_written(self, path: Path) -> None:
        database = Database(path, "full", 0, 0)
        state = database.load()
        database.close()
        (record,) = state.records
        assert (record.ticket, record.lane, record.key, record.start) == (
            (1 << 32) + 1,
            Lane.TRANSACTION,
            "stop-1",
            1 << 32,
        )
        assert (record.failures, record.cuts, record.failure) == (1, 2, MessageUnknown(UnknownReason.TIMEOUT))
        assert list(state.bindings) == [Binding(1 << 32, 17)]
        assert list(state.outcomes) == [KeptOutcome(1 << 32, "start-1", MessageAnswered('{"transactionId":17}'))]
        assert database.opened == 2

    def test_gets_the_tables_of_a_new_database(self, path: Path) -> None:
        for each in (path, path.with_name("new.db")):
            Database(each, "full", 0, 0).close()
        assert columns(path) == columns(path.with_name("new.db"))

    def test_is_migrated_once(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        future(monkeypatch, "ALTER TABLE opened ADD COLUMN place TEXT NOT NULL DEFAULT 'here'")
        for times in (2, 3):
            database = Database(path, "full", 0, 0)
            assert len(database.load().records) == 1
            database.close()
            assert read(path, "SELECT * FROM opened") == (times, "here")
        assert read(path, "PRAGMA user_version") == (SCHEMA_VERSION + 1,)

    def test_is_unchanged_if_a_step_fails(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        future(monkeypatch, "ALTER TABLE opened ADD COLUMN place TEXT", "ALTER TABLE missing ADD COLUMN place TEXT")
        before = read(path, "SELECT group_concat(sql) FROM sqlite_schema"), read(path, "PRAGMA user_version")
        with pytest.raises(StoreError, match=r"cannot open the outbox.*no such table: missing"):
            Database(path, "full", 0, 0)
        after = read(path, "SELECT group_concat(sql) FROM sqlite_schema"), read(path, "PRAGMA user_version")
        assert before == after

    def test_that_no_version_wrote_is_damaged(self, path: Path) -> None:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA user_version = 0")
        with pytest.raises(StoreError, match="its schema has version 0, which no version of this library wrote"):
            Database(path, "full", 0, 0)


def test_a_newer_schema_is_refused_also_if_only_the_log_has_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    newer = sqlite3.connect(path)  # as a newer version of the library that was killed after its migration
    newer.execute("PRAGMA journal_mode = WAL")
    newer.execute("PRAGMA user_version = 99")
    copy = path.with_name("copy.db")
    for suffix in ("", "-wal"):
        copy.with_name(copy.name + suffix).write_bytes(path.with_name(path.name + suffix).read_bytes())
    newer.close()
    assert copy.read_bytes()[60:64] != (99).to_bytes(4)
    with pytest.raises(StoreError, match=r"copy\.db': its schema has version 99, expected at most"):
        Database(copy, "full", 0, 0)
