"""Two servers whose stations move between them, on a real Redis."""

from typing import Any

import anyio
import pytest

from ocpp_core.cluster.shared.sessions import session_key
from ocpp_transports import OCPPServer
from ocpp_transports.cluster import Cluster
from ocpp_transports.cluster._redis._settings import RedisSettings
from ocpp_transports.cluster._shared import _host
from ocpp_transports.cluster._shared._redis import RedisSharedStore
from tests.transports.cluster.redis.nodes import backend
from tests.transports.cluster.redis.redis_server import coredis_leaves_streams_open, needs_redis
from tests.transports.cluster.servers import connected
from tests.transports.pairs import SECONDS

pytestmark = [pytest.mark.anyio, needs_redis, coredis_leaves_streams_open]

AUTHORIZE = "Authorize", {"idTag": "T1"}


def server_on(redis, name, asked, timeout=20):
    cluster = Cluster(backend(redis), name, lease=60, timeout=timeout, share={"sessions", "answers", "handshake_rate"})
    kept: Any = {"session_ttl": 600, "unauthenticated_sessions": True}
    server = OCPPServer(protocols=["ocpp1.6"], cluster=cluster, handshake_rate=1000, **kept)

    @server.handle("Authorize")
    def authorize(ctx):
        asked.append(name)
        ctx.client.session["asked"] = len(asked)
        return {"idTagInfo": {"status": "Accepted"}}

    return server


def keys_of(name):
    """Return the keys of the session and the responses of a station that proves nothing."""
    store = RedisSharedStore(RedisSettings("redis://host", 4, "ocpp", None, False), 1.0)
    return store._session(name, session_key(name, 0, "")), store._answers(name)


async def stored(redis, name):
    """Wait until Redis has both."""
    with anyio.fail_after(SECONDS):
        while redis("EXISTS", *keys_of(name)) != b":2":  # noqa: ASYNC110 - no event tells
            await anyio.sleep(0.01)


async def test_a_station_is_known_to_the_next_server(redis):
    asked: list[str] = []
    async with server_on(redis, "one", asked) as one, server_on(redis, "two", asked) as two:
        async with connected(one) as station:
            await station.call(*AUTHORIZE, message_id="m1")
        await stored(redis, "CP1")
        async with connected(two) as station:
            assert two.get_client("CP1").session == {"asked": 1}
            await station.call(*AUTHORIZE, message_id="m1")
            await station.call(*AUTHORIZE, message_id="m2")
        assert asked == ["one", "two"]


async def test_a_server_writes_what_waits_before_it_ends(redis):
    asked: list[str] = []
    async with server_on(redis, "one", asked) as one, connected(one) as station:
        await station.call(*AUTHORIZE)
    async with server_on(redis, "two", asked) as two, connected(two):
        assert two.get_client("CP1").session == {"asked": 1}


@pytest.mark.cluster
@pytest.mark.parametrize("end", ["killed", "stopped"])
async def test_what_waited_for_redis_is_written_when_it_answers_again(redis, end, monkeypatch):
    monkeypatch.setattr(_host, "_PAUSE", 0.05)
    asked: list[str] = []
    async with server_on(redis, "one", asked, timeout=0.5) as one, connected(one) as station:
        if end == "killed":
            redis.kill()
        else:
            redis.stop()
        await station.call(*AUTHORIZE)
        await anyio.sleep(1.2)
        if end == "killed":
            redis.start()
        else:
            redis.wake()
        await stored(redis, "CP1")
