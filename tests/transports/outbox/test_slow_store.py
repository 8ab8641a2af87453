"""A client whose store opens or closes slowly: a disk hangs."""

import asyncio
import threading

import anyio
import pytest

from ocpp_transports import ClosedError, ConnectionFailedError
from ocpp_transports.outbox import StoreError
from tests.transports.outbox.fake_store import FakeStore, unreachable
from tests.transports.pairs import SECONDS

pytestmark = pytest.mark.anyio


async def test_a_store_that_closes_slowly_is_logged(caplog, monkeypatch):
    monkeypatch.setattr("ocpp_transports._peer._outbox_host._PATIENCE", 0.0)

    class Slow(FakeStore):
        def close(self):
            is_logged.wait(SECONDS)

    is_logged = threading.Event()
    monkeypatch.setattr(caplog.handler, "emit", lambda record: is_logged.set())
    async with unreachable(offline_queue=Slow()):
        pass
    assert is_logged.is_set()


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
class TestAStoreThatOpensSlowly:
    """It is closed, whenever it has opened after all."""

    class Slow(FakeStore):
        def __init__(self):
            super().__init__()
            self.entered, self.released, self.closed = (threading.Event() for _ in range(3))

        def open(self, report):
            self.entered.set()
            self.released.wait(SECONDS)
            return super().open(report)

        def close(self):
            self.closed.set()

    async def test_after_the_client_is_cancelled(self):
        store = self.Slow()
        task = asyncio.create_task(unreachable(offline_queue=store).__aenter__())
        await asyncio.to_thread(store.entered.wait, SECONDS)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        store.released.set()
        assert await asyncio.to_thread(store.closed.wait, SECONDS)

    async def test_after_a_scope_is_cancelled(self):
        store = self.Slow()
        station = unreachable(offline_queue=store)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(station.connect)
            await asyncio.to_thread(store.entered.wait, SECONDS)
            tasks.cancel_scope.cancel()
        assert not store.released.is_set()  # the scope has not waited for the store
        with pytest.raises(StoreError, match="has not ended"):
            await station.connect()
        store.released.set()
        assert await asyncio.to_thread(store.closed.wait, SECONDS)

    async def test_before_another_task_may_connect(self):
        store = self.Slow()
        station = unreachable(offline_queue=store)
        task = asyncio.create_task(station.connect())
        await asyncio.to_thread(store.entered.wait, SECONDS)
        with pytest.raises(RuntimeError, match="another task opens the outbox"):
            await station.connect()
        store.released.set()
        with pytest.raises(ConnectionFailedError):
            await task

    async def test_after_the_client_is_closed(self):
        store = self.Slow()
        station = unreachable(offline_queue=store)
        task = asyncio.create_task(station.connect())
        await asyncio.to_thread(store.entered.wait, SECONDS)
        await station.close()
        store.released.set()
        with pytest.raises(ClosedError, match="while the outbox was opened"):
            await task
        assert await asyncio.to_thread(store.closed.wait, SECONDS)
