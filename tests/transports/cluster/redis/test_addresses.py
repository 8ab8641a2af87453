"""Where Redis is: what a URL says, and which server has a key."""

import pytest

from ocpp_core.cluster.records import ClusterOwner
from ocpp_transports.cluster._redis._errors import NoServerError
from ocpp_transports.cluster._redis._servers._slots import SlotMap, slot_of
from ocpp_transports.cluster._redis._servers._url import RedisAddress
from ocpp_transports.cluster.redis import RedisBackend
from tests.transports.cluster.redis.nodes import A, backend
from tests.transports.cluster.redis.redis_server import coredis_leaves_streams_open, needs_redis
from tests.transports.cluster.redis.several_servers import SENTINEL_PASSWORD, sentinel_of

ASKED = RedisAddress("asked", 6379)


class TestAUrl:
    @pytest.mark.parametrize(
        ("url", "options"),
        [
            ("redis://one,two", {}),
            ("redis+sentinel://one,two", {}),
            ("redis+sentinel://one:0/main", {}),
            ("redis+sentinel://:secret@one/main/x", {}),
            ("redis+cluster://one,,two", {}),
            ("redis+cluster://one/1", {}),
            ("redis+cluster://one?db=0", {}),
            ("redis+other://one", {}),
            ("redis://one", {"sentinel_password": "secret"}),
        ],
    )
    def test_is_checked(self, url, options):
        with pytest.raises(ValueError, match="expected") as raised:
            RedisBackend(url, **options)
        assert "secret" not in str(raised.value)

    @pytest.mark.parametrize(
        ("settings", "error"),
        [
            ({"url": None}, "expected url as str, got NoneType"),  # of a variable that is not set
            ({"buckets": "64"}, "expected buckets as int, got str"),
            ({"buckets": True}, "expected buckets as int, got bool"),
            ({"prefix": b"ocpp"}, "expected prefix as str, got bytes"),
        ],
    )
    def test_and_its_settings_have_their_types(self, settings, error):
        with pytest.raises(TypeError, match=error):
            RedisBackend(**{"url": "redis://one", **settings})

    def test_of_several_servers_is_read_with_its_ports(self):
        where = RedisBackend("redis+sentinel://us%65r:p%40ss@one,[::1]:7000/main/3")._settings.where
        assert [str(each) for each in where.addresses] == ["one:26379", "[::1]:7000"]
        assert (where.service, where.database, where.credentials) == ("main", 3, ("user", "p@ss"))
        clustered = RedisBackend("rediss+cluster://one:7000,two")
        assert repr(clustered) == "RedisBackend('rediss+cluster://one:7000,two')"
        assert [str(each) for each in clustered._settings.where.addresses] == ["one:7000", "two:6379"]
        assert clustered._settings.where.is_tls


class TestTheSlots:
    def test_of_keys_follow_the_specification_of_redis_cluster(self):
        assert slot_of("123456789") == 0x31C3  # the example of its CRC16
        assert slot_of("{user1000}.following") == slot_of("user1000")
        assert slot_of("foo{{bar}}zap") == slot_of("{bar")
        assert slot_of("foo{bar}{zap}") == slot_of("bar")
        assert slot_of("foo{}{bar}") != slot_of("bar")

    def test_are_at_the_primaries_that_a_server_reports(self):
        ranges = {(0, 9): "one", (10, 10): "", (11, 12): "?"}
        slots = SlotMap.of({each: ({"host": host, "port": 7000},) for each, host in ranges.items()}, ASKED)
        own = RedisAddress("asked", 7000)
        assert [slots[each] for each in (0, 9, 10, 12, 13)] == [RedisAddress("one", 7000)] * 2 + [own] * 2 + [None]
        assert slots.primaries() == {RedisAddress("one", 7000), own}

    def test_of_a_single_server_are_not_reported(self):
        with pytest.raises(NoServerError, match="use redis:// for a single one"):
            SlotMap.of(Exception("cluster support disabled"), ASKED)


@needs_redis
@coredis_leaves_streams_open
@pytest.mark.anyio
async def test_a_sentinel_names_the_primary(redis, tmp_path):
    with sentinel_of(tmp_path, redis) as sentinel:
        url = f"redis+sentinel://127.0.0.1:{sentinel.port}/main"
        named = RedisBackend(url, buckets=4, sentinel_password=SENTINEL_PASSWORD, logging=False).new_store(9.0, 20.0)
        await named.open(A, None)
        claimed = await named.claim("CP1")
        await named.aclose()
        direct = backend(redis).new_store(9.0, 20.0)
        await direct.open(A, None)
        assert await direct.check(["CP1"]) == [ClusterOwner(A, claimed.fence)]
        await direct.aclose()
