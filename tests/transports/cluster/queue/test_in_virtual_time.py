"""Commands for stations that are away from all servers of a cluster, in virtual time."""

import pytest

from ocpp_transports import OCPPServer
from ocpp_transports.cluster import Cluster, ClusterQueue, MemoryCluster
from ocpp_transports.laboratory import World
from ocpp_transports.outbox import (
    MessageAnswered,
)

pytestmark = pytest.mark.filterwarnings("error")
ONE, TWO = 9001, 9002
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


async def station(lab, port, asked):
    """Connect a station that notes what it is asked, and boots."""
    made = await lab.station("CP1", port=port, reconnect=False)

    async def obey(ctx):
        asked.append((port, ctx.action, ctx.params))
        return {"status": "Accepted"}

    for action in ("Reset", "ClearCache"):
        made.client.handle(action, obey)
    await made.client.call("BootNotification", BOOT)
    return made


class TestACommand:
    def test_is_sent_once_by_the_server_that_gets_the_station(self, lab):
        asked = []

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
