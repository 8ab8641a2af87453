"""What a store of queued commands answers: the scripts in Redis and the pure table are held to each other."""

import os
import random
import time
from dataclasses import replace

import pytest

from ocpp_core.cluster.queue.records import NewCommand
from ocpp_core.cluster.queue.settings import MAX_OUTCOMES, ClusterQueueLimits
from ocpp_core.cluster.queue.table import QueueTable
from ocpp_core.cluster.records import ClusterOwner
from ocpp_transports.cluster import ForeignDataError, QueueUnavailableError
from ocpp_transports.cluster._queue import _redis_store
from ocpp_transports.cluster._redis._scripts import Script
from tests.transports.cluster.redis.nodes import A, B, backend
from tests.transports.cluster.redis.redis_server import needs_redis

pytestmark = [pytest.mark.anyio, needs_redis]
SCRIPTS = ("ENQUEUE", "TAKE", "SETTLE", "CANCEL", "ACKNOWLEDGE", "LOOK")
HISTORIES = int(os.environ.get("CLUSTER_HISTORIES", "2"))
STEPS = 80
LIMITS = ClusterQueueLimits(size=3, size_bytes=60, stations=2, kept=50)


@pytest.fixture(scope="module")
def anyio_backend():
    """The answers are made in Redis: nothing differs on trio."""
    return "asyncio"


@pytest.fixture
async def stores(redis):
    """A store for each of two nodes; all stations are in one bucket."""
    made = {}
    for node in (A, B):
        made[node] = backend(redis, buckets=1).new_queue(20.0)
        await made[node].open(node)
    yield made
    for store in made.values():
        await store.aclose()


@pytest.fixture
def clock(redis, monkeypatch):
    """Let the scripts read the time from a key, in milliseconds; it is ahead of Redis's, which lets keys expire."""
    for name in SCRIPTS:
        text = getattr(_redis_store, name).text
        clocked = text.replace("redis.call('TIME')", "{redis.call('GET', 'clock'), 0}").replace(
            "time[1] * 1000", "time[1]"
        )
        assert clocked != text
        monkeypatch.setattr(_redis_store, name, Script(clocked))
    return Clock(redis)


class Clock:
    def __init__(self, redis):
        self._redis = redis
        self.now = int(time.time() + 1_000_000) * 1000
        self.advance(0)

    def advance(self, milliseconds):
        self.now += milliseconds
        self._redis("SET", "clock", str(self.now))


class Twins:
    """Asks both, and compares."""

    def __init__(self, redis, stores, clock):
        self._redis, self._stores, self._clock = redis, stores, clock
        self._table = QueueTable()
        self._owners = {}

    def own(self, station, node, fence):
        self._owners[station] = ClusterOwner(node, fence)
        self._redis("HSET", "ocpp:{0}:own", f"={station}", f"{fence}|{node}")

    def owner(self, station, *default):
        return (self._owners[station].node, self._owners[station].fence) if station in self._owners else default

    def _same(self, there, here):
        assert there == here
        return here

    async def enqueue(self, node, station, command):
        here = self._table.enqueue(station, command, LIMITS, self._owners.get(station), self._clock.now)
        return self._same(await self._stores[node].enqueue(station, command, LIMITS), here)

    async def take(self, node, station, token, fence):
        is_owner = self._owners.get(station) == ClusterOwner(node, fence)
        here = self._table.take(station, token, 5.0, self._clock.now, is_owner=is_owner)
        return self._same(await self._stores[node].take(station, token, fence, 5.0), here)

    async def settle(self, node, station, token, number, outcome):
        here = self._table.settle(station, token, number, outcome, self._clock.now)
        return self._same(await self._stores[node].settle(station, token, number, outcome), here)

    async def cancel(self, node, station, number):
        here = self._table.cancel(station, number, self._clock.now)
        return self._same(await self._stores[node].cancel(station, number), here)

    async def acknowledge(self, node, station, number):
        here = self._table.acknowledge(station, number, self._clock.now)
        return self._same(await self._stores[node].acknowledge(station, number), here)

    async def look(self, node, station):
        here, news = self._table.look(station, self._clock.now)
        there, owner, told = await self._stores[node].look(station)
        assert (there, told, owner) == (here, news, self._owners.get(station))
        return here


