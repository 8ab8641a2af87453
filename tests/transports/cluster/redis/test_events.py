"""Streams of events in a real Redis: what it answers, and what consumers and servers do while it is away."""

from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from ocpp_core.cluster.records import NodeId
from ocpp_transports._logging._log import Log, logger_of
from ocpp_transports._runtime._current import current_runtime
from ocpp_transports.cluster._events._log import START, Retention
from ocpp_transports.cluster._events._publisher import EventPublisher
from ocpp_transports.cluster._store import ForeignDataError, StoreUnavailableError
from ocpp_transports.cluster.events import ClusterEvents, EventGap, EventsOut
from ocpp_transports.cluster.redis import RedisBackend
from tests.transports.cluster.redis.redis_server import SECONDS, coredis_leaves_streams_open, needs_redis

pytestmark = [pytest.mark.anyio, needs_redis, coredis_leaves_streams_open]
KEY = "ocpp:ev:{0}"
KEEP = Retention(3600, 1_000)
SILENT = Log(logger_of(False), "test", is_station=False)


@asynccontextmanager
async def opened(redis, timeout=2):
    runtime = current_runtime("test", in_block=True, log=SILENT)
    log = RedisBackend(redis.url, logging=False).new_events(timeout)
    log.open(runtime)
    try:
        yield log
    finally:
        log.close()
        await runtime.aclose()


async def appended(log, *numbers, keep=KEEP):
    for number in numbers:
        await log.append(0, [{"v": b"1", "n": b"a.1", "s": b"%d" % number, "e": b'["g",0,1,0]'}], keep)


def numbers(entries):
    return [None if entry.fields is None else int(entry.fields[b"s"]) for entry in entries]


class TestAStream:
    async def test_is_read_from_a_position(self, redis):
        async with opened(redis) as log, log.session(0) as session:
            assert await session.newest() == START
            await appended(log, 1, 2, 3)
            entries = await session.read(START, 2)
            assert numbers(entries) == [1, 2]
            assert numbers(await session.read(entries[-1].position, 9)) == [3]
            assert (await session.newest()) > entries[-1].position

    async def test_gives_a_group_each_entry_once_until_it_is_claimed_or_acknowledged(self, redis):
        async with opened(redis) as log, log.session(0) as session:
            await appended(log, 1, 2, 3)
            await session.join("g")
            await session.join("g")
            first = await session.read_new("g", "a", 2)
            assert numbers(await session.read_new("g", "b", 9)) == [3]
            assert numbers(await session.read_pending("g", "a", START, 9)) == [1, 2]
            assert numbers(await session.read_pending("g", "a", first[0].position, 9)) == [2]
            assert not await session.claim("g", "b", 60)
            await log.acknowledge(0, "g", [first[0].position])
            assert await session.claim("g", "b", 0)
            assert numbers(await session.read_pending("g", "b", START, 9)) == [2, 3]
            redis("XDEL", KEY, f"{first[1].position.milliseconds}-{first[1].position.sequence}")
            assert numbers(await session.read_pending("g", "b", START, 9)) == [None, 3]

    async def test_is_trimmed_by_number_and_by_time_and_expires(self, redis):
        redis("CONFIG", "SET", "stream-node-max-entries", "10")
        async with opened(redis) as log:
            for number in range(12):
                redis("XADD", KEY, f"1-{number + 1}", "v", "1")
            await appended(log, 1)
            log._trim_at = 0.0
            await appended(log, 2)
            assert int(redis("XLEN", KEY).removeprefix(b":")) < 10
            assert 3_590_000 < int(redis("PTTL", KEY).removeprefix(b":")) <= 3_601_000
            await appended(log, *range(40), keep=Retention(3600, 20))
            assert int(redis("XLEN", KEY).removeprefix(b":")) < 35

    async def test_in_a_key_of_something_else_is_reported_and_left_alone(self, redis):
        redis("SET", KEY, "mine")
        async with opened(redis) as log:
            with pytest.raises(ForeignDataError, match="another type"):
                await appended(log, 1)
            with pytest.raises((ForeignDataError, StoreUnavailableError)):
                async with log.session(0) as session:
                    await session.join("g")
        assert redis("GET", KEY) == b"mine"


@asynccontextmanager
async def publishing(redis):
    """A server's part that writes events: the test adds the events."""
    runtime = current_runtime("test", in_block=True, log=SILENT)
    log = RedisBackend(redis.url, logging=False).new_events(0.3)
    publisher = EventPublisher(NodeId("a.1"), EventsOut(), log, runtime, SILENT, lambda: None)
    publisher.open()
    try:
        yield lambda number: publisher.add(b'["g",0,%d,0]' % number, is_message=False)
    finally:
        await publisher.aclose(2)
        await runtime.aclose()


async def until(condition):
    with anyio.fail_after(SECONDS):
        while not condition():  # noqa: ASYNC110 - Redis reports no such thing
            await anyio.sleep(0.005)


async def collect(events, got):
    async for event in events:
        got.append(event)
        events.ack(event)


class TestARestart:
    async def test_without_data_delays_events_and_loses_none_that_comes_later(self, redis):
        got: list[Any] = []
        cluster = ClusterEvents(redis.url, group="g", consumer="w", logging=False)
        async with publishing(redis) as add, cluster as events, anyio.create_task_group() as tasks:
            tasks.start_soon(collect, events, got)
            add(1)
            await until(lambda: len(got) == 1)
            redis.kill()
            add(2)
            await anyio.sleep(0.05)
            redis.start()
            add(3)
            await until(lambda: {event.messages for event in got} >= {1, 2, 3})
            tasks.cancel_scope.cancel()
        assert all(isinstance(event, EventGap) and event.node == "a.1" for event in got)


@pytest.mark.cluster
class TestAStop:
    async def test_of_five_seconds_delays_events_in_their_order(self, redis):
        got: list[Any] = []
        cluster = ClusterEvents(redis.url, since=0, logging=False)
        async with publishing(redis) as add, cluster as events, anyio.create_task_group() as tasks:
            tasks.start_soon(collect, events, got)
            redis.stop()
            for number in range(1, 6):
                add(number)
                await anyio.sleep(1)
            redis.wake()
            await until(lambda: {event.messages for event in got} == set(range(1, 6)))
            tasks.cancel_scope.cancel()
        first_seen = list(dict.fromkeys(event.id for event in got))
        assert first_seen == [f"a.1-{number}" for number in range(1, 6)]
