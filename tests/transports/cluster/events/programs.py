"""A server that writes events, and a consumer of them, in virtual time."""

from contextlib import asynccontextmanager

import anyio

from ocpp_transports import OCPPServer
from ocpp_transports._logging._log import Log, logger_of
from ocpp_transports._runtime._current import current_runtime
from ocpp_transports.cluster import Cluster
from ocpp_transports.cluster.events import ClusterEvents, EventsOut

PORT = 9001


def cluster_of(shared, **events):
    return Cluster(shared, "one", events=EventsOut(**events))


async def serving(lab, cluster, **options):
    """Let a server listen that answers Heartbeats and knows what to answer to others."""
    server = OCPPServer(protocols=["ocpp1.6"], cluster=cluster, logging=False, **options)
    server.handle("Heartbeat", lambda ctx: {"currentTime": "2030-01-01T00:00:00Z"})
    server.handle("Authorize", lambda ctx: {"idTagInfo": {"status": "Accepted"}})
    return await lab.server(server, port=PORT)


async def station(lab, identity="CP1"):
    return (await lab.station(identity, port=PORT, reconnect=False)).client


@asynccontextmanager
async def consuming(cluster, consumer="w1", **options):
    """Consume as a member of a group."""
    async with ClusterEvents(cluster, group="g", consumer=consumer, logging=False, **options) as events:
        yield events


def log_of(shared):
    """Return the streams, as a program of another version writes to them."""
    log = shared.new_events(2)
    log.open(current_runtime("test", in_block=True, log=Log(logger_of(False), "test", is_station=False)))
    return log


async def arrived(events, *, ack=True, within=5):
    """Return all events that come within some seconds."""
    got = []
    with anyio.move_on_after(within):
        async for event in events:
            got.append(event)
            if ack:
                events.ack(event)
    return got


def names(events):
    """What happened, in one word each."""
    return [type(event).__name__ for event in events]
