"""What a registry answers: the pure table and the scripts in Redis are held to the same cases, and to each other."""

import os
import random
from dataclasses import replace

import pytest

from ocpp_core.cluster.records import Claimed, ClaimRestored, ClusterOwner, Found, NodeId
from tests.kinds import an
from tests.transports.cluster.redis.nodes import A, B
from tests.transports.cluster.redis.redis_server import needs_redis
from tests.transports.cluster.redis.registries import on_redis, on_table

pytestmark = [pytest.mark.anyio, needs_redis]

C = NodeId("c.0000000000000003")
HISTORIES = int(os.environ.get("CLUSTER_HISTORIES", "5"))
STEPS = 60


@pytest.fixture(scope="module")
def anyio_backend():
    """The answers are made in Redis: nothing differs on trio."""
    return "asyncio"


@pytest.fixture(params=["table", "redis"])
async def registry(request, redis):
    if request.param == "table":
        yield on_table(A, B)
    else:
        async with on_redis(redis, A, B) as registry:
            yield registry


class TestAClaim:
    async def test_of_a_free_station(self, registry):
        claimed = await registry.claim(A, "CP1")
        assert claimed == Claimed(claimed.fence, 0, None, "first")
        assert await registry.check(B, ["CP1"]) == [ClusterOwner(A, claimed.fence)]

    async def test_takes_it_from_another_node_which_counts_a_loss(self, registry):
        first = await registry.claim(A, "CP1")
        second = await registry.claim(B, "CP1")
        assert second == Claimed(second.fence, 0, ClusterOwner(A, first.fence), "first")
        assert second.fence > first.fence
        assert sorted((await registry.renew(A)).losses) == [0, 1]
        assert (await registry.renew(B)).losses == (0, 0)
        assert (await registry.claim(A, "CP1")).losses == 1  # it reports those of the node itself

    async def test_of_the_same_node_is_no_loss(self, registry):
        first = await registry.claim(A, "CP1")
        second = await registry.claim(A, "CP1")
        assert second == Claimed(second.fence, 0, ClusterOwner(A, first.fence), "first")
        assert (await registry.renew(A)).losses == (0, 0)

    async def test_of_any_identity_that_a_station_may_have(self, registry):
        for identity in ("~" + A, "fence", "since", "=CP1", "a|b", "ä", "%20 ", "{x}", "\udcff"):
            claimed = await registry.claim(A, identity)
            assert (claimed.previous, claimed.losses) == (None, 0)
            assert await registry.check(A, [identity]) == [ClusterOwner(A, claimed.fence)]


class TestARelease:
    async def test_removes_what_the_node_has(self, registry):
        fence = (await registry.claim(A, "CP1")).fence
        assert await registry.release(A, "CP1", fence)
        assert await registry.check(A, ["CP1"]) == [None]
        assert not await registry.release(A, "CP1", fence)

    async def test_that_comes_late_removes_no_newer_entry(self, registry):
        first = (await registry.claim(A, "CP1")).fence
        second = (await registry.claim(A, "CP1")).fence
        third = (await registry.claim(B, "CP1")).fence
        for fence in (first, second, third):
            assert not await registry.release(A, "CP1", fence)
        assert await registry.check(A, ["CP1"]) == [ClusterOwner(B, third)]


class TestARestore:
    async def test_of_what_the_node_has_changes_nothing(self, registry):
        owner = ClusterOwner(A, (await registry.claim(A, "CP1")).fence)
        assert await registry.restore(A, "CP1", owner.fence) == ClaimRestored(True, owner, 0, "first")

    async def test_of_what_was_lost_takes_it_with_its_old_fence(self, registry):
        fence = (await registry.claim(A, "CP1")).fence
        await registry.release(A, "CP1", fence)
        assert await registry.restore(A, "CP1", fence) == ClaimRestored(True, None, 0, "first")
        assert await registry.check(A, ["CP1"]) == [ClusterOwner(A, fence)]

    async def test_takes_it_from_an_older_claim(self, registry):
        older = ClusterOwner(B, (await registry.claim(B, "CP1")).fence)
        newer = (await registry.claim(A, "CP1")).fence
        await registry.release(A, "CP1", newer)
        await registry.restore(B, "CP1", older.fence)
        assert await registry.restore(A, "CP1", newer) == ClaimRestored(True, older, 0, "first")
        assert sum((await registry.renew(B)).losses) == 2  # one by the claim, one by the restore

    async def test_yields_to_a_newer_claim(self, registry):
        older = (await registry.claim(A, "CP1")).fence
        newer = ClusterOwner(B, (await registry.claim(B, "CP1")).fence)
        assert await registry.restore(A, "CP1", older) == ClaimRestored(False, newer, 1, "first")
        assert await registry.restore(A, "CP1", newer.fence) == ClaimRestored(False, newer, 1, "first")

    async def test_lets_later_fences_be_larger(self, registry):
        future = (await registry.claim(A, "CP1")).fence + 10**9
        await registry.restore(A, "CP1", future)
        assert (await registry.claim(B, "CP1")).fence == future + 1


