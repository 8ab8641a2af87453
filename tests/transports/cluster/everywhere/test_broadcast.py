"""A broadcast to the stations of all nodes: who is called, with which outcomes, and what a fault does to it."""

import asyncio
from collections import Counter

import pytest

from ocpp_core import v16
from ocpp_core.identity import StationKey
from ocpp_transports import ConnectionLostError, OCPPServer, RPCError
from ocpp_transports.blocking import BlockingServer
from ocpp_transports.cluster import Cluster, ClusterClient, MemoryCluster
from ocpp_transports.cluster._calls import NodeCalls
from ocpp_transports.fleet import Answered, IncompleteBroadcastError, NotSent, Refused, Unanswered
from ocpp_transports.laboratory import World
from tests.kinds import an
from tests.transports.cluster.everywhere.stub_nodes import stub_nodes
from tests.transports.cluster.servers import ACCEPTED, RESET, connected, server_in

pytestmark = pytest.mark.filterwarnings("error")


def by_identity(outcomes):
    return {each.identity: type(each) for each in outcomes}


@pytest.fixture
def shared():
    return MemoryCluster()


@pytest.fixture
def lab():
    with World(seed=7) as lab:
        yield lab


@pytest.mark.anyio
class TestABroadcast:
    async def test_reaches_the_stations_of_all_servers_each_once(self, shared):
        async with (
            server_in(shared, "one") as one,
            server_in(shared, "two") as two,
            connected(one),
            connected(two, "CP2"),
            connected(two, "CP3"),
        ):
            for server in (one, two):
                calls = server.broadcast(*RESET)
                outcomes = await calls
                assert by_identity(outcomes) == dict.fromkeys(["CP1", "CP2", "CP3"], Answered)
                assert len(outcomes) == calls.total == 3
                assert {each.result["status"] for each in outcomes} == {"Accepted"}

    async def test_of_this_server_alone_needs_no_registry_and_may_select(self, shared):
        async with (
            server_in(shared, "one") as one,
            server_in(shared, "two") as two,
            connected(one),
            connected(two, "CP2"),
        ):
            shared.is_available = False
            assert by_identity(await one.broadcast(*RESET, everywhere=False)) == {"CP1": Answered}
            assert await one.broadcast(*RESET, everywhere=False, where=lambda station: False) == ()
            with pytest.raises(ValueError, match="expected everywhere=False with where"):
                one.broadcast(*RESET, where=lambda station: True)

    async def test_in_one_version_leaves_out_the_stations_of_another_one(self, shared):
        async with (
            OCPPServer(protocols=["ocpp1.6"], cluster=Cluster(shared, "one", lease=60)) as one,
            OCPPServer(protocols=["ocpp2.0.1", "ocpp1.6"], cluster=Cluster(shared, "two", lease=60)) as two,
            connected(one),
            connected(two, "CP2", protocols=["ocpp2.0.1"]),
            connected(two, "CP3", protocols=["ocpp1.6"]),
        ):
            calls = one.broadcast(v16.Reset(type="Soft"))
            assert by_identity(await calls) == {"CP1": Answered, "CP3": Answered}
            assert calls.total == 2
            with pytest.raises(ValueError, match=r"expected a call for ocpp2.0.1, got one for ocpp1.6"):
                await one.call("CP2", v16.Reset(type="Soft"))

    async def test_names_stations_with_a_namespace_by_their_keys(self, shared):
        async with stub_nodes(shared, [["one\0CP1", "two\0CP1", "CP1"]]), ClusterClient(Cluster(shared)) as cluster:
            outcomes = await cluster.broadcast(*RESET)
            assert sorted(StationKey(each.namespace, each.identity) for each in outcomes) == [
                ("", "CP1"), ("one", "CP1"), ("two", "CP1"),
            ]  # fmt: skip

    async def test_has_the_outcomes_of_a_local_one(self, shared):
        def refuse(ctx):
            raise RPCError("GenericError", "busy")

        async with server_in(shared, "one") as one, server_in(shared, "two") as two, connected(one) as station:
            station.handle("ClearCache", refuse)
            assert by_identity(await two.broadcast("ClearCache")) == {"CP1": Refused}


class TestThousandsOfStations:
    @pytest.mark.parametrize(
        "stations", [pytest.param(100, id="300"), pytest.param(1000, id="3000", marks=pytest.mark.cluster)]
    )
    def test_of_three_nodes_are_called_once_each_and_a_limited_number_at_a_time(self, lab, shared, stations):
        groups = [[f"CP{node}-{number}" for number in range(stations)] for node in range(3)]

        async def story():
            async with stub_nodes(shared, groups) as nodes, ClusterClient(Cluster(shared)) as cluster:
                outcomes = await cluster.broadcast(*RESET, concurrency=60)
                assert Counter(map(type, outcomes)) == {Answered: 3 * stations}
                assert len({each.identity for each in outcomes}) == 3 * stations
                assert [sorted(host.calls) for _, host in nodes] == [sorted(group) for group in groups]
                assert 20 < max(host.most for _, host in nodes) <= 60

        lab.play(story())


