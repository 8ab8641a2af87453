"""The task that uses coredis: what callers see of lost connections, of a Redis that stands still, and of each other."""

from contextlib import asynccontextmanager, suppress
from functools import partial

import anyio
import pytest

from ocpp_transports._runtime._current import current_runtime
from ocpp_transports.cluster._redis import _connection
from ocpp_transports.cluster._redis._commands import PlainCommand, ScriptCall
from ocpp_transports.cluster._redis._errors import Unreachable
from ocpp_transports.cluster._redis._scripts import Script
from ocpp_transports.cluster._redis._servers._opening import connection_to
from tests.transports.cluster.redis.nodes import backend
from tests.transports.cluster.redis.redis_server import coredis_leaves_streams_open, needs_redis

pytestmark = [pytest.mark.anyio, needs_redis, coredis_leaves_streams_open]

SHORT = 0.1
"""Seconds of a timeout that a test waits for."""
PUSH = ScriptCall(Script("return redis.call('RPUSH', KEYS[1], ARGV[1])"), ("list",), ("x",))
GET = PlainCommand("list", lambda pipe: pipe.get("list"))
LENGTH = PlainCommand("list", lambda pipe: pipe.llen("list"))


@asynccontextmanager
async def connected(redis, timeout=20.0):
    settings = backend(redis)._settings
    runtime = current_runtime("test", in_block=True, log=settings.log())
    connection = connection_to(settings, timeout, runtime)
    try:
        yield partial(ask, connection, timeout)
    finally:
        connection.close()
        await runtime.aclose()


async def ask(connection, timeout, *commands):
    return await connection.execute(commands, anyio.current_time() + timeout)


class TestManyCallers:
    async def test_each_gets_its_own_replies_over_one_connection(self, redis):
        before = connections(redis)
        lengths: list[int] = []

        async def push(times):
            replies = await redis_ask(*[PUSH] * times)
            assert replies == sorted(replies)
            lengths.extend(replies)

        async with connected(redis) as redis_ask, anyio.create_task_group() as tasks:
            for times in range(40):
                tasks.start_soon(push, times)
        assert sorted(lengths) == list(range(1, sum(range(40)) + 1))
        assert connections(redis) - before == 2  # the second one asks for the number

    async def test_an_error_in_a_reply_concerns_one(self, redis):
        async with connected(redis) as ask:
            first, wrong, last = await ask(PUSH, GET, PUSH)
        assert (first, last) == (1, 2)
        assert isinstance(wrong, Exception)

    async def test_the_cancellation_of_one_concerns_no_other(self, redis):
        async with connected(redis) as ask, anyio.create_task_group() as tasks:
            await ask(PUSH)
            redis.stop()
            for _ in range(3):
                tasks.start_soon(ask, PUSH)
            async with anyio.create_task_group() as cancelled:
                for _ in range(3):
                    cancelled.start_soon(ask, PUSH)
                await anyio.wait_all_tasks_blocked()
                cancelled.cancel_scope.cancel()
            redis.wake()
        assert 4 <= int(redis("LLEN", "list")[1:]) <= 7

    async def test_more_of_them_than_wait_at_most_are_refused(self, redis, monkeypatch):
        monkeypatch.setattr(_connection, "_MOST_WAITING", 5)
        async with connected(redis, SHORT) as ask:
            redis.stop()
            try:
                outcomes = await outcomes_of(ask, 8)
            finally:
                redis.wake()
        assert [each for each in outcomes if each.startswith("5 commands wait already")]


class TestAScriptThatRedisDoesNotKnow:
    async def test_is_executed_once(self, redis):
        async with connected(redis) as ask:
            for expected in (1, 4):
                redis("SCRIPT", "FLUSH")
                assert await ask(PUSH, LENGTH, PUSH, PUSH) == [expected, expected - 1, expected + 1, expected + 2]


class TestARedisThatStandsStill:
    async def test_nobody_waits_longer_than_the_timeout_and_nothing_is_written_afterwards(self, redis):
        async with connected(redis, SHORT) as ask:
            await length(ask)
            redis.stop()
            try:
                with anyio.fail_after(20):
                    outcomes = [*await outcomes_of(ask, 4), *await outcomes_of(ask, 1)]
            finally:
                redis.wake()
            assert outcomes == ["it did not answer in time"] * 5
            assert await length(ask) <= 4  # those that were in the connection; coredis repeats none

    async def test_says_what_was_certainly_not_executed(self, redis):
        async with connected(redis, SHORT) as ask:
            redis.stop()
            try:
                with pytest.raises(Unreachable) as raised:
                    await ask(PUSH)
            finally:
                redis.wake()
            assert not raised.value.is_written  # Redis had not even answered the handshake
            assert await length(ask) == 0


class TestARedisThatIsAway:
    async def test_is_used_again_when_it_is_back_however_often(self, redis):
        async with connected(redis) as ask:
            for _ in range(3):  # a pool of coredis would have lost its connections
                await ask(LENGTH)
                redis.kill()
                with anyio.fail_after(20):
                    for _ in range(2):
                        with pytest.raises(Unreachable, match="connection failed"):
                            await ask(PUSH)
                redis.start()
                assert await ask(PUSH) == [1]


class TestClosing:
    async def test_fails_those_who_wait_and_those_who_come_later(self, redis):
        async with connected(redis) as ask, anyio.create_task_group() as tasks:
            await ask(LENGTH)
            redis.stop()
            waiting: list[str] = []

            async def wait():
                waiting.extend(await outcomes_of(ask, 3))

            tasks.start_soon(wait)
            await anyio.wait_all_tasks_blocked()
            ask.args[0].close()
            redis.wake()
            with pytest.raises(Unreachable, match="closed"):
                await ask(PUSH)
        assert waiting == ["the connection is closed"] * 3


def connections(redis):
    """Return how many connections Redis has accepted so far."""
    (line,) = (line for line in redis("INFO", "stats").splitlines() if line.startswith(b"total_connections_received"))
    return int(line.partition(b":")[2])


async def outcomes_of(ask, times):
    """Push for several callers at a time, and return why they failed."""
    outcomes = []

    async def push():
        with pytest.raises(Unreachable) as raised:
            await ask(PUSH)
        outcomes.append(str(raised.value))

    async with anyio.create_task_group() as tasks:
        for _ in range(times):
            tasks.start_soon(push)
    return outcomes


async def length(ask):
    """Return how often something was pushed: the machine may be slower than the timeout of a test."""
    with anyio.fail_after(20):
        while True:
            with suppress(Unreachable):
                return (await ask(LENGTH))[0]
