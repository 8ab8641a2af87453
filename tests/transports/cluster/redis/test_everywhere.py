"""Broadcasts and waits over a real Redis: what the cluster in memory cannot show."""

from collections import Counter

import anyio
import pytest

from ocpp_transports.cluster import Cluster, ClusterClient
from ocpp_transports.fleet import Answered, IncompleteBroadcastError, NotSent
from tests.transports.cluster.everywhere.stub_nodes import stub_nodes
from tests.transports.cluster.redis.nodes import backend
from tests.transports.cluster.redis.redis_server import coredis_leaves_streams_open, needs_redis
from tests.transports.pairs import SECONDS

pytestmark = [pytest.mark.anyio, needs_redis, coredis_leaves_streams_open]


def names(number, count):
    return [f"CP{number}-{each}" for each in range(count)]


async def test_a_broadcast_calls_each_station_once_and_a_wait_ends_with_the_claim(redis):
    async def wait():
        station = await cluster.wait_for_client("CP9")
        assert station.node == "node-1"

    web = Cluster(backend(redis), "web")
    groups = [names(0, 20), names(1, 20)]
    async with stub_nodes(backend(redis), groups) as nodes, ClusterClient(web) as cluster:
        with anyio.fail_after(SECONDS):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(wait)
                outcomes = await cluster.broadcast("ClearCache")
                assert [sorted(host.calls) for _, host in nodes] == [sorted(group) for group in groups]
                assert len(outcomes) == 40
                node, _ = nodes[1]
                assert await node.claim("CP9", 1)
                node.opened("CP9")


@pytest.mark.cluster
async def test_redis_that_stands_still_during_a_broadcast_loses_no_outcome(redis):
    """A call that was being written is not known to be executed; each other one is, or was not sent."""
    web = Cluster(backend(redis), "web", lease=30, timeout=0.5)
    groups = [names(0, 300), names(1, 300)]
    async with stub_nodes(backend(redis), groups, lease=30) as nodes, ClusterClient(web) as cluster:
        outcomes = []
        async with cluster.broadcast("ClearCache", concurrency=50, deadline=3) as calls:
            async for outcome in calls:
                outcomes.append(outcome)
                if len(outcomes) in {100, 250}:
                    redis.stop()
                    await anyio.sleep(1.5)
                    redis.wake()
        assert sorted(each.identity for each in outcomes) == sorted(names(0, 300) + names(1, 300))
        executed = Counter(name for _, host in nodes for name in host.calls)
        assert set(executed.values()) == {1}
        assert all(executed[each.identity] for each in outcomes if isinstance(each, Answered))
        assert not executed.keys() & {each.identity for each in outcomes if isinstance(each, NotSent)}


@pytest.mark.cluster
async def test_redis_that_is_away_at_the_beginning_is_told(redis):
    async with ClusterClient(Cluster(backend(redis), "web", timeout=0.5)) as cluster:
        redis.stop()
        try:
            with pytest.raises(IncompleteBroadcastError, match="cannot use Redis"):
                await cluster.broadcast("ClearCache")
        finally:
            redis.wake()
