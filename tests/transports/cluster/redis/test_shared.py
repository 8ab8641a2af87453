"""The common memory: the pure table and the scripts in Redis are held to the same cases."""

import os
import random
from contextlib import asynccontextmanager

import anyio
import pytest

from ocpp_core.cluster.registry.table import RegistryTable
from ocpp_core.cluster.shared.records import (
    MOST_ANSWERS,
    AnswerChange,
    SessionChange,
    SharedAnswer,
    SharedSession,
    StationMemory,
)
from ocpp_core.cluster.shared.sessions import session_key
from ocpp_core.cluster.shared.table import SharedTable
from ocpp_transports.cluster import ForeignDataError, StoreUnavailableError
from ocpp_transports.cluster._shared._memory import MemorySharedStore
from tests.transports.cluster.redis.nodes import A, B, backend, opened
from tests.transports.cluster.redis.redis_server import needs_redis

pytestmark = [pytest.mark.anyio, needs_redis]

KEY = session_key("CP1", 2, "CP1")
LONG = 600.0
HISTORIES = int(os.environ.get("CLUSTER_HISTORIES", "2"))


@pytest.fixture(scope="module")
def anyio_backend():
    """The answers are made in Redis: nothing differs on trio."""
    return "asyncio"


class OnTable:
    """Claims and the common memory of one process."""

    def __init__(self):
        self._registry = RegistryTable(4, "first", lease=9.0)
        self._table = SharedTable(lambda name: owner.fence if (owner := self._registry.check([name])[0]) else 0)
        self.store = MemorySharedStore(self._table, lambda: True)
        self._time = 10**15

    async def claim(self, node, name):
        self._time += 1
        return self._registry.claim(name, node, self._time).fence

    async def restore(self, node, name, fence):
        self._registry.restore(name, node, fence)

    async def release(self, node, name, fence):
        self._registry.release(name, node, fence)


class OnRedis:
    """Claims and the common memory in Redis."""

    def __init__(self, stores, store):
        self._stores = dict(zip((A, B), stores, strict=True))
        self.store = store

    async def claim(self, node, name):
        return (await self._stores[node].claim(name)).fence

    async def restore(self, node, name, fence):
        await self._stores[node].restore(name, fence)

    async def release(self, node, name, fence):
        await self._stores[node].release(name, fence)


@asynccontextmanager
async def shared_on(redis):
    store = backend(redis).new_shared(20.0)
    await store.open()
    try:
        yield store
    finally:
        await store.aclose()


@pytest.fixture(params=["table", "redis"])
async def memory(request, redis):
    if request.param == "table":
        yield OnTable()
    else:
        async with opened(redis, A, B, timeout=5.0) as stores, shared_on(redis) as store:
            yield OnRedis(stores, store)


def change(fence, text='{"a":1}', ttl=LONG, name="CP1", key=KEY):
    return SessionChange(name, key, fence, text, ttl)


def answers(*numbers, name="CP1", window=LONG, **options):
    return AnswerChange(name, tuple(answer(number) for number in numbers), window, **options)


def answer(number):
    return SharedAnswer(f"m{number}", "d" * 32, f'[3,"m{number}",{{"ü|":1}}]')


class TestASession:
    async def test_is_found_with_its_key_only(self, memory):
        fence = await memory.claim(A, "CP1")
        await memory.store.write([change(fence)])
        assert await memory.store.read("CP1", KEY) == StationMemory(SharedSession(fence, '{"a":1}'))
        assert await memory.store.read("CP1", session_key("CP1", 1, "CP1")) == StationMemory()
        assert await memory.store.read("CP1", None) == StationMemory()

    async def test_is_not_written_after_a_newer_claim(self, memory):
        old = await memory.claim(A, "CP1")
        new = await memory.claim(B, "CP1")
        await memory.store.write([change(old)])
        assert (await memory.store.read("CP1", KEY)).session is None
        await memory.store.write([change(new, '{"a":2}')])
        await memory.release(B, "CP1", new)
        await memory.store.write([change(old)])
        assert (await memory.store.read("CP1", KEY)).session == SharedSession(new, '{"a":2}')

    async def test_is_written_after_the_release_of_its_claim(self, memory):
        fence = await memory.claim(A, "CP1")
        await memory.release(A, "CP1", fence)
        await memory.store.write([change(fence), change(fence, '{"a":3}')])
        assert (await memory.store.read("CP1", KEY)).session == SharedSession(fence, '{"a":3}')

    async def test_that_was_cleared_is_newer_than_one_before(self, memory):
        old = await memory.claim(A, "CP1")
        new = await memory.claim(B, "CP1")
        await memory.store.write([change(new, "")])
        await memory.release(B, "CP1", new)
        await memory.store.write([change(old)])
        assert (await memory.store.read("CP1", KEY)).session == SharedSession(new, "")

    async def test_expires(self, memory):
        await memory.store.write([change(await memory.claim(A, "CP1"), ttl=0.02)])
        await anyio.sleep(0.04)
        assert await memory.store.read("CP1", KEY) == StationMemory()


