"""Faults of Redis under load, which take seconds: `make test-cluster` runs them."""

from collections import Counter
from contextlib import asynccontextmanager
from functools import partial
from math import inf

import anyio
import pytest

from ocpp_transports.cluster._carrier import NotSentError, UnknownError
from ocpp_transports.cluster._redis._carrier import RedisCarrier
from ocpp_transports.cluster._store import StoreUnavailableError
from ocpp_transports.cluster.redis import RedisBackend
from tests.transports.cluster.redis.nodes import A, B, backend, opened
from tests.transports.cluster.redis.redis_server import coredis_leaves_streams_open, needs_redis, redis_server

pytestmark = [pytest.mark.anyio, pytest.mark.cluster, needs_redis, coredis_leaves_streams_open]

EVERY = 0.005
"""Seconds between two frames or claims that are offered."""


class Load:
    """Frames from one node to another, offered at a steady rate, and what became of each."""

    def __init__(self, redis, timeout):
        settings = backend(redis)._settings
        self.arrived: Counter[int] = Counter()
        self.sent: set[int] = set()
        self.not_sent: set[int] = set()
        self.unknown: set[int] = set()
        self._offered = 0
        self._sender = RedisCarrier(settings, timeout, A, lambda *_: None, lambda _: None)
        self._receiver = RedisCarrier(settings, timeout, B, self._arrived, lambda _: None)

    def _arrived(self, sender, frame):
        self.arrived[int(frame)] += 1

    async def offer(self, seconds):
        """Offer frames for so long, and wait until each has an outcome."""
        async with anyio.create_task_group() as tasks:
            until = anyio.current_time() + seconds
            while anyio.current_time() < until:
                self._offered += 1
                tasks.start_soon(self._send, self._offered)
                await anyio.sleep(EVERY)

    async def _send(self, number):
        try:
            await self._sender.send(B, None, b"%d" % number)
            self.sent.add(number)
        except NotSentError:
            self.not_sent.add(number)
        except UnknownError:
            self.unknown.add(number)

    def check(self):
        """Each frame has one outcome, and none that was not sent or that arrived before arrives."""
        assert len(self.sent) + len(self.not_sent) + len(self.unknown) == self._offered
        assert set(self.arrived.values()) <= {1}
        assert not self.not_sent & set(self.arrived)

    async def aclose(self):
        await self._sender.aclose()
        await self._receiver.aclose()


@asynccontextmanager
async def loaded(redis, *, timeout):
    async with opened(redis, A, B, timeout=20.0) as stores:
        load = Load(redis, timeout)
        try:
            yield load, stores
        finally:
            await load.aclose()


async def arrivals(load, numbers):
    with anyio.fail_after(30):
        while not numbers <= set(load.arrived):  # noqa: ASYNC110 - the receiver is a plain function
            await anyio.sleep(0.01)


async def renewed(store):
    with anyio.fail_after(30):
        while True:
            try:
                return await store.renew()
            except StoreUnavailableError:
                await anyio.sleep(0.01)


class TestFrames:
    async def test_all_arrive_late_when_redis_stands_still_for_two_seconds(self, redis):
        async with loaded(redis, timeout=20.0) as (load, _), anyio.create_task_group() as tasks:
            tasks.start_soon(load.offer, 3.0)
            await anyio.sleep(0.5)
            redis.stop()
            await anyio.sleep(2)
            redis.wake()
        assert len(load.sent) == load._offered

    async def test_none_arrives_twice_or_although_it_was_not_sent_when_redis_is_killed(self, redis):
        async with loaded(redis, timeout=2.0) as (load, stores):
            for _ in range(3):
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(load.offer, 1.5)
                    await anyio.sleep(0.5)
                    redis.kill()
                    await anyio.sleep(0.2)
                    redis.start()
                    for store in stores:
                        await renewed(store)
            sent = set(load.sent)
            await load.offer(0.2)
            await arrivals(load, load.sent - sent)
            load.check()
            assert load.not_sent
            assert len(load.sent) > len(load.not_sent)


class TestClaims:
    async def test_each_ends_in_time_and_fences_grow_through_losses_of_all_data(self, redis):
        fences: list[int] = []
        failed = Counter[str]()

        async def claim(store):
            began = anyio.current_time()
            try:
                fences.append((await store.claim("CP1")).fence)
            except StoreUnavailableError as error:
                failed[str(error).partition(": ")[2]] += 1
            assert anyio.current_time() - began < 10  # the timeout, and a slow machine

        async with opened(redis, A, timeout=2.0) as (store,):
            for _ in range(3):
                before = list(fences)
                async with anyio.create_task_group() as tasks:
                    for number in range(200):
                        if number == 80:
                            redis.kill()
                        if number == 120:
                            redis.start()
                        tasks.start_soon(claim, store)
                        await anyio.sleep(EVERY)
                assert min(fences[len(before) :]) > max(before, default=0)
        assert len(set(fences)) == len(fences)
        assert len(fences) + failed.total() == 600
        assert len(fences) > 300
        assert failed

    async def test_share_the_round_trips_of_a_slow_redis(self, redis):
        async with slowed(redis, 0.1) as port:
            store = RedisBackend(f"redis://127.0.0.1:{port}", buckets=4).new_store(9.0, 20.0)
            await store.open(A, None)
            began = anyio.current_time()
            async with anyio.create_task_group() as tasks:
                for number in range(2_000):
                    tasks.start_soon(store.claim, f"CP{number}")
            assert anyio.current_time() - began < 20  # one after another they would take 400 s
            await store.aclose()


class TestMemory:
    async def test_a_station_needs_at_most_80_bytes(self, tmp_path):
        with redis_server(tmp_path) as server:
            async with opened(server, A, buckets=64, timeout=20.0) as (store,):
                before = used(server)
                async with anyio.create_task_group() as tasks:
                    for number in range(20_000):
                        tasks.start_soon(store.claim, f"STATION-{number:06}")
                assert (used(server) - before) / 20_000 <= 80


def used(redis):
    (line,) = (line for line in redis("INFO", "memory").splitlines() if line.startswith(b"used_memory_dataset:"))
    return int(line.partition(b":")[2])


@asynccontextmanager
async def slowed(redis, delay):
    """Listen on a port, and pass everything on to Redis and back so many seconds later."""

    async def serve(client):
        async with (
            client,
            await anyio.connect_tcp("127.0.0.1", redis.port) as server,
            anyio.create_task_group() as both,
        ):
            both.start_soon(pump, client, server, both.cancel_scope)
            both.start_soon(pump, server, client, both.cancel_scope)

    async def pump(source, target, scope):
        put, take = anyio.create_memory_object_stream[tuple[float, bytes]](inf)

        async def late():
            async for when, data in take:
                await anyio.sleep_until(when)
                await target.send(data)

        async with put, take, anyio.create_task_group() as tasks:
            tasks.start_soon(late)
            try:
                async for data in source:
                    put.send_nowait((anyio.current_time() + delay / 2, data))
            except anyio.BrokenResourceError:
                pass
            scope.cancel()

    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as tasks:
        tasks.start_soon(partial(listener.serve, serve))
        yield listener.extra(anyio.abc.SocketAttribute.local_port)
        tasks.cancel_scope.cancel()
