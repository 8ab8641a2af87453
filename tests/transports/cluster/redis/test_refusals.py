"""A Redis that answers, but refuses: what the caller is told, and that it goes on afterwards."""

from contextlib import asynccontextmanager

import pytest

from ocpp_core.cluster.records import ClusterOwner
from ocpp_transports.cluster._carrier import NotSentError
from ocpp_transports.cluster._redis._carrier import RedisCarrier
from ocpp_transports.cluster._store import ForeignDataError, StoreUnavailableError
from tests.transports.cluster.redis.nodes import A, B, backend, opened
from tests.transports.cluster.redis.redis_server import coredis_leaves_streams_open, needs_redis

pytestmark = [pytest.mark.anyio, needs_redis, coredis_leaves_streams_open]

REFUSALS = [
    (("CONFIG", "SET", "maxmemory", "1"), ("CONFIG", "SET", "maxmemory", "0"), "its memory is full"),
    (("REPLICAOF", "127.0.0.1", "9"), ("REPLICAOF", "NO", "ONE"), "it is a replica"),
    (
        ("CONFIG", "SET", "min-replicas-to-write", "1"),
        ("CONFIG", "SET", "min-replicas-to-write", "0"),
        "it has too few replicas",
    ),
    (("ACL", "SETUSER", "default", "-@scripting"), ("ACL", "SETUSER", "default", "+@all"), "its user may not"),
    (("ACL", "SETUSER", "default", "resetkeys"), ("ACL", "SETUSER", "default", "~*"), "its user may not"),
]


@pytest.fixture(scope="module")
def anyio_backend():
    """What differs on trio is in `test_connection` and `test_carrier`."""
    return "asyncio"


@asynccontextmanager
async def carrier_of(redis, node):
    carrier = RedisCarrier(backend(redis)._settings, 20.0, node, lambda *_: None, lambda _: None)
    try:
        yield carrier
    finally:
        await carrier.aclose()


@pytest.mark.parametrize(("begin", "end", "words"), REFUSALS)
async def test_what_it_refuses_is_said_and_changes_nothing(redis, begin, end, words):
    async with opened(redis, A, B, timeout=20.0) as (a, b), carrier_of(redis, A) as carrier:
        claimed = await a.claim("CP1")
        assert redis(*begin)[:1] == b"+"
        try:
            for ask in (b.claim("CP1"), b.restore("CP1", claimed.fence + 1), a.renew()):
                with pytest.raises(StoreUnavailableError, match=words):
                    await ask
            with pytest.raises(NotSentError, match=words):
                await carrier.send(B, None, b"frame")
            with pytest.raises(StoreUnavailableError, match=words):
                await backend(redis).new_store(9.0, 20.0).open(A, None)
        finally:
            assert redis(*end)[:1] == b"+"
        assert (await b.claim("CP1")).previous == ClusterOwner(A, claimed.fence)
        await carrier.send(B, None, b"frame")


class TestForeignData:
    async def test_in_the_stream_of_a_node_is_left_alone(self, redis):
        stream = f"ocpp:calls:{{{B}}}"
        async with opened(redis, A, B), carrier_of(redis, A) as carrier:
            redis("SET", stream, "theirs")
            with pytest.raises(NotSentError, match="WrongType"):
                await carrier.send(B, None, b"frame")
            assert redis("GET", stream) == b"theirs"

    async def test_in_the_lease_of_another_node_is_reported(self, redis):
        lease = f"ocpp:node:{{{B}}}"
        async with opened(redis, A, B) as (a, b):
            await b.claim("CP1")
            for command in (("SET", lease, b"\xff"), ("LPUSH", lease, "theirs")):
                redis("DEL", lease)
                redis(*command)
                with pytest.raises(ForeignDataError, match="'ocpp:node:"):
                    await a.find("CP1")
