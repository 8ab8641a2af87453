"""When the connection breaks: what is told, when the client comes back, what becomes of calls, and old sockets."""

import asyncio

from lab import expects_console, raises, start, told, until

from ocpp_transports import CallDroppedError, ClosedError, ConnectionLostError, ConnectionState
from ocpp_transports.outbox import OutboxConfig

LIFE = ("connecting", "open", "disconnect", "reconnect", "close")


def names(events):
    """The order in which things were told."""
    return [name for name, _ in events]


class TestALostConnection:
    async def test_it_comes_back(self, lab):
        client = lab.client()
        events = told(client, *LIFE)
        await client.connect()
        await lab.ask("central.drop", client.identity)
        await until(lambda: names(events).count("open") == 2)
        assert names(events) == ["connecting", "open", "disconnect", "reconnect", "connecting", "open"]
        assert events[2][1].code == 1006
        assert events[3][1].attempt == 1
        assert 0.01 <= events[3][1].delay <= 0.04
        assert "currentTime" in await client.call("Heartbeat", {})
        client.handle("Reset", lambda context: {"status": "Accepted"})
        assert await lab.ask("central.call", client.identity, "Reset") == {"payload": {"status": "Accepted"}}

    async def test_whatever_code_the_server_closed_it_with(self, lab):
        client = await lab.connected()
        events = told(client, "disconnect", "open")
        for code in (1000, 1001, 1008, 1011, 3000, 4001):
            await lab.ask("central.close", client.identity, code, "so")
            await until(lambda: names(events)[-1:] == ["open"])
            (_, lost), _ = events
            assert (lost.code, lost.reason) == (code, "so")
            events.clear()

    @expects_console("WebSocket connection to .* failed")
    async def test_a_frame_that_is_none(self, lab):
        client = await lab.connected(lab.puppet())
        events = told(client, "disconnect", "open")
        await lab.ask("puppet.rename", client.identity, f"old {client.identity}")
        await lab.ask("puppet.say_raw", f"old {client.identity}", [0x83, 0x00])
        await until(lambda: names(events) == ["disconnect", "open"])
        assert events[0][1].code == 1006

    @expects_console("WebSocket connection to .* failed")
    async def test_a_crash_of_the_server(self, lab):
        client = await lab.connected(lab.puppet())
        events = told(client, "disconnect", "open")
        await lab.ask("puppet.reset", client.identity)
        await until(lambda: names(events) == ["disconnect", "open"])
        assert events[0][1].code == 1006

    async def test_a_server_that_reads_no_more(self, lab):
        client = await lab.connected(lab.puppet(), send_timeout=0.3)
        events = told(client, "disconnect", "open")
        await lab.ask("puppet.rename", client.identity, f"old {client.identity}")
        await lab.ask("puppet.go_deaf", f"old {client.identity}")
        for _ in range(10):
            await client.send_raw("x" * 1_000_000)
        await until(lambda: names(events) == ["disconnect", "open"])
        assert events[0][1].code == 1006

    async def test_one_that_reads_slowly_is_borne_with(self, lab):
        client = await lab.connected()
        text = "x" * 300_000
        answers = await asyncio.gather(
            *(client.call("DataTransfer", {"vendorId": "echo", "data": text}) for _ in range(10))
        )
        assert {answer["data"] for answer in answers} == {text}

    async def test_it_stays_away_where_that_is_wanted(self, lab):
        client = await lab.connected(reconnect=False)
        events = told(client, *LIFE)
        await lab.ask("central.drop", client.identity)
        await until(lambda: names(events) == ["disconnect", "close"])
        assert client.state is ConnectionState.CLOSED
        assert await client.connect() == "ocpp1.6"

    async def test_calls_under_way_fail_at_once(self, lab):
        client = await lab.connected()
        call = start(client.call("DataTransfer", {"vendorId": "drop"}))
        waiting = start(client.call("Heartbeat", {}))
        with raises(ConnectionLostError) as caught:
            await call
        assert caught[0].sent is True
        with raises(ConnectionLostError) as caught:
            await waiting
        assert caught[0].sent is False


