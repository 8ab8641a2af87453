"""The tables of the SQLite store, and what their rows mean."""

import sqlite3
from collections.abc import Iterable
from dataclasses import fields
from typing import Any, Final, assert_never

from ocpp_core.errors import StoreError
from ocpp_core.outbox.stored.checks import expect_readable
from ocpp_core.outbox.stored.records import (
    Acknowledged,
    Bind,
    Binding,
    Delete,
    KeptOutcome,
    Lane,
    Operation,
    OutboxRecord,
    Put,
    ReplaceAll,
    Unbind,
)
from ocpp_core.outbox.stored.texts import read_outcome, write_outcome

__all__ = ["APPLICATION_ID", "SCHEMA", "SCHEMA_VERSION", "DamagedStoreError", "apply", "load"]

APPLICATION_ID: Final = 0x4F43504F
"""The application_id of our databases: "OCPO" in ASCII."""
SCHEMA_VERSION: Final = 1
"""The user_version of the tables below; a change of them raises it."""
SCHEMA: Final = (
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {SCHEMA_VERSION}",
    """CREATE TABLE message (
        ticket INTEGER PRIMARY KEY, peer TEXT NOT NULL, action TEXT NOT NULL, payload TEXT NOT NULL,
        lane TEXT NOT NULL, accepted_at REAL NOT NULL, key TEXT, name TEXT, start INTEGER, last INTEGER NOT NULL,
        closed INTEGER NOT NULL, droppable INTEGER NOT NULL, urgent INTEGER NOT NULL, resend INTEGER NOT NULL,
        attempts INTEGER, interval REAL, expires_at REAL NOT NULL, deadline_at REAL NOT NULL, protocol TEXT,
        message_id TEXT, sending INTEGER NOT NULL, started INTEGER NOT NULL, failures INTEGER NOT NULL,
        cuts INTEGER NOT NULL, failed_at REAL NOT NULL, failure TEXT
    )""",
    "CREATE TABLE binding (start INTEGER PRIMARY KEY, transaction_id INTEGER NOT NULL, closed INTEGER NOT NULL)",
    "CREATE TABLE outcome (ticket INTEGER PRIMARY KEY, key TEXT, outcome TEXT NOT NULL, peer TEXT NOT NULL)",
    "CREATE TABLE opened (times INTEGER NOT NULL)",
)
"""The statements that make the tables."""

_FLAGS: Final = {0: False, 1: True}
_COLUMNS: Final = [each.name for each in fields(OutboxRecord)]
_BOOLEANS: Final = [each.name for each in fields(OutboxRecord) if each.type is bool]
# The names of the columns are fields of ours, never text from outside: no value is written into a statement.
_PUT: Final = f"INSERT OR REPLACE INTO message ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608 - see above
_LOAD: Final = f"SELECT {', '.join(_COLUMNS)} FROM message ORDER BY ticket"  # noqa: S608 - see above


class DamagedStoreError(StoreError):
    """The database is damaged, or is no database at all."""


def apply(connection: sqlite3.Connection, operations: Iterable[Operation]) -> None:
    """Make changes within the transaction of the connection."""
    for operation in operations:
        _apply(connection, operation)


def _apply(connection: sqlite3.Connection, operation: Operation) -> None:
    match operation:
        case Put(record):
            connection.execute(_PUT, _row(record))
        case Delete(outcome):
            connection.execute("DELETE FROM message WHERE ticket = ?", (outcome.ticket,))
            _insert_outcome(connection, outcome)
        case Bind(binding):
            _insert_binding(connection, binding)
        case Unbind(start):
            connection.execute("DELETE FROM binding WHERE start = ?", (start,))
        case Acknowledged(ticket):
            connection.execute("DELETE FROM outcome WHERE ticket = ?", (ticket,))
        case ReplaceAll():
            _replace_all(connection, operation)
        case _:
            assert_never(operation)


def _replace_all(connection: sqlite3.Connection, state: ReplaceAll) -> None:
    for table in ("message", "binding", "outcome"):
        connection.execute(f"DELETE FROM {table}")  # noqa: S608 - names of our own
    connection.executemany(_PUT, map(_row, state.records))
    for binding in state.bindings:
        _insert_binding(connection, binding)
    for outcome in state.outcomes:
        _insert_outcome(connection, outcome)


def _insert_binding(connection: sqlite3.Connection, binding: Binding) -> None:
    row = binding.start, binding.transaction_id, binding.closed
    connection.execute("INSERT OR REPLACE INTO binding VALUES (?, ?, ?)", row)


def _insert_outcome(connection: sqlite3.Connection, kept: KeptOutcome) -> None:
    row = kept.ticket, kept.key, write_outcome(kept.outcome), kept.peer
    connection.execute("INSERT OR REPLACE INTO outcome VALUES (?, ?, ?, ?)", row)


def _row(record: OutboxRecord) -> list[Any]:
    values = [getattr(record, name) for name in _COLUMNS]
    values[-1] = None if record.failure is None else write_outcome(record.failure)
    return values


def load(connection: sqlite3.Connection) -> ReplaceAll:
    """Return the whole state, in the order of tickets.

    Raises sqlite3.DatabaseError if a row has a value that this version does not write.
    """
    try:
        state = ReplaceAll(
            tuple(_read_record(row) for row in connection.execute(_LOAD)),
            tuple(
                Binding(start, transaction_id, _FLAGS[closed])
                for start, transaction_id, closed in connection.execute("SELECT * FROM binding ORDER BY start")
            ),
            tuple(
                KeptOutcome(ticket, key, read_outcome(text), peer)
                for ticket, key, text, peer in connection.execute("SELECT * FROM outcome ORDER BY ticket")
            ),
        )
        expect_readable(state)
    except (LookupError, TypeError, ValueError, RecursionError) as error:
        damage = type(error).__name__
    else:
        return state
    # Raised here, without the error: that may have a payload, and its traceback a statement, which locks the file.
    raise sqlite3.DatabaseError(f"a row is damaged ({damage})")


def _read_record(row: tuple[Any, ...]) -> OutboxRecord:
    values = dict(zip(_COLUMNS, row, strict=True))
    values |= {name: _FLAGS[values[name]] for name in _BOOLEANS}
    values["lane"] = Lane(values["lane"])
    if values["failure"] is not None:
        values["failure"] = read_outcome(values["failure"])
    return OutboxRecord(**values)
