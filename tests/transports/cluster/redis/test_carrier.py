"""Frames between nodes over streams in Redis."""

from contextlib import asynccontextmanager, suppress
from math import inf

import anyio
import pytest

from ocpp_core.cluster.records import NodeId
from ocpp_transports.cluster._carrier import NotSentError, UnknownError
from ocpp_transports.cluster._redis import _carrier, _reader
from ocpp_transports.cluster._redis._carrier import RedisCarrier
from ocpp_transports.cluster._store import StoreUnavailableError
from tests.transports.cluster.redis.nodes import A, B, backend, opened
from tests.transports.cluster.redis.redis_server import coredis_leaves_streams_open, needs_redis

pytestmark = [pytest.mark.anyio, needs_redis, coredis_leaves_streams_open]

WATCH = 0.02
STREAM = f"ocpp:calls:{{{B}}}"


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch):
    monkeypatch.setattr(_reader, "_PAUSE", 0.01)
    monkeypatch.setattr(_carrier, "_WATCH", WATCH)


class Node:
    """A node with its carrier, and what it was told."""

    def __init__(self, redis, node, timeout):
        self._told, self.frames = anyio.create_memory_object_stream[tuple[NodeId, bytes]](inf)
        self._lost, self.lost = anyio.create_memory_object_stream[NodeId](inf)
        self.carrier = RedisCarrier(backend(redis)._settings, timeout, node, self._received, self._lost.send_nowait)

    def _received(self, sender, frame):
        self._told.send_nowait((sender, frame))

    async def aclose(self):
        await self.carrier.aclose()
        for stream in (self._told, self.frames, self._lost, self.lost):
            stream.close()

    async def next(self):
        with anyio.fail_after(20):
            return await self.frames.receive()


@asynccontextmanager
async def joined(redis, *, timeout=20.0):
    """Two nodes, their leases, and the store of the second one."""
    async with opened(redis, A), opened(redis, B) as (store,):
        a, b = Node(redis, A, timeout), Node(redis, B, timeout)
        try:
            yield a, b, store
        finally:
            await a.aclose()
            await b.aclose()


class TestFrames:
    async def test_arrive_once_in_order_with_their_sender(self, redis):
        async with joined(redis) as (a, b, _):
            frames = [b"%d\r\n\0\xff" % number for number in range(3 * _reader._AT_ONCE)]
            for frame in frames[:3]:
                await a.carrier.send(B, None, frame)
                assert await b.next() == (A, frame)
            async with anyio.create_task_group() as tasks:
                for frame in frames[3:]:
                    tasks.start_soon(a.carrier.send, B, None, frame)
            received = [await b.next() for _ in frames[3:]]
            assert sorted(received) == sorted((A, frame) for frame in frames[3:])
            await b.carrier.send(A, None, b"back")
            assert await a.next() == (B, b"back")

    async def test_to_a_node_without_a_lease_are_not_sent(self, redis):
        async with joined(redis) as (a, _, store):
            await store.aclose()
            with pytest.raises(NotSentError, match="has ended"):
                await a.carrier.send(B, None, b"x")
            assert redis("EXISTS", STREAM) == b":0"

    async def test_that_nobody_reads_are_bounded(self, redis, monkeypatch):
        monkeypatch.setattr(_carrier, "_MOST_UNREAD", 2)
        async with joined(redis) as (a, b, _):
            await b.carrier.aclose()
            for _ in range(2):
                await a.carrier.send(B, None, b"x")
            with pytest.raises(NotSentError, match="2 unread frames"):
                await a.carrier.send(B, None, b"x")
            assert 9_000 < int(redis("PTTL", STREAM)[1:]) <= 19_000  # it ends after the lease

    async def test_that_redis_does_not_take_are_bounded_in_bytes(self, redis, monkeypatch):
        monkeypatch.setattr(_carrier, "_MOST_BYTES", 5)
        async with joined(redis) as (a, _b, _):
            await a.carrier.send(B, None, b"12345")
            with pytest.raises(NotSentError, match="bytes wait"):
                await a.carrier.send(B, None, b"123456")
            await a.carrier.send(B, None, b"12345")

    async def test_that_were_read_are_removed(self, redis, monkeypatch):
        monkeypatch.setattr(_reader, "_UNTRIMMED", 3)
        async with joined(redis) as (a, b, _):
            for _ in range(3):
                await a.carrier.send(B, None, b"x")
                await b.next()
            with anyio.fail_after(20):
                while redis("XLEN", STREAM) != b":0":  # noqa: ASYNC110 - nothing tells of it
                    await anyio.sleep(0.01)

    async def test_of_somebody_else_are_ignored(self, redis):
        async with joined(redis) as (a, b, _):
            redis("XADD", STREAM, "*", "theirs", "x")
            await a.carrier.send(B, None, b"x")
            assert await b.next() == (A, b"x")

    async def test_the_stream_ends_with_its_node(self, redis):
        async with joined(redis) as (a, b, _):
            await a.carrier.send(B, None, b"x")
            await b.next()
            await b.carrier.aclose()
            assert redis("EXISTS", STREAM) == b":0"