def command(number, **fields):
    made = NewCommand(number, "Reset", None, f"[{number}]", ttl=10.0, deadline=None, origin=A)
    return replace(made, **fields)


class TestTheTwins:
    async def test_answer_every_history_equally(self, redis, stores, clock):
        for seed in range(HISTORIES):
            redis("FLUSHALL")
            clock.advance(0)
            await play(Twins(redis, stores, clock), clock, random.Random(seed))

    @pytest.mark.cluster
    async def test_forget_the_oldest_outcomes(self, redis, stores, clock):
        twins = Twins(redis, stores, clock)
        for number in range(MAX_OUTCOMES + 3):
            await twins.enqueue(A, "CP1", command(number, content="[]"))
            await twins.cancel(A, "CP1", number)
        assert [each.number for each in await twins.look(B, "CP1")] == list(range(3, MAX_OUTCOMES + 3))


async def play(twins, clock, dice):
    numbers, tokens, fence = [1], [("CP1", "none")], 1
    for step in range(STEPS):
        node, station = dice.choice((A, B)), dice.choice(("CP1", "CP2", "CP3"))
        number, (taken, token) = dice.choice(numbers[-6:]), dice.choice(tokens[-2:])
        kind = dice.choice(("enqueue", "enqueue", "own", "take", "take", "settle", "cancel", "acknowledge", "look"))
        clock.advance(dice.choice((0, 0, 1, 900, 7000)))
        if kind == "own":
            fence += 1
            twins.own(station, node, fence)
        elif kind == "enqueue":
            numbers.append(dice.choice((number, 10**18 + step)))
            key, deadline = dice.choice((None, None, "k")), dice.choice((None, 0.5, 20.0))
            content = dice.choice(("[]", "x" * 25))
            made = command(numbers[-1], key=key, deadline=deadline, content=content, origin=dice.choice((A, B)))
            await twins.enqueue(node, station, made)
        elif kind == "take":
            node, fence_now = twins.owner(station, node, fence)
            tokens.append(dice.choice(((taken, token), (station, f"t{step}"), (station, f"t{step}"))))
            await twins.take(node, *tokens[-1], dice.choice((fence_now, fence_now, fence)))
        elif kind == "settle":
            await twins.settle(node, taken, token, dice.choice((None, number)), dice.choice((None, '["x"]')))
        elif kind == "look":
            await twins.look(node, station)
        else:
            await getattr(twins, kind)(node, station, number)


class TestRedis:
    async def test_keeps_nothing_of_a_station_without_commands(self, redis, stores):
        redis("HSET", "ocpp:{0}:own", "=CP1", f"7|{A}")
        await stores[B].enqueue("CP1", command(5), LIMITS)
        for key in ("ocpp:{0}:q:CP1", "ocpp:{0}:queues"):
            assert 0 < int(redis("PTTL", key)[1:]) <= 60_000
        await stores[A].take("CP1", "t", 7, 5.0)
        await stores[A].settle("CP1", "t", 5, "[]")
        await stores[B].acknowledge("CP1", 5)
        assert redis("EXISTS", "ocpp:{0}:q:CP1", "ocpp:{0}:queues") == b":0"

    async def test_leaves_foreign_data_as_they_are(self, redis, stores):
        redis("SET", "ocpp:{0}:q:CP1", "mine")
        redis("HSET", "ocpp:{0}:q:CP2", "i", "no list")
        for station in ("CP1", "CP2"):
            with pytest.raises(ForeignDataError, match="expected data"):
                await stores[A].enqueue(station, command(1), LIMITS)
        assert b"mine" in redis("GET", "ocpp:{0}:q:CP1")
        assert b"no list" in redis("HGET", "ocpp:{0}:q:CP2", "i")

    async def test_that_is_away_says_if_the_command_may_be_stored(self, redis):
        store = backend(redis, buckets=1).new_queue(0.05)
        with pytest.raises(QueueUnavailableError) as closed:
            await store.enqueue("CP1", command(1), LIMITS)
        await store.open(A)
        try:
            await store.look("CP1")
            redis.stop()
            with pytest.raises(QueueUnavailableError) as written:
                await store.enqueue("CP1", command(1), LIMITS)
        finally:
            redis.wake()
            await store.aclose()
        assert (closed.value.may_be_stored, written.value.may_be_stored) == (False, True)
