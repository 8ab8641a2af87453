"""A cluster on Redis or Valkey: `pip install "ocpp-ws-io[cluster]"`.

server = OCPPServer(protocols=["ocpp1.6"], cluster=Cluster(RedisBackend("redis://127.0.0.1:6379")))
"""

from collections.abc import Callable
from ssl import SSLContext
from typing import Final

from ocpp_core.cluster.records import NodeId
from ocpp_transports._logging._log import Logging

from ._events._redis import RedisEventLog
from ._queue._redis_store import RedisQueueStore
from ._redis._carrier import RedisCarrier
from ._redis._servers._url import Credentials
from ._redis._settings import RedisSettings
from ._redis._store import RedisStore
from ._shared._redis import RedisSharedStore

__all__ = ["RedisBackend"]


class RedisBackend:
    """Keeps the registry of a cluster in Redis 6.2 or newer or in Valkey, and carries calls from node to node over it.

    Redis must not evict keys (`maxmemory-policy noeviction`). Keys of other programs are not touched.

    Args:
        url: Where Redis is, with user, password and database if needed. Characters that have a meaning in URLs are
            percent-encoded.

            * `redis://host:6379/0` is one server, `unix:///path` its socket.
            * `redis+sentinel://host:26379,host:26379/service/0` is the primary of a service, as one of the Sentinels
              names it.
            * `redis+cluster://host:6379,host:6379` is a Redis Cluster, of which some servers are named.

            With `rediss` in place of `redis`, all connections use TLS.
        prefix: How the names of all keys begin, the same on every node. Clusters with different prefixes share a Redis.
        buckets: Hashes over which stations are distributed, from 1 to 4096, the same number on every node. Redis needs
            about 65 bytes a station as long as a hash has at most 512 of them, and 100 beyond.
        ssl: The TLS context for `rediss`; None for the authorities of the system.
        sentinel_user: The user at the Sentinels; None for the default user.
        sentinel_password: The password at the Sentinels, which is not that of the URL.
        logging: True for the library's logger, False for none, or a logger.

    Raises:
        ValueError: An argument has a value that is not allowed.
        TypeError: An argument has the wrong type.
    """

    def __init__(
        self,
        url: str,
        *,
        prefix: str = "ocpp",
        buckets: int = 256,
        ssl: SSLContext | None = None,
        sentinel_user: str | None = None,
        sentinel_password: str | None = None,
        logging: Logging = True,
    ) -> None:
        credentials = Credentials(sentinel_user, sentinel_password)
        self._settings = RedisSettings(url, buckets, prefix, ssl, logging, credentials)

    def __repr__(self) -> str:
        return f"RedisBackend({self._settings.where.shown!r})"

    def new_store(self, lease: float, timeout: float) -> RedisStore:
        """Return the store of one node; nothing is opened yet. Both arguments are seconds."""
        return RedisStore(self._settings, lease, timeout)

    def new_queue(self, timeout: float) -> RedisQueueStore:
        """Return the queue of one node; nothing is opened yet. `timeout` is in seconds."""
        return RedisQueueStore(self._settings, timeout)

    def new_carrier(
        self, node: NodeId, received: Callable[[NodeId, bytes], None], lost: Callable[[NodeId], None]
    ) -> RedisCarrier:
        """Return the carrier of a node, and begin to receive.

        Args:
            node: The node.
            received: Function that gets each frame and the node that sent it.
            lost: Function that gets a node which certainly answers no more.
        """
        return RedisCarrier(self._settings, _TIMEOUT, node, received, lost)

    def new_shared(self, timeout: float) -> RedisSharedStore:
        """Return the store of what one node shares; nothing is opened yet. The argument is in seconds."""
        return RedisSharedStore(self._settings, timeout)

    def new_events(self, timeout: float) -> RedisEventLog:
        """Return the streams of events as one process uses them; nothing is opened yet. `timeout` is in seconds."""
        return RedisEventLog(self._settings, timeout)


_TIMEOUT: Final = 2.0
"""Seconds until sending a frame fails."""
