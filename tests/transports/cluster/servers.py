"""Servers of one cluster in this process, and stations of them."""

from contextlib import asynccontextmanager

import anyio

from ocpp_transports import OCPPServer
from ocpp_transports.cluster import Cluster
from ocpp_transports.memory import MemoryOCPPClient
from tests.transports.pairs import SECONDS

RESET = "Reset", {"type": "Soft"}
ACCEPTED = {"status": "Accepted"}


def server_in(shared, name="csms", *, lease=60, **options):
    """Make a server of a cluster; its lease is longer than the test, however slow the machine is."""
    return OCPPServer(protocols=["ocpp1.6"], cluster=Cluster(shared, name, lease=lease), **options)


@asynccontextmanager
async def connected(server, identity="CP1", **options):
    """Connect a station that obeys, and wait until the server has it."""
    settings = {"protocols": ["ocpp1.6"], "reconnect": False, **options}
    async with MemoryOCPPClient(identity, server, **settings) as station:
        station.handle("Reset", lambda ctx: ACCEPTED)
        await station.connect()
        with anyio.fail_after(SECONDS):
            await server.wait_for_client(identity)
        yield station
