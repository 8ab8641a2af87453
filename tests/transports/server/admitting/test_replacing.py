"""The option `replace`: who may take the place of a connected station, over sockets and over a channel."""

from typing import Any

import anyio
import pytest

from ocpp_transports import ConnectionState, OCPPServer, SecurityProfile, UnexpectedHttpResponse
from ocpp_transports.events import PongEvent
from ocpp_transports.memory import MemoryOCPPClient
from tests.transports.pairs import SECONDS, client_of, first, knock, serving, station_of, upgrade

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def pinged_even_if_just_heard(monkeypatch):
    """Ping a peer that was heard within the last second too: no test has to wait that long."""
    monkeypatch.setattr("ocpp_core.link._keepalive._ALIVE", 0)


class TestALiveStation:
    async def test_keeps_its_connection_and_is_pinged(self):
        async with (
            serving(replace="never_live") as (server, listener),
            client_of(listener) as client,
            server.events("security") as alarms,
        ):
            await client.connect()
            station = await station_of(server)
            async with station.events("pong") as pongs:
                status, headers, body = await knock(listener, upgrade())
                assert await first(pongs) == PongEvent()
            assert (status, headers["retry-after"], body) == (503, "36", "the identity is in use")
            assert server.get_client("CP1") is station
            assert client.state is ConnectionState.OPEN
            alarm = await first(alarms)
            assert (alarm.kind, alarm.identity, alarm.remote_address) == ("replacement_refused", "CP1", "127.0.0.1")
            assert alarm.detail == "the identity is in use by a connection from 127.0.0.1"

    async def test_keeps_it_if_a_middleware_of_the_newcomer_waited_meanwhile(self):
        async def slowly(context, proceed):
            await proceed()
            if context.handshake.query:
                arrived.set()
                await decided.wait()

        arrived, decided = anyio.Event(), anyio.Event()
        options = {"replace": "never_live", "connection_middleware": [slowly]}
        async with serving(**options) as (server, listener), client_of(listener) as client:
            statuses: list[int] = []

            async def newcomer() -> None:
                statuses.append((await knock(listener, upgrade("/ocpp/CP1?slow=1")))[0])

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(newcomer)
                await arrived.wait()
                await client.connect()
                station = await station_of(server)
                decided.set()
            assert statuses == [503]
            assert server.get_client("CP1") is station

    async def test_is_replaced_from_the_same_address_by_default(self):
        async with serving() as (server, listener), client_of(listener) as old, client_of(listener) as new:
            await old.connect()
            before = await station_of(server)
            await new.connect()
            with anyio.fail_after(SECONDS):
                assert (await before._end()).code == 4000

    async def test_is_replaced_by_a_newcomer_that_proves_its_identity(self):
        profile: dict[str, Any] = {"security_profile": SecurityProfile.BASIC, "credentials": {"CP1": "secret"}}
        async with (
            serving(replace="never_live", **profile) as (server, listener),
            client_of(listener, security_profile=SecurityProfile.BASIC, password="secret") as old,
            client_of(listener, security_profile=SecurityProfile.BASIC, password="secret") as new,
        ):
            await old.connect()
            before = await station_of(server)
            await new.connect()
            with anyio.fail_after(SECONDS):
                assert (await before._end()).code == 4000

    async def test_keeps_its_channel_although_the_library_cannot_ping(self):
        server = OCPPServer(protocols=["ocpp1.6"], replace="never_live")
        options: dict[str, Any] = {"protocols": ["ocpp1.6"]}
        async with (
            server,
            MemoryOCPPClient("CP1", server, **options) as old,
            MemoryOCPPClient("CP1", server, **options) as new,
        ):
            await old.connect()
            with pytest.raises(UnexpectedHttpResponse) as refused:
                await new.connect()
            assert refused.value.status == 503
            assert old.state is ConnectionState.OPEN


class TestAHalfOpenConnection:
    async def test_ends_with_the_ping_and_the_station_gets_in(self):
        async with (
            serving(replace="never_live", pong_timeout=0.02) as (server, listener),
            await anyio.connect_tcp("127.0.0.1", listener.port) as silent,
            client_of(listener) as client,
        ):
            await silent.send(upgrade())
            before = await station_of(server)
            status, headers, _ = await knock(listener, upgrade())
            assert (status, headers["retry-after"]) == (503, "2")
            with anyio.fail_after(SECONDS):
                assert (await before._end()).code == 1006
            await client.connect()
