"""The SQLite store: durable batches, errors that leave the file as it was, recovery."""

import os
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from math import inf
from pathlib import Path
from typing import Any

import pytest

from ocpp_core.errors import StoreError
from ocpp_core.outbox.commands import StoreBack, Stored, StoreFailed
from ocpp_core.outbox.effects import Store
from ocpp_core.outbox.stored.outcomes import (
    MessageAnswered,
    MessageDropped,
    MessageNotSent,
    MessageRefused,
    MessageUnknown,
    NotSentReason,
    UnknownReason,
)
from ocpp_core.outbox.stored.records import (
    Acknowledged,
    Bind,
    Binding,
    Delete,
    KeptOutcome,
    Put,
    ReplaceAll,
    Unbind,
)
from ocpp_transports.outbox._file import FileLock
from ocpp_transports.outbox._memory import MemoryStore
from ocpp_transports.outbox._sqlite import SQLiteStore
from tests.transports.outbox.sqlite_owner import GUARD, Owner, delete, record, reopened


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "station.db"


@pytest.fixture
def owner(path: Path) -> Iterator[Owner]:
    owner = Owner(path, retry=0.01)
    yield owner
    owner.close()


class TestWhatIsStored:
    def test_comes_back_as_it_was(self, owner: Owner, path: Path) -> None:
        records = [
            record(1),
            record(2, key="k", name="n", start=1, last=True, closed=True, droppable=True, urgent=True, resend=False),
            record(3, attempts=2, interval=0.5, expires_at=7.25, deadline_at=inf, protocol="ocpp1.6", message_id="x"),
            record(4, sending=True, started=True, failures=2, cuts=1, failed_at=3.5),
            record(5, failure=MessageRefused("InternalError", "no", '{"a":1}')),
            record(6, failure=MessageUnknown(UnknownReason.TIMEOUT)),
        ]
        outcomes = [
            KeptOutcome(7, "k7", MessageAnswered('{"transactionId":7}')),
            KeptOutcome(8, None, MessageNotSent(NotSentReason.EXPIRED)),
            KeptOutcome(9, None, MessageDropped()),
        ]
        owner.submit(*map(Put, records), Bind(Binding(1, -1, closed=True)))
        owner.commit(*map(Delete, outcomes))
        state = reopened(owner, path)
        assert (list(state.records), list(state.outcomes)) == (records, outcomes)
        assert list(state.bindings) == [Binding(1, -1, closed=True)]

    def test_changes_with_each_operation(self, owner: Owner, path: Path) -> None:
        owner.submit(Put(record(1)), Put(record(2)), Bind(Binding(1, 7)))
        owner.submit(Put(record(1, failures=1)), delete(2, MessageDropped()), delete(3, MessageDropped()))
        owner.commit(Unbind(1), Acknowledged(3))
        state = reopened(owner, path)
        assert list(state.records) == [record(1, failures=1)]
        assert (list(state.bindings), list(state.outcomes)) == ([], [KeptOutcome(2, None, MessageDropped())])

    def test_is_replaced_as_a_whole(self, owner: Owner, path: Path) -> None:
        owner.submit(Put(record(1)), Bind(Binding(1, 7)), delete(2, MessageDropped()))
        owner.commit(ReplaceAll((record(5),), (Binding(6, 8),), (KeptOutcome(7, None, MessageDropped()),)))
        state = reopened(owner, path)
        assert [each.ticket for each in state.records] == [5]
        assert [each.start for each in state.bindings] == [6]
        assert [each.ticket for each in state.outcomes] == [7]

    def test_is_committed_before_the_store_is_closed(self, path: Path) -> None:
        owner = Owner(path)
        owner.submit(Put(record(1)))
        assert [each.ticket for each in reopened(owner, path).records] == [1]

    @pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")
    def test_is_for_the_user_of_the_process_alone(self, owner: Owner, path: Path) -> None:
        owner.submit(Put(record(1)))
        files = path, path.with_name(path.name + "-wal")
        assert [each.stat().st_mode & 0o777 for each in files] == [0o600, 0o600]

    def test_has_tickets_above_those_of_every_earlier_process(self, path: Path) -> None:
        firsts = []
        for _ in range(3):
            owner = Owner(path)
            firsts.append(owner.state.first_ticket)
            owner.close()
        assert firsts == [1 << 32, 2 << 32, 3 << 32]


