"""Commands for absent stations on each event loop, with the store in memory and in Redis."""

from types import SimpleNamespace

import pytest

from ocpp_transports import OCPPServer, utc_now
from ocpp_transports.cluster import Cluster, ClusterClient, ClusterQueue, MemoryCluster
from ocpp_transports.memory import MemoryOCPPClient
from ocpp_transports.outbox import MessageAnswered
from tests.transports.cluster.redis.nodes import backend
from tests.transports.cluster.redis.redis_server import needs_redis
from tests.transports.cluster.servers import ACCEPTED, RESET, server_in

BOOT = {"chargePointModel": "m", "chargePointVendor": "v"}


async def check(shared):
    """Enqueue in a process without stations, and let the station connect to a server."""
    async with (
        ClusterClient(Cluster(shared, lease=60), offline_queue=ClusterQueue()) as worker,
        server_in(shared, offline_queue=ClusterQueue()) as server,
    ):
        server.handle("BootNotification", lambda ctx: {**ACCEPTED, "currentTime": utc_now(), "interval": 300})
        ticket = worker.enqueue("CP1", *RESET, ttl=600, key="k")
        await ticket.accepted()
        async with MemoryOCPPClient("CP1", server, protocols=["ocpp1.6"], reconnect=False) as station:
            station.handle("Reset", lambda ctx: ACCEPTED)
            await station.connect()
            await station.call("BootNotification", BOOT)
            assert await ticket.outcome() == MessageAnswered('{"status":"Accepted"}')
        again = server.enqueue("CP1", *RESET, key="k")
        assert await again.outcome() == await ticket.outcome()
        again.acknowledge()
        new = server.enqueue("CP1", *RESET, key="k")
        await new.accepted()
        assert again.number == ticket.number != new.number


@pytest.mark.anyio
async def test_a_command_reaches_its_station_in_a_cluster_in_memory():
    await check(MemoryCluster())


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
@needs_redis
async def test_a_command_reaches_its_station_over_redis(anyio_backend, redis):
    await check(backend(redis))


class TestAServer:
    def test_without_a_cluster_has_no_such_queue(self):
        with pytest.raises(ValueError, match="pass cluster="):
            OCPPServer(protocols=["ocpp1.6"], offline_queue=ClusterQueue())

    def test_has_no_limits_beside_those_of_the_queue(self):
        with pytest.raises(ValueError, match="expected no offline_queue_size with a ClusterQueue"):
            server_in(MemoryCluster(), offline_queue=ClusterQueue(), offline_queue_size=5)

    def test_of_a_cluster_without_a_queue_says_what_it_needs(self):
        with pytest.raises(ValueError, match="expected one with Redis, got one with SimpleNamespace"):
            server_in(SimpleNamespace(new_store=print, new_carrier=print), offline_queue=ClusterQueue())

    def test_names_the_way_to_the_tickets_of_the_cluster(self):
        server = server_in(MemoryCluster(), offline_queue=ClusterQueue())
        for refused in (lambda: server.queued, lambda: server.queued_for("CP1"), server.outcomes):
            with pytest.raises(RuntimeError, match="tickets_of"):
                refused()

    @pytest.mark.parametrize(
        ("options", "error"),
        [
            ({"urgent": True}, "expected key, ttl or deadline for a command in the cluster, got urgent"),
            ({"resend": True, "attempts": 3}, "got attempts, resend"),
            ({"ttl": float("inf")}, "expected ttl above 0 and at most 2592000 seconds in a cluster, got inf"),
            ({"ttl": 10**400}, "expected ttl above 0 and at most 2592000 seconds in a cluster, got 1000"),
            ({"key": ""}, "expected key of 1 to 255 characters, got ''"),
        ],
    )
    def test_refuses_options_that_a_cluster_has_not(self, options, error):
        server = server_in(MemoryCluster(), offline_queue=ClusterQueue())
        with pytest.raises(ValueError, match=error):
            server.enqueue("CP1", *RESET, **options)
