"""Connecting: the URL, what is offered, and every way in which a page can fail to get a connection."""

import asyncio
import time

from lab import expects_console, raises, start, told, until

from ocpp_transports import ClosedError, ConnectionFailedError, ConnectionState
from ocpp_transports.browser import BrowserOCPPClient

BOOT = {
    "ocpp1.6": {"chargePointVendor": "Acme", "chargePointModel": "One"},
    "ocpp2.0.1": {"reason": "PowerUp", "chargingStation": {"vendorName": "Acme", "model": "One"}},
    "ocpp2.1": {"reason": "PowerUp", "chargingStation": {"vendorName": "Acme", "model": "One"}},
}


async def stays_closed(lab, client):
    """See that a handshake which the server completes after the attempt is over concerns the client no more."""
    events = told(client, "open", "error", "close")
    await lab.ask("puppet.admit", client.identity)
    await asyncio.sleep(0.05)
    assert events == []
    assert client.state is ConnectionState.CLOSED


class TestAStationInAPage:
    async def test_it_connects_and_boots_in_every_version(self, lab):
        for protocol, payload in BOOT.items():
            client = lab.client(protocols=[protocol])
            assert (client.state, client.protocol) == (ConnectionState.CLOSED, None)
            assert await client.connect() == protocol
            assert (client.state, client.protocol) == (ConnectionState.OPEN, protocol)
            answer = await client.call("BootNotification", payload)
            assert (answer["status"], answer["interval"]) == ("Accepted", 300)
            assert await lab.ask("central.calls", client.identity) == [["BootNotification", payload]]

    async def test_it_offers_its_subprotocols_in_its_order(self, lab):
        client = await lab.connected(protocols=["ocpp1.6", "ocpp2.0.1"])
        (arrival,) = await lab.ask("central.arrivals", client.identity)
        assert arrival["offered"] == ["ocpp1.6", "ocpp2.0.1"]
        assert arrival["protocol"] == client.protocol

    async def test_its_identity_may_hold_anything(self, lab):
        for identity in ("Säule 7", "50% & more?", "a/b#c", "電"):
            unique = f"{lab.identity()} {identity}"
            client = await lab.connected(identity=unique)
            (arrival,) = await lab.ask("central.arrivals", unique)
            assert client.identity == unique
            assert "#" not in arrival["path"]

    async def test_its_endpoint_may_have_a_path_and_a_query(self, lab):
        client = await lab.connected(f"{lab.csms}/ocpp/v1", query={"token": "a b&c", "ü": "1"})
        (arrival,) = await lab.ask("central.arrivals", client.identity)
        assert arrival["path"].split("?")[0] == f"/ocpp/v1/{client.identity}"
        assert arrival["query"] == {"token": "a b&c", "ü": "1"}

    async def test_it_connects_again_after_it_was_closed(self, lab):
        client = await lab.connected()
        await client.close()
        assert await client.connect() == "ocpp1.6"
        assert "currentTime" in await client.call("Heartbeat", {})
        assert len(await lab.ask("central.arrivals", client.identity)) == 2

    async def test_it_closes_at_the_end_of_its_block(self, lab):
        async with lab.client() as client:
            await client.connect()
        assert client.state is ConnectionState.CLOSED
        assert await lab.ask("central.end", client.identity) == [1000, ""]

    async def test_it_does_not_connect_twice(self, lab):
        client = await lab.connected()
        with raises(RuntimeError, match="OPEN"):
            await client.connect()


class TestOptionsThatMakeNoSense:
    """They raise before there is any socket: the constructor makes none."""

    async def test_urls(self, lab):
        for endpoint in ("ftp://127.0.0.1/", "ws://127.0.0.1/#part", "127.0.0.1:9000", "ws://", "ws://127.0.0.1:99999"):
            with raises(ValueError):
                BrowserOCPPClient("CP1", endpoint, protocols=["ocpp1.6"])

    async def test_subprotocols(self, lab):
        for protocols in ([], ["ocpp1.6", "ocpp1.6"], ["no token"], ["ocpp1.6", "ocpp1.6", "ocpp2.0.1"]):
            with raises(ValueError):
                BrowserOCPPClient("CP1", lab.csms, protocols=protocols)

    async def test_what_a_page_cannot_do(self, lab):
        for name in ("headers", "tls", "security_profile", "ping_interval", "compression", "max_message_size"):
            with raises(TypeError, match=f"unknown option '{name}'"):
                lab.client(**{name: None})

    async def test_numbers(self, lab):
        for options in ({"call_timeout": -1}, {"backoff_min": 0}, {"call_concurrency": 0}, {"connect_timeout": -1}):
            with raises(ValueError):
                lab.client(**options)


