"""The registry and the frames over several servers of a Redis Cluster."""

from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial

import anyio
import pytest

from ocpp_core.cluster.records import ClusterOwner, NodeId, UnknownOwner
from ocpp_core.cluster.registry.buckets import bucket_of
from ocpp_transports.cluster._redis._servers._slots import slot_of
from ocpp_transports.cluster._store import StoreUnavailableError
from ocpp_transports.cluster.redis import RedisBackend
from tests.transports.cluster.redis.belief import answered_again, believed, soon_believed_once
from tests.transports.cluster.redis.nodes import A, B, found
from tests.transports.cluster.redis.redis_server import coredis_leaves_streams_open, needs_redis
from tests.transports.cluster.redis.several_servers import redis_cluster
from tests.transports.cluster.servers import ACCEPTED, RESET, connected, server_in

pytestmark = [pytest.mark.anyio, pytest.mark.cluster, needs_redis, coredis_leaves_streams_open]

BUCKETS = 16
STATIONS = [f"CP{number}" for number in range(50)]


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    with redis_cluster(tmp_path_factory.mktemp("cluster")) as servers:
        yield servers


@pytest.fixture
def backend(servers):
    for each in servers.primaries:
        each("FLUSHALL")
    return RedisBackend(servers.url, buckets=BUCKETS, logging=False)


@asynccontextmanager
async def opened(backend, *nodes, timeout=20.0):
    async with AsyncExitStack() as stack:
        stores = []
        for node in nodes:
            store = backend.new_store(9.0, timeout)
            await store.open(node, None)
            stack.push_async_callback(store.aclose)
            stores.append(store)
        yield stores


def bucket(identity):
    return f"ocpp:{{{bucket_of(identity, BUCKETS)}}}:own"


def having(servers, identity):
    return servers.having(bucket(identity))


def changed_buckets(before, after):
    """Return the buckets that have another generation."""
    pairs = zip(before.generations, after.generations, strict=True)
    return {number for number, (old, new) in enumerate(pairs) if old != new}


async def until_answered(ask, is_enough=bool):
    """Ask until there is an answer that is enough."""
    with anyio.fail_after(60):
        while True:
            with suppress(StoreUnavailableError):
                if is_enough(answer := await ask()):
                    return answer
            await anyio.sleep(0.05)


def test_the_slot_of_a_key_is_that_of_redis(servers):
    for key in ("ocpp:v", "ocpp:{12}:own", "a{}b", "{a}{b}", "a{b", "ocpp:node:{csms.0000000000000001}"):
        assert slot_of(key) == int(servers.primaries[0]("CLUSTER", "KEYSLOT", key)[1:])


class TestTheRegistry:
    async def test_is_spread_over_the_servers(self, servers, backend):
        async with opened(backend, A, B) as (a, b):
            fences = [(await a.claim(each)).fence for each in STATIONS]
            assert [owner.fence for owner in await b.check(STATIONS)] == fences
            before = await a.renew()
            assert (await b.claim("CP1")).previous.node == A
            after = await a.renew()
            assert sum(after.losses) - sum(before.losses) == 1
            assert len(set(after.generations)) == len(servers.primaries)
            assert (await found(b, "CP1")).is_alive
            assert await a.release("CP2", fences[2])
        assert all(int(each("DBSIZE")[1:]) for each in servers.primaries)

    async def test_has_the_same_generation_in_a_claim_as_in_a_renewal(self, backend):
        async with opened(backend, A) as (a,):
            renewed = await a.renew()
            for identity in STATIONS:
                claimed = await a.claim(identity)
                assert claimed.generation == renewed.generations[bucket_of(identity, BUCKETS)]
            assert (await a.renew()).generations == renewed.generations


