"""A server whose block is cancelled: it leaves nothing behind."""

import anyio
import pytest

from ocpp_transports import ClosedError, OCPPServer
from ocpp_transports.cluster import Cluster, MemoryCluster
from tests.free_ports import free_port
from tests.transports.cluster.servers import ACCEPTED, RESET, connected, server_in
from tests.transports.pairs import SECONDS

pytestmark = pytest.mark.anyio


async def test_frees_its_port_and_ends_its_calls():
    shared = MemoryCluster()

    async def call(server):
        with pytest.raises(ClosedError):
            await server.call("CP1", *RESET)
        ended.set()

    ended, called = anyio.Event(), anyio.Event()

    async def obey(_):
        called.set()
        await ended.wait()
        return ACCEPTED

    with free_port() as port, anyio.fail_after(SECONDS):
        cluster = Cluster(shared, "two", lease=60, advertise=f"tcp://127.0.0.1:{port}")
        async with server_in(shared, "one") as one, connected(one) as station, anyio.create_task_group() as tasks:
            station.remove_handler("Reset")
            station.handle("Reset", obey)
            with anyio.CancelScope() as scope:
                async with OCPPServer(protocols=["ocpp1.6"], cluster=cluster) as two:
                    tasks.start_soon(call, two)
                    await called.wait()
                    scope.cancel()
            await ended.wait()
            with pytest.raises(OSError, match="All connection attempts failed"):
                await anyio.connect_tcp("127.0.0.1", port)
