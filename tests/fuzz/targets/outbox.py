"""What a store finds in a file after a fault of the disk or of another program: rows with any values, and any bytes."""

import sqlite3
import tempfile
from collections.abc import Sequence
from contextlib import closing, suppress
from functools import cache
from math import inf
from pathlib import Path
from typing import Any, Final

from ocpp_core.errors import StoreError
from ocpp_core.messages import decode, encode_message
from ocpp_core.outbox.commands import Restored
from ocpp_core.outbox.effects import Transmit
from ocpp_core.outbox.stored.outcomes import (
    MessageAnswered,
    MessageNotSent,
    MessageRefused,
    MessageUnknown,
    NotSentReason,
    UnknownReason,
)
from ocpp_core.outbox.stored.records import Binding, KeptOutcome, Lane, OutboxRecord, ReplaceAll
from ocpp_transports.outbox._database import Database
from ocpp_transports.outbox._file import create, sibling
from ocpp_transports.outbox._tables import SCHEMA, apply, load
from tests.core.outbox.owner import Owner
from tests.fuzz.choices import Choices, some
from tests.fuzz.target import Target

__all__ = ["TARGETS"]


def _record(ticket: int, action: str, **values: Any) -> OutboxRecord:
    lane = Lane.TRANSACTION if "Transaction" in action else Lane.OTHER
    return OutboxRecord(ticket=ticket, action=action, payload='{"data":"é"}', lane=lane, accepted_at=1e6, **values)


_STATE: Final = ReplaceAll(
    (
        _record(1, "StartTransaction", key="start", started=True, sending=True, message_id="id-0", cuts=2),
        _record(2, "StopTransaction", start=1, last=True, attempts=3, interval=10.0, protocol="ocpp1.6"),
        _record(3, "DataTransfer", name="status", failures=2, failed_at=1e6, failure=MessageRefused("Busy", "no")),
        _record(4, "StatusNotification", urgent=True, expires_at=1e6 + 60, deadline_at=1e6 + 90, resend=False),
        _record(5, "MeterValues", start=99, failure=MessageUnknown(UnknownReason.TIMEOUT), failures=1),
    ),
    (Binding(98, 7, closed=True), Binding(99, -1)),
    (
        KeptOutcome(96, "old", MessageAnswered('{"status":"Accepted"}')),
        KeptOutcome(97, None, MessageNotSent(NotSentReason.EXPIRED)),
    ),
)
_VALUES: Final[Sequence[Any]] = (
    None,
    0,
    1,
    -1,
    2,
    5,
    1 << 40,
    (1 << 63) - 1,
    -(1 << 63),
    0.5,
    inf,
    -inf,
    1e308,
    "",
    "x",
    "1",
    "{}",
    "[]",
    '{"a":',
    '{"a":1e999}',
    '["MessageAnswered"]',
    '["MessageAnswered",5]',
    '["MessageRefused",null,[],{}]',
    '["MessageUnknown","never"]',
    '["MessageNotSent","expired"]',
    '["MessageDropped"]',
    "[" * 100_000,
    "transaction",
    "other",
    "ocpp2.1",
    "\ud7ff\x00",
    b"",
    b"\xff\x00",
    b"transaction",
)
_ERRORS: Final = (sqlite3.Error, UnicodeDecodeError)
_TABLES: Final = ("message", "message", "message", "binding", "outcome", "opened")


@cache
def _columns() -> dict[str, list[str]]:
    with closing(_database()) as connection:
        return {table: [row[1] for row in connection.execute(f"PRAGMA table_info({table})")] for table in set(_TABLES)}


def _database() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    for statement in SCHEMA:
        connection.execute(statement)
    apply(connection, [_STATE])
    return connection


def read_rows(data: bytes) -> None:
    """A store reads its rows or refuses them; a queue lives with everything that was read, to its end."""
    choices = Choices(data)
    with closing(_database()) as connection:
        for _ in range(1 + choices.number(3)):
            _damage(connection, choices)
        try:
            state = load(connection)
        except sqlite3.DatabaseError:
            return
        apply(connection, [state])
        assert load(connection) == state
    _live(state, choices)


def _damage(connection: sqlite3.Connection, choices: Choices) -> None:
    table = choices.pick(_TABLES)
    column = choices.pick(_columns()[table])
    value = choices.some() if choices.byte() == 255 else choices.pick(_VALUES)
    new = "CAST(? AS TEXT)" if isinstance(value, bytes) and choices.flag() else "?"
    row = f"(SELECT rowid FROM {table} LIMIT 1 OFFSET {choices.number(4)})"
    with suppress(*_ERRORS):
        connection.execute(f"UPDATE {table} SET {column} = {new} WHERE rowid = {row}", (value,))


