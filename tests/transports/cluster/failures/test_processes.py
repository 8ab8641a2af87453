"""What a caller is told when the process of the owner or Redis dies or stands still, in both columns of the table.

The owner is a process of its own. These rows of the failure table of docs/cluster.md take seconds: `make test-cluster`
runs them. Those without real processes are in `test_direct.py` and in `../redis/test_failures.py`.
"""

import os
import signal
import sys
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import anyio
import pytest

from ocpp_transports import OCPPError
from ocpp_transports.cluster import Cluster, ClusterClient
from tests.transports.cluster.redis.nodes import backend
from tests.transports.cluster.redis.redis_server import coredis_leaves_streams_open, needs_redis, redis_server

pytestmark = [pytest.mark.anyio, pytest.mark.cluster, needs_redis, coredis_leaves_streams_open]
LIMIT = 30
"""Seconds that a row may take on a slow machine."""


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
def shared_redis(tmp_path_factory):
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(params=["redis", "direct"])
def column(request):
    return request.param


class Row:
    """An owner and a caller, and what became of the calls."""

    def __init__(self, owner, caller):
        self.owner = owner
        self._caller = caller
        self._output = b""
        self.outcomes = {}
        """By the number of the call: "answered", "not sent" or "unknown"."""

    def kill(self):
        with suppress(ProcessLookupError):  # it was killed before
            self.owner.kill()

    async def call(self, number, seconds=0.0, **options):
        """Call the station, which works for so long, and return the outcome."""
        params = {"key": str(number), "value": str(seconds)}
        try:
            await self._caller.call("CP1", "ChangeConfiguration", params, **options)
            outcome = "answered"
        except OCPPError as error:
            outcome = "unknown" if vars(error)["sent"] else "not sent"
        assert number not in self.outcomes
        self.outcomes[number] = outcome
        return outcome

    async def next_line(self):
        """Return the next line of the owner: the number of a call that its station got."""
        while b"\n" not in self._output:
            self._output += await self.owner.stdout.receive()
        line, _, self._output = self._output.partition(b"\n")
        return line.decode()

    async def check(self):
        """Kill the owner; no call ran twice, none that was not sent ran, and all that were answered did."""
        self.kill()
        with suppress(anyio.EndOfStream):
            while True:
                self._output += await self.owner.stdout.receive()
        ran = [1, *map(int, self._output.split())]
        assert len(ran) == len(set(ran)) > 5
        assert not [each for each in ran if self.outcomes[each] == "not sent"]
        assert {each for each, outcome in self.outcomes.items() if outcome == "answered"} <= set(ran)

    async def offer(self, seconds, every=0.005):
        """Call at a steady rate for so long, and wait until each call has an outcome."""
        async with anyio.create_task_group() as tasks:
            until, number = anyio.current_time() + seconds, 1000
            while anyio.current_time() < until:
                number += 1
                tasks.start_soon(self.call, number)
                await anyio.sleep(every)


@asynccontextmanager
async def row(redis, column, *, lease):
    redis("FLUSHALL")
    arguments = [redis.url, str(lease)] + (["tcp://127.0.0.1:0"] if column == "direct" else [])
    command = [sys.executable, "-m", "tests.transports.cluster.failures.owner", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[4])}
    with anyio.fail_after(LIMIT):
        async with (
            await anyio.open_process(command, env=environment, stderr=None) as owner,
            ClusterClient(Cluster(backend(redis), "caller", lease=lease), logging=False) as caller,
        ):
            made = Row(owner, caller)
            assert await made.next_line() == "ready"
            assert await made.call(1) == "answered"
            assert await made.next_line() == "1"
            try:
                yield made
            finally:
                made.kill()


class TestTheOwner:
    async def test_was_killed_before_the_call(self, shared_redis, column):
        """Over Redis the frame waits for a node that seems to live; a stream cannot even be opened."""
        async with row(shared_redis, column, lease=3 if column == "redis" else 60) as made:
            made.kill()
            await made.owner.wait()
            assert await made.call(2) == {"redis": "unknown", "direct": "not sent"}[column]

    async def test_is_killed_during_the_call(self, shared_redis, column):
        """Over Redis its lease tells it, over a stream the end of that."""
        async with row(shared_redis, column, lease=3 if column == "redis" else 60) as made:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(made.call, 2, 60)
                assert await made.next_line() == "2"
                made.kill()
            assert made.outcomes[2] == "unknown"

    async def test_is_killed_under_load(self, shared_redis, column):
        async with row(shared_redis, column, lease=3) as made:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(made.offer, 2.0)
                await anyio.sleep(1)
                made.kill()
            await made.check()

    async def test_stands_still_for_two_seconds(self, shared_redis, column):
        async with row(shared_redis, column, lease=9) as made, anyio.create_task_group() as tasks:
            made.owner.send_signal(signal.SIGSTOP)
            tasks.start_soon(made.call, 2)
            await anyio.sleep(2)
            made.owner.send_signal(signal.SIGCONT)
        assert made.outcomes[2] == "answered"

    async def test_stands_still_for_longer_than_the_call_may_take(self, shared_redis, column):
        async with row(shared_redis, column, lease=9) as made:
            made.owner.send_signal(signal.SIGSTOP)
            assert await made.call(2, deadline=0.5) == "unknown"
            made.owner.send_signal(signal.SIGCONT)

    async def test_stands_still_for_longer_than_its_lease(self, shared_redis, column):
        async with row(shared_redis, column, lease=3) as made:
            made.owner.send_signal(signal.SIGSTOP)
            assert await made.call(2, deadline=60) == "unknown"
            made.owner.send_signal(signal.SIGCONT)


class TestRedis:
    async def test_stands_still_for_two_seconds(self, shared_redis, column):
        async with row(shared_redis, column, lease=9) as made, anyio.create_task_group() as tasks:
            shared_redis.stop()
            try:
                tasks.start_soon(made.call, 2)
                await anyio.sleep(1.5)
                assert made.outcomes.get(2) == {"redis": None, "direct": "answered"}[column]
            finally:
                shared_redis.wake()
        assert made.outcomes[2] == "answered"

    async def test_loses_its_data_under_load(self, shared_redis, column):
        async with row(shared_redis, column, lease=9) as made:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(made.offer, 2.0)
                await anyio.sleep(0.5)
                shared_redis.kill()
                shared_redis.start()
            await made.check()
            if column == "direct":
                assert set(made.outcomes.values()) == {"answered"}

    async def test_is_away_for_longer_than_the_owner_believes_in_its_stations(self, shared_redis, column):
        """Calls over a stream go on until then; afterwards another node may have the station."""
        async with row(shared_redis, column, lease=3) as made:
            shared_redis.stop()
            try:
                assert await made.call(2) == {"redis": "unknown", "direct": "answered"}[column]
                await anyio.sleep(4)
                assert await made.call(3) == "not sent"
            finally:
                shared_redis.wake()