class TestALostNode:
    async def test_is_told_once_when_its_lease_has_ended(self, redis):
        async with joined(redis) as (a, b, _):
            await a.carrier.send(B, None, b"x")
            await b.next()
            redis("DEL", f"ocpp:node:{{{B}}}")
            with anyio.fail_after(20):
                assert await a.lost.receive() == B
            await anyio.sleep(3 * WATCH)
            assert a.lost.statistics().current_buffer_used == 0


class TestAnOutage:
    async def test_what_is_sent_meanwhile_is_certainly_not_sent(self, redis):
        async with joined(redis) as (a, b, store):
            await a.carrier.send(B, None, b"before")
            assert await b.next() == (A, b"before")
            redis.kill()
            with pytest.raises((NotSentError, UnknownError)):  # the first one may meet a connection that just ends
                await a.carrier.send(B, None, b"x")
            with pytest.raises(NotSentError, match="connection failed"):
                await a.carrier.send(B, None, b"x")
            redis.start()
            with pytest.raises(NotSentError, match="has ended"):
                await a.carrier.send(B, None, b"x")
            await store.renew()
            await a.carrier.send(B, None, b"after")
            assert await b.next() == (A, b"after")

    async def test_a_clock_that_was_set_back_hides_nothing(self, redis):
        async with joined(redis) as (a, b, store):
            redis("XADD", STREAM, f"{2**45}-7", "n", A, "f", "of the future")
            assert await b.next() == (A, b"of the future")
            redis.kill()
            redis.start()
            with suppress(StoreUnavailableError):  # if it does not notice before that its connection has ended
                await store.renew()
            await store.renew()
            await a.carrier.send(B, None, b"after")
            assert await b.next() == (A, b"after")

    async def test_a_redis_that_stands_still_gives_unknown_and_nothing_is_repeated(self, redis):
        async with joined(redis, timeout=0.15) as (a, b, _):
            await sent(a, b"before")
            assert (await b.next())[1] == b"before"
            redis.stop()
            try:
                with anyio.fail_after(20), pytest.raises((UnknownError, NotSentError)) as raised:
                    await a.carrier.send(B, None, b"x")
            finally:
                redis.wake()
            await sent(a, b"after")
            received = []
            while b"after" not in received:
                received.append((await b.next())[1])
            assert received.count(b"x") <= raised.errisinstance(UnknownError)


async def sent(node, frame):
    """Send until it is certain that it was: the machine may be slower than the timeout of a test."""
    with anyio.fail_after(20):
        while True:
            with suppress(NotSentError, UnknownError):
                await node.carrier.send(B, None, frame)
                return
