"""The registry in a real Redis: what the pure table does not know of (its answers: `test_contract`)."""

from ssl import create_default_context

import anyio
import pytest
import trustme

from ocpp_core.cluster.records import ClusterOwner
from ocpp_core.cluster.registry.buckets import bucket_of
from ocpp_transports.cluster._store import ForeignDataError, LayoutError, StoreUnavailableError
from ocpp_transports.cluster.redis import RedisBackend
from tests.free_ports import free_port
from tests.transports.cluster.redis.nodes import A, B, backend, found, opened
from tests.transports.cluster.redis.redis_server import coredis_leaves_streams_open, needs_redis, redis_server

pytestmark = [pytest.mark.anyio, needs_redis, coredis_leaves_streams_open]


@pytest.fixture(scope="module")
def anyio_backend():
    """What differs on trio is in `test_connection` and `test_carrier`."""
    return "asyncio"


CLUSTERED = ("--cluster-enabled", "yes", "--cluster-port")
BUCKET = f"ocpp:{{{bucket_of('CP1', 4)}}}:own"


async def refusal(redis, error, **options):
    """Return why a store does not open, which must change nothing."""
    before = redis("DEBUG", "DIGEST")
    with pytest.raises(error) as raised:
        async with opened(redis, A, **options):
            pass
    assert redis("DEBUG", "DIGEST") == before
    return str(raised.value)


class TestOpening:
    async def test_refuses_data_of_another_layout(self, redis):
        redis("SET", "ocpp:v", "2:4")
        assert "layout 1 and 4 buckets in Redis, got layout 2 and 4 buckets" in await refusal(redis, LayoutError)

    async def test_refuses_another_number_of_buckets(self, redis):
        async with opened(redis, A):
            pass
        assert "got layout 1 and 4 buckets" in await refusal(redis, LayoutError, buckets=8)

    @pytest.mark.parametrize(
        "command",
        [
            ("SET", "ocpp:v", "theirs"),
            ("LPUSH", "ocpp:v", "x"),
        ],
    )
    async def test_leaves_a_layout_alone_that_is_not_ours(self, redis, command):
        redis(*command)
        assert "the key 'ocpp:v'" in await refusal(redis, ForeignDataError)

    async def test_reports_a_bucket_of_another_type(self, redis):
        async with opened(redis, A):
            pass
        redis("SET", BUCKET, "theirs")
        with pytest.raises(ForeignDataError, match="value of another type"):
            async with opened(redis, A):
                pass
        assert redis("GET", BUCKET) == b"theirs"

    async def test_other_clusters_have_other_prefixes(self, redis):
        async with opened(redis, A) as (a,), opened(redis, B, prefix="other", buckets=8) as (b,):
            await a.claim("CP1")
            assert await b.find("CP1") is None


class TestForeignEntries:
    @pytest.mark.parametrize("value", ["", "theirs", "x|b.2", "12|", "99999999999999999|b.2"])
    async def test_a_station_is_reported_and_left_alone(self, redis, value):
        async with opened(redis, A) as (a,):
            redis("HSET", BUCKET, "=CP1", value)
            for ask in (a.find("CP1"), a.check(["CP1"]), a.claim("CP1"), a.restore("CP1", 5)):
                with pytest.raises(ForeignDataError):
                    await ask
            assert not await a.release("CP1", 5)
        assert redis("HGET", BUCKET, "=CP1") == value.encode()

    @pytest.mark.parametrize("field", ["fence", "since", f"~{A}", f"~{B}"])
    async def test_a_counter_is_too(self, redis, field):
        async with opened(redis, A, B) as (a, b):
            await b.claim("CP1")
            redis("HSET", BUCKET, field, "theirs")
            entry = redis("HGET", BUCKET, "=CP1")
            with pytest.raises(ForeignDataError):
                await a.claim("CP1")
            assert redis("HGET", BUCKET, "=CP1") == entry


