"""`verify` in threads: bounded in number, shared among addresses, and the event loop goes on."""

import threading
from functools import partial

import anyio
import pytest

from ocpp_transports import UnexpectedHttpResponse
from ocpp_transports._runtime._bounded_threads import BoundedThreads
from ocpp_transports.passwords import ScryptCost, ScryptRecords, hash_password
from tests.transports.pairs import client_of, serving, station_of

pytestmark = pytest.mark.anyio

QUICK = ScryptCost(ln=4)


class Gate:
    """A `verify` that blocks its thread until it is opened, and notes how many run at a time."""

    def __init__(self):
        self.opened = threading.Event()
        self.order: list[str] = []
        self.running = self.most = 0
        self._lock = threading.Lock()

    def __call__(self, identity, password):
        with self._lock:
            self.running += 1
            self.most = max(self.most, self.running)
            self.order.append(identity)
        assert self.opened.wait(30)
        with self._lock:
            self.running -= 1
        return password == b"right"


async def until(condition):
    with anyio.fail_after(30):
        while not condition():  # noqa: ASYNC110 - a thread changes what is waited for
            await anyio.sleep(0.002)


class TestAServerWithVerify:
    async def test_accepts_a_station_whose_hash_is_stored(self):
        verify = ScryptRecords({"CP1": hash_password("right", QUICK)}, QUICK)
        async with (
            serving(security_profile=1, verify=verify) as (server, listener),
            client_of(listener, security_profile=1, password="right") as station,
        ):
            await station.connect()
            assert (await station_of(server)).identity == "CP1"

    async def test_refuses_a_wrong_password_and_an_unknown_station_alike(self):
        verify = ScryptRecords({"CP1": hash_password("right", QUICK)}, QUICK)
        answers = []
        async with serving(security_profile=1, verify=verify) as (_, listener):
            for identity in ("CP1", "CP2"):
                async with client_of(listener, identity, security_profile=1, password="wrong") as station:
                    with pytest.raises(UnexpectedHttpResponse) as caught:
                        await station.connect()
                    answers.append((caught.value.status, caught.value.headers, caught.value.reason))
        assert answers[0][0] == 401
        assert answers[0] == answers[1]

    async def test_refuses_at_once_if_verify_raises_generator_exit(self):
        """Raised again in the task of the handshake, it would close its coroutines without a decision."""

        def verify(_identity, _password):
            raise GeneratorExit

        async with (
            serving(security_profile=1, verify=verify) as (_, listener),
            client_of(listener, security_profile=1, password="right") as station,
        ):
            with pytest.raises(UnexpectedHttpResponse) as caught:
                await station.connect()
        assert caught.value.status == 500

    async def test_goes_on_while_a_thread_is_blocked(self):
        gate = Gate()
        async with (
            serving(security_profile=1, verify=gate) as (server, listener),
            client_of(listener, security_profile=1, password="right") as station,
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(station.connect)
            await until(lambda: gate.running)  # the event loop runs, or this would wait too
            gate.opened.set()
            await station_of(server)

    async def test_responds_with_408_when_the_check_takes_too_long(self):
        gate = Gate()
        async with (
            serving(security_profile=1, verify=gate, handshake_timeout=0.1) as (_, listener),
            client_of(listener, security_profile=1, password="right") as station,
        ):
            with pytest.raises(UnexpectedHttpResponse) as caught:
                await station.connect()
            assert caught.value.status == 408
            gate.opened.set()

    async def test_closes_while_a_check_runs(self):
        gate = Gate()
        async with (
            serving(security_profile=1, verify=gate) as (server, listener),
            client_of(listener, security_profile=1, password="right", reconnect=False) as station,
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(_refused, station)
            await until(lambda: gate.running)
            with anyio.fail_after(30):
                await server.close()
            gate.opened.set()


async def _refused(station):
    with pytest.raises(UnexpectedHttpResponse) as caught:
        await station.connect()
    assert caught.value.status == 503


class TestAFlood:
    async def test_takes_no_more_threads_than_allowed_and_delays_others_by_one_check(self):
        gate, threads = Gate(), BoundedThreads(1)
        async with anyio.create_task_group() as tasks:
            for number in range(20):
                tasks.start_soon(partial(threads.run, gate, f"flood {number}", b"right", key="192.0.2.1"))
            await until(lambda: gate.running)
            tasks.start_soon(partial(threads.run, gate, "healthy", b"right", key="192.0.2.2"))
            await anyio.wait_all_tasks_blocked()
            gate.opened.set()
        assert gate.most == 1
        assert len(gate.order) == 21
        assert gate.order.index("healthy") <= 2

    async def test_that_leaves_keeps_its_threads_until_their_functions_return(self):
        """Otherwise connecting and leaving again would start a thread each time."""
        gate, threads = Gate(), BoundedThreads(2)
        for number in range(10):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(partial(threads.run, gate, f"flood {number}", b"right", key="192.0.2.1"))
                if number < 2:
                    await until(lambda number=number: gate.running > number)
                else:
                    await anyio.wait_all_tasks_blocked()
                tasks.cancel_scope.cancel()
        assert (gate.running, len(gate.order)) == (2, 2)
        gate.opened.set()
        assert await threads.run(gate, "after", b"right", key="192.0.2.1") is True