class TestNoConnection:
    """A page is not told why: it is a ConnectionFailedError each time, and soon."""

    async def fails(self, lab, endpoint, **options):
        client = lab.client(endpoint, **options)
        began = time.monotonic()
        with raises(ConnectionFailedError):
            await client.connect()
        assert client.state is ConnectionState.CLOSED
        assert time.monotonic() - began < 5
        return client

    @expects_console("WebSocket connection to .* failed")
    async def test_nobody_listens(self, lab):
        await self.fails(lab, lab.refused)

    @expects_console("WebSocket connection to .* failed")
    async def test_a_port_that_browsers_do_not_dial(self, lab):
        await self.fails(lab, lab.unsafe)

    @expects_console("Content Security Policy|Content-Security-Policy")
    async def test_an_address_that_the_page_forbids_itself(self, lab):
        await self.fails(lab, lab.barred)

    @expects_console("WebSocket connection to .* failed")
    async def test_a_handshake_that_is_refused(self, lab):
        await self.fails(lab, lab.puppet("refusing"))

    @expects_console("WebSocket connection to .* failed")
    async def test_a_subprotocol_that_was_not_offered(self, lab):
        await self.fails(lab, lab.puppet("foreign"))

    @expects_console("WebSocket connection to .* failed")
    async def test_no_subprotocol(self, lab):
        await self.fails(lab, lab.puppet("wordless"))

    @expects_console("WebSocket connection to .* failed")
    async def test_a_server_that_cuts_the_connection(self, lab):
        await self.fails(lab, lab.puppet("resetting"))

    @expects_console("WebSocket connection to .* failed", "closed before the connection is established")
    async def test_a_server_that_says_nothing(self, lab):
        client = lab.client(lab.puppet("silent"), connect_timeout=0.3)
        began = time.monotonic()
        with raises(ConnectionFailedError, match=r"0\.3 s"):
            await client.connect()
        assert 0.25 < time.monotonic() - began < 3
        await stays_closed(lab, client)

    @expects_console("WebSocket connection to .* failed")
    async def test_another_attempt_may_succeed(self, lab):
        client = await self.fails(lab, lab.refused)
        client.reconfigure(endpoint=lab.csms)
        assert await client.connect() == "ocpp1.6"

    @expects_console("WebSocket connection to .* failed", "closed before the connection is established")
    async def test_the_first_attempt_is_repeated_where_that_is_wanted(self, lab):
        client = lab.client(lab.puppet("silent"), connect_timeout=0.8, retry_initial_connect=True)
        with raises(ConnectionFailedError):
            await client.connect()
        await lab.ask("puppet.rename", client.identity, f"first of {client.identity}")
        await lab.ask("puppet.admit", client.identity)
        await until(lambda: client.state is ConnectionState.OPEN)


class TestGivingUp:
    @expects_console("WebSocket connection to .* failed", "closed before the connection is established")
    async def test_closing_ends_an_attempt(self, lab):
        client = lab.client(lab.puppet("silent"))
        attempt = start(client.connect())
        await lab.ask("puppet.request", client.identity)
        assert client.state is ConnectionState.CONNECTING
        await client.close()
        with raises(ClosedError):
            await attempt
        await stays_closed(lab, client)

    @expects_console("WebSocket connection to .* failed", "closed before the connection is established")
    async def test_cancelling_closes(self, lab):
        client = lab.client(lab.puppet("silent"))
        attempt = start(client.connect())
        await lab.ask("puppet.request", client.identity)
        attempt.cancel()
        with raises(asyncio.CancelledError):
            await attempt
        await stays_closed(lab, client)
