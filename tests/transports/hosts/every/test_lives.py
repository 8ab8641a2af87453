"""How a connection begins, ends and comes back, whatever carries the messages."""

import anyio
import pytest

from ocpp_transports import (
    ConnectionState,
    SecurityProfile,
)
from ocpp_transports.events import CloseEvent, DisconnectEvent
from ocpp_transports.outbox import MessageAnswered, OutboxConfig
from tests.transports.pairs import SECONDS, first, never, station_of

pytestmark = pytest.mark.anyio


class TestTheHandshake:
    async def test_tells_auth_who_comes_and_starts_the_session(self, serving, host):
        seen, path = [], "" if host[0] == "mounted" else "/ocpp"  # it is relative to the mount point

        async def auth(accept, reject, handshake):
            seen.append(handshake)
            accept(session={"tenant": 7})

        async with serving(auth=auth) as door, door.client("CP ü", query={"a": "b"}) as client:
            await client.connect()
            station = await station_of(door.server, "CP ü")
            assert station.session == {"tenant": 7}
            assert station.handshake is seen[0]
            assert (seen[0].identity, seen[0].protocols) == ("CP ü", ("ocpp1.6",))
            assert (seen[0].path, dict(seen[0].query)) == (f"{path}/CP%20%C3%BC", {"a": "b"})
            assert seen[0].headers["host"]
            assert seen[0].remote_address == "127.0.0.1"

    async def test_is_refused_by_the_status_that_auth_gives(self, serving, refusal):
        def auth(accept, reject, handshake):
            reject(418, "Teapot")

        async with (
            serving(auth=auth) as door,
            door.server.events("upgrade_aborted") as refused,
            door.client() as client,
        ):
            with pytest.raises(refusal) as failed:
                await client.connect()
            assert getattr(failed.value, "status", 418) == 418
            assert getattr(failed.value, "reason", "Teapot") == "Teapot"
            assert (await first(refused)).status == 418
            assert client.state is ConnectionState.CLOSED

    async def test_is_refused_by_500_and_nothing_more_when_auth_raises(self, serving, refusal):
        def auth(accept, reject, handshake):
            raise RuntimeError("secret")

        async with serving(auth=auth, logging=False) as door, door.client() as client:
            with pytest.raises(refusal) as failed:
                await client.connect()
            assert getattr(failed.value, "status", 500) == 500
            assert "secret" not in str(failed.value)

    async def test_compares_passwords(self, serving, host, refusal):
        profile = {} if host[0] == "page" else {"security_profile": 1}
        async with serving(security_profile=1, credentials={"CP1": "pä ss:@/"}) as door:
            async with door.client(password="pä ss:@/", **profile) as client:
                await client.connect()
                assert (await station_of(door.server)).security_profile is SecurityProfile.BASIC
            async with door.client(password="wrong", **profile) as client:
                with pytest.raises(refusal) as failed:
                    await client.connect()
                assert getattr(failed.value, "status", 401) == 401

    async def test_chooses_what_the_server_prefers_and_refuses_where_nothing_is_in_common(self, serving, refusal):
        async with serving(protocols=["ocpp2.1", "ocpp1.6"]) as door:
            async with door.client(protocols=["ocpp1.6", "ocpp2.1"]) as client:
                assert await client.connect() == "ocpp2.1"
                assert (await station_of(door.server)).protocol == "ocpp2.1"
            async with door.client(protocols=["ocpp2.0.1"]) as client:
                with pytest.raises(refusal):
                    await client.connect()

    async def test_ends_by_408_where_nobody_decides(self, serving, refusal):
        async def auth(accept, reject, handshake):
            await never()

        async with (
            serving(auth=auth, handshake_timeout=0.25) as door,
            door.server.events("upgrade_aborted") as refused,
            door.client() as client,
        ):
            with pytest.raises(refusal):
                await client.connect()
            assert (await first(refused)).status == 408

    async def test_is_refused_by_503_where_the_server_is_full(self, serving, refusal):
        async with serving(max_connections=1) as door, door.client("CP1") as one, door.client("CP2") as two:
            await one.connect()
            await station_of(door.server)
            with pytest.raises(refusal) as failed:
                await two.connect()
            assert getattr(failed.value, "status", 503) == 503


class TestTheEnd:
    async def test_by_the_server_shows_its_code_and_reason_to_the_client(self, serving):
        async with serving() as door, door.client(reconnect=False) as client, client.events("disconnect") as events:
            await client.connect()
            assert await (await station_of(door.server)).close(4001, "bye ü") == CloseEvent(4001, "bye ü")
            assert await first(events) == DisconnectEvent(4001, "bye ü")

    async def test_by_the_client_shows_its_code_and_reason_to_the_server(self, serving):
        async with serving() as door, door.client() as client:
            await client.connect()
            async with (await station_of(door.server)).events("close") as events:
                assert await client.close(4002, "done") == CloseEvent(4002, "done")
                assert await first(events) == CloseEvent(4002, "done")

    async def test_by_force_is_1006(self, serving):
        async with serving() as door, door.client() as client:
            await client.connect()
            async with (await station_of(door.server)).events("close") as events:
                assert (await client.close(force=True)).code == 1006
                assert isinstance(await first(events), CloseEvent)

    async def test_after_too_many_bad_messages(self, serving):
        async with (
            serving(max_bad_messages=2) as door,
            door.client(reconnect=False) as client,
            client.events("disconnect") as events,
        ):
            await client.connect()
            for _ in range(2):
                await client.send_raw("[]")
            assert (await first(events)).code == 1002

    async def test_of_a_connection_that_a_newer_one_replaces(self, serving):
        async with (
            serving() as door,
            door.client(reconnect=False) as old,
            door.client() as new,
            old.events("disconnect") as events,
        ):
            await old.connect()
            await station_of(door.server)
            await new.connect()
            assert (await first(events)).code == 4000
            assert await new.call("Heartbeat", {})
            assert len(door.server.clients) == 1

    async def test_of_a_server_is_the_end_of_all_its_connections(self, serving):
        async with serving() as door, door.client(reconnect=False) as client, client.events("disconnect") as events:
            await client.connect()
            await station_of(door.server)
            with anyio.fail_after(SECONDS):
                await door.server.close()
            assert (await first(events)).code == 1001


class TestComingBack:
    async def test_keeps_handlers_and_sends_what_was_queued_meanwhile(self, serving):
        async with (
            serving() as door,
            door.client(offline_queue=True, offline_queue_config=OutboxConfig(gate="open")) as client,
            client.events("open") as opens,
            client.events("disconnect") as losses,
        ):
            client.handle("Reset", lambda ctx: {"status": "Accepted"})
            await client.connect()
            await first(opens)
            station = await station_of(door.server)
            await station.close(4001)
            await first(losses)
            ticket = client.enqueue("Heartbeat")
            assert await client.call("Heartbeat", {}) == {"currentTime": "2026-01-01T00:00:00Z"}
            await first(opens)
            with anyio.fail_after(SECONDS):
                assert isinstance(await ticket.outcome(), MessageAnswered)
            assert await door.server.call("CP1", "Reset", {"type": "Soft"}) == {"status": "Accepted"}
            assert door.server.get_client("CP1") is not station