class TestASlotThatMoves:
    async def test_is_followed_during_the_move_and_after_it(self, servers, backend):
        source = having(servers, "CP1")
        target = next(each for each in servers.primaries if each is not source)
        key, slot = bucket("CP1"), str(slot_of(bucket("CP1")))
        async with opened(backend, A, B) as (a, b):
            first = await a.claim("CP1")
            before = await a.renew()
            ids = source("CLUSTER", "MYID"), target("CLUSTER", "MYID")
            target("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[0])
            source("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[1])
            second = await b.claim("CP1")  # at the source, which still has the key
            assert source("MIGRATE", "127.0.0.1", str(target.port), key, "0", "5000") == b"+OK"
            target("SCRIPT", "FLUSH")
            third = await a.claim("CP1")  # at the target, which is asked first
            for server in servers.primaries:
                server("CLUSTER", "SETSLOT", slot, "NODE", ids[1])
            fourth = await b.claim("CP1")
            assert first.fence < second.fence < third.fence < fourth.fence
            assert (fourth.previous.fence, third.generation) == (third.fence, fourth.generation)
            after = await a.renew()
            assert changed_buckets(before, after) == {bucket_of("CP1", BUCKETS)}  # no other stations are checked


class TestFrames:
    async def test_reach_nodes_whose_streams_are_at_different_servers(self, backend):
        nodes = [NodeId(f"n.{number:016x}") for number in range(6)]
        arrived = Counter[tuple[NodeId, NodeId, bytes]]()
        async with opened(backend, *nodes), AsyncExitStack() as stack:
            carriers = []
            for node in nodes:

                def received(sender, frame, node=node):
                    arrived[sender, node, frame] += 1

                carriers.append(backend.new_carrier(node, received, lambda _: None))
                stack.push_async_callback(carriers[-1].aclose)
            for carrier in carriers:
                for node in nodes:
                    await carrier.send(node, None, b"frame")
            with anyio.fail_after(20):
                while len(arrived) < len(nodes) ** 2:  # noqa: ASYNC110 - the receiver is a plain function
                    await anyio.sleep(0.01)
        assert set(arrived.values()) == {1}


class TestAServerThatDies:
    async def test_is_replaced_by_its_replica_and_the_others_go_on(self, tmp_path):
        with redis_cluster(tmp_path, replicas=1) as servers:
            dying = servers.primaries[0]
            here = next(each for each in STATIONS if having(servers, each) is dying)
            elsewhere = next(each for each in STATIONS if having(servers, each) is not dying)
            lost = {number for number in range(BUCKETS) if servers.having(f"ocpp:{{{number}}}:own") is dying}
            backend = RedisBackend(servers.url, buckets=BUCKETS, logging=False)
            nodes = nodes_at(servers, dying)
            async with opened(backend, *nodes, timeout=2.0) as (a, b):
                claimed = await a.claim(here)
                before = await a.renew()
                dying.kill()
                await a.claim(elsewhere)
                with pytest.raises(StoreUnavailableError):
                    await a.claim(here)
                during = await until_answered(a.renew)
                assert {number for number, each in enumerate(during.generations) if each is None} in (lost, set())
                owners = await until_answered(partial(a.check, [here, elsewhere]))
                assert owners[0] in (UnknownOwner.UNKNOWN, ClusterOwner(nodes[0], claimed.fence))
                assert isinstance(owners[1], ClusterOwner)
                with suppress(StoreUnavailableError):  # its lease is lost with the server
                    assert None not in (await b.renew()).generations
                after = await until_answered(a.renew, lambda renewed: None not in renewed.generations)
                restored = await a.restore(here, claimed.fence)
                assert restored.is_ours
                assert restored.generation == after.generations[bucket_of(here, BUCKETS)]
                assert changed_buckets(before, after) == lost
                assert (await until_answered(partial(b.claim, here))).fence > claimed.fence


def nodes_at(servers, dying):
    """Return a node whose lease is at another server, and one whose lease is there."""
    names = [NodeId(f"n.{number:016x}") for number in range(100)]
    at = {servers.having(f"ocpp:node:{{{each}}}") is dying: each for each in names}
    return at[False], at[True]


class TestServers:
    @pytest.mark.parametrize("fault", ["kill", "stop"])
    async def test_keep_their_stations_and_call_again_when_a_primary_fails(self, tmp_path, fault):
        stations = STATIONS[:6]
        with redis_cluster(tmp_path, replicas=1) as servers:
            shared = RedisBackend(servers.url, buckets=BUCKETS, logging=False)
            async with (
                server_in(shared, "one", lease=9) as one,
                server_in(shared, "two", lease=9) as two,
                AsyncExitStack() as stack,
                soon_believed_once((one, two), stations, 9),
            ):
                for each in stations:
                    await stack.enter_async_context(connected(one, each))
                fences = [believed(one, each) for each in stations]
                getattr(servers.primaries[0], fault)()
                for each in stations:
                    assert await answered_again(partial(two.call, each, *RESET)) == ACCEPTED
                if fault == "stop":
                    servers.primaries[0].wake()
                async with connected(two, stations[0]):  # takes it from the other node
                    assert await answered_again(partial(one.call, stations[0], *RESET)) == ACCEPTED
                assert [believed(one, each) for each in stations[1:]] == fences[1:]


class TestTheUrl:
    async def test_of_a_single_server_is_refused_with_words(self, redis):
        store = RedisBackend(redis.url.replace("redis", "redis+cluster", 1), logging=False).new_store(9, 2)
        with pytest.raises(StoreUnavailableError, match="use redis:// for a single one"):
            await store.open(A, None)

    async def test_for_a_single_server_is_refused_with_words_by_a_cluster(self, servers):
        store = RedisBackend(servers.primaries[0].url, buckets=BUCKETS, logging=False).new_store(9, 2)
        with pytest.raises(StoreUnavailableError, match=r"use redis\+cluster://"):
            await store.open(A, None)
