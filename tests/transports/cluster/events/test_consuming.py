"""What consumers get: at least once in a group, everything without one; in virtual time."""

import anyio
import pytest

from ocpp_transports.cluster import MemoryCluster
from ocpp_transports.cluster._events._log import Retention
from ocpp_transports.cluster.events import ClusterEvents, EventGap
from ocpp_transports.laboratory import World
from tests.transports.cluster.events.programs import (
    arrived,
    cluster_of,
    consuming,
    log_of,
    names,
    serving,
    station,
)

pytestmark = pytest.mark.filterwarnings("error")
KEEP = Retention(3600, 10_000)


@pytest.fixture
def lab():
    with World(seed=7) as lab:
        yield lab


@pytest.fixture
def shared():
    return MemoryCluster()


async def connects(lab, *identities):
    """Connect stations in entries of their own."""
    for identity in identities:
        await station(lab, identity)
        await lab.run(seconds=0.1)


def identities(events):
    return [event.station.identity for event in events if hasattr(event, "station")]


class TestAGroup:
    def test_gets_what_it_has_not_acknowledged_when_its_consumer_starts_again(self, lab, shared):
        async def story():
            cluster = cluster_of(shared)
            await serving(lab, cluster)
            await connects(lab, "CP1", "CP2")
            async with consuming(cluster) as events:
                first, _ = await arrived(events, ack=False)
                events.ack(first)
            async with consuming(cluster) as events:
                return await arrived(events)

        assert identities(lab.play(story())) == ["CP2"]

    def test_acknowledges_all_that_it_got_so_far(self, lab, shared):
        async def story():
            cluster = cluster_of(shared)
            await serving(lab, cluster)
            await connects(lab, "CP1", "CP2", "CP3")
            async with consuming(cluster) as events:
                for _ in range(2):
                    await anext(events)
                events.ack()
            async with consuming(cluster) as events:
                return await arrived(events)

        assert identities(lab.play(story())) == ["CP3"]

    def test_gets_an_entry_again_as_long_as_one_of_its_events_is_not_acknowledged(self, lab, shared):
        async def story():
            cluster = cluster_of(shared)
            await serving(lab, cluster)
            async with anyio.create_task_group() as connecting:
                connecting.start_soon(station, lab, "CP1")
                connecting.start_soon(station, lab, "CP2")
            async with consuming(cluster) as events:
                first = await anext(events)
                second = await anext(events)
                assert first.stored == second.stored
                events.ack(second)
            async with consuming(cluster) as events:
                again = await arrived(events)
            return [first.id, second.id], [event.id for event in again]

        before, again = lab.play(story())
        assert again == before

    def test_gives_each_event_to_one_consumer_and_those_of_a_dead_one_to_another(self, lab, shared):
        async def story():
            cluster = cluster_of(shared)
            await serving(lab, cluster)
            await connects(lab, "CP1")
            async with consuming(cluster, "dead") as events:
                assert identities(await arrived(events, ack=False)) == ["CP1"]
            async with consuming(cluster, "alive", claim_after=60) as events:
                assert await arrived(events, within=50) == []
                return await arrived(events, within=60)

        assert identities(lab.play(story())) == ["CP1"]

    def test_delivers_no_event_twice_to_one_block_however_slow_the_program_is(self, lab, shared):
        async def story():
            cluster = cluster_of(shared)
            await serving(lab, cluster)
            await connects(lab, "CP1", "CP2")
            async with consuming(cluster, claim_after=10) as events:
                got = await arrived(events, ack=False)
                shared.is_available = False
                await lab.run(seconds=5)
                shared.is_available = True
                await lab.run(minutes=5)
                return got + await arrived(events)

        assert identities(lab.play(story())) == ["CP1", "CP2"]

    def test_that_acknowledges_nothing_gets_a_bounded_number_of_entries(self, lab, shared):
        async def story():
            cluster = cluster_of(shared)
            log = log_of(shared)
            for number in range(1_200):
                await log.append(0, [{"v": b"1", "n": b"a.1", "s": b"%d" % number, "e": b'["g",0,1,0]'}], KEEP)
            async with consuming(cluster) as events:
                got = await arrived(events, ack=False)
                assert 1_000 <= len(got) < 1_100
                events.ack()
                return len(got) + len(await arrived(events))

        assert lab.play(story()) == 1_200

    def test_reads_again_from_the_oldest_entry_after_a_loss_of_all_data(self, lab, shared):
        async def story():
            cluster = cluster_of(shared)
            await serving(lab, cluster)
            await connects(lab, "CP1")
            async with consuming(cluster) as events:
                first = await arrived(events)
                shared._streams._streams.clear()
                await connects(lab, "CP2")
                return first + await arrived(events)

        assert identities(lab.play(story())) == ["CP1", "CP2"]

    def test_skips_what_it_cannot_read_and_reports_a_gap(self, lab, shared):
        async def story():
            cluster = cluster_of(shared)
            await serving(lab, cluster)
            log = log_of(shared)
            await log.append(0, [{"other": b"secret"}], KEEP)
            await log.append(0, [{"v": b"1", "n": b"a.1", "s": b"1", "e": b'["?",0,1]'}], KEEP)
            huge = b'["c",1%s,"CP1","","ocpp1.6",null]' % (b"0" * 400)  # no float has so large a time
            await log.append(0, [{"v": b"1", "n": b"a.1", "s": b"2", "e": huge}], KEEP)
            await connects(lab, "CP1")
            async with consuming(cluster) as events:
                got = await arrived(events)
            async with consuming(cluster) as events:
                assert await arrived(events) == []
            return got

        got = lab.play(story())
        assert names(got) == ["EventGap", "EventGap", "EventGap", "StationConnected"]
        assert (got[0].messages, got[0].others, got[0].node) == (None, None, "")

    def test_gets_a_gap_for_entries_that_were_removed_before_it_acknowledged_them(self, lab, shared):
        async def story():
            cluster = cluster_of(shared)
            await serving(lab, cluster)
            await connects(lab, "CP1")
            async with consuming(cluster) as events:
                await arrived(events, ack=False)
            await log_of(shared).append(0, [{}], Retention(3600, 0))
            async with consuming(cluster) as events:
                return await arrived(events)

        assert isinstance(lab.play(story())[0], EventGap)


