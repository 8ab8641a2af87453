"""A Redis for the tests of this folder."""

from tests.transports.cluster.redis.conftest import collected, redis, shared_redis

__all__ = ["collected", "redis", "shared_redis"]
