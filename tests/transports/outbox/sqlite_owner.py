"""The owner of a SQLite store, for tests, and what it stores."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ocpp_core.outbox.commands import Restored, Stored
from ocpp_core.outbox.effects import Store
from ocpp_core.outbox.stored.outcomes import (
    MessageOutcome,
)
from ocpp_core.outbox.stored.records import (
    Delete,
    KeptOutcome,
    Lane,
    Operation,
    OutboxRecord,
)
from ocpp_transports.outbox._sqlite import SQLiteStore

GUARD = 30.0
"""Seconds after which a test gives up; a report takes milliseconds."""


def record(ticket: int, **values: Any) -> OutboxRecord:
    return OutboxRecord(
        ticket=ticket, action="DataTransfer", payload='{"data":"é"}', lane=Lane.OTHER, accepted_at=1.5, **values
    )


def delete(ticket: int, outcome: MessageOutcome, key: str | None = None) -> Delete:
    return Delete(KeptOutcome(ticket, key, outcome))


class Owner:
    """Opens a store, submits batches, and waits for reports."""

    def __init__(self, path: Path, **options: Any) -> None:
        self.store = SQLiteStore(path, **options)
        self.reports: list[Any] = []
        self._arrived = threading.Condition()
        self.state: Restored = self.store.open(self._report)
        self._number = 0

    def _report(self, event: Any) -> None:
        with self._arrived:
            self.reports.append(event)
            self._arrived.notify_all()

    def submit(self, *operations: Operation) -> int:
        self._number += 1
        self.store.submit(Store(self._number, operations))
        return self._number

    def wait(self, kind: type, matches: Callable[[Any], bool] = lambda event: True) -> Any:
        def found() -> list[Any]:
            return [event for event in self.reports if isinstance(event, kind) and matches(event)]

        with self._arrived:
            assert self._arrived.wait_for(lambda: bool(found()), GUARD)
            return found()[0]

    def commit(self, *operations: Operation) -> None:
        number = self.submit(*operations)
        self.wait(Stored, lambda event: event.number >= number)

    def close(self) -> None:
        self.store.close()


def reopened(owner: Owner, path: Path) -> Restored:
    owner.close()
    again = Owner(path)
    again.close()
    return again.state