class TestTheNextAttempts:
    @expects_console("WebSocket connection to .* failed")
    async def test_the_waits_grow_and_it_gives_up(self, lab):
        client = await lab.connected(backoff_min=0.04, backoff_max=0.1, max_reconnects=3)
        events = told(client, *LIFE)
        client.reconfigure(endpoint=lab.refused)
        await lab.ask("central.drop", client.identity)
        await until(lambda: names(events)[-1:] == ["close"], seconds=20)
        assert names(events) == ["disconnect", *["reconnect", "connecting"] * 3, "close"]
        waits = [event for name, event in events if name == "reconnect"]
        assert [event.attempt for event in waits] == [1, 2, 3]
        for event, most in zip(waits, (0.04, 0.08, 0.1), strict=True):
            assert most / 2 <= event.delay <= most
        assert events[-1][1].code == 1001
        assert client.state is ConnectionState.CLOSED

    @expects_console("WebSocket connection to .* failed")
    async def test_it_tries_until_it_succeeds(self, lab):
        client = await lab.connected()
        events = told(client, *LIFE)
        client.reconfigure(endpoint=lab.refused)
        await lab.ask("central.drop", client.identity)
        await until(lambda: names(events).count("connecting") >= 2, seconds=20)
        client.reconfigure(endpoint=lab.csms)
        await until(lambda: client.state is ConnectionState.OPEN, seconds=20)
        assert "currentTime" in await client.call("Heartbeat", {})

    async def test_closing_during_the_wait_ends_it(self, lab):
        client = await lab.connected(backoff_min=0.3, backoff_max=0.3)
        events = told(client, *LIFE)
        await lab.ask("central.drop", client.identity)
        await until(lambda: "reconnect" in names(events))
        assert (client.state, names(events)[-1]) == (ConnectionState.CONNECTING, "reconnect")
        ended = await client.close(1000, "enough")
        assert (ended.code, ended.reason) == (1000, "enough")
        assert client.state is ConnectionState.CLOSED
        await asyncio.sleep(0.4)
        assert names(events) == ["disconnect", "reconnect", "close"]
        assert len(await lab.ask("central.arrivals", client.identity)) == 1

    async def test_nothing_is_sent_during_the_wait(self, lab):
        client = await lab.connected(backoff_min=0.3, backoff_max=0.3)
        await lab.ask("central.drop", client.identity)
        await until(lambda: client.state is ConnectionState.CONNECTING)
        with raises(ConnectionLostError) as caught:
            await client.call("Heartbeat", {})
        assert caught[0].sent is False


class TestTheOfflineQueue:
    async def test_it_keeps_calls_until_the_first_connection(self, lab):
        client = lab.client(offline_queue=True)
        calls = [start(client.call("DataTransfer", {"vendorId": "echo", "data": str(number)})) for number in range(3)]
        await asyncio.sleep(0.02)
        assert client.pending == 3
        await client.connect()
        assert [(await call)["data"] for call in calls] == ["0", "1", "2"]

    async def test_messages_wait_until_they_are_answered(self, lab):
        client = await lab.connected(offline_queue=True, offline_queue_config=OutboxConfig(gate="open"))
        await lab.ask("central.drop", client.identity)
        await until(lambda: client.state is ConnectionState.CONNECTING)
        ticket = client.enqueue("DataTransfer", {"vendorId": "echo", "data": "1"})
        assert (await ticket.outcome()).payload["data"] == "1"

    async def test_and_during_an_outage(self, lab):
        client = await lab.connected(offline_queue=True)
        await lab.ask("central.drop", client.identity)
        await until(lambda: client.state is ConnectionState.CONNECTING)
        assert "currentTime" in await client.call("Heartbeat", {})

    async def test_and_those_that_had_not_been_sent(self, lab):
        client = await lab.connected(offline_queue=True)
        lost = start(client.call("DataTransfer", {"vendorId": "drop"}))
        kept = start(client.call("Heartbeat", {}))
        with raises(ConnectionLostError):
            await lost
        assert "currentTime" in await kept

    async def test_beyond_its_size_the_oldest_is_dropped(self, lab):
        client = lab.client(offline_queue=True, offline_queue_size=1)
        oldest = start(client.call("Authorize", {}))
        newest = start(client.call("Heartbeat", {}))
        with raises(CallDroppedError):
            await oldest
        await client.connect()
        assert "currentTime" in await newest

    async def test_closing_empties_it(self, lab):
        client = lab.client(offline_queue=True)
        call = start(client.call("Heartbeat", {}))
        await asyncio.sleep(0.02)
        await client.close()
        with raises(ClosedError):
            await call


class TestAnOldSocket:
    """What a replaced socket still has to say concerns nobody."""

    @expects_console("WebSocket connection to .* failed", "closed before the connection is established")
    async def test_one_that_opens_after_its_time(self, lab):
        client = lab.client(lab.puppet("silent"), connect_timeout=0.8, retry_initial_connect=True)
        with raises(OSError):
            await client.connect()
        await lab.ask("puppet.rename", client.identity, f"old {client.identity}")
        await lab.ask("puppet.admit", client.identity)
        await until(lambda: client.state is ConnectionState.OPEN)
        events = told(client, *LIFE, "message", "bad_message")
        await lab.ask("puppet.admit", f"old {client.identity}")
        await asyncio.sleep(0.1)
        assert events == []

    async def test_one_that_was_dropped_and_speaks_on(self, lab):
        client = await lab.connected(lab.puppet(), close_timeout=0.1)
        old = f"old {client.identity}"
        await lab.ask("puppet.rename", client.identity, old)
        await client.close()  # the puppet never answers it
        await client.connect()
        events = told(client, *LIFE, "message", "bad_message")
        await lab.ask("puppet.say", old, [2, "1", "Reset", {}], "no message at all")
        await lab.ask("puppet.say_close", old, 4007, "late")
        await lab.ask("puppet.hang_up", old)
        await asyncio.sleep(0.1)
        assert events == []
        call = start(client.call("Heartbeat", {}))
        on_message = await lab.ask("puppet.hear", client.identity)
        await lab.ask("puppet.say", client.identity, [3, on_message[1], {"currentTime": "now"}])
        assert await call == {"currentTime": "now"}