class TestResponses:
    async def test_are_those_of_the_station_with_the_time_that_is_left(self, memory):
        await memory.store.write([answers(1, 2), answers(3), answers(4, name="CP\udcff")])
        found = (await memory.store.read("CP1", None)).answers
        assert [each for each, _ in found] == [answer(1), answer(2), answer(3)]
        assert all(LONG - 20 < left <= LONG for _, left in found)
        assert [each for each, _ in (await memory.store.read("CP\udcff", None)).answers] == [answer(4)]

    async def test_are_the_newest(self, memory):
        await memory.store.write([answers(*range(10)), answers(*range(10, 10 + MOST_ANSWERS))])
        found = (await memory.store.read("CP1", None)).answers
        assert [each for each, _ in found] == [answer(number) for number in range(10, 10 + MOST_ANSWERS)]

    async def test_replace_the_earlier_ones(self, memory):
        await memory.store.write([answers(1), answers(2, replaces=True)])
        assert [each for each, _ in (await memory.store.read("CP1", None)).answers] == [answer(2)]
        await memory.store.write([answers(replaces=True)])
        assert await memory.store.read("CP1", None) == StationMemory()

    async def test_expire_one_by_one(self, memory):
        await memory.store.write([answers(1, window=0.02), answers(2)])
        await anyio.sleep(0.04)
        assert [each for each, _ in (await memory.store.read("CP1", None)).answers] == [answer(2)]


class TestARate:
    async def test_is_full_later_with_each_token_up_to_a_bound(self, memory):
        first = await memory.store.take({"192.0.2.1": 2, "192.0.2.2": 1}, 0.01, 3)
        assert first == pytest.approx([200, 100], abs=1)
        assert await memory.store.take({"192.0.2.1": 1}, 0.01, 3) == pytest.approx([300], abs=20)
        assert await memory.store.take({"192.0.2.1": 9}, 0.01, 3) == pytest.approx([500], abs=1)


class TestTheTwins:
    @staticmethod
    async def history(memory, seed):
        """Return what a random history of claims and changes leaves after each step."""
        dice, seen = random.Random(seed), []
        for _ in range(40):
            name, fence = dice.choice(["CP1", "CP2"]), dice.randrange(1, 12)
            match dice.choice(["claim", "release", "session", "session", "answers"]):
                case "claim":
                    await memory.restore(dice.choice([A, B]), name, fence)
                case "release":
                    await memory.release(dice.choice([A, B]), name, fence)
                case "session":
                    text = dice.choice(["", f'{{"a":{fence}}}'])
                    await memory.store.write([change(fence, text, name=name, key=session_key(name, 2, name))])
                case "answers":
                    await memory.store.write([answers(fence, name=name, replaces=dice.random() < 0.2)])
            found = await memory.store.read(name, session_key(name, 2, name))
            seen.append((found.session, [each for each, _ in found.answers]))
        return seen

    async def test_leave_the_same_after_every_history(self, redis):
        for seed in range(HISTORIES):
            redis("FLUSHALL")
            async with opened(redis, A, B, timeout=5.0) as stores, shared_on(redis) as store:
                on_redis = await self.history(OnRedis(stores, store), seed)
            assert on_redis == await self.history(OnTable(), seed), seed


class TestForeignData:
    async def test_is_left_alone_and_counts_as_missing(self, redis):
        async with shared_on(redis) as store:
            await store.write([change(1), answers(1)])
            await store.take({"192.0.2.1": 1}, 0.01, 3)
            session, kept, rate = (store._session("CP1", KEY), store._answers("CP1"), store._rate("192.0.2.1"))
            for key in (session, kept, rate):
                redis("DEL", key)
                redis("HSET", key, "a", "b")
            for foreign in (change(2), answers(2)):
                with pytest.raises(ForeignDataError):
                    await store.write([foreign, answers(3, name="CP2")])
            assert await store.read("CP1", KEY) == StationMemory()
            assert await store.take({"192.0.2.1": 1}, 0.01, 3) == pytest.approx([100], abs=1)
            assert len((await store.read("CP2", None)).answers) == 2
            assert [redis("TYPE", key) for key in (session, kept, rate)] == [b"+hash"] * 3

    async def test_of_the_right_type_counts_as_missing_too(self, redis):
        async with shared_on(redis) as store:
            redis("SET", store._session("CP1", KEY), "x")
            redis("RPUSH", store._answers("CP1"), "x", "1|[]", "99999999999999999|[1,2,3]", "99999999999999999|[")
            assert await store.read("CP1", KEY) == StationMemory()
            with pytest.raises(ForeignDataError):
                await store.write([change(1)])
            assert redis("GET", store._session("CP1", KEY)) == b"x"

    async def test_everything_expires(self, redis):
        async with shared_on(redis) as store:
            await store.write([change(1), answers(1)])
            await store.take({"192.0.2.1": 1}, 0.01, 3)
            assert redis("DBSIZE") == b":3"
            for key in (store._session("CP1", KEY), store._answers("CP1"), store._rate("192.0.2.1")):
                assert int(redis("PTTL", key)[1:]) > 0


async def test_a_store_that_is_not_open_is_unavailable(redis):
    with pytest.raises(StoreUnavailableError):
        await backend(redis).new_shared(1.0).read("CP1", None)