class TestAFileThatCannotBeOpened:
    """It is left as it was, and the error names the reason."""

    def refused(self, path: Path, message: str, **options: Any) -> None:
        before = path.read_bytes() if path.is_file() else None
        with pytest.raises(StoreError, match=message):
            Owner(path, **options)
        assert (path.read_bytes() if path.is_file() else None) == before

    def test_is_open_already(self, owner: Owner, path: Path) -> None:
        self.refused(path, "another process or store has it open")
        link = path.with_name("link.db")
        link.symlink_to(path)
        self.refused(link, "another process or store has it open")
        with pytest.raises(RuntimeError, match="cannot open: the store is open"):
            owner.store.open(print)
        owner.commit(Put(record(1)))

    def test_is_locked_by_a_program_that_does_not_know_our_lock(self, path: Path) -> None:
        Owner(path).close()
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            self.refused(path, "database is locked")
            other.execute("ROLLBACK")
        Owner(path).close()

    @pytest.mark.parametrize("content", [b"", b"some text", b"SQLite format 3\0"])
    def test_is_no_database(self, path: Path, content: bytes) -> None:
        path.write_bytes(content)
        self.refused(path, "it is not a database")

    def test_is_another_program_s_database(self, path: Path) -> None:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE mine (x)")
        self.refused(path, "another program's database", on_damage="aside")

    def test_has_a_newer_schema(self, path: Path) -> None:
        Owner(path).close()
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA user_version = 99")
        self.refused(path, "its schema has version 99, expected at most 1", on_damage="aside")

    def test_is_a_directory(self, path: Path) -> None:
        path.mkdir()
        self.refused(path, "expected a file")

    def test_has_no_directory(self, tmp_path: Path) -> None:
        self.refused(tmp_path / "missing" / "station.db", "No such file")

    def test_is_read_only(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        Owner(path).close()
        monkeypatch.setattr(os, "access", lambda *arguments: False)  # root may write everything
        self.refused(path, "it is read-only")

    def test_is_damaged(self, path: Path) -> None:
        owner = Owner(path)
        owner.commit(*(Put(record(number)) for number in range(200)))
        owner.close()
        content = bytearray(path.read_bytes())
        content[4096:8192] = bytes(4096)
        path.write_bytes(content)
        self.refused(path, "damaged|malformed")
        aside = Owner(path, on_damage="aside")
        assert (list(aside.state.records), aside.state.first_ticket > 1 << 60) == ([], True)
        aside.close()
        assert path.with_name("station.db.damaged-1").read_bytes() == content

    def test_was_moved_aside_at_a_time_that_makes_no_ticket_too_large(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path.write_bytes(b"text")
        monkeypatch.setattr(time, "time", lambda: 2.0**32)  # in the year 2106
        owner = Owner(path, on_damage="aside")
        owner.commit(Put(record(owner.state.first_ticket)))
        owner.close()

    @pytest.mark.parametrize(
        ("statement", "reason"),
        [("DROP TABLE binding", "no such table"), ("DELETE FROM opened", "number of openings is missing")],
    )
    def test_lacks_something(self, path: Path, statement: str, reason: str) -> None:
        Owner(path).close()
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(statement)
        with pytest.raises(StoreError, match=reason):
            Owner(path)
        Owner(path, on_damage="aside").close()

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ("message SET lane = 'fast'", "ValueError"),
            ("message SET accepted_at = 'yesterday'", "TypeError"),
            ("message SET interval = x'00'", "TypeError"),
            ("message SET failures = 0.5", "TypeError"),
            ("message SET action = ''", "ValueError"),
            ("message SET action = x'00'", "TypeError"),
            ("message SET message_id = 'longer than the 36 characters of an ID'", "ValueError"),
            ("message SET payload = '{\"a\":'", "JSONDecodeError"),
            ("message SET payload = ' {}'", "ValueError"),
            ("message SET payload = CAST(x'22ff' AS TEXT)", "UnicodeDecodeError"),
            ("message SET failure = x'00'", "TypeError"),
            ('message SET failure = \'["MessageNotSent","expired"]\'', "TypeError"),
            ('message SET failure = \'["MessageRefused",5,"","{}"]\'', "TypeError"),
            ('message SET failure = \'["MessageRefused","a","","[]"]\'', "ValueError"),
            ("binding SET transaction_id = 'seven'", "TypeError"),
            ("outcome SET outcome = '[\"MessageUnknown\"]'", "IndexError"),
            ('outcome SET outcome = \'["MessageAnswered","{"]\'', "JSONDecodeError"),
            ("outcome SET outcome = '%s'" % ("[" * 200), "RecursionError"),
            ("outcome SET key = x'00'", "TypeError"),
            ("opened SET times = 'often'", "number of openings"),
            ("opened SET times = 1 << 40", "number of openings"),
        ],
    )
    def test_has_a_row_that_no_version_wrote(self, path: Path, change: str, reason: str) -> None:
        owner = Owner(path)
        owner.commit(Put(record(1)), Bind(Binding(2, 7)), delete(3, MessageDropped()))
        owner.close()
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(f"UPDATE {change}")
        with pytest.raises(StoreError, match=reason):
            Owner(path)
        Owner(path, on_damage="aside").close()

    def test_has_a_schema_that_is_not_text(self, path: Path) -> None:
        Owner(path).close()
        path.write_bytes(path.read_bytes().replace(b"payload TEXT NOT NULL", b"payload TEXT NOT \xff\xff\xff\xff"))
        self.refused(path, "its schema is damaged")
        Owner(path, on_damage="aside").close()

    def test_was_being_created_when_the_process_ended(self, path: Path) -> None:
        path.with_name("station.db-new").write_bytes(b"half")
        Owner(path).close()
        assert not path.with_name("station.db-new").exists()

    def test_is_free_again_after_a_failure(self, path: Path) -> None:
        path.write_bytes(b"text")
        self.refused(path, "not a database")
        FileLock(path).release()


