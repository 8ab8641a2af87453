"""Passwords: a page can set no header, so they go into the URL, and the browser waits until it is asked for them."""

import logging

from lab import KeptRecords, expects_console, raises, told

from ocpp_transports import ConnectionFailedError, ConnectionState


class TestPasswords:
    async def test_the_right_one(self, lab):
        client = await lab.connected(lab.guarded(), password=lab.password)
        assert "currentTime" in await client.call("Heartbeat", {})
        (arrival,) = await lab.ask("guarded.arrivals", client.identity)
        assert arrival["headers"]["authorization"].startswith("Basic ")
        assert "@" not in arrival["path"]

    async def test_as_bytes(self, lab):
        client = await lab.connected(lab.guarded(), password=lab.password.encode())
        assert "currentTime" in await client.call("Heartbeat", {})

    async def test_of_an_identity_that_needs_escapes(self, lab):
        client = await lab.connected(lab.guarded(), f"Säule {lab.identity()}/@", password=lab.password)
        assert "currentTime" in await client.call("Heartbeat", {})

    async def test_after_a_lost_connection(self, lab):
        client = lab.client(lab.guarded(), password=lab.password)
        async with client.events("open") as opened:
            await client.connect()
            await anext(opened)
            await lab.ask("guarded.drop", client.identity)
            await anext(opened)
        assert "currentTime" in await client.call("Heartbeat", {})

    @expects_console("WebSocket connection to .* failed", "401")
    async def test_a_wrong_one(self, lab):
        client = lab.client(lab.guarded(), password="wrong")
        with raises(ConnectionFailedError):
            await client.connect()
        assert client.state is ConnectionState.CLOSED

    @expects_console("WebSocket connection to .* failed", "401")
    async def test_none(self, lab):
        with raises(ConnectionFailedError):
            await lab.connected(lab.guarded())

    async def test_ones_that_make_no_sense(self, lab):
        with raises(TypeError):
            lab.client(password=1)
        with raises(ValueError):
            lab.client(identity="with:colon", password="x")

    @expects_console("WebSocket connection to .* failed", "401")
    async def test_they_are_shown_nowhere(self, lab):
        logger = logging.getLogger("of passwords")
        logger.setLevel(logging.DEBUG)
        logger.addHandler(records := KeptRecords())
        client = lab.client(lab.guarded(), password="SECRET", logging=logger)
        events = told(client, "connecting", "error", "close")
        with raises(ConnectionFailedError) as caught:
            await client.connect()
        shown = [record.getMessage() for record in records.kept]
        texts = [*shown, repr(client), client.endpoint, *map(repr, events), str(caught[0]), repr(caught[0].__cause__)]
        assert not any("SECRET" in text for text in texts), texts
