"""The workers of one supervisor as one server: the registry that it keeps, and the frames that it passes on."""

import os
import signal
from collections import Counter
from contextlib import AsyncExitStack, ExitStack, nullcontext, suppress
from functools import partial
from itertools import count

import anyio
import pytest

from ocpp_transports import ConnectionState, OCPPClient, OCPPError
from tests.transports.cluster.redis.redis_server import needs_redis, redis_server
from tests.transports.cluster.workers.program import program
from tests.transports.pairs import SECONDS, first

pytestmark = [pytest.mark.cluster, pytest.mark.anyio, pytest.mark.parametrize("anyio_backend", ["asyncio"])]


@pytest.fixture
async def stack():
    async with AsyncExitStack() as exits:
        yield exits


async def station(csms, stack, identity):
    """Connect a station; return it and the process that serves it."""
    client = OCPPClient(identity, f"ws://127.0.0.1:{csms.port}", protocols=["ocpp1.6"], reconnect=False)
    client.handle("DataTransfer", lambda _: {"status": "Accepted"})
    await stack.enter_async_context(client)
    await client.connect()
    answer = await client.call("DataTransfer", {"vendorId": "process"})
    return client, int(answer["data"])


async def elsewhere(csms, stack, identity, process):
    """Connect stations of this identity until another process serves one."""
    while True:
        client, other = await station(csms, stack, identity)
        if other != process:
            return client, other


async def test_a_station_has_one_connection_and_every_worker_can_call_it(stack):
    with program() as csms:
        one, process = await station(csms, stack, "CP1")
        async with one.events("close") as ends:
            _, other = await elsewhere(csms, stack, "CP1", process)
            assert (await first(ends)).code == 4000
        caller, _ = await elsewhere(csms, stack, "CP2", other)
        assert await ask(caller, "CP1") == {"status": "Accepted"}

        os.kill(other, signal.SIGKILL)
        assert (await ask(caller, "CP1"))["status"] == "Rejected"
        csms.until("serves")

        _, process = await station(csms, stack, "CP1")
        caller, _ = await elsewhere(csms, stack, "CP2", process)
        await until_accepted(caller, "CP1")

        csms.signal(signal.SIGKILL)
        csms.until("the supervisor has ended", times=2)
        assert await ask(caller, "CP1") == {"status": "Accepted"}, "its worker is known, and reached directly"
        late, _ = await station(csms, stack, "CP3")
        assert await ask(late, "CP3") == {"status": "Accepted"}


@pytest.mark.parametrize("store", ["supervisor", pytest.param("redis", marks=needs_redis)])
async def test_the_stations_of_workers_without_a_supervisor_have_one_owner_with_the_next_one(stack, store, tmp_path):
    redis = stack.enter_context(redis_server(tmp_path) if store == "redis" else nullcontext())
    environment = {"CLOSE_WINDOW": "3600", **({"REDIS": redis.url} if redis else {})}
    with program(workers=1, environment=environment) as csms:
        giving, ends = anyio.create_memory_object_stream[tuple[str, int]](4)
        for identity in ("CP1", "CP2"):
            client, _ = await station(csms, stack, identity)
            client.on("close", partial(note, giving, identity))
        csms.signal(signal.SIGKILL)
        csms.until("the supervisor has ended")
        with program(before=csms, environment=environment) as following, giving, ends, anyio.fail_after(SECONDS):
            closed, code = await ends.receive()
            assert code == 1012, "one of them closes at once, the other one within an hour"
            kept = "CP2" if closed == "CP1" else "CP1"
            caller, _ = await elsewhere(following, stack, "CP3", csms.workers[1])
            await until_accepted(caller, kept)  # its worker has claimed it again
            await station(following, stack, kept)
            assert await ends.receive() == (kept, 4000)
            await until_accepted(caller, kept)  # not known to be at the worker that ends


async def until_accepted(caller, identity):
    """Call a station until it answers."""
    while True:
        if (await ask(caller, identity))["status"] == "Accepted":
            return
        await anyio.sleep(0.05)


def note(giving, identity, closed):
    with suppress(anyio.WouldBlock, anyio.ClosedResourceError):
        giving.send_nowait((identity, closed.code))


async def ask(caller, identity):
    """Have the worker of a station call another station."""
    return await caller.call("DataTransfer", {"vendorId": "call", "data": identity})


STATIONS = 200
CALLS = 4
"""Calls of each station to others, through its worker."""


class Fleet:
    """Stations that return after a loss, what each of their calls ended with, and which calls ran at a station."""

    def __init__(self, stack, port):
        self._stack = stack
        self._port = port
        self._numbers = count()
        self.ran: Counter[str] = Counter()
        self.outcomes: Counter[str] = Counter()
        self.accepted: set[str] = set()
        self.at_work = anyio.Event()
        """Set when a quarter of the calls have ended."""

    async def live(self, name):
        """Connect a station, and call others one after the other."""
        client = OCPPClient(
            name, f"ws://127.0.0.1:{self._port}", protocols=["ocpp1.6"], backoff_min=0.01, backoff_max=0.1
        )
        client.handle("DataTransfer", self._run)
        await self._stack.enter_async_context(client)
        while client.state is not ConnectionState.OPEN:
            with suppress(OCPPError):  # the registry of a busy machine may not answer in time
                await client.connect()
        for _ in range(CALLS):
            await self._call(client)

    def _run(self, ctx):
        self.ran[ctx.params["data"]] += 1
        return {"status": "Accepted"}

    async def _call(self, client):
        number = next(self._numbers)
        try:
            answer = await ask(client, f"CP{number * 7 % STATIONS} {number}")
        except OCPPError:
            self.outcomes["failed"] += 1  # the connection of the caller was lost
        else:
            self.outcomes[answer["status"]] += 1
            self.accepted |= {str(number)} if answer["status"] == "Accepted" else set()
        if self.outcomes.total() >= STATIONS * CALLS // 4:
            self.at_work.set()


@pytest.mark.parametrize("victim", ["worker", "supervisor"])
async def test_the_death_of_a_process_under_load_leaves_no_call_open_and_has_none_run_twice(victim):
    with ExitStack() as programs, anyio.fail_after(SECONDS):
        csms = programs.enter_context(program())
        async with AsyncExitStack() as stations, anyio.create_task_group() as tasks:
            fleet = Fleet(stations, csms.port)
            for number in range(STATIONS):
                tasks.start_soon(fleet.live, f"CP{number}")
            await fleet.at_work.wait()
            if victim == "worker":
                os.kill(csms.workers[1], signal.SIGKILL)
            else:
                csms.signal(signal.SIGKILL)
                programs.enter_context(program(before=csms))
    assert fleet.outcomes.total() == STATIONS * CALLS
    assert fleet.outcomes["failed"] > 0 or victim == "supervisor", "the worker was killed under load"
    assert fleet.ran.most_common(1)[0][1] == 1
    assert fleet.accepted <= fleet.ran.keys()
