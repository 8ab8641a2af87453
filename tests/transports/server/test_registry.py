"""The stations of a server: finding and calling them, handlers, the newest connection of an identity."""

from typing import Any

import anyio
import pytest

from ocpp_transports import (
    ClosedError,
    ConnectionLostError,
    ConnectionState,
    OCPPServer,
    OCPPServerClient,
    RPCNotImplementedError,
    UnexpectedHttpResponse,
)
from ocpp_transports._server._security._endings import EVICTED
from ocpp_transports.events import OpenEvent
from tests.transports.pairs import client_of, first, pair, serving, station_of, upgrade

pytestmark = pytest.mark.anyio


def test_a_handle_shows_the_application_nothing_of_how_the_server_drives_it():
    own = {name for name in vars(OCPPServerClient) if not name.startswith("_")}
    registration = {"boot_interval", "is_ready", "registration_status", "wait_for_ready"}
    assert own == {"handshake", "key", "namespace", "security_profile", "state", "reconfigure"} | registration


class TestStations:
    async def test_are_told_by_the_client_event(self):
        async with OCPPServer(protocols=["ocpp1.6"]) as server:
            seen: list[Any] = []
            server.on("client", seen.append)
            async with client_of(await server.listen(0, "127.0.0.1")) as client:
                await client.connect()
                station = await station_of(server)
            assert seen == [station]
            assert (station.identity, station.session) == ("CP1", {})

    async def test_are_open_to_listeners_that_were_told_of_them(self):
        opens: list[Any] = []
        async with serving() as (server, listener), client_of(listener) as client:
            server.on("client", lambda station: station.on("open", opens.append))
            await client.connect()
            await station_of(server)
        assert opens == [OpenEvent("ocpp1.6")]

    async def test_can_be_found_and_called_by_identity(self):
        async with serving() as (server, listener), client_of(listener) as client:
            client.handle("Reset", lambda ctx: {"status": "Accepted"})
            await client.connect()
            assert await server.wait_for_client("CP1") is server.get_client("CP1")
            assert await server.call("CP1", "Reset", {"type": "Soft"}) == {"status": "Accepted"}
            assert await server.call("CP1", "ocpp1.6", "Reset", {"type": "Soft"}) == {"status": "Accepted"}
            assert await server.safe_call("CP1", "Reset", {}) == {"status": "Accepted"}
            assert server.get_client("CP2") is None
            assert await server.safe_call("CP2", "Reset") is None
            with pytest.raises(ConnectionLostError) as caught:
                await server.call("CP2", "Reset")
            assert not caught.value.sent

    async def test_that_are_not_there_are_called_with_sound_arguments_all_the_same(self):
        async with serving() as (server, _):
            for call in (server.call, server.safe_call):
                with pytest.raises(TypeError, match="an action and a dict"):
                    await call("CP2", {"type": "Soft"})
                with pytest.raises(ValueError, match="timeout > 0 seconds"):
                    await call("CP2", "Reset", {}, timeout=0)

    async def test_that_do_not_come_are_waited_for_in_vain(self):
        async with serving() as (server, _):
            with pytest.raises(TimeoutError, match="'CP1' did not connect within"):
                await server.wait_for_client("CP1", timeout=0.02)

    async def test_are_not_waited_for_beyond_the_end_of_the_server(self):
        async with serving() as (server, _):

            async def wait():
                with pytest.raises(ClosedError):
                    await server.wait_for_client("CP1")

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(wait)
                await anyio.wait_all_tasks_blocked()
                await server.close()

    async def test_that_are_gone_tell_nothing_more(self):
        async with pair() as (client, station):
            async with station.events("close") as closes:
                await client.close()
                await first(closes)
            assert [event async for event in station.events("message")] == []

    async def test_keep_what_auth_gave_them(self):
        def auth(accept, reject, handshake):
            accept(session={"tenant": "a"})

        async with pair(server={"auth": auth}) as (_, station):
            assert station.session == {"tenant": "a"}
            station.session["more"] = 1

    async def test_are_forgotten_when_they_leave(self):
        async with serving() as (server, listener), client_of(listener) as client:
            await client.connect()
            station = await station_of(server)
            async with station.events("close") as closes:
                await client.close()
                await first(closes)
            assert server.clients == ()

    async def test_share_the_handlers_of_the_server_and_prefer_their_own(self):
        async with serving() as (server, listener), client_of(listener) as client:
            server.handle("Heartbeat", lambda ctx: {"by": "server", "for": ctx.client.identity})
            server.handle("ocpp1.6", "StatusNotification", lambda ctx: {"by": "server"})
            await client.connect()
            station = await station_of(server)
            assert await client.call("Heartbeat") == {"by": "server", "for": "CP1"}
            assert await client.call("StatusNotification") == {"by": "server"}
            station.handle("Heartbeat", lambda ctx: {"by": "station"})
            assert await client.call("Heartbeat") == {"by": "station"}

    async def test_pass_the_middleware_of_the_server_first(self):
        async with serving() as (server, listener), client_of(listener) as client:
            seen: list[Any] = []

            async def outer(ctx, proceed):
                seen.append("server")
                return await proceed()

            async def inner(ctx, proceed):
                seen.append("station")
                return await proceed()

            server.use(outer)
            server.handle("Heartbeat", lambda ctx: {})
            client.handle("Reset", lambda ctx: {})
            await client.connect()
            station = await station_of(server)
            station.use(inner)
            await client.call("Heartbeat")
            await station.call("Reset")
            assert seen == ["server", "station"] * 2

    async def test_may_be_reconfigured_one_by_one(self):
        async with pair(drain_timeout=0.01) as (client, station):
            client.handle("Reset", lambda ctx: anyio.sleep_forever())
            station.reconfigure(call_timeout=0.02)
            with pytest.raises(TimeoutError):
                await station.call("Reset")
            with pytest.raises(ValueError, match="call_timeout > 0"):
                station.reconfigure(call_timeout=0)

    async def test_that_come_later_get_the_servers_new_options(self):
        async with serving() as (server, listener), client_of(listener, drain_timeout=0.01) as client:
            server.reconfigure(call_timeout=0.02)
            client.handle("Reset", lambda ctx: anyio.sleep_forever())
            await client.connect()
            await station_of(server)
            with pytest.raises(TimeoutError):
                await server.call("CP1", "Reset")