class TestTheStationsOfABucket:
    async def test_are_read_in_parts_without_what_is_not_ours(self, redis):
        names = [f"CP{number}" for number in range(1_500)]
        async with opened(redis, A, buckets=1) as [store]:
            for at in range(0, len(names), 500):
                fields = [part for name in names[at : at + 500] for part in (f"={name}", f"7|{A}")]
                redis("HSET", "ocpp:{0}:own", *fields)
            await store.claim("CP0")
            redis("HSET", "ocpp:{0}:own", "=theirs", "?", "more", "1", "=none", f"x|{A}")
            assert sorted(await store.stations_of([0])) == sorted(names)

    async def test_of_another_type_are_reported(self, redis):
        async with opened(redis, A, buckets=1) as [store]:
            redis("SET", "ocpp:{0}:own", "theirs")
            with pytest.raises(ForeignDataError, match=r"'ocpp:\{0}:own'"):
                await store.stations_of([0])
            redis("DEL", "ocpp:{0}:own")


class TestWhoWaits:
    async def test_is_forgotten_after_the_time_of_a_lease(self, redis):
        async with opened(redis, A, B, buckets=1) as [one, other]:
            await one.watch("CP1")
            assert 8_000 < int(redis("PTTL", "ocpp:{0}:wait:CP1")[1:]) <= 9_000
            assert (await other.claim("CP1")).waiters == (A,)
            assert redis("EXISTS", "ocpp:{0}:wait:CP1") == b":0"

    async def test_is_not_ours_if_the_key_has_another_type(self, redis):
        async with opened(redis, A, buckets=1) as [store]:
            redis("SET", "ocpp:{0}:wait:CP1", "theirs")
            for use in (store.watch, store.claim):
                with pytest.raises(ForeignDataError):
                    await use("CP1")
            assert await store.find("CP1") is None


class TestTheFence:
    async def test_is_the_time_of_redis_in_microseconds(self, redis):
        async with opened(redis, A) as (a,):
            seconds = int(redis("EVAL", "return redis.call('TIME')[1]", "0"))
            assert seconds * 10**6 <= (await a.claim("CP1")).fence < (seconds + 60) * 10**6

    async def test_stays_above_the_largest_when_the_clock_is_set_back(self, redis):
        async with opened(redis, A) as (a,):
            future = (await a.claim("CP1")).fence + 10**9
            redis("HSET", BUCKET, "fence", str(future))
            claimed = await a.claim("CP1")
            assert claimed.fence == future + 1
            assert await a.release("CP1", claimed.fence)
            assert (await a.claim("CP1")).fence == future + 2


class TestLossOfData:
    async def test_changes_the_generation_when_redis_is_started_anew(self, redis):
        async with opened(redis, A) as (a,):
            claimed = await a.claim("CP1")
            redis.kill()
            with pytest.raises(StoreUnavailableError):
                await a.renew()
            redis.start()
            renewed = await a.renew()
            assert set(renewed.generations).isdisjoint({claimed.generation})
            restored = await a.restore("CP1", claimed.fence)
            assert restored.is_ours
            assert set(renewed.generations) == {restored.generation}
            assert await a.check(["CP1"]) == [ClusterOwner(A, claimed.fence)]
            async with opened(redis, B) as (b,):  # the fence of the next one is above it, although all data was lost
                assert (await b.claim("CP1")).fence > claimed.fence

    @pytest.mark.parametrize("loss", [("FLUSHALL",), ("UNLINK", BUCKET)])
    async def test_raises_the_losses_when_a_bucket_is_deleted_or_evicted(self, redis, loss):
        async with opened(redis, A, B) as (a, b):
            claimed = await a.claim("CP1")
            known = await a.renew()
            at = known.losses.index(claimed.losses)
            redis(*loss)
            gone = await a.renew()
            await b.claim("CP1")
            again = await a.renew()
            assert known.losses[at] < gone.losses[at] < again.losses[at]
            assert gone.generations == known.generations  # which shows nothing of it


class TestTheLease:
    async def test_lasts_for_its_time_and_is_renewed(self, redis):
        lease = f"ocpp:node:{{{A}}}"
        async with opened(redis, A, lease=60) as (a,), opened(redis, B) as (b,):
            await a.claim("CP1")
            assert 0 < int(redis("PTTL", lease)[1:]) <= 60_000
            redis("DEL", lease)  # as Redis does at its end
            assert not (await found(b, "CP1")).is_alive
            await a.renew()
            assert (await found(b, "CP1")).is_alive

    async def test_and_the_counters_end_with_the_store(self, redis):
        async with opened(redis, A, B) as (a, b):
            await a.claim("CP1")
            await b.claim("CP1")
            assert redis("HEXISTS", BUCKET, f"~{A}") == b":1"
            await a.aclose()
            assert redis("HEXISTS", BUCKET, f"~{A}") == b":0"
            assert redis("EXISTS", f"ocpp:node:{{{A}}}") == b":0"

    async def test_has_the_address(self, redis):
        store = backend(redis).new_store(9, 2)
        await store.open(A, "10.0.0.1:7000")
        await store.claim("CP1")
        async with opened(redis, B) as (b,):
            assert (await found(b, "CP1")).address == "10.0.0.1:7000"
        await store.aclose()


