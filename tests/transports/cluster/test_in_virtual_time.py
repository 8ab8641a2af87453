"""A cluster in virtual time: leases, renewals, and a registry that is away for long."""

import asyncio

import pytest

from ocpp_transports import ConnectionLostError, OCPPServer, UnexpectedHttpResponse
from ocpp_transports.cluster import Cluster, MemoryCluster
from ocpp_transports.laboratory import World
from tests.transports.pairs import first

pytestmark = pytest.mark.filterwarnings("error")
ONE, TWO = 9001, 9002


@pytest.fixture
def lab():
    with World(seed=7) as lab:
        yield lab
    assert lab.network.links == {}


def servers_of(shared, **options):
    """Make two servers of a cluster."""
    return [OCPPServer(protocols=["ocpp1.6"], cluster=Cluster(shared, name, **options)) for name in ("one", "two")]


async def listening(lab, shared, **options):
    """Let both listen."""
    one, two = servers_of(shared, **options)
    return await lab.server(one, port=ONE), await lab.server(two, port=TWO)


async def station(lab, port):
    """Connect a station that answers."""
    made = await lab.station("CP1", port=port, reconnect=False)
    made.client.handle("ClearCache", lambda ctx: {"status": "Accepted"})
    return made


class TestARegistryThatIsAway:
    def test_ends_calls_from_other_nodes_with_the_lease_and_no_connection(self, lab):
        shared = MemoryCluster()

        async def story():
            one, two = await listening(lab, shared)
            await station(lab, ONE)
            assert await two.call("CP1", "ClearCache") == {"status": "Accepted"}
            shared.is_available = False
            await lab.run(minutes=10)
            assert await one.call("CP1", "ClearCache") == {"status": "Accepted"}
            with pytest.raises(ConnectionLostError) as lost:
                await two.call("CP1", "ClearCache")
            assert lost.value.sent is False
            shared.is_available = True
            await lab.run(seconds=4)
            assert await two.call("CP1", "ClearCache") == {"status": "Accepted"}

        lab.play(story())

    def test_closes_the_stations_in_which_their_server_no_longer_believes_if_it_is_told_to(self, lab):
        shared = MemoryCluster()

        async def story():
            one, _ = await listening(lab, shared, close_when_lapsed=True)
            made = await station(lab, ONE)
            ends = made.client.events("close")
            shared.is_available = False
            await lab.run(seconds=5)
            assert len(one.clients) == 1
            await lab.run(seconds=5)
            assert (await first(ends)).code == 1013
            shared.is_available = True
            await lab.run(seconds=4)
            await station(lab, ONE)

        lab.play(story())

    def test_refuses_a_newcomer_in_time(self, lab):
        shared = MemoryCluster()

        async def story():
            await listening(lab, shared)
            shared.is_available = False
            with pytest.raises(UnexpectedHttpResponse) as refused:
                await station(lab, ONE)
            assert (refused.value.status, refused.value.retry_after) == (503, 10)

        lab.play(story())


class TestAnAnswerThatIsLost:
    def test_ends_a_call_without_a_limit_of_time_within_30_seconds(self, lab):
        shared = MemoryCluster()

        async def story():
            _, two = await listening(lab, shared)
            made = await station(lab, ONE)

            async def answer(ctx):
                node = two._cluster._node.id
                receiver = shared._receivers.pop(node)
                asyncio.get_running_loop().call_later(1, shared._receivers.update, {node: receiver})
                return {"status": "Accepted"}

            made.client.handle("Reset", answer)
            began = asyncio.get_running_loop().time()
            with pytest.raises(ConnectionLostError) as raised:
                await two.call("CP1", "Reset", {"type": "Soft"})
            assert raised.value.sent is True
            assert asyncio.get_running_loop().time() - began < 30

        lab.play(story())


class TestAReplacedStation:
    def test_is_noticed_at_the_next_renewal_if_the_report_is_lost(self, lab):
        shared = MemoryCluster()

        async def story():
            one, two = await listening(lab, shared)
            old = await station(lab, ONE)
            shared._receivers.pop(next(each for each in shared._receivers if each.startswith("one")))
            new = await station(lab, TWO)
            await asyncio.sleep(1)
            assert len(one.clients) == 1
            await lab.run(seconds=3)
            assert (len(one.clients), len(two.clients)) == (0, 1)
            assert (old.client.state.name, new.client.state.name) == ("CLOSED", "OPEN")

        lab.play(story())


class TestACall:
    def test_reveals_a_claim_of_its_node_that_the_node_does_not_know(self, lab):
        """The registry handled a claim after its handshake was refused, so its fence is newer than the connection."""
        shared = MemoryCluster()

        async def story():
            _, two = await listening(lab, shared)
            await station(lab, ONE)
            table = shared._table
            assert table is not None
            (owner,) = table.check(["CP1"])
            assert owner is not None
            table.claim("CP1", owner.node, 2**52)
            with pytest.raises(ConnectionLostError) as lost:
                await two.call("CP1", "ClearCache")
            assert lost.value.sent is False
            assert await two.call("CP1", "ClearCache") == {"status": "Accepted"}

        lab.play(story())
