"""Stores of nodes on one Redis, which end with the block."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from ocpp_core.cluster.records import Found, NodeId
from ocpp_transports.cluster._redis._store import RedisStore
from ocpp_transports.cluster.redis import RedisBackend
from tests.kinds import an
from tests.transports.cluster.redis.redis_server import RedisServer

__all__ = ["A", "B", "backend", "found", "opened"]

A = NodeId("a.0000000000000001")
B = NodeId("b.0000000000000002")


def backend(redis: RedisServer, **options: Any) -> RedisBackend:
    """Return a quiet one with few buckets."""
    return RedisBackend(redis.url, **{"buckets": 4, "logging": False, **options})


@asynccontextmanager
async def opened(
    redis: RedisServer, *nodes: NodeId, lease: float = 9.0, timeout: float = 2.0, **options: Any
) -> AsyncIterator[list[RedisStore]]:
    """Open a store for each node."""
    async with AsyncExitStack() as stack:
        stores = []
        for node in nodes:
            store = backend(redis, **options).new_store(lease, timeout)
            await store.open(node, None)
            stack.push_async_callback(store.aclose)
            stores.append(store)
        yield stores


async def found(store: RedisStore, identity: str) -> Found:
    """Return where a station is; it must be somewhere."""
    return an(Found, await store.find(identity))
