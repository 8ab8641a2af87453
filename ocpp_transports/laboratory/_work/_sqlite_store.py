"""Counts the thread of each `SQLiteStore` while it works for a virtual event loop.

A batch counts from `submit` until it is reported. After a failure the thread waits before it tries to write again. That
wait passes in virtual time: a timer of the loop ends it, and the attempt counts until its end.
"""

import asyncio
from collections.abc import Callable
from functools import cache, partial, wraps
from time import monotonic
from typing import assert_never
from weakref import WeakKeyDictionary

from ocpp_core.outbox.commands import Restored, StoreBack, Stored, StoreDegraded, StoreFailed
from ocpp_core.outbox.effects import Store
from ocpp_transports.outbox._interface import ReportToOutbox, StoreReport
from ocpp_transports.outbox._sqlite import SQLiteStore

from ._threads import RealWork

__all__ = ["count_sqlite_stores"]


@cache
def count_sqlite_stores() -> None:
    """Wrap the methods of `SQLiteStore`, once."""
    _StoreCounts().wrap(SQLiteStore)


class _StoreCount:
    """What counts for one store, from its opening on."""

    def __init__(self) -> None:
        self._work: RealWork | None = None  # known from the first batch on: a thread opens the store
        self._batches: dict[int, Callable[[], None]] = {}  # what ends the count of each, by its number
        self._attempt: Callable[[], None] | None = None  # what ends the count of an attempt to write again

    def submitted(self, store: SQLiteStore, batch: Store, work: RealWork) -> None:
        """Count a batch."""
        self._work, store._clock = work, work.now
        self._batches[batch.number] = self._count(work)

    def _count(self, work: RealWork) -> Callable[[], None]:
        return partial(work.end, work.begin("SQLiteStore"))

    def report(self, report: ReportToOutbox, result: StoreReport) -> None:
        """Report in the thread of the store, then stop counting what is reported."""
        if isinstance(result, StoreFailed | StoreDegraded):
            self.begin_attempt()  # no time may pass before the thread waits
        try:
            report(result)
        finally:
            for number in list(self._batches):
                if _is_reported(number, result):
                    self._batches.pop(number)()
            if isinstance(result, StoreBack):
                self.end_attempt()

    def begin_attempt(self) -> None:
        """Count an attempt to write again, from the failure or the end of a wait on."""
        if self._work is not None and self._attempt is None:
            self._attempt = self._count(self._work)

    def end_attempt(self) -> None:
        """Stop counting an attempt to write again."""
        attempt, self._attempt = self._attempt, None
        if attempt is not None:
            attempt()

    def wait(self, store: SQLiteStore, really_wait: Callable[[], None], timeout: float) -> None:
        """Wait in the thread of the store, which has the lock, for a batch, the end or a virtual time."""
        rest = _Rest(self, store, timeout)
        try:
            if self._work is not None:
                self._work.post(rest.begin)
        except RuntimeError:  # the loop is closed
            self._work = None
        self.end_attempt()
        if self._work is None:
            really_wait()
        else:
            store._changed.wait_for(lambda: rest.is_over or store._has_work())
        rest.is_over = True


class _Rest:
    """One wait of the thread, which a timer of the loop ends.

    Args:
        count: What counts for the store.
        store: The store.
        seconds: Virtual seconds to wait.
    """

    def __init__(self, count: _StoreCount, store: SQLiteStore, seconds: float) -> None:
        self.is_over: bool = False
        """True once the thread no longer waits."""
        self._count = count
        self._changed = store._changed
        self._seconds = seconds

    def begin(self) -> None:
        """Set the timer, in the loop."""
        asyncio.get_running_loop().call_later(self._seconds, self._elapse)

    def _elapse(self) -> None:
        with self._changed:
            if not self.is_over:  # nothing else has woken the thread
                self.is_over = True
                self._count.begin_attempt()
                self._changed.notify_all()


class _StoreCounts:
    def __init__(self) -> None:
        self._counts: WeakKeyDictionary[SQLiteStore, _StoreCount] = WeakKeyDictionary()

    def wrap(self, store_class: type[SQLiteStore]) -> None:
        really_open, really_submit = store_class.open, store_class.submit
        really_wait, really_close = store_class._wait, store_class.close

        @wraps(really_open)
        def open_store(store: SQLiteStore, report: ReportToOutbox) -> Restored:
            count = self._counts[store] = _StoreCount()
            store._clock = monotonic
            return really_open(store, partial(count.report, report))

        @wraps(really_submit)
        def submit(store: SQLiteStore, batch: Store) -> None:
            work, count = _work_here(), self._counts.get(store)
            if work is not None and count is not None:
                count.submitted(store, batch, work)
            really_submit(store, batch)

        @wraps(really_wait)
        def wait(store: SQLiteStore, timeout: float | None) -> None:
            count = self._counts.get(store)
            if timeout is None or count is None:
                really_wait(store, timeout)
            else:
                count.wait(store, partial(really_wait, store, timeout), timeout)

        @wraps(really_close)
        def close(store: SQLiteStore) -> None:
            really_close(store)
            if (count := self._counts.get(store)) is not None:
                count.end_attempt()

        # An assignment to a method needs an ignore instead.
        setattr(store_class, "open", open_store)  # noqa: B010 - see above
        setattr(store_class, "submit", submit)  # noqa: B010 - see above
        setattr(store_class, "_wait", wait)  # noqa: B010 - see above
        setattr(store_class, "close", close)  # noqa: B010 - see above


def _work_here() -> RealWork | None:
    try:
        return getattr(asyncio.get_running_loop(), "work", None)
    except RuntimeError:  # a trio event loop, or none
        return None


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