def _live(state: ReplaceAll, choices: Choices) -> None:
    """Let a queue have this state: it transmits only messages, and settles each of them once."""
    tickets = [record.ticket for record in state.records]
    restored = Restored(
        wall=1e6, first_ticket=1 << 62, records=state.records, bindings=state.bindings, outcomes=state.outcomes
    )
    owner = Owner(state=restored, outcomes_kept=3)
    owner.settle()
    for _ in range(40):
        if owner.outbox.has_slot:
            _answer(owner, choices.byte() % 4)
        else:
            owner.now += choices.number(500)
        owner.settle()
    for ticket in tickets:
        owner.outbox.cancel(ticket)
    owner.settle()
    assert len(owner.outbox) == owner.outbox.has_slot or not len(owner.outbox)
    for effect in owner.effects:
        if isinstance(effect, Transmit):
            text = encode_message(2, effect.message_id, effect.action, effect.payload)
            assert isinstance(decode(text, (2, 3, 4)), list)


def _answer(owner: Owner, way: int) -> None:
    if way == 0:
        owner.answer('{"transactionId":5}')
    elif way == 1:
        owner.refuse()
    elif way == 2:
        owner.time_out()
    else:
        owner.outbox.lost(owner.now)
        owner.outbox.opened("ocpp1.6", owner.now)


_IN_MEMORY: Final = Path("/dev/shm")


@cache
def _folder() -> "tempfile.TemporaryDirectory[str]":
    """Return a folder for files; in memory where there is one, because each opening waits for the disk."""
    return tempfile.TemporaryDirectory(prefix="ocpp-fuzz-", dir=_IN_MEMORY if _IN_MEMORY.is_dir() else None)


@cache
def _files() -> dict[str, bytes]:
    """Return the bytes of a good database and of its write-ahead log, which has the last changes."""
    path = Path(_folder().name) / "good.db"
    create(path, 3)
    database = Database(path, "normal", 0, 0)
    try:
        apply(database._connection, [_STATE])
        return {suffix: sibling(path, suffix).read_bytes() for suffix in ("", "-wal")}
    finally:
        database.close()


def read_file(data: bytes) -> None:
    """Any bytes in the place of a database and its log are read, or refused with one kind of error."""
    choices = Choices(data)
    path = Path(_folder().name) / "station.db"
    for suffix, good in _files().items():
        sibling(path, suffix).write_bytes(_damaged(good, choices))
    if choices.flag():
        _damage_rows(path, choices)
    with suppress(StoreError):
        database = Database(path, "normal", 0, 0)
        try:
            database.load()
        finally:
            database.close()
    for file in path.parent.glob("station.db*"):
        file.unlink()


def _damage_rows(path: Path, choices: Choices) -> None:
    with (
        suppress(sqlite3.Error, UnicodeDecodeError),
        closing(sqlite3.connect(path, isolation_level=None)) as connection,
    ):
        for _ in range(1 + choices.number(3)):
            _damage(connection, choices)


def _damaged(good: bytes, choices: Choices) -> bytes:
    data = bytearray(good)
    for _ in range(choices.number(4)):
        at = choices.number(len(data)) if choices.flag() else choices.number(200)
        put = choices.some()
        data[at : at + (len(put) if choices.flag() else choices.number(5000))] = put
    return bytes(data)


_ROWS: Final = [
    bytes([0, table, column, 0, value, row]) + b"\x01\x02\x00\x64\x03\x01\xf4" * 8
    for table, width in ((0, 25), (3, 3), (4, 3))
    for column in range(width)
    for value in range(len(_VALUES))
    for row in range(0, 5, 2)
]
_BYTES: Final = [
    b"\x00" * 4,
    *(bytes([1, 0, at]) + some(b"\xff\x00") + b"\x01\x00" for at in range(0, 100, 5)),
    *(bytes([1, 1, at, 50]) + some(b"\x00" * 8) + b"\x01\x01\x01" + some(b"\xff" * 40) for at in range(0, 40, 3)),
    b"\x01\x00\x00" + some(b"not a database") + b"\x00\x13\x88",
]

TARGETS: Final = {
    "outbox-rows": Target(read_rows, _ROWS),
    "outbox-file": Target(read_file, _BYTES),
}
