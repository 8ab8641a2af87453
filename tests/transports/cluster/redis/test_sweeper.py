"""What dead nodes left in Redis is removed, as in the pure table, and a node that is alive after all notices it."""

import random

import pytest

from ocpp_core.cluster.records import ClusterOwner, NodeId
from ocpp_core.cluster.registry.buckets import bucket_of
from ocpp_core.cluster.registry.table import RegistryTable
from ocpp_transports.cluster._redis import _sweeper
from ocpp_transports.cluster._redis._keys import Keys
from ocpp_transports.cluster._redis._sweeper import Sweeper
from tests.transports.cluster.redis.nodes import A, B, opened
from tests.transports.cluster.redis.redis_server import coredis_leaves_streams_open, needs_redis

pytestmark = [pytest.mark.anyio, needs_redis, coredis_leaves_streams_open]

C = NodeId("c.0000000000000003")
BUCKETS = 4
LEASE = 9.0
STATIONS = [f"CP{number}" for number in range(12)]


@pytest.fixture(scope="module")
def anyio_backend():
    """What differs on trio is in `test_connection`."""
    return "asyncio"


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch):
    monkeypatch.setattr(_sweeper, "_PAUSE", 0)


def sweeper(store, node=A):
    return Sweeper(Keys("ocpp", BUCKETS), node, LEASE, store._ask)


def die(redis, node):
    """End the lease of a node, as Redis does some time after its process has ended."""
    assert redis("DEL", f"ocpp:node:{{{node}}}") == b":1"


def bucket(identity):
    return f"ocpp:{{{bucket_of(identity, BUCKETS)}}}:own"


async def test_the_stations_that_stay_are_those_of_the_table(redis):
    source, nodes = random.Random(1), (A, B, C)
    table = RegistryTable(BUCKETS, "first", lease=LEASE)
    async with opened(redis, *nodes) as stores:
        for number in range(60):
            identity, owner = source.choice(STATIONS), source.choice(nodes)
            await stores[nodes.index(owner)].claim(identity)
            table.claim(identity, owner, number)
        for node in (B, C):
            die(redis, node)
        table.renew(A, None, 1000.0)
        table.sweep(1000.0, 1000.0)
        table.renew(A, None, 1000.0 + LEASE)
        assert table.sweep(1000.0 + LEASE, 1000.0 + LEASE) > 0
        sweeps = sweeper(stores[0])
        assert await sweeps.sweep(0.0) == 0
        assert await sweeps.sweep(LEASE - 0.1) == 0
        assert await sweeps.sweep(LEASE) > 0
        assert owners(await stores[0].check(STATIONS)) == owners(table.check(STATIONS))
        counters = [(f"ocpp:{{{each}}}:own", f"~{node}") for each in range(BUCKETS) for node in (B, C)]
        assert {redis("HEXISTS", *counter) for counter in counters} == {b":0"}


def owners(found):
    return [owner and owner.node for owner in found]


class TestANodeThatIsAliveAfterAll:
    async def test_sees_more_losses_and_takes_its_stations_back(self, redis):
        async with opened(redis, A, B) as (a, b):
            fence = (await b.claim("CP1")).fence
            await b.claim("CP2")
            await a.claim("CP2")  # a loss of B
            known = await b.renew()
            die(redis, B)
            sweeps = sweeper(a)
            await sweeps.sweep(0.0)
            assert await sweeps.sweep(LEASE) == 2  # a station and a counter
            renewed = await b.renew()
            for identity in ("CP1", "CP2"):
                at = bucket_of(identity, BUCKETS)
                assert renewed.losses[at] > known.losses[at]
            assert (await b.restore("CP1", fence)).is_ours
            assert await a.check(["CP1"]) == [ClusterOwner(B, fence)]

    async def test_is_no_longer_dead_when_it_has_renewed_between_two_sweeps(self, redis):
        async with opened(redis, A, B) as (a, b):
            await b.claim("CP1")
            die(redis, B)
            sweeps = sweeper(a)
            await sweeps.sweep(0.0)
            await b.renew()
            assert await sweeps.sweep(LEASE) == 0


class TestOneNodeAtATime:
    async def test_sweeps_until_it_asks_no_more(self, redis):
        async with opened(redis, A, B) as (a, b):
            await b.claim("CP1")
            die(redis, B)
            first, second = sweeper(a), sweeper(b, B)
            await first.sweep(0.0)
            await second.sweep(0.0)
            assert await second.sweep(LEASE) == 0
            assert 0 < int(redis("PTTL", "ocpp:sweeper")[1:]) <= 3 * 10 * LEASE * 1000
            redis("DEL", "ocpp:sweeper")  # as it expires
            await second.sweep(2 * LEASE)
            assert await first.sweep(2 * LEASE) == 0
            assert await second.sweep(3 * LEASE) == 1


class TestForeignData:
    FOREIGN = ("HSET", "since", "theirs"), ("HDEL", "since"), ("HSET", f"~{B}", "theirs"), ("HSET", "=CP9", "theirs")

    @pytest.mark.parametrize("command", FOREIGN)
    async def test_stays(self, redis, command):
        async with opened(redis, A, B) as (a, b):
            await b.claim("CP1")
            redis(command[0], bucket("CP1"), *command[1:])
            before = int(redis("HLEN", bucket("CP1"))[1:])
            die(redis, B)
            sweeps = sweeper(a)
            await sweeps.sweep(0.0)
            removed = await sweeps.sweep(LEASE)
            assert removed == (0 if "since" in command else 1)  # without it, nothing would show the loss
            assert int(redis("HLEN", bucket("CP1"))[1:]) == before - removed

    async def test_of_another_type_hinders_only_its_own_bucket(self, redis):
        async with opened(redis, A, B) as (a, b):
            for identity in STATIONS:
                await b.claim(identity)
            redis("DEL", bucket("CP1"))
            redis("SET", bucket("CP1"), "theirs")
            die(redis, B)
            sweeps = sweeper(a)
            await sweeps.sweep(0.0)
            assert await sweeps.sweep(LEASE) == len([each for each in STATIONS if bucket(each) != bucket("CP1")])
        assert redis("GET", bucket("CP1")) == b"theirs"


async def test_a_large_bucket_is_swept_in_parts(redis, monkeypatch):
    monkeypatch.setattr(_sweeper, "_FIELDS", 100)
    async with opened(redis, A, B) as (a, _):
        key = "ocpp:{0}:own"
        redis("EVAL", f"for n = 1, 2000 do redis.call('HSET', KEYS[1], '=X' .. n, '5|{B}') end", "1", key)
        redis("HSET", key, "since", "5", "fence", "5", "=Y", f"6|{A}")
        die(redis, B)
        sweeps = sweeper(a)
        await sweeps.sweep(0.0)
        assert await sweeps.sweep(LEASE) == 2000
        assert redis("HLEN", key) == b":3"
        assert int(redis("HGET", key, "since")) > 6
