"""Opens what a task needs to talk to Redis, whatever servers it consists of."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import assert_never

from coredis import Redis

from ocpp_transports._runtime._base import SocketRuntime
from ocpp_transports.cluster._redis._commands import execute
from ocpp_transports.cluster._redis._connection import CommandExecutor, RedisConnection
from ocpp_transports.cluster._redis._errors import NoServerError, reason
from ocpp_transports.cluster._redis._settings import RedisSettings

from ._client import open_client
from ._primary import check_primary, primary_of
from ._shards import ShardedConnection
from ._slots import READ_SLOTS, SlotMap, slot_of
from ._url import RedisAddress, Topology

__all__ = ["connection_to", "redis_client"]


def connection_to(settings: RedisSettings, timeout: float, runtime: SocketRuntime) -> CommandExecutor:
    """Return what executes commands of any number of tasks; `timeout` is for connecting and for each answer."""
    if settings.where.topology is Topology.CLUSTER:
        return ShardedConnection(settings, timeout, runtime)
    return RedisConnection(partial(redis_client, settings, timeout, ""), timeout, runtime)


@asynccontextmanager
async def redis_client(
    settings: RedisSettings, timeout: float, key: str, block: float = 0.0
) -> AsyncIterator[Redis[bytes]]:
    """Open a client for one task, of the server that has a key now.

    Args:
        settings: Where Redis is.
        timeout: Seconds for connecting, and for each answer.
        key: The key that the task is about; of no effect unless Redis is a Redis Cluster.
        block: Seconds more for the answers to commands that Redis holds back.

    Raises:
        NoServerError: No server has the key at the moment.
    """
    where = settings.where
    address = await _server_of(settings, timeout, key)
    opened = open_client(settings, address, where.credentials, timeout, block=block, database=where.database)
    async with opened as client:
        if where.topology is Topology.SENTINEL:
            await check_primary(client)
        yield client


async def _server_of(settings: RedisSettings, timeout: float, key: str) -> RedisAddress | None:
    """Return the address of a server; None for the socket of the URL."""
    match settings.where.topology:
        case Topology.SINGLE:
            return next(iter(settings.where.addresses), None)
        case Topology.SENTINEL:
            return await primary_of(settings, timeout)
        case Topology.CLUSTER:
            return await _shard_of(settings, timeout, key)
        case _:
            assert_never(settings.where.topology)


async def _shard_of(settings: RedisSettings, timeout: float, key: str) -> RedisAddress:
    failure = NoServerError("there is no server")
    for server in settings.where.addresses:
        try:
            async with open_client(settings, server, settings.where.credentials, timeout) as client:
                pipe = partial(client.pipeline, transaction=False, raise_on_error=False, timeout=timeout)
                (reply,) = await execute(pipe, [READ_SLOTS])
            primary = SlotMap.of(reply, server)[slot_of(key)]
        except NoServerError as error:
            failure = error
        except Exception as error:  # also groups of them, from the tasks of coredis
            failure = NoServerError(f"{server}: {reason(error)}")
        else:
            if primary is not None:
                return primary
            failure = NoServerError(f"no server has the slot of the key {key!r}")
    raise failure
