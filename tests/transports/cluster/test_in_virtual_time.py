"""A cluster in virtual time: leases, renewals, and a registry that is away for long."""

import asyncio

import pytest

from ocpp_transports import ConnectionLostError, OCPPServer, UnexpectedHttpResponse
from ocpp_transports.cluster import Cluster, MemoryCluster
from ocpp_transports.laboratory import World

pytestmark = pytest.mark.filterwarnings("error")
ONE, TWO = 9001, 9002


@pytest.fixture
def lab():
    with World(seed=7) as lab:
        yield lab
    assert lab.network.links == {}


def servers_of(shared):
    """Make two servers of a cluster."""
    return [OCPPServer(protocols=["ocpp1.6"], cluster=Cluster(shared, name)) for name in ("one", "two")]


async def listening(lab, shared):
    """Let both listen."""
    one, two = servers_of(shared)
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

    def test_refuses_a_newcomer_in_time(self, lab):
        shared = MemoryCluster()

        async def story():
            await listening(lab, shared)
            shared.is_available = False
            with pytest.raises(UnexpectedHttpResponse) as refused:
                await station(lab, ONE)
            assert (refused.value.status, refused.value.retry_after) == (503, 10)

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
            shared._table.claim("CP1", shared._table.check(["CP1"])[0].node, 2**52)
            with pytest.raises(ConnectionLostError) as lost:
                await two.call("CP1", "ClearCache")
            assert lost.value.sent is False
            assert await two.call("CP1", "ClearCache") == {"status": "Accepted"}

        lab.play(story())
