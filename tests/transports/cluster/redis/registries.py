"""The pure table and the scripts in Redis, asked in the same way and with answers that can be compared."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from itertools import count
from typing import Protocol, TypeVar

from ocpp_core.cluster.records import Claimed, ClaimRestored, ClusterOwner, Found, NodeId, Renewed, UnknownOwner
from ocpp_core.cluster.registry.buckets import bucket_of
from ocpp_core.cluster.registry.table import RegistryTable
from ocpp_transports.cluster._redis._store import RedisStore
from tests.transports.cluster.redis.nodes import backend
from tests.transports.cluster.redis.redis_server import RedisServer

__all__ = ["BUCKETS", "Registry", "on_redis", "on_table"]

BUCKETS = 2

Answer = TypeVar("Answer", Claimed, ClaimRestored)


class Registry(Protocol):
    """A registry for some nodes, all of which have their lease. Losses count from 0."""

    async def claim(self, node: NodeId, identity: str) -> Claimed: ...
    async def release(self, node: NodeId, identity: str, fence: int) -> bool: ...
    async def restore(self, node: NodeId, identity: str, fence: int) -> ClaimRestored: ...
    async def renew(self, node: NodeId) -> Renewed: ...
    async def check(self, node: NodeId, identities: Sequence[str]) -> Sequence[ClusterOwner | UnknownOwner | None]: ...
    async def find(self, node: NodeId, identity: str) -> Found | None: ...
    async def watch(self, node: NodeId, identity: str) -> Found | None: ...
    async def stations(self, node: NodeId) -> dict[str, Found]: ...
    async def leave(self, node: NodeId) -> None: ...


class _OnTable:
    def __init__(self, nodes: Sequence[NodeId]) -> None:
        self._table = RegistryTable(BUCKETS, "first", lease=9.0)
        self._time = count(10**15)
        for node in nodes:
            self._table.renew(node, f"address of {node}", 0.0)

    async def claim(self, node: NodeId, identity: str) -> Claimed:
        claimed = self._table.claim(identity, node, next(self._time))
        return replace(claimed, waiters=tuple(sorted(claimed.waiters)))

    async def release(self, node: NodeId, identity: str, fence: int) -> bool:
        return self._table.release(identity, node, fence)

    async def restore(self, node: NodeId, identity: str, fence: int) -> ClaimRestored:
        return self._table.restore(identity, node, fence)

    async def renew(self, node: NodeId) -> Renewed:
        return self._table.renew(node, f"address of {node}", 0.0)

    async def check(self, node: NodeId, identities: Sequence[str]) -> Sequence[ClusterOwner | UnknownOwner | None]:
        return self._table.check(identities)

    async def find(self, node: NodeId, identity: str) -> Found | None:
        return self._table.find(identity, 0.0)

    async def watch(self, node: NodeId, identity: str) -> Found | None:
        return self._table.watch(identity, node, 0.0, 9.0)

    async def stations(self, node: NodeId) -> dict[str, Found]:
        return self._table.stations_of(range(BUCKETS), 0.0)

    async def leave(self, node: NodeId) -> None:
        self._table.leave(node)


class _OnRedis:
    def __init__(self, redis: RedisServer) -> None:
        self._redis = redis
        self._stores: dict[NodeId, RedisStore] = {}
        self._generation: str | None = ""
        self._begun: dict[int, int] = {}

    async def open(self, node: NodeId) -> RedisStore:
        self._stores[node] = store = backend(self._redis, buckets=BUCKETS).new_store(9.0, 20.0)
        self._generation = (await store.open(node, f"address of {node}")).generations[0]
        return store

    async def claim(self, node: NodeId, identity: str) -> Claimed:
        return self._counted(await self._stores[node].claim(identity), identity)

    async def release(self, node: NodeId, identity: str, fence: int) -> bool:
        return await self._stores[node].release(identity, fence)

    async def restore(self, node: NodeId, identity: str, fence: int) -> ClaimRestored:
        return self._counted(await self._stores[node].restore(identity, fence), identity)

    async def renew(self, node: NodeId) -> Renewed:
        renewed = await self._stores[node].renew()
        begun = [self._since(number) for number in range(BUCKETS)]
        losses = tuple(each - since if since else 0 for each, since in zip(renewed.losses, begun, strict=True))
        return Renewed(tuple(self._named(each) for each in renewed.generations), losses)

    async def check(self, node: NodeId, identities: Sequence[str]) -> Sequence[ClusterOwner | UnknownOwner | None]:
        return await self._stores[node].check(identities)

    async def find(self, node: NodeId, identity: str) -> Found | None:
        return await self._stores[node].find(identity)

    async def watch(self, node: NodeId, identity: str) -> Found | None:
        return await self._stores[node].watch(identity)

    async def stations(self, node: NodeId) -> dict[str, Found]:
        return dict(await self._stores[node].stations_of(range(BUCKETS)))

    async def leave(self, node: NodeId) -> None:
        await self._stores[node].aclose()

    def _counted(self, answer: Answer, identity: str) -> Answer:
        since = self._since(bucket_of(identity, BUCKETS))
        counted = replace(answer, losses=answer.losses - since, generation=self._named(answer.generation))
        if isinstance(counted, Claimed):  # a set in Redis has no order
            return replace(counted, waiters=tuple(sorted(counted.waiters)))
        return counted

    def _named(self, generation: str | None) -> str:
        return "first" if generation == self._generation else "another"

    def _since(self, bucket: int) -> int:
        if bucket not in self._begun:
            value = self._redis("HGET", f"ocpp:{{{bucket}}}:own", "since")
            if not value.isdigit():
                return 0
            self._begun[bucket] = int(value)
        return self._begun[bucket]


def on_table(*nodes: NodeId) -> Registry:
    """Return a table."""
    return _OnTable(nodes)


@asynccontextmanager
async def on_redis(redis: RedisServer, *nodes: NodeId) -> AsyncIterator[Registry]:
    """Open a store for each node."""
    async with AsyncExitStack() as stack:
        registry = _OnRedis(redis)
        for node in nodes:
            stack.push_async_callback((await registry.open(node)).aclose)
        yield registry
