"""Counts the thread of each `SQLiteStore` while it makes a batch durable for a virtual event loop."""

import asyncio
from collections.abc import Callable
from functools import cache, partial, wraps
from typing import assert_never
from weakref import WeakKeyDictionary

from ocpp_core.outbox.commands import Restored, StoreBack, Stored, StoreDegraded, StoreFailed
from ocpp_core.outbox.effects import Store
from ocpp_transports.outbox._interface import ReportToOutbox, StoreReport
from ocpp_transports.outbox._sqlite import SQLiteStore

from ._threads import RealWork

__all__ = ["count_sqlite_stores"]

_Pending = dict[int, Callable[[], None]]
"""What ends the count of each batch, by its number."""


@cache
def count_sqlite_stores() -> None:
    """Wrap the methods of `SQLiteStore`, once: a batch counts from `submit` until it is reported."""
    _StoreCounts().wrap(SQLiteStore)


class _StoreCounts:
    def __init__(self) -> None:
        self._pending: WeakKeyDictionary[SQLiteStore, _Pending] = WeakKeyDictionary()

    def wrap(self, store_class: type[SQLiteStore]) -> None:
        really_open, really_submit = store_class.open, store_class.submit

        @wraps(really_open)
        def open_store(store: SQLiteStore, report: ReportToOutbox) -> Restored:
            pending = self._pending[store] = {}
            return really_open(store, lambda result: _report(pending, report, result))

        @wraps(really_submit)
        def submit(store: SQLiteStore, batch: Store) -> None:
            work, pending = _work_here(), self._pending.get(store)
            if work is not None and pending is not None:
                pending[batch.number] = partial(work.end, work.begin("SQLiteStore"))
            really_submit(store, batch)

        setattr(store_class, "open", open_store)  # noqa: B010  # an assignment to a method needs an ignore instead
        setattr(store_class, "submit", submit)  # noqa: B010


def _work_here() -> RealWork | None:
    try:
        return getattr(asyncio.get_running_loop(), "work", None)
    except RuntimeError:  # a trio event loop, or none
        return None


def _report(pending: _Pending, report: ReportToOutbox, result: StoreReport) -> None:
    """Report in the thread of the store, then stop counting what is reported."""
    try:
        report(result)
    finally:
        for number in list(pending):
            if _is_reported(number, result):
                pending.pop(number)()


def _is_reported(number: int, result: StoreReport) -> bool:
    match result:
        case Stored(last):
            return number <= last
        case StoreFailed():  # with every later batch
            return True
        case StoreBack() | StoreDegraded():
            return False
        case _:
            assert_never(result)