class TestTheFirstCall:
    """A CALL without a handler is held until the `client` listeners have returned, or one second has passed."""

    async def test_is_not_missed_by_handlers_registered_late_in_a_listener(self):
        async with serving() as (server, listener), client_of(listener) as client:

            @server.on("client")
            async def arrived(station):
                async with station.events("call") as calls:
                    await first(calls)
                station.handle("BootNotification", lambda ctx: {"status": "Accepted"})

            await client.connect()
            assert await client.call("BootNotification", {}) == {"status": "Accepted"}

    async def test_is_not_implemented_as_soon_as_all_listeners_have_returned(self):
        async with serving(handler_grace=1000) as (server, listener), client_of(listener) as client:

            @server.on("client")
            async def arrived(station):
                async with station.events("call") as calls:
                    await first(calls)

            await client.connect()
            with pytest.raises(RPCNotImplementedError):
                await client.call("BootNotification", {})

    async def test_is_not_implemented_in_time_although_a_listener_never_returns(self):
        async with serving(handler_grace=0.02) as (server, listener), client_of(listener) as client:
            server.on("client", lambda station: anyio.sleep_forever())
            await client.connect()
            with pytest.raises(RPCNotImplementedError):
                await client.call("BootNotification", {})

    async def test_is_served_although_a_listener_raises(self, caplog):
        async with serving() as (server, listener), client_of(listener) as client, server.events("error") as errors:

            @server.on("client")
            def arrived(station):
                raise RuntimeError("boom")

            server.handle("BootNotification", lambda ctx: {})
            await client.connect()
            assert await client.call("BootNotification", {}) == {}
            assert str((await first(errors)).error) == "boom"


class TestTheSameIdentityTwice:
    async def test_the_newest_connection_wins(self):
        async with serving() as (server, listener), client_of(listener, reconnect=False) as old:
            await old.connect()
            station = await station_of(server)
            async with (
                station.events("close") as closes,
                old.events("close") as old_closes,
                client_of(listener) as new,
            ):
                new.handle("Reset", lambda ctx: {"by": "new"})
                await new.connect()
                assert (await first(old_closes)).code == 4000
                await first(closes)
                assert server.get_client("CP1") is not station
                assert await server.call("CP1", "Reset") == {"by": "new"}
                assert len(server.clients) == 1

    async def test_the_late_end_of_the_old_one_does_not_touch_the_new_one(self):
        async with serving(close_timeout=0.05) as (server, listener):
            stream = await anyio.connect_tcp("127.0.0.1", listener.port)
            await stream.send(upgrade())  # a station that never answers a close frame
            old = await station_of(server)
            async with stream, old.events("close") as closes, client_of(listener) as new:
                await new.connect()
                assert server.get_client("CP1") is not old
                assert (await first(closes)).code == 1006
                assert server.get_client("CP1") is not None

    async def test_an_impostor_does_not_replace_the_station(self):
        async with (
            serving(security_profile=1, credentials={"CP1": "secret"}) as (server, listener),
            client_of(listener, security_profile=1, password="secret") as client,
            client_of(listener, security_profile=1, password="wrong") as impostor,
        ):
            await client.connect()
            station = await station_of(server)
            with pytest.raises(UnexpectedHttpResponse):
                await impostor.connect()
            assert server.get_client("CP1") is station
            assert station.state is ConnectionState.OPEN


class TestIdentitiesThatDifferInCase:
    async def test_are_one_station_where_case_is_ignored(self):
        async with (
            serving(ignore_identity_case=True) as (server, listener),
            client_of(listener, "CP1", reconnect=False) as one,
            client_of(listener, "cp1") as two,
        ):
            await one.connect()
            older = await station_of(server, "cP1")
            assert older.identity == "CP1"
            async with older.events("close") as closes:
                await two.connect()
                assert (await first(closes)).code == EVICTED
            assert [station.identity for station in server.clients] == ["cp1"]
            assert server.get_client("CP1") is server.get_client("cp1") is not older

    async def test_are_answered_as_one_station_where_case_is_ignored(self):
        served = []
        async with (
            serving(ignore_identity_case=True) as (server, listener),
            client_of(listener, "CP1", reconnect=False) as one,
            client_of(listener, "cp1") as two,
        ):
            server.handle("DataTransfer", lambda ctx: served.append(ctx.message_id) or {"status": "Accepted"})
            for client in (one, two):
                await client.connect()
                await client.call("DataTransfer", {"vendorId": "V"}, message_id="same")
        assert served == ["same"]

    async def test_become_one_station_where_that_changes(self):
        async with (
            serving() as (server, listener),
            client_of(listener, "CP1", reconnect=False) as one,
            client_of(listener, "cp1") as two,
        ):
            await one.connect()
            await two.connect()
            older, newer = await station_of(server, "CP1"), await station_of(server, "cp1")
            async with older.events("close") as closes:
                server.reconfigure(ignore_identity_case=True)
                assert (await first(closes)).code == EVICTED
            assert server.clients == (newer,)