class TestWithoutAGroup:
    def test_events_begin_now_or_at_a_time(self, lab, shared):
        async def story():
            cluster = cluster_of(shared)
            await serving(lab, cluster)
            await connects(lab, "CP1", "CP2")
            async with ClusterEvents(cluster, logging=False) as events:
                await lab.run(seconds=1)
                await connects(lab, "CP3")
                now = await arrived(events)
            async with ClusterEvents(cluster, since=0, logging=False) as events:
                everything = await arrived(events)
            async with ClusterEvents(cluster, since=everything[1].stored, logging=False) as events:
                return now, everything, await arrived(events)

        now, everything, later = lab.play(story())
        assert identities(now) == ["CP3"]
        assert identities(everything) == ["CP1", "CP2", "CP3"]
        assert identities(later) == ["CP2", "CP3"]

    def test_all_streams_are_read(self, lab, shared):
        async def story():
            cluster = cluster_of(shared, streams=8)
            await serving(lab, cluster)
            await connects(lab, "CP1")
            async with ClusterEvents(cluster, since=0, logging=False) as events:
                return await arrived(events)

        assert identities(lab.play(story())) == ["CP1"]


class TestArguments:
    @pytest.mark.parametrize(
        ("error", "arguments", "words"),
        [
            (ValueError, {"group": "g"}, "both group and consumer"),
            (ValueError, {"group": "", "consumer": "w"}, "group"),
            (TypeError, {"group": 1, "consumer": "w"}, "group as str"),
            (ValueError, {"group": "g", "consumer": "w", "since": 0}, "group or since"),
            (ValueError, {"since": -1}, "since"),
            (ValueError, {"claim_after": 0}, "claim_after"),
        ],
    )
    def test_of_the_wrong_kind_are_refused(self, shared, error, arguments, words):
        with pytest.raises(error, match=words):
            ClusterEvents(shared, **arguments)

    def test_are_used_within_the_block_only(self, shared):
        with pytest.raises(RuntimeError, match="the block has not begun"):
            ClusterEvents(shared).ack()
