"""A primary that Sentinel replaces: it is killed, or stands still and returns as a replica."""

from contextlib import asynccontextmanager
from functools import partial

import anyio
import pytest

from ocpp_transports.cluster._store import StoreUnavailableError
from ocpp_transports.cluster.redis import RedisBackend
from tests.transports.cluster.redis.belief import SECONDS, answered_again, believed, soon_believed_once
from tests.transports.cluster.redis.nodes import A
from tests.transports.cluster.redis.redis_server import coredis_leaves_streams_open, needs_redis
from tests.transports.cluster.redis.several_servers import SENTINEL_PASSWORD, watched_primary
from tests.transports.cluster.servers import ACCEPTED, RESET, connected, server_in

pytestmark = [pytest.mark.anyio, pytest.mark.cluster, needs_redis, coredis_leaves_streams_open]

LEASE = 9


@pytest.fixture(scope="module")
def anyio_backend():
    """What differs on trio is in `test_connection` and `test_redis_cluster`."""
    return "asyncio"


@pytest.fixture
def watched(tmp_path):
    with watched_primary(tmp_path) as watched:
        yield watched


def backend(watched, service="main", password=SENTINEL_PASSWORD):
    url = watched.url.replace("/main", f"/{service}")
    return RedisBackend(url, sentinel_password=password, logging=False)


@pytest.mark.parametrize("fault", ["kill", "stop"])
async def test_stations_stay_and_calls_work_again_and_each_is_soon_believed_once(watched, fault):
    shared = backend(watched)
    old = watched.primary()
    async with (
        server_in(shared, "one", lease=LEASE) as one,
        server_in(shared, "two", lease=LEASE) as two,
        connected(one),
        connected(two, "CP2"),
        soon_believed_once((one, two), ("CP1", "CP2", "CP3"), LEASE),
    ):
        fences = believed(one, "CP1"), believed(two, "CP2")
        getattr(old, fault)()
        assert await answered_again(partial(two.call, "CP1", *RESET)) == ACCEPTED
        assert await answered_again(partial(one.call, "CP2", *RESET)) == ACCEPTED
        assert watched.primary() is not old
        async with connected(one, "CP3"):
            if fault == "stop":
                old.wake()
                await becomes_replica(old)
            assert await answered_again(partial(two.call, "CP3", *RESET)) == ACCEPTED
            async with connected(two, "CP3"):  # takes it from the other node
                assert await answered_again(partial(one.call, "CP3", *RESET)) == ACCEPTED
        assert (believed(one, "CP1"), believed(two, "CP2")) == fences  # the same connections


class TestThePrimary:
    async def test_is_asked_for_from_the_first_sentinel_that_answers(self, watched):
        watched.sentinels[0].kill()
        async with opened(backend(watched)) as store:
            watched.sentinels[1].stop()
            assert (await store.claim("CP1")).previous is None

    async def test_is_refused_with_words_while_it_is_a_replica(self, watched):
        watched.servers[0]("REPLICAOF", "127.0.0.1", str(watched.servers[1].port))
        with pytest.raises(StoreUnavailableError, match="is a replica"):
            async with opened(backend(watched)):
                pass

    async def test_of_an_unknown_service_or_with_a_wrong_password_is_refused_with_words(self, watched):
        for password, words in (
            ("another", "Sentinel at 127.0.0.1:.*password"),
            (SENTINEL_PASSWORD, "knows no service 'other'"),
        ):
            with pytest.raises(StoreUnavailableError, match=words) as raised:
                async with opened(backend(watched, "other", password)):
                    pass
            assert "secret" not in str(raised.value)


@asynccontextmanager
async def opened(backend):
    store = backend.new_store(LEASE, 5.0)
    await store.open(A, None)
    try:
        yield store
    finally:
        await store.aclose()


async def becomes_replica(server):
    with anyio.fail_after(SECONDS):
        while b"role:slave" not in server("INFO", "replication"):  # noqa: ASYNC110 - nothing tells of it
            await anyio.sleep(0.05)
