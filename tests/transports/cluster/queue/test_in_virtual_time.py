"""Commands for stations that are away from all servers of a cluster, in virtual time."""

import asyncio

import pytest

from ocpp_transports import OCPPServer
from ocpp_transports.cluster import Cluster, ClusterClient, ClusterQueue, MemoryCluster, QueueUnavailableError
from ocpp_transports.laboratory import World
from ocpp_transports.outbox import (
    MessageAnswered,
    MessageDropped,
    MessageNotSent,
    MessageRefused,
    MessageUnknown,
    NotSentReason,
    UnknownReason,
)

pytestmark = pytest.mark.filterwarnings("error")
ONE, TWO = 9001, 9002
Asked = tuple[int, str, dict[str, object]]
BOOT = {"chargePointModel": "m", "chargePointVendor": "v"}


@pytest.fixture
def lab():
    with World(seed=7) as lab:
        yield lab
    assert lab.network.links == {}


async def servers(lab, shared, **limits):
    """Let two servers listen that queue commands in the cluster."""
    made = []
    for name, port in (("one", ONE), ("two", TWO)):
        queue = ClusterQueue(**limits)
        server = OCPPServer(protocols=["ocpp1.6"], cluster=Cluster(shared, name), offline_queue=queue)
        server.handle("BootNotification", lambda ctx: {"status": "Accepted", "currentTime": "x", "interval": 1})
        made.append(await lab.server(server, port=port))
    return made


async def station(lab, port, asked, reset=None):
    """Connect a station that notes what it is asked, or does what `reset` does, and boots."""
    made = await lab.station("CP1", port=port, reconnect=False)

    async def obey(ctx):
        asked.append((port, ctx.action, ctx.params))
        return {"status": "Accepted"}

    made.client.handle("Reset", reset or obey)
    made.client.handle("ClearCache", obey)
    await made.client.call("BootNotification", BOOT)
    return made


class TestACommand:
    def test_is_sent_once_by_the_server_that_gets_the_station(self, lab):
        asked: list[Asked] = []

        async def story():
            one, two = await servers(lab, MemoryCluster())
            ticket = one.enqueue("CP1", "Reset", {"type": "Soft"}, ttl=600)
            await ticket.accepted()
            await lab.run(seconds=100)
            assert not ticket.is_settled
            await station(lab, TWO, asked)
            assert await ticket.outcome() == MessageAnswered('{"status":"Accepted"}')
            assert asked == [(TWO, "Reset", {"type": "Soft"})]
            assert [each.number for each in await two.tickets_of("CP1")] == [ticket.number]
            ticket.acknowledge()
            await lab.run(seconds=1)
            assert await two.tickets_of("CP1") == []

        lab.play(story())

    def test_for_a_connected_station_of_another_server_is_sent_at_once(self, lab):
        asked: list[Asked] = []

        async def story():
            one, _ = await servers(lab, MemoryCluster())
            await station(lab, TWO, asked)
            begun = asyncio.get_running_loop().time()
            first, second = (one.enqueue("CP1", action) for action in ("Reset", "ClearCache"))
            assert [await each.outcome() for each in (first, second)] == [MessageAnswered('{"status":"Accepted"}')] * 2
            assert asyncio.get_running_loop().time() < begun + 1
            await lab.run(seconds=1)
            assert [action for _, action, _ in asked] == ["Reset", "ClearCache"]

        lab.play(story())

    def test_is_not_sent_after_its_time(self, lab):
        asked: list[Asked] = []

        async def story():
            one, _ = await servers(lab, MemoryCluster())
            ticket = one.enqueue("CP1", "Reset", ttl=600)
            await ticket.accepted()
            await lab.run(seconds=601)
            assert await ticket.outcome() == MessageNotSent(NotSentReason.EXPIRED)
            await station(lab, TWO, asked)
            assert asked == []

        lab.play(story())

    def test_that_was_sent_when_the_station_moved_is_unknown_and_not_sent_again(self, lab):
        asked: list[Asked] = []

        async def story():
            one, _ = await servers(lab, MemoryCluster())
            ticket = one.enqueue("CP1", "Reset")
            await station(lab, TWO, asked, lambda ctx: asyncio.sleep(100))
            await lab.run(seconds=1)
            await station(lab, ONE, asked)
            assert await ticket.outcome() == MessageUnknown(UnknownReason.LOST)
            await lab.run(seconds=60)
            assert asked == []

        lab.play(story())

    def test_that_the_station_refuses(self, lab):
        async def story():
            one, _ = await servers(lab, MemoryCluster())
            await station(lab, TWO, [])
            outcome = await one.enqueue("CP1", "TriggerMessage", {"requestedMessage": "Heartbeat"}).outcome()
            assert isinstance(outcome, MessageRefused)
            assert outcome.code == "NotImplemented"

        lab.play(story())

    def test_for_another_version_is_not_sent(self, lab):
        async def story():
            shared = MemoryCluster()
            await servers(lab, shared)
            await station(lab, TWO, [])
            async with ClusterClient(Cluster(shared), offline_queue=ClusterQueue()) as worker:
                outcome = await worker.enqueue("CP1", "ocpp2.1", "Reset", {"type": "Immediate"}).outcome()
            assert outcome == MessageNotSent(NotSentReason.INVALID)

        lab.play(story())

    def test_waits_for_the_registration_of_the_station(self, lab):
        asked: list[Asked] = []

        async def story():
            one, two = await servers(lab, MemoryCluster())
            two.remove_handler("BootNotification")
            two.handle("BootNotification", lambda ctx: {"status": "Pending", "currentTime": "x", "interval": 1})
            ticket = one.enqueue("CP1", "Reset")
            await station(lab, TWO, asked)
            await lab.run(seconds=100)
            assert (ticket.is_settled, asked) == (False, [])

        lab.play(story())


