"""Servers of one cluster on Redis: what a caller is told in each row of the failure table, in the column for Redis."""

from contextlib import suppress
from functools import partial

import anyio
import pytest

from ocpp_transports import ConnectionLostError, UnexpectedHttpResponse
from ocpp_transports.cluster._redis import _carrier
from tests.transports.cluster.redis.nodes import backend
from tests.transports.cluster.redis.redis_server import coredis_leaves_streams_open, needs_redis
from tests.transports.cluster.servers import ACCEPTED, RESET, connected, server_in
from tests.transports.pairs import SECONDS, first

pytestmark = [pytest.mark.anyio, needs_redis, coredis_leaves_streams_open]


@pytest.fixture
async def servers(redis, monkeypatch):
    monkeypatch.setattr(_carrier, "_WATCH", 0.05)
    async with server_in(backend(redis), "one") as one, server_in(backend(redis), "two") as two:
        yield one, two


def end_lease(redis, name):
    """End the lease of a node, as Redis does if the process is dead; it renews only after 20 s."""
    lease = redis("EVAL", f"return redis.call('KEYS', 'ocpp:node:{{{name}.*')[1]", "0").decode()
    assert redis("DEL", lease) == b":1"


async def answered(call):
    """Call until there is a result, and return it: an answer is lost while Redis has no lease of the caller."""
    with anyio.fail_after(SECONDS):
        while True:
            with suppress(ConnectionLostError), anyio.move_on_after(3):
                return await call()
            await anyio.sleep(0.01)


class TestTheOwner:
    async def test_answers(self, servers):
        one, two = servers
        async with connected(one):
            assert await two.call("CP1", *RESET) == ACCEPTED

    async def test_is_the_newest_connection_anywhere(self, servers):
        one, two = servers
        async with connected(one) as old:
            ends = old.events("close")
            async with connected(two):
                assert (await first(ends)).code == 4000
                assert await one.call("CP1", *RESET) == ACCEPTED

    async def test_has_no_lease_not_sent_at_once(self, redis, servers):
        one, two = servers
        async with connected(one):
            end_lease(redis, "one")
            with pytest.raises(ConnectionLostError) as raised:
                await two.call("CP1", *RESET)
            assert raised.value.sent is False

    async def test_dies_with_the_call_unknown_when_its_lease_ends(self, redis, servers):
        one, two = servers
        async with connected(one, drain_timeout=0.01) as station:
            reached = anyio.Event()

            async def wait(ctx):
                reached.set()
                await anyio.sleep_forever()

            async def call():
                with pytest.raises(ConnectionLostError) as raised:
                    await two.call("CP1", "ClearCache")
                assert raised.value.sent is True

            station.handle("ClearCache", wait)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(call)
                await reached.wait()
                end_lease(redis, "one")


class TestRedis:
    async def test_is_away_not_sent_and_what_is_local_goes_on(self, redis, servers):
        one, two = servers
        async with connected(one):
            assert await two.call("CP1", *RESET) == ACCEPTED
            redis.kill()
            try:
                with pytest.raises(ConnectionLostError):  # unknown: its frame may have been written
                    await two.call("CP1", *RESET)
                with pytest.raises(ConnectionLostError) as raised:
                    await two.call("CP1", *RESET)
                assert raised.value.sent is False
                assert await one.call("CP1", *RESET) == ACCEPTED
                with pytest.raises(UnexpectedHttpResponse) as refused:
                    async with connected(one, "CP2"):
                        pass
                assert refused.value.status == 503
            finally:
                redis.start()
            async with connected(one, "CP3"):  # at once
                pass

    @pytest.mark.cluster
    async def test_returns_without_data_and_every_station_is_found_again(self, redis):
        shared = backend(redis)
        async with (
            server_in(shared, "one", lease=9) as one,
            server_in(shared, "two", lease=9) as two,
            connected(one),
            connected(two, "CP2"),
        ):
            redis.kill()
            redis.start()
            assert await answered(partial(two.call, "CP1", *RESET)) == ACCEPTED
            assert await answered(partial(one.call, "CP2", *RESET)) == ACCEPTED

    @pytest.mark.cluster
    async def test_stands_still_for_two_seconds_answered_late(self, redis, servers):
        one, two = servers
        async with connected(one), anyio.create_task_group() as tasks:
            redis.stop()
            tasks.start_soon(self.wake_later, redis)
            assert await answered(partial(two.call, "CP1", *RESET)) == ACCEPTED

    async def wake_later(self, redis):
        await anyio.sleep(2)
        redis.wake()
