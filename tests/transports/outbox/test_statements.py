"""Each statement of the SQLite store fails once, before or after it was done: it loses nothing, and recovers."""

import sqlite3
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from ocpp_core.errors import StoreError
from ocpp_core.outbox.effects import Store
from ocpp_core.outbox.stored.outcomes import MessageDropped
from ocpp_core.outbox.stored.records import (
    Bind,
    Binding,
    Delete,
    KeptOutcome,
    Lane,
    OutboxRecord,
    OutboxSnapshot,
    Put,
    ReplaceAll,
)
from ocpp_transports.outbox._database import Database

connect = sqlite3.connect


class Disk:
    """Makes connections whose statement number `fails_at` fails."""

    def __init__(self, error: Exception, *, is_done: bool) -> None:
        self.error = error
        self.is_done = is_done
        self.statements = 0
        self.fails_at = 0

    def execute(self, execute: Callable[..., Any], *arguments: Any) -> Any:
        self.statements += 1
        if self.statements != self.fails_at:
            return execute(*arguments)
        if self.is_done:
            execute(*arguments)
        raise self.error

    def connect(self, path: Path, **options: Any) -> sqlite3.Connection:
        disk = self

        class Connection(sqlite3.Connection):
            def execute(self, *arguments: Any) -> sqlite3.Cursor:
                cursor: sqlite3.Cursor = disk.execute(super().execute, *arguments)
                return cursor

        return connect(path, factory=Connection, **options)


def operational(code: int) -> Exception:
    error = sqlite3.OperationalError("it fails")
    error.sqlite_errorcode = code
    return error


def opened(path: Path) -> Database:
    """Open a database; a second attempt must succeed."""
    for _ in range(2):
        try:
            database = Database(path, "full", 0, 0)
        except StoreError:
            continue
        try:
            database.load()
        except StoreError:
            database.close()
        else:
            return database
    raise AssertionError("it cannot be opened")


def commit(database: Database, state: OutboxSnapshot, ticket: int) -> None:
    record = OutboxRecord(ticket=ticket, action="X", payload="{}", lane=Lane.OTHER, accepted_at=0.0)
    dropped = KeptOutcome(ticket - 1, None, MessageDropped())
    operations = Put(record), Delete(dropped), Bind(Binding(ticket, 1))
    try:
        database.commit([Store(1, operations)])
    except StoreError:
        replace(database, state)
    else:
        state.apply(operations)


def replace(database: Database, state: OutboxSnapshot) -> None:
    whole = ReplaceAll(tuple(state.records.values()), tuple(state.bindings.values()), tuple(state.outcomes.values()))
    for _ in range(2):
        try:
            database.probe()
            database.commit([Store(1, (whole,))])
        except StoreError:
            continue
        return
    raise AssertionError("it does not recover")


@pytest.mark.parametrize(
    ("error", "is_done"),
    [
        (operational(sqlite3.SQLITE_IOERR_FSYNC), True),
        (operational(sqlite3.SQLITE_FULL), False),
        (MemoryError(), False),
    ],
)
def test_a_statement_that_fails_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, is_done: bool
) -> None:
    for fails_at in count(1):
        disk, path, state = Disk(error, is_done=is_done), tmp_path / f"{fails_at}.db", OutboxSnapshot()
        monkeypatch.setattr(sqlite3, "connect", disk.connect)
        disk.fails_at = fails_at
        database = opened(path)
        for ticket in (1, 2):
            commit(database, state, ticket)
        database.close()
        monkeypatch.undo()
        after = Database(path, "full", 0, 0)
        stored = after.load()
        after.close()
        assert {each.ticket for each in stored.records} == state.records.keys()
        assert {each.ticket for each in stored.outcomes} == state.outcomes.keys()
        assert {each.start for each in stored.bindings} == state.bindings.keys()
        if disk.statements < fails_at:
            assert fails_at > 20
            return
