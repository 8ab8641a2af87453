"""Counts the thread of each SQLite store of an outbox while it works for a virtual event loop.

The store is told of a batch in the loop, and reports it from its thread. Until then virtual time must stand still: the
commit of a disk would otherwise last hours.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cache, wraps
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

from ocpp_core.outbox.commands import Restored, Stored, StoreFailed
from ocpp_core.outbox.effects import Store
from ocpp_transports.outbox import OutboxStore, SQLiteStore
from ocpp_transports.outbox._interface import ReportToOutbox, StoreReport

__all__ = ["count_sqlite_stores"]

_Work: TypeAlias = AbstractContextManager[None]
_in_progress: WeakKeyDictionary[OutboxStore, dict[int, _Work]] = WeakKeyDictionary()
"""The batches that no report covers, by their numbers."""


@cache
def count_sqlite_stores() -> None:
    """Wrap what the thread of an `SQLiteStore` gets and reports, once a process; on other loops nothing changes."""
    for name, counted in (("open", _opening), ("submit", _submitting)):
        setattr(SQLiteStore, name, counted(getattr(SQLiteStore, name)))


def _opening(open_it: Callable[..., Restored]) -> Callable[..., Restored]:
    @wraps(open_it)
    def open_counted(store: SQLiteStore, report: ReportToOutbox) -> Restored:
        in_progress = _in_progress.setdefault(store, {})

        def report_counted(event: StoreReport) -> None:
            report(event)
            _end(in_progress, event)

        return open_it(store, report_counted)

    return open_counted


def _submitting(submit: Callable[..., None]) -> Callable[..., None]:
    @wraps(submit)
    def submit_counted(store: SQLiteStore, batch: Store) -> None:
        counted = _counter()
        if counted is not None:
            work = counted("the store of an outbox")
            work.__enter__()
            _in_progress.setdefault(store, {})[batch.number] = work
        submit(store, batch)

    return submit_counted


def _counter() -> Callable[[str], _Work] | None:
    try:
        loop: Any = asyncio.get_running_loop()
    except RuntimeError:  # trio, or no event loop
        return None
    counted: Callable[[str], _Work] | None = getattr(loop, "real_work", None)
    return counted


def _end(in_progress: dict[int, _Work], event: StoreReport) -> None:
    """End the work that a report covers; a failure discards all batches."""
    if not isinstance(event, (Stored, StoreFailed)):
        return
    for number in list(in_progress):
        if number <= event.number or isinstance(event, StoreFailed):
            in_progress.pop(number).__exit__(None, None, None)
