"""The thread of a `SQLiteStore` on a virtual event loop: it counts while it works, and waits in virtual time."""

import asyncio

import pytest

from ocpp_core.errors import StoreError
from ocpp_transports.laboratory import run
from ocpp_transports.outbox import SQLiteStore, Store, StoreBack, Stored, StoreDegraded, StoreFailed
from ocpp_transports.outbox._database import Database


def now():
    return asyncio.get_running_loop().time()


def test_the_thread_of_a_store_counts_until_it_has_reported(tmp_path):
    async def main():
        loop, reports = asyncio.get_running_loop(), asyncio.Queue[object]()
        store = SQLiteStore(tmp_path / "queue.db")

        def report(report):
            loop.call_soon_threadsafe(reports.put_nowait, report)

        await asyncio.to_thread(store.open, report)
        async with asyncio.timeout(1):
            for number in range(1, 4):
                store.submit(Store(number, ()))
            while await reports.get() != Stored(3):
                pass
        await asyncio.to_thread(store.close)
        return now()

    assert run(main()) == 0.0


class TestAStoreThatFails:
    """It waits in virtual time before it tries to write again."""

    @pytest.mark.parametrize(
        ("on_failure", "failure", "seconds"), [("halt", StoreFailed, 3600.0), ("memory", StoreDegraded, 7200.0)]
    )
    def test_tries_again_after_virtual_seconds(self, tmp_path, monkeypatch, on_failure, failure, seconds):
        """The first attempt only opens the file if it halts, and writes to it if it continues in memory."""
        commit, failures = Database.commit, 2

        def unreliable(database, batches):
            nonlocal failures
            failures -= 1
            if failures >= 0:
                raise StoreError("injected")
            commit(database, batches)

        async def main():
            loop, reports = asyncio.get_running_loop(), asyncio.Queue[object]()
            store = SQLiteStore(tmp_path / "queue.db", retry=3600.0, on_failure=on_failure)

            def report(report):
                loop.call_soon_threadsafe(reports.put_nowait, report)

            await asyncio.to_thread(store.open, report)
            store.submit(Store(1, ()))
            first, failed = await reports.get(), now()
            while not isinstance(await reports.get(), StoreBack):
                pass
            back = now()
            await asyncio.to_thread(store.close)
            return type(first), failed, back

        monkeypatch.setattr(Database, "commit", unreliable)
        assert run(main()) == (failure, 0.0, seconds)

    def test_is_closed_while_it_waits(self, tmp_path, monkeypatch):
        async def main():
            loop, reports = asyncio.get_running_loop(), asyncio.Queue[object]()
            store = SQLiteStore(tmp_path / "queue.db", retry=3600.0)

            def report(report):
                loop.call_soon_threadsafe(reports.put_nowait, report)

            await asyncio.to_thread(store.open, report)
            store.submit(Store(1, ()))
            assert isinstance(await reports.get(), StoreFailed)
            await asyncio.sleep(60)
            await asyncio.to_thread(store.close)
            closed = now()
            await asyncio.sleep(60)  # nothing counts any more
            return closed, now()

        def failing(database, batches):
            raise StoreError("injected")

        monkeypatch.setattr(Database, "commit", failing)
        assert run(main()) == (60.0, 120.0)
