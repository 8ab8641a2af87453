"""A SQLite store that continues in memory while its file cannot be written."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import pytest

from ocpp_core.errors import StoreError
from ocpp_core.outbox.commands import StoreBack, Stored, StoreDegraded, StoreFailed
from ocpp_core.outbox.effects import Store
from ocpp_core.outbox.stored.outcomes import (
    MessageDropped,
)
from ocpp_core.outbox.stored.records import (
    Bind,
    Binding,
    KeptOutcome,
    Operation,
    OutboxSnapshot,
    Put,
)
from ocpp_transports.outbox._database import Database
from tests.transports.outbox.sqlite_owner import Owner, delete, record, reopened


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "station.db"


class TestAFailureWithACopyInMemory:
    """The store reports batches as stored, and writes the whole state when the file can be written again."""

    @pytest.fixture
    def owner(self, path: Path) -> Iterator[Owner]:
        owner = Owner(path, retry=0.01, on_failure="memory")
        owner.commit(Put(record(1)))
        yield owner
        owner.close()

    def occupy(self, path: Path) -> Path:
        """Let each commit fail until the other file is removed."""
        path.rename(path.with_name("moved.db"))
        path.write_bytes(b"another program's")
        return path

    def test_continues_and_writes_everything_afterwards(self, owner: Owner, path: Path) -> None:
        other = self.occupy(path)
        owner.commit(Put(record(2)))
        owner.commit(delete(1, MessageDropped()), Bind(Binding(2, 7)))
        kinds = [type(event) for event in owner.reports]
        assert kinds == [Stored, StoreDegraded, Stored, Stored]
        assert other.read_bytes() == b"another program's"
        other.unlink()
        owner.wait(StoreBack)
        owner.commit(Put(record(3)))
        state = reopened(owner, path)
        assert [each.ticket for each in state.records] == [2, 3]
        assert (list(state.outcomes), list(state.bindings)) == (
            [KeptOutcome(1, None, MessageDropped())],
            [Binding(2, 7)],
        )
        assert StoreFailed not in {type(event) for event in owner.reports}

    def test_writes_everything_whatever_fails_meanwhile(
        self, owner: Owner, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        random, commit, expected = Random(1), Database.commit, OutboxSnapshot()
        expected.apply([Put(record(1))])

        def unreliable(database: Database, batches: Sequence[Store]) -> None:
            if random.random() < 0.4:
                raise StoreError("injected")
            commit(database, batches)

        with monkeypatch.context() as patch:
            patch.setattr(Database, "commit", unreliable)
            owner.store._retry = 1e-3
            for ticket in range(2, 60):
                operations: list[Operation] = [Put(record(ticket)), delete(ticket // 2, MessageDropped())]
                expected.apply(operations)
                owner.commit(*operations)
        state = reopened(owner, path)
        assert {each.ticket: each for each in state.records} == expected.records
        assert {each.ticket: each for each in state.outcomes} == expected.outcomes
        assert {Stored, StoreDegraded, StoreBack} <= {type(event) for event in owner.reports}

    @pytest.mark.parametrize("is_repaired", [True, False])
    def test_tries_a_last_time_when_it_is_closed(self, owner: Owner, path: Path, is_repaired: bool) -> None:
        other = self.occupy(path)
        owner.store._retry = 1e6
        owner.commit(Put(record(2)))
        if is_repaired:
            other.unlink()
            assert [each.ticket for each in reopened(owner, path).records] == [1, 2]
        else:
            owner.close()
            assert "they are lost" in str(owner.reports[-1].error)
