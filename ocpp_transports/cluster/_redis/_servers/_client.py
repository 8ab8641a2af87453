"""A client of coredis for one task, connected to the server that a task needs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ssl import create_default_context

from coredis import Redis
from coredis.retry import NoRetryPolicy

from ocpp_transports.cluster._redis._settings import RedisSettings

from ._url import Credentials, RedisAddress

__all__ = ["open_client"]


@asynccontextmanager
async def open_client(
    settings: RedisSettings,
    address: RedisAddress | None,
    credentials: Credentials,
    timeout: float,
    *,
    block: float = 0.0,
    database: int = 0,
) -> AsyncIterator[Redis[bytes]]:
    """Open a client of one connection for one task, and connect it.

    coredis would check no host name with a context of its own. Its own repetition of commands is off.

    Args:
        settings: The TLS context.
        address: The server; None for the socket of the URL.
        credentials: Its user and password.
        timeout: Seconds for connecting, and for each answer.
        block: Seconds more for the answers to commands that Redis holds back.
        database: The number of the database.
    """
    client: Redis[bytes] = Redis(
        None if address is None else address.host,
        None if address is None else address.port,
        database,
        unix_socket_path=settings.where.socket,
        username=credentials.user,
        password=credentials.password,
        ssl_context=(settings.ssl or create_default_context()) if settings.where.is_tls else None,
        retry_policy=NoRetryPolicy(),
        max_connections=1,
        pool_timeout=timeout,
        connect_timeout=timeout,
        stream_timeout=timeout + block,
    )
    async with client:
        await client.ping()
        yield client