class TestLookingUp:
    async def test_many_in_their_order(self, registry):
        fences = {name: (await registry.claim(A, name)).fence for name in ("CP1", "CP2", "CP3")}
        names = ["CP3", "none", "CP1", "CP3", "CP2"]
        expected = [ClusterOwner(A, fences[name]) if name in fences else None for name in names]
        assert list(await registry.check(B, names)) == expected
        assert list(await registry.check(B, [])) == []

    async def test_one_with_the_address_and_the_lease_of_its_node(self, registry):
        assert await registry.find(B, "CP1") is None
        owner = ClusterOwner(A, (await registry.claim(A, "CP1")).fence)
        assert await registry.find(B, "CP1") == Found(owner, f"address of {A}", is_alive=True)
        await registry.leave(A)
        found = an(Found, await registry.find(B, "CP1"))
        assert (found.owner, found.is_alive) == (owner, False)


class TestWaiting:
    async def test_ends_with_the_next_claim_which_names_who_waited(self, registry):
        for node in (B, A, B):
            assert await registry.watch(node, "CP1") is None
        assert (await registry.claim(A, "CP2")).waiters == ()
        assert (await registry.claim(A, "CP1")).waiters == (A, B)
        assert (await registry.claim(A, "CP1")).waiters == ()

    async def test_for_a_station_that_is_there_names_its_node(self, registry):
        owner = ClusterOwner(A, (await registry.claim(A, "CP1")).fence)
        assert await registry.watch(B, "CP1") == Found(owner, f"address of {A}", is_alive=True)
        assert (await registry.claim(A, "CP1")).waiters == (B,)

    async def test_for_any_identity_that_a_station_may_have(self, registry):
        for identity in ("a|b", "ä", "%20 ", "{x}", "\udcff", "ns\0CP1"):
            await registry.watch(A, identity)
            assert (await registry.claim(B, identity)).waiters == (A,)


class TestAllStations:
    async def test_are_found_with_their_nodes(self, registry):
        names = ["CP1", "a|b", "ä", "{x}", "\udcff", "ns\0CP1", "~x", "fence"]
        fences = {name: (await registry.claim(A, name)).fence for name in names}
        owners = {name: ClusterOwner(A, fence) for name, fence in fences.items()}
        assert {name: each.owner for name, each in (await registry.stations(B)).items()} == owners
        await registry.leave(A)
        assert {each.is_alive for each in (await registry.stations(B)).values()} == {False}

    async def test_may_be_none(self, registry):
        assert await registry.stations(A) == {}


class History:
    """A random history of one registry; fences are replaced by the numbers of the claims that gave them."""

    def __init__(self, registry, seed):
        self._registry = registry
        self._random = random.Random(seed)
        self._nodes = [A, B, C]
        self._stations = [f"CP{number}" for number in range(4)]
        self._fences = []

    async def play(self):
        return [await self._step() for _ in range(STEPS)]

    async def _step(self):
        node, station = self._random.choice(self._nodes), self._random.choice(self._stations)
        kind = self._random.choice(["claim", "claim", "release", "restore", "renew", "check", "find", "watch"])
        match kind:
            case "claim":
                claimed = await self._registry.claim(node, station)
                self._fences.append(claimed.fence)
                answer = replace(claimed, fence=0, previous=self._named(claimed.previous))
            case "release" | "restore" if self._fences:
                fence = self._random.choice(self._fences[-6:])
                answer = await getattr(self._registry, kind)(node, station, fence)
                if kind == "restore":
                    answer = replace(answer, current=self._named(answer.current))
            case "check":
                answer = [self._named(owner) for owner in await self._registry.check(node, self._stations)]
            case "find" | "watch":
                found = await getattr(self._registry, kind)(node, station)
                answer = found and replace(found, owner=self._named(found.owner))
            case _:
                answer = await self._registry.renew(node)
        return kind, node, station, answer

    def _named(self, owner):
        return owner and ClusterOwner(owner.node, self._fences.index(owner.fence))


class TestTheTwins:
    async def test_answer_every_history_equally(self, redis):
        for seed in range(HISTORIES):
            redis("FLUSHALL")
            async with on_redis(redis, A, B, C) as scripts:
                assert await History(scripts, seed).play() == await History(on_table(A, B, C), seed).play(), seed
