"""What a server writes for the consumers of its cluster, in virtual time."""

from typing import Any

import pytest

from ocpp_transports.cluster import Cluster, MemoryCluster
from ocpp_transports.cluster.events import ClusterEvents, EventGap, EventsOut
from ocpp_transports.laboratory import World
from tests.transports.cluster.events.programs import arrived, cluster_of, consuming, names, serving, station

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture
def lab():
    with World(seed=7) as lab:
        yield lab
    assert lab.network.links == {}


@pytest.fixture
def shared():
    return MemoryCluster()


def messages_of(events):
    return [(event.message.direction.value, event.message.action) for event in events if hasattr(event, "message")]


async def spoken(lab, shared, **settings):
    """Return the events of a short conversation."""
    cluster = cluster_of(shared, **settings)
    await serving(lab, cluster)
    async with consuming(cluster) as events:
        client = await station(lab)
        await client.call("Heartbeat", {})
        await client.call("Authorize", {"idTag": "s3cr3t"})
        await client.close()
        return await arrived(events)


class TestEvents:
    def test_have_what_happened_in_order_with_time_and_place(self, lab, shared):
        got = lab.play(spoken(lab, shared))
        assert names(got) == ["StationConnected", *["MessageSeen"] * 4, "StationDisconnected"]
        assert (got[0].station.identity, got[0].protocol) == ("CP1", "ocpp1.6")
        assert got[2].message.payload == {"currentTime": "2030-01-01T00:00:00Z"}
        assert got[2].message.latency is not None
        assert got[-1].code == 1000
        assert [event.id for event in got] == [f"{got[0].node}-{number}" for number in range(1, 7)]
        assert got[0].node.startswith("one.")
        start = lab.now().timestamp()
        assert all(start - 60 < event.time <= event.stored + 0.001 <= start for event in got)

    def test_of_refused_stations_are_security_events(self, lab, shared):
        async def story():
            cluster = cluster_of(shared)
            server = await serving(lab, cluster)
            server.reconfigure(credentials={"CP1": "0123456789abcdef"}, security_profile=1)
            async with consuming(cluster) as events:
                with pytest.raises(Exception, match="401"):
                    await station(lab)
                return await arrived(events)

        (event,) = lab.play(story())
        assert (event.security.kind, event.security.identity) == ("bad_credentials", "CP1")

    def test_show_no_secrets_unless_the_server_allows_it(self, lab, shared):
        assert "s3cr3t" not in repr([event.message.frame for event in lab.play(spoken(lab, shared))[3:5]])

    def test_show_id_tokens_if_the_server_allows_it(self, lab, shared):
        got = lab.play(spoken(lab, shared, redact=False))
        assert got[3].message.payload == {"idTag": "s3cr3t"}

    @pytest.mark.parametrize(
        ("settings", "expected"),
        [
            ({"messages": False}, []),
            ({"actions": ["Heartbeat"]}, [("in", "Heartbeat"), ("out", "Heartbeat")]),
            ({"direction": "in"}, [("in", "Heartbeat"), ("in", "Authorize")]),
            ({"identities": ["CP2"]}, []),
        ],
    )
    def test_of_messages_are_those_that_the_server_selects(self, lab, shared, settings, expected):
        got = lab.play(spoken(lab, shared, **settings))
        assert messages_of(got) == expected
        assert {"StationConnected", "StationDisconnected"} <= set(names(got))

    def test_are_written_before_the_server_has_closed(self, lab, shared):
        async def story():
            cluster = cluster_of(shared)
            server = await serving(lab, cluster)
            await station(lab)
            await server.close()
            async with ClusterEvents(cluster, since=0, logging=False) as events:
                return await arrived(events)

        assert names(lab.play(story())) == ["StationConnected", "StationDisconnected"]


class TestAStoreThatIsAway:
    def test_costs_the_oldest_messages_and_no_other_events(self, lab, shared):
        async def story():
            cluster = cluster_of(shared, buffer_events=100)
            server = await serving(lab, cluster, metrics=True)
            client = await station(lab)
            await lab.run(seconds=1)
            async with ClusterEvents(cluster, since=0, logging=False) as events:
                assert names(await arrived(events)) == ["StationConnected"]
                shared.is_available = False
                for _ in range(100):
                    await client.call("Heartbeat", {})
                await client.close()
                await lab.run(seconds=5)
                assert server.metrics.value("ocpp_cluster_events_dropped_total") > 0
                shared.is_available = True
                return server, await arrived(events)

        server, got = lab.play(story())
        (gap,) = [event for event in got if isinstance(event, EventGap)]
        assert (gap.messages, gap.others) == (server.metrics.value("ocpp_cluster_events_dropped_total"), 0)
        assert gap.messages + names(got).count("MessageSeen") == 200
        assert names(got)[-1] == "StationDisconnected"
        assert [int(event.id.rpartition("-")[2]) for event in got] == list(range(2, 2 + len(got)))

    def test_delays_the_end_of_a_server_by_the_timeout(self, lab, shared):
        async def story():
            server = await serving(lab, cluster_of(shared), metrics=True)
            await station(lab)
            shared.is_available = False
            before = lab.time
            await server.close()
            assert lab.time - before < 15
            return server

        assert lab.play(story()).metrics.value("ocpp_cluster_events_dropped_total") == 2


class TestSettings:
    @pytest.mark.parametrize(
        ("error", "settings"),
        [
            (TypeError, {"actions": "Heartbeat"}),
            (TypeError, {"identities": [1]}),
            (ValueError, {"direction": "both"}),
            (ValueError, {"streams": 0}),
            (ValueError, {"keep": 0}),
            (TypeError, {"messages": "no"}),
        ],
    )
    def test_of_the_wrong_kind_are_refused(self, error, settings):
        with pytest.raises(error, match=f"expected {next(iter(settings))}"):
            EventsOut(**settings)

    def test_need_a_store_with_streams(self):
        class Other:
            new_store: Any = print
            new_carrier: Any = print

        with pytest.raises(ValueError, match="it has no streams"):
            Cluster(Other(), events=EventsOut())
        assert Cluster(Other(), events=EventsOut(store=MemoryCluster())).events is not None
