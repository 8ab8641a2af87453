"""One place for a worker, with processes that the test ends."""

import asyncio
import logging
import socket
from contextlib import asynccontextmanager

import pytest

from ocpp_transports.cluster._workers._restarts import RestartPolicy
from ocpp_transports.cluster._workers._settings import Order
from ocpp_transports.cluster._workers._slot import WorkerSlot
from tests.transports.pairs import SECONDS

AT_ONCE = RestartPolicy(first=0.0, most=3)
PATIENT = RestartPolicy(first=3600.0, longest=3600.0)


def is_open(each):
    return each.fileno() != -1


class FakeWorker:
    """A process that serves at once, or ends instead; orders are noted, and obeyed when the test says so."""

    how_it_ended = "exit code 1"
    longest_close = 7.0

    def __init__(self, pid, sockets, *, serves):
        self.pid, self.sockets, self._serves = pid, sockets, serves
        self.orders: list[Order] = []
        self.ended, self.told = asyncio.Event(), asyncio.Event()

    async def until_ready(self, _):
        await asyncio.sleep(0)
        return self._serves

    async def until_ended(self):
        await self.ended.wait()

    async def leave(self, order):
        self.tell(order)
        await self.ended.wait()
        return True

    def tell(self, order):
        self.orders.append(order)
        self.told.set()


class Place:
    """A slot, and the processes that it has started, oldest first."""

    def __init__(self, tasks, policy):
        self.started: list[FakeWorker] = []
        self.sockets = [socket.socket()]
        self.works = True
        self.is_full = False
        self.given_up, self._changed = asyncio.Event(), asyncio.Event()
        self.slot = WorkerSlot(
            1,
            self._start,
            (self.sockets[0],),
            self._open,
            given_up=self.given_up.set,
            spawn=tasks.create_task,
            log=logging.getLogger("ocpp_ws_io.workers"),
            policy=policy,
        )

    async def _start(self, sockets):
        if self.is_full:
            raise OSError("no process is left")
        assert all(map(is_open, sockets))
        self.started.append(FakeWorker(len(self.started), sockets, serves=self.works))
        self._changed.set()
        return self.started[-1]

    def _open(self):
        self.sockets.append(socket.socket())
        return (self.sockets[-1],)

    async def until_started(self, count):
        while len(self.started) < count:
            self._changed.clear()
            await self._changed.wait()
        return self.started[-1]


@asynccontextmanager
async def a_place(policy=AT_ONCE):
    async with asyncio.timeout(SECONDS), asyncio.TaskGroup() as tasks:
        place = Place(tasks, policy)
        assert await place.slot.start()
        yield place
        for each in place.started:
            each.ended.set()
        await place.slot.stop()


pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("anyio_backend", ["asyncio"])]


class TestAWorkerThatEndsByItself:
    async def test_another_one_takes_its_sockets(self):
        async with a_place() as place:
            place.started[0].ended.set()
            successor = await place.until_started(2)
            assert successor.sockets == place.started[0].sockets
            assert is_open(place.sockets[0])

    async def test_is_given_up_with_its_sockets_when_no_start_succeeds(self, caplog):
        async with a_place() as place:
            place.works = False
            place.started[0].ended.set()
            await place.given_up.wait()
            assert len(place.started) == 1 + AT_ONCE.most
            assert (place.slot.is_given_up, is_open(place.sockets[0])) == (True, False)
        assert "ended 4 times in a row and is given up: its socket is closed" in caplog.text

    async def test_comes_back_on_new_sockets_at_the_next_restart(self):
        async with a_place() as place:
            place.works = False
            place.started[0].ended.set()
            await place.given_up.wait()
            place.works = True
            assert await place.slot.replace()
            assert place.started[-1].sockets == (place.sockets[1],)
            assert not place.slot.is_given_up

    async def test_is_given_up_again_if_the_next_restart_fails_too(self):
        async with a_place() as place:
            place.works = False
            place.started[0].ended.set()
            await place.given_up.wait()
            assert not await place.slot.replace()
            assert (place.slot.is_given_up, is_open(place.sockets[1])) == (True, False)

    async def test_counts_a_system_without_room_for_a_process_as_an_attempt(self, caplog):
        async with a_place() as place:
            place.is_full = True
            place.started[0].ended.set()
            await place.given_up.wait()
        assert "worker 1 cannot start: no process is left" in caplog.text


class TestAReplacement:
    async def test_serves_before_the_old_worker_is_told_to_retire(self):
        async with a_place() as place:
            old = place.started[0]
            replacing = asyncio.create_task(place.slot.replace())
            await old.told.wait()
            assert (old.orders, len(place.started)) == ([Order.RETIRE], 2)
            assert not replacing.done(), "one after the other: the next worker waits for the end of this one"
            old.ended.set()
            assert await replacing
            assert len(place.started) == 2, "its end was wanted"

    async def test_that_does_not_serve_leaves_the_old_worker_alone(self):
        async with a_place() as place:
            place.works = False
            assert not await place.slot.replace()
            assert place.started[0].orders == []

    async def test_that_ends_while_the_old_worker_still_closes_gets_a_successor(self):
        async with a_place() as place:
            replacing = asyncio.create_task(place.slot.replace())
            await place.started[0].told.wait()
            place.started[1].ended.set()
            await place.until_started(3)
            place.started[0].ended.set()
            assert await replacing

    async def test_ends_the_attempts_to_start_the_old_one(self):
        async with a_place(PATIENT) as place:
            place.works = False
            place.started[0].ended.set()
            await place.until_started(2)
            place.works = True
            assert await place.slot.replace()
            assert len(place.started) == 3

    async def test_of_a_worker_that_ends_meanwhile_is_the_only_one(self):
        async with a_place() as place:
            replacing = asyncio.create_task(place.slot.replace())
            place.started[0].ended.set()
            assert await replacing
            await place.slot.start()
            assert len(place.started) == 2


class TestTheEnd:
    async def test_reaches_the_worker_and_those_that_retire_already(self):
        async with a_place() as place:
            replacing = asyncio.create_task(place.slot.replace())
            old, new = place.started[0], await place.until_started(2)
            await old.told.wait()
            replacing.cancel()
            stopping = asyncio.create_task(place.slot.stop())
            await new.told.wait()
            place.slot.drop()
            for each in (old, new):
                each.ended.set()
            await stopping
            assert (old.orders, new.orders) == ([Order.RETIRE, Order.STOP, Order.DROP], [Order.STOP, Order.DROP])
            assert place.slot.longest_close == 0
            assert not is_open(place.sockets[0])

    async def test_starts_no_further_worker(self):
        async with a_place() as place:
            stopping = asyncio.create_task(place.slot.stop())
            await place.started[0].told.wait()
            place.started[0].ended.set()
            await stopping
            assert len(place.started) == 1