class TestTheTicket:
    def test_of_a_known_key_is_that_of_the_earlier_command(self, lab):
        async def story():
            shared = MemoryCluster()
            one, two = await servers(lab, shared)
            first, second = one.enqueue("CP1", "Reset", key="k"), two.enqueue("CP1", "ClearCache", key="k")
            await first.accepted()
            await second.accepted()
            assert (second.number, second.action, second.key) == (first.number, "Reset", "k")
            second.cancel()
            assert await first.outcome() == await second.outcome() == MessageNotSent(NotSentReason.CANCELLED)

        lab.play(story())

    def test_is_found_by_another_process_after_its_own_has_ended(self, lab):
        async def story():
            shared = MemoryCluster()
            await servers(lab, shared)
            async with ClusterClient(Cluster(shared), offline_queue=ClusterQueue()) as worker:
                ticket = worker.enqueue("CP1", "Reset", key="k")
            with pytest.raises(Exception, match="closed before Reset was settled"):
                await ticket.outcome()
            await station(lab, TWO, [])
            async with ClusterClient(Cluster(shared), offline_queue=ClusterQueue()) as worker:
                (found,) = await worker.tickets_of("CP1")
                assert (found.number, found.key) == (ticket.number, "k")
                assert await found.outcome() == MessageAnswered('{"status":"Accepted"}')

        lab.play(story())

    @pytest.mark.cluster
    def test_learns_its_outcome_although_every_report_is_lost(self, lab):
        asked: list[Asked] = []

        async def story():
            shared = MemoryCluster()
            one, _ = await servers(lab, shared)
            await station(lab, TWO, asked)
            shared._receivers.clear()
            ticket = one.enqueue("CP1", "Reset")
            await lab.run(seconds=20)
            assert asked == []  # the other server does not know of it yet
            shared._receivers.clear()
            await lab.run(minutes=11)
            assert (len(asked), await ticket.outcome()) == (1, MessageAnswered('{"status":"Accepted"}'))

        lab.play(story())

    def test_learns_that_the_store_lost_the_command(self, lab):
        async def story():
            shared = MemoryCluster()
            one, _ = await servers(lab, shared)
            ticket = one.enqueue("CP1", "Reset")
            await ticket.accepted()
            shared._queue = None
            assert await ticket.outcome() == MessageUnknown(UnknownReason.FORGOTTEN)

        lab.play(story())

    def test_of_a_command_that_a_full_queue_drops(self, lab):
        async def story():
            one, _ = await servers(lab, MemoryCluster(), size=2)
            tickets = [one.enqueue("CP1", "Reset") for _ in range(3)]
            assert await tickets[0].outcome() == MessageDropped()
            assert [each.number for each in (await one.tickets_of("CP1"))] == [each.number for each in tickets]

        lab.play(story())


class TestACluster:
    def test_that_is_away_stores_nothing_and_says_so(self, lab):
        async def story():
            shared = MemoryCluster()
            one, _ = await servers(lab, shared)
            shared.is_available = False
            ticket = one.enqueue("CP1", "Reset")
            for wait in (ticket.accepted, ticket.outcome):
                with pytest.raises(QueueUnavailableError) as error:
                    await wait()
                assert error.value.may_be_stored is False

        lab.play(story())

    def test_that_comes_back_gets_the_outcome_of_what_was_sent(self, lab):
        async def story():
            shared = MemoryCluster()
            one, _ = await servers(lab, shared)

            async def obey_late(ctx):
                shared.is_available = False
                await asyncio.sleep(5)
                return {"status": "Accepted"}

            await station(lab, TWO, [], obey_late)
            ticket = one.enqueue("CP1", "Reset")
            await lab.run(minutes=2)
            assert not ticket.is_settled
            shared.is_available = True
            assert await ticket.outcome() == MessageAnswered('{"status":"Accepted"}')

        lab.play(story())
