"""The workers of one supervisor as one server: the registry that it keeps, and the frames that it passes on."""

import os
import signal
from contextlib import AsyncExitStack

import pytest

from ocpp_transports import OCPPClient
from tests.transports.cluster.workers.program import program
from tests.transports.pairs import first

pytestmark = [pytest.mark.cluster, pytest.mark.anyio, pytest.mark.parametrize("anyio_backend", ["asyncio"])]


@pytest.fixture
async def stack():
    async with AsyncExitStack() as exits:
        yield exits


async def station(csms, stack, identity):
    """Connect a station; return it and the process that serves it."""
    client = OCPPClient(identity, f"ws://127.0.0.1:{csms.port}", protocols=["ocpp1.6"], reconnect=False)
    client.handle("ClearCache", lambda _: {"status": "Accepted"})
    await stack.enter_async_context(client)
    await client.connect()
    answer = await client.call("DataTransfer", {"vendorId": "process"})
    return client, int(answer["data"])


async def elsewhere(csms, stack, identity, process):
    """Connect stations of this identity until another process serves one."""
    while True:
        client, other = await station(csms, stack, identity)
        if other != process:
            return client, other


async def test_a_station_has_one_connection_and_every_worker_can_call_it(stack):
    with program() as csms:
        one, process = await station(csms, stack, "CP1")
        async with one.events("close") as ends:
            _, other = await elsewhere(csms, stack, "CP1", process)
            assert (await first(ends)).code == 4000
        caller, _ = await elsewhere(csms, stack, "CP2", other)
        ask = {"vendorId": "call", "data": "CP1"}
        assert await caller.call("DataTransfer", ask) == {"status": "Accepted"}

        os.kill(other, signal.SIGKILL)
        refused = await caller.call("DataTransfer", ask)
        assert refused["status"] == "Rejected"
        csms.until("serves")

        csms.signal(signal.SIGKILL)
        csms.until("the supervisor has ended", times=2)
        late, _ = await station(csms, stack, "CP3")
        assert await late.call("DataTransfer", {"vendorId": "call", "data": "CP3"}) == {"status": "Accepted"}