class TestArguments:
    @pytest.mark.parametrize(
        ("url", "options"),
        [
            ("http://redis", {}),
            ("redis://", {}),
            ("redis://:secret@host:port", {}),
            ("redis://:secret@host/name", {}),
            ("unix://", {}),
            ("redis://host?password=secret", {}),
            ("redis://host", {"buckets": 0}),
            ("redis://host", {"prefix": "a{b}"}),
        ],
    )
    async def test_are_checked(self, url, options):
        with pytest.raises(ValueError, match="expected") as raised:
            RedisBackend(url, **options)
        assert "secret" not in str(raised.value)

    async def test_a_password_is_not_shown(self):
        redis = RedisBackend("redis://user:secret@host:6379/3?db=3")
        assert repr(redis) == "RedisBackend('redis://host:6379/3')"

    async def test_a_store_that_is_not_open_cannot_be_used(self, redis):
        store = backend(redis).new_store(9, 2)
        with pytest.raises(RuntimeError, match="call open"):
            await store.claim("CP1")
        await store.aclose()


class TestPasswords:
    async def test_a_wrong_one_is_said_and_not_shown(self, tmp_path):
        with redis_server(tmp_path, "--requirepass", "a secret") as server:
            for password in ("", ":wrong@"):
                url = server.url.replace("redis://", f"redis://{password}")
                store = RedisBackend(url, logging=False).new_store(9, 2)
                with pytest.raises(StoreUnavailableError, match="password of its URL is wrong") as raised:
                    await store.open(A, None)
                assert "wrong@" not in str(raised.value)
            url = server.url.replace("redis://", "redis://:a%20secret@")
            store = RedisBackend(url).new_store(9, 2)
            await store.open(A, None)
            await store.aclose()


@pytest.mark.cluster
class TestRedisCluster:
    async def test_each_script_stays_in_one_slot(self, tmp_path):
        with free_port() as bus, redis_server(tmp_path, *CLUSTERED, str(bus)) as server:
            server("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
            with anyio.fail_after(20):
                while b"cluster_state:ok" not in server("CLUSTER", "INFO"):  # noqa: ASYNC110 - nothing tells of it
                    await anyio.sleep(0.02)
            async with opened(server, A, B) as (a, b):
                claimed = await a.claim("CP1")
                assert (await a.restore("CP1", claimed.fence)).is_ours
                assert await a.release("CP1", claimed.fence)
                await a.watch("CP1")
                claimed = await b.claim("CP1")
                assert (claimed.previous, claimed.waiters) == (None, (A,))
                assert (await found(a, "CP1")).is_alive
                assert "CP1" in await a.stations_of(range(4))


class TestTls:
    async def test_the_certificate_must_have_the_name_of_the_host(self, tmp_path):
        authority = trustme.CA()
        context = create_default_context(cadata=authority.cert_pem.bytes().decode())
        for name, is_right in (("127.0.0.1", True), ("elsewhere.example", False)):
            with free_port() as port, redis_server(tmp_path, *tls(authority, name, tmp_path), str(port)):
                store = RedisBackend(f"rediss://127.0.0.1:{port}", ssl=context, logging=False).new_store(9, 20)
                if is_right:
                    await store.open(A, None)
                    await store.aclose()
                else:
                    with pytest.raises(StoreUnavailableError, match="SSLCertVerificationError"):
                        await store.open(A, None)


def tls(authority, name, folder):
    """Return the options of a Redis with a certificate; the port follows."""
    issued = authority.issue_cert(name)
    (folder / "certificate.pem").write_bytes(issued.cert_chain_pems[0].bytes())
    (folder / "key.pem").write_bytes(issued.private_key_pem.bytes())
    files = ("--tls-cert-file", str(folder / "certificate.pem"), "--tls-key-file", str(folder / "key.pem"))
    return (*files, "--tls-ca-cert-dir", "/", "--tls-auth-clients", "no", "--tls-port")
