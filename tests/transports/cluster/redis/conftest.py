"""A Redis that the tests of a file share; each test finds it empty."""

import gc
import warnings

import pytest

from tests.transports.cluster.redis.redis_server import RedisServer, redis_server


@pytest.fixture(scope="module", params=["asyncio", "trio"])
def anyio_backend(request):
    """uvloop differs from asyncio in nothing that these tests are about."""
    return request.param


@pytest.fixture(scope="module")
def shared_redis(tmp_path_factory):
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def redis(shared_redis: RedisServer) -> RedisServer:
    shared_redis("FLUSHALL")
    return shared_redis


@pytest.fixture(scope="module", autouse=True)
def collected():
    """Collect connections that coredis could not make: it leaves streams open, which would fail other tests."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
