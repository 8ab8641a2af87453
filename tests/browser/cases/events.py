"""What a client tells, in which order, and what becomes of those who listen badly."""

import asyncio
import logging

from lab import KeptRecords, expects_console, raises, start, told, until

from ocpp_transports import ConnectionFailedError, events
from ocpp_transports._browser._socket import BrowserSocket
from ocpp_transports.event_names import PEER_EVENTS

OF_A_PAGE = sorted(set(PEER_EVENTS) - {"ping", "pong", "pong_timeout"})


class TestALife:
    async def test_everything_is_told_in_order(self, lab):
        client = lab.client()
        client.handle("Reset", lambda context: {"status": "Accepted"})
        told_of = told(client, *OF_A_PAGE)
        await client.connect()
        await client.call("Heartbeat", {})
        await client.safe_call("DataTransfer", {"vendorId": "fail", "data": "GenericError"})
        await lab.ask("central.call", client.identity, "Reset", {"type": "Soft"})
        await lab.ask("central.drop", client.identity)
        await until(lambda: [name for name, _ in told_of].count("open") == 2)
        await client.close(4000, "enough")
        assert [name for name, _ in told_of] == [
            "connecting", "open",
            "message", "call", "message", "call_result",
            "message", "call", "message", "call_error",
            "message", "call", "message", "call_result",
            "disconnect", "reconnect", "connecting", "open",
            "close",
        ]  # fmt: skip
        for name, event in told_of:
            assert isinstance(event, PEER_EVENTS[name]), (name, event)

    async def test_what_they_say(self, lab):
        client = lab.client()
        told_of = told(client, "connecting", "open", "call", "call_result", "close")
        await client.connect()
        await client.call("Heartbeat", {})
        await client.close(4000, "enough")
        connecting, opened, called, answered, closed = (event for _, event in told_of)
        assert connecting.url == f"{lab.csms}/{client.identity}"
        assert opened == events.OpenEvent("ocpp1.6")
        assert (called.direction.value, called.action, called.payload) == ("out", "Heartbeat", {})
        assert (answered.direction.value, answered.action) == ("in", "Heartbeat")
        assert answered.message_id == called.message_id
        assert 0 <= answered.latency < 5
        assert closed == events.CloseEvent(4000, "enough")

    @expects_console("WebSocket connection to .* failed")
    async def test_attempts_that_fail(self, lab):
        client = lab.client(lab.refused)
        told_of = told(client, "connecting", "error", "open", "close")
        with raises(ConnectionFailedError):
            await client.connect()
        assert [name for name, _ in told_of] == ["connecting", "error"]
        assert isinstance(told_of[1][1].error, ConnectionFailedError)

    async def test_a_handler_that_raised(self, lab):
        client = await lab.connected()
        told_of = told(client, "handler_error")
        client.handle("Reset", lambda context: 1 / 0)
        await lab.ask("central.call", client.identity, "Reset")
        assert [(event.action, type(event.error)) for _, event in told_of] == [("Reset", ZeroDivisionError)]


class TestListeners:
    async def test_once_and_no_more(self, lab):
        client = lab.client()
        on_message: list[object] = []
        client.once("open", on_message.append)
        client.on("connecting", on_message.append)
        client.off("connecting", on_message.append)
        for _ in range(2):
            await client.connect()
            await client.close()
        assert [type(event).__name__ for event in on_message] == ["OpenEvent"]

    async def test_one_that_is_a_coroutine_function(self, lab):
        client = lab.client()
        on_message = []

        @client.on("open")
        async def opened(event):
            await asyncio.sleep(0)
            on_message.append(event.protocol)

        await client.connect()
        await until(lambda: on_message == ["ocpp1.6"])

    async def test_one_that_raises_is_reported_and_breaks_nothing(self, lab):
        """The page's `error` event stays silent: every case would fail by it."""
        client = lab.client()
        told_of = told(client, "error")

        def fail(event):
            raise LookupError("a listener's mistake")

        async def fail_later(event):
            await asyncio.sleep(0)
            fail(event)

        for name in ("connecting", "open", "message", "close"):
            client.on(name, fail)
        client.on("open", fail_later)
        await client.connect()
        assert "currentTime" in await client.call("Heartbeat", {})
        await client.close()
        assert len(told_of) >= 4
        assert {type(event.error) for _, event in told_of} == {LookupError}

    async def test_a_listener_may_use_the_client(self, lab):
        client = lab.client()
        answers = []

        @client.on("open")
        async def opened(event):
            answers.append(await client.call("Heartbeat", {}))
            await client.close()

        await client.connect()
        await until(lambda: client.state.name == "CLOSED")
        assert "currentTime" in answers[0]

    async def test_iterating(self, lab):
        client = lab.client()
        async with client.events("open", "call_result", "close") as stream:
            talk = start(self.talk(client))
            kinds = [type(await anext(stream)).__name__ for _ in range(3)]
            await talk
        assert kinds == ["OpenEvent", "MessageEvent", "CloseEvent"]

    async def talk(self, client):
        await client.connect()
        await client.call("Heartbeat", {})
        await client.close()


class TestAFaultOfOurs:
    async def test_it_is_logged_and_does_not_reach_the_page(self, lab):
        client = await lab.connected()
        logger = logging.getLogger("ocpp_ws_io")
        logger.addHandler(records := KeptRecords())
        on_message = BrowserSocket.on_message
        BrowserSocket.on_message = lambda socket, message: 1 / 0  # type: ignore[method-assign, assignment]  # a fault on purpose
        try:
            await lab.ask("central.send_raw", client.identity, "[]")
            await until(lambda: records.kept)
        finally:
            BrowserSocket.on_message = on_message  # type: ignore[method-assign]  # puts it back
            logger.removeHandler(records)
        assert [record.exc_info and record.exc_info[0] for record in records.kept] == [ZeroDivisionError]
        assert "currentTime" in await client.call("Heartbeat", {})


class TestTheLog:
    async def test_messages_are_logged_without_secrets(self, lab):
        logger = logging.getLogger("of one case")
        logger.setLevel(logging.DEBUG)
        logger.addHandler(records := KeptRecords())
        client = await lab.connected(logging=logger)
        await client.safe_call("Authorize", {"idTag": "SECRET-TAG"})
        await client.close()
        lines = [record.getMessage() for record in records.kept]
        assert any("Authorize" in line for line in lines)
        assert not any("SECRET-TAG" in line for line in lines)