class TestAHostThatIsGone:
    def test_does_not_keep_the_store_from_committing_what_was_submitted(self, path: Path) -> None:
        reported = threading.Event()

        def report(event: Any) -> None:
            reported.set()
            raise RuntimeError("Event loop is closed")

        store = SQLiteStore(path)
        store.open(report)
        store.submit(Store(1, (Put(record(1)),)))
        assert reported.wait(GUARD)
        store.submit(Store(2, (Put(record(2)),)))
        store.close()
        again = Owner(path)
        assert [each.ticket for each in again.state.records] == [1, 2]
        again.close()


class TestAFailure:
    def break_with(self, owner: Owner, path: Path) -> int:
        """Let the next commit fail: the file is removed under the store."""
        path.rename(path.with_name("moved.db"))
        return owner.submit(Put(record(2)))

    def test_of_a_removed_file_is_reported_and_the_state_goes_to_a_new_one(self, owner: Owner, path: Path) -> None:
        owner.commit(Put(record(1)))
        number = self.break_with(owner, path)
        assert owner.wait(StoreFailed).number == number
        owner.wait(StoreBack)
        owner.submit(Put(record(3)))  # it was on its way, and is discarded
        owner.commit(ReplaceAll((record(1),), (), ()))
        first = owner.state.first_ticket
        state = reopened(owner, path)
        assert [each.ticket for each in state.records] == [1]
        assert state.first_ticket > first

    def test_discards_batches_until_the_whole_state(self, owner: Owner, path: Path) -> None:
        self.break_with(owner, path)
        owner.wait(StoreFailed)
        late = owner.submit(Put(record(9)))
        owner.wait(StoreBack)
        owner.commit(ReplaceAll((), (), ()))
        assert not any(isinstance(event, Stored) and event.number == late for event in owner.reports)
        assert list(reopened(owner, path).records) == []

    def test_of_a_full_disk_spares_room_for_deletions(self, path: Path) -> None:
        owner = Owner(path, retry=0.01, spare=8192)
        owner.commit(*(Put(record(number)) for number in range(20)))
        owner.close()
        assert path.with_name("station.db-spare").stat().st_size == 8192


class TestArguments:
    @pytest.mark.parametrize(
        "options", [{"synchronous": "off"}, {"on_damage": "delete"}, {"on_failure": "x"}, {"spare": -1}, {"retry": 0.0}]
    )
    def test_are_checked(self, path: Path, options: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match="expected"):
            SQLiteStore(path, **options)


class TestMemory:
    @pytest.mark.parametrize("keep", [True, False])
    def test_reports_at_once_and_returns_what_it_has_when_it_is_opened_again(self, keep: bool) -> None:
        store = MemoryStore(keep=keep)
        reports: list[Any] = []
        store.open(reports.append)
        store.submit(Store(1, (Put(record(1)),)))
        store.close()
        store.submit(Store(2, (Put(record(2)),)))
        assert reports == [Stored(1)]
        again = store.open(reports.append)
        assert (list(again.records), again.first_ticket) == ([record(1)], 2 << 32)
        assert store.is_durable is keep