class TestAFault:
    """Each station has exactly one outcome, or the broadcast says that some are missing."""

    def test_of_a_node_leaves_its_stations_unanswered_or_not_called(self, lab, shared):
        groups = [[f"CP{node}-{number}" for number in range(30)] for node in range(2)]

        async def story():
            async with stub_nodes(shared, groups) as nodes, ClusterClient(Cluster(shared)) as cluster:
                outcomes = []
                dying, host = nodes[0]
                async with cluster.broadcast(*RESET, concurrency=10) as calls:
                    async for outcome in calls:
                        outcomes.append(outcome)
                        if len(outcomes) == 20:
                            await an(NodeCalls, dying._calls).aclose()  # as if the process were killed
                            shared._table.leave(dying.id)
                seen = by_identity(outcomes)
                assert sorted(seen) == sorted(groups[0] + groups[1])
                assert len(outcomes) == calls.total == 60
                assert all(seen[name] is Answered for name in groups[1])
                assert {*(seen[name] for name in groups[0])} == {Answered, Unanswered, NotSent}
                assert all(seen[name] is NotSent for name in groups[0] if name not in host.calls)
                assert all(seen[name] is not NotSent for name in host.calls)

        lab.play(story())

    def test_of_a_node_before_is_not_sent(self, lab, shared):
        async def story():
            async with stub_nodes(shared, [["CP1"]]) as [(node, _)], ClusterClient(Cluster(shared)) as cluster:
                shared._table.leave(node.id)
                (outcome,) = await cluster.broadcast(*RESET)
                assert isinstance(outcome, NotSent)
                assert isinstance(outcome.error, ConnectionLostError)

        lab.play(story())

    def test_of_the_registry_at_the_beginning_is_raised_and_nothing_is_sent(self, lab, shared):
        async def story():
            async with stub_nodes(shared, [["CP1"]]) as [(_, host)], ClusterClient(Cluster(shared)) as cluster:
                shared.is_available = False
                with pytest.raises(IncompleteBroadcastError, match="cannot find all stations") as raised:
                    await cluster.broadcast(*RESET)
                assert (raised.value.outcomes, host.calls) == ((), [])
                with pytest.raises(IncompleteBroadcastError):
                    async with cluster.broadcast(*RESET):
                        pass

        lab.play(story())

    def test_of_the_registry_in_the_middle_is_waited_for(self, lab, shared):
        names = [f"CP{number}" for number in range(200)]

        async def story():
            async with stub_nodes(shared, [names]), ClusterClient(Cluster(shared)) as cluster:
                outcomes = []
                async with cluster.broadcast(*RESET, concurrency=1) as calls:
                    async for outcome in calls:
                        outcomes.append(outcome)
                        if len(outcomes) == 5:
                            shared.is_available = False
                            asyncio.get_running_loop().call_later(4, setattr, shared, "is_available", True)
                assert sorted(each.identity for each in outcomes) == sorted(names)
                assert {type(each) for each in outcomes} == {Answered}

        lab.play(story())

    def test_of_the_registry_that_lasts_is_raised_after_the_outcomes(self, lab, shared):
        names = [f"CP{number}" for number in range(200)]

        async def story():
            async with stub_nodes(shared, [names]) as [(_, host)], ClusterClient(Cluster(shared)) as cluster:
                asyncio.get_running_loop().call_later(0.5, setattr, shared, "is_available", False)
                with pytest.raises(IncompleteBroadcastError) as raised:
                    await cluster.broadcast(*RESET, concurrency=1)
                assert [each.identity for each in raised.value.outcomes] == host.calls
                assert 0 < len(host.calls) < len(names)

        lab.play(story())


def test_threads_get_the_outcomes_and_the_error_too(shared):
    with BlockingServer(protocols=["ocpp1.6"], cluster=Cluster(shared, lease=60)) as server:
        assert server.broadcast("ClearCache").wait() == ()
        shared.is_available = False
        with pytest.raises(IncompleteBroadcastError):
            server.broadcast("ClearCache").wait()
        assert server.broadcast("ClearCache", everywhere=False).wait() == ()


@pytest.mark.anyio
class TestAClusterClient:
    async def test_calls_as_a_server_does(self, shared):
        web = Cluster(shared, "web", lease=60)
        async with server_in(shared, "one") as one, ClusterClient(web) as cluster, connected(one):
            assert await cluster.safe_call("CP1", *RESET) == ACCEPTED
            assert await cluster.safe_call("CP2", *RESET) is None
            outcomes = await cluster.call_many("Reset", {"CP1": RESET[1], "CP2": RESET[1]})
            assert by_identity(outcomes) == {"CP1": Answered, "CP2": NotSent}
            with pytest.raises(TypeError, match="expected a mapping"):
                cluster.call_many("Reset")  # type: ignore[call-overload]  # that is the test
            with pytest.raises(ValueError, match="concurrency"):
                cluster.broadcast(*RESET, concurrency=0)

    async def test_lists_the_stations_with_their_servers(self, shared):
        nodes = stub_nodes(shared, [["CP1", "site\0CP2"], ["CP3"]])
        async with nodes as [_, (node, _)], ClusterClient(Cluster(shared)) as cluster:
            listed = {station.key: station.node async for station in cluster.stations()}
            assert listed == {("", "CP1"): "node-0", ("site", "CP2"): "node-0", ("", "CP3"): "node-1"}
            assert await cluster.is_connected("CP3")
            assert await cluster.is_connected(StationKey("site", "CP2"))
            assert not await cluster.is_connected("CP2")
            shared._table.leave(node.id)
            assert not await cluster.is_connected("CP3")
            assert {station.identity async for station in cluster.stations()} == {"CP1", "CP2"}

    async def test_is_used_within_its_block(self, shared):
        cluster = ClusterClient(Cluster(shared))
        for use in (cluster.broadcast, cluster.is_connected, cluster.wait_for_client):
            with pytest.raises(RuntimeError, match="async with"):
                await use("ClearCache")
        with pytest.raises(RuntimeError, match="async with"):
            cluster.call_many("Reset", {"CP1": RESET[1]})
        with pytest.raises(RuntimeError, match="async with"):
            await anext(cluster.stations())
