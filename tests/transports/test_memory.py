"""Clients and a server in one process, without sockets."""

from typing import Any

import anyio
import pytest

from ocpp_transports import ConnectionState, OCPPServer
from ocpp_transports.memory import MemoryOCPPClient, connected_pair
from tests.transports.pairs import SECONDS, first

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request):
    return request.param


class TestMemory:
    async def test_gives_a_connected_pair(self):
        async with connected_pair(protocols=["ocpp1.6"]) as (client, station):
            client.handle("Reset", lambda ctx: {"status": "Accepted"})
            assert await station.call("Reset", {"type": "Soft"}) == {"status": "Accepted"}

    async def test_may_be_cut(self):
        async with OCPPServer(protocols=["ocpp1.6"]) as server:
            client = MemoryOCPPClient("CP1", server, protocols=["ocpp1.6"], backoff_min=0.01, backoff_max=0.02)
            async with client, client.events("disconnect", "open") as events:
                client.cut()
                await client.connect()
                await first(events)
                client.cut()
                assert (await first(events)).code == 1006
                await first(events)
                assert client.state is ConnectionState.OPEN

    async def test_takes_security_profiles_with_tls(self):
        async with OCPPServer(protocols=["ocpp1.6"], security_profile=2, credentials={"CP1": "secret"}) as server:
            options: Any = {"endpoint": "wss://memory", "security_profile": 2, "password": "secret"}
            async with MemoryOCPPClient("CP1", server, protocols=["ocpp1.6"], **options) as client:
                with anyio.fail_after(SECONDS):
                    assert await client.connect() == "ocpp1.6"
