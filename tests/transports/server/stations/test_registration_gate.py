"""`registration="required"`: a station is served once your handler has accepted its BootNotification."""

from typing import Any

import anyio
import pytest

from ocpp_core import v16
from ocpp_transports import (
    ConnectionLostError,
    OCPPServer,
    RegistrationRequiredError,
    RPCSecurityError,
)
from ocpp_transports.events import RegistrationEvent
from ocpp_transports.memory import MemoryOCPPClient
from tests.transports.pairs import SECONDS, client_of, first, pair, serving, station_of

pytestmark = pytest.mark.anyio

BOOT = {"chargePointVendor": "V", "chargePointModel": "M"}
NOW = "2026-01-01T00:00:00Z"
REQUIRED: dict[str, Any] = {"registration": "required", "boot_timeout": 0}


def accept(server: OCPPServer, status: str = "Accepted") -> None:
    """Register the handlers of a central system that gives this answer."""
    server.handle("BootNotification", lambda ctx: {"status": status, "currentTime": NOW, "interval": 300})
    server.handle("Heartbeat", lambda ctx: {"currentTime": NOW})


class TestAStation:
    async def test_is_served_once_it_is_accepted(self):
        async with serving(**REQUIRED) as (server, listener), client_of(listener) as client:
            accept(server)
            async with server.events("registration") as changes:
                await client.connect()
                station = await station_of(server)
                assert (station.is_ready, station.registration_status, station.boot_interval) == (False, None, None)
                with pytest.raises(RPCSecurityError, match="the station is not registered"):
                    await client.call("Heartbeat")
                await client.call("BootNotification", BOOT)
                await client.call("Heartbeat")
                assert (await first(changes)).event == RegistrationEvent("Accepted", 300.0)
            with anyio.fail_after(SECONDS):
                await station.wait_for_ready()
            assert (station.is_ready, station.registration_status, station.boot_interval) == (True, "Accepted", 300)

    async def test_is_accepted_by_a_model_too(self):
        async with serving(**REQUIRED) as (server, listener), client_of(listener) as client:

            @server.handle(v16.BootNotification)
            async def boot(request: v16.models.BootNotificationRequest) -> v16.models.BootNotificationResponse:
                return v16.models.BootNotificationResponse(current_time=NOW, interval=60, status="Accepted")

            await client.connect()
            await client.call("BootNotification", BOOT)
            station = await station_of(server)
            assert (station.is_ready, station.boot_interval) == (True, 60)

    async def test_need_not_boot_again_after_a_reconnect(self):
        async with serving(**REQUIRED) as (server, listener):
            accept(server)
            async with client_of(listener) as client:
                await client.connect()
                await client.call("BootNotification", BOOT)
            async with client_of(listener) as client:
                await client.connect()
                await client.call("Heartbeat")
                assert (await station_of(server)).boot_interval == 300

    async def test_over_a_channel_is_held_to_the_same(self):
        server = OCPPServer(protocols=["ocpp1.6"], **REQUIRED)
        accept(server)
        for boots in (True, False):
            async with server, MemoryOCPPClient("CP1", server, protocols=["ocpp1.6"]) as client:
                await client.connect()
                if boots:
                    with pytest.raises(RPCSecurityError):
                        await client.call("Heartbeat")
                    await client.call("BootNotification", BOOT)
                await client.call("Heartbeat")

    async def test_that_does_not_boot_is_asked_and_let_in(self):
        async with serving(registration="required") as (server, listener), client_of(listener) as client:
            accept(server)
            client.handle("TriggerMessage", lambda ctx: {"status": "NotImplemented"})
            await client.connect()
            station = await station_of(server)
            async with station.events("registration") as changes:
                with pytest.raises(RPCSecurityError):
                    await client.call("Heartbeat")
                assert await first(changes) == RegistrationEvent("Accepted", None, is_assumed=True)
            await client.call("Heartbeat")

    async def test_of_another_protocol_need_not_register(self):
        async with pair(protocols=["mine"], server=REQUIRED) as (client, station):
            station.handle("Ping", lambda ctx: {}, custom=True)
            await client.call("Ping")
            assert station.is_ready


class TestOurCalls:
    async def test_wait_for_the_registration(self):
        async with serving(**REQUIRED) as (server, listener), client_of(listener) as client:
            accept(server)
            client.handle("Reset", lambda ctx: {"status": "Accepted"})
            await client.connect()
            await station_of(server)
            results: list[Any] = []

            async def reset() -> None:
                results.append(await server.call("CP1", "Reset", {"type": "Soft"}))

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(reset)
                await client.call("BootNotification", BOOT)
            assert results == [{"status": "Accepted"}]

    async def test_are_refused_if_the_options_say_so(self):
        async with pair(server={**REQUIRED, "before_registration": "refuse"}) as (client, station):
            client.handle("TriggerMessage", lambda ctx: {"status": "Rejected"})
            with pytest.raises(RegistrationRequiredError, match="cannot call Reset"):
                await station.call("Reset", {"type": "Soft"})
            await station.call("TriggerMessage", {"requestedMessage": "BootNotification"})


class TestWaitForReady:
    async def test_returns_at_once_where_registration_is_optional(self):
        async with pair() as (_, station):
            await station.wait_for_ready()
            assert (station.is_ready, station.registration_status) == (True, None)

    async def test_raises_when_the_connection_ends(self):
        async with pair(server=REQUIRED) as (client, station):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(client.close)
                with pytest.raises(ConnectionLostError):
                    await station.wait_for_ready()
            assert not station.is_ready
            with pytest.raises(ConnectionLostError):
                await station.wait_for_ready()

    async def test_takes_a_time_only(self):
        async with pair() as (_, station):
            with pytest.raises(ValueError, match="timeout >= 0 seconds"):
                await station.wait_for_ready(timeout=-1)
