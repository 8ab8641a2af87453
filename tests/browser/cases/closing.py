"""Closing: codes and reasons of a page, answers that are awaited, and ends that come by force or not at all."""

import asyncio
import time

from lab import expects_console, raises, start, told, until

from ocpp_transports import ClosedError, ConnectionLostError, ConnectionState, TimeoutError


class TestInGoodOrder:
    async def test_without_a_word(self, lab):
        client = await lab.connected()
        events = told(client, "close", "disconnect")
        ended = await client.close()
        assert (ended.code, ended.reason) == (1000, "")
        assert client.state is ConnectionState.CLOSED
        assert [name for name, _ in events] == ["close"]
        assert await lab.ask("central.end", client.identity) == [1000, ""]

    async def test_with_a_code_of_one_s_own(self, lab):
        for code in (1000, 3000, 4000, 4999):
            client = await lab.connected()
            ended = await client.close(code, "Grüße")
            assert (ended.code, ended.reason) == (code, "Grüße")
            assert await lab.ask("central.end", client.identity) == [code, "Grüße"]

    async def test_a_code_that_a_page_may_not_send_goes_out_as_3000_more(self, lab):
        for code in (1001, 1002, 1003, 1007, 1008, 1009, 1011, 1013):
            client = await lab.connected()
            events = told(client, "close")
            ended = await client.close(code, "so")
            assert (ended.code, ended.reason) == (code + 3000, "so")
            assert events == [("close", ended)]
            assert await lab.ask("central.end", client.identity) == [code + 3000, "so"]

    async def test_a_code_that_nobody_may_send_raises_and_changes_nothing(self, lab):
        client = await lab.connected()
        for code in (0, 999, 1004, 1005, 1006, 1015, 2999, 5000, "1000"):
            with raises((ValueError, TypeError)):
                await client.close(code)
        assert client.state is ConnectionState.OPEN
        assert "currentTime" in await client.call("Heartbeat", {})

    async def test_a_long_reason_is_cut_between_characters(self, lab):
        for character, fit in (("x", 123), ("ü", 61), ("電", 41), ("😀", 30)):
            client = await lab.connected()
            ended = await client.close(1000, character * 200)
            assert ended.reason == character * fit
            assert await lab.ask("central.end", client.identity) == [1000, character * fit]

    async def test_a_reason_that_is_no_unicode(self, lab):
        client = await lab.connected()
        ended = await client.close(1000, "a\ud800z")
        assert await lab.ask("central.end", client.identity) == [1000, ended.reason]

    async def test_twice_is_once(self, lab):
        client = await lab.connected()
        first, second = await asyncio.gather(client.close(4001, "first"), client.close(4002, "second"))
        assert first == second
        assert await client.close() == first

    async def test_before_there_was_a_connection(self, lab):
        client = lab.client()
        assert (await client.close()).code == 1000
        assert client.state is ConnectionState.CLOSED


class TestAnswersUnderWay:
    async def test_they_are_awaited(self, lab):
        client = await lab.connected()
        call = start(client.call("DataTransfer", {"vendorId": "wait", "data": "0.2"}))
        await asyncio.sleep(0)
        closing = start(client.close())
        await asyncio.sleep(0)
        assert client.state is ConnectionState.CLOSING
        with raises(ClosedError):
            await client.call("Heartbeat", {})
        assert await call == {"status": "Accepted"}
        assert (await closing).code == 1000

    async def test_but_not_for_ever(self, lab):
        client = await lab.connected(drain_timeout=0.2)
        call = start(client.call("DataTransfer", {"vendorId": "hold"}))
        await asyncio.sleep(0)
        began = time.monotonic()
        assert (await client.close()).code == 1000
        assert 0.15 < time.monotonic() - began < 3
        with raises(ClosedError):
            await call

    async def test_nor_where_that_is_not_wanted(self, lab):
        client = await lab.connected()
        call = start(client.call("DataTransfer", {"vendorId": "hold"}))
        await asyncio.sleep(0)
        began = time.monotonic()
        assert (await client.close(await_pending=False)).code == 1000
        assert time.monotonic() - began < 3
        with raises(ClosedError):
            await call

    async def test_a_second_close_may_hasten_the_first(self, lab):
        client = await lab.connected()
        call = start(client.call("DataTransfer", {"vendorId": "hold"}))
        await asyncio.sleep(0)
        patient = start(client.close())
        await asyncio.sleep(0.02)
        began = time.monotonic()
        await client.close(await_pending=False)
        assert (await patient).code == 1000
        assert time.monotonic() - began < 3
        with raises(ClosedError):
            await call


class TestByForce:
    async def test_it_is_over_at_once(self, lab):
        client = await lab.connected()
        events = told(client, "close")
        began = time.monotonic()
        ended = await client.close(force=True)
        assert time.monotonic() - began < 3
        assert ended.code == 1006
        assert events == [("close", ended)]
        assert client.state is ConnectionState.CLOSED
        await lab.ask("central.end", client.identity)

    async def test_calls_under_way_fail(self, lab):
        client = await lab.connected()
        call = start(client.call("DataTransfer", {"vendorId": "hold"}))
        await asyncio.sleep(0)
        await client.close(force=True)
        with raises((ClosedError, ConnectionLostError)):
            await call

    async def test_a_close_that_takes_too_long_can_be_forced(self, lab):
        client = await lab.connected(lab.puppet())
        patient = start(client.close())
        await lab.ask("puppet.hear_close", client.identity)
        assert not patient.done()
        assert (await client.close(force=True)).code == 1006
        assert (await patient).code == 1006


class TestAServerThatDoesNotPlayAlong:
    async def test_it_never_answers_our_close(self, lab):
        """By itself, a browser would wait for a minute."""
        client = await lab.connected(lab.puppet(), close_timeout=0.3)
        began = time.monotonic()
        ended = await client.close(1000, "please")
        assert 0.25 < time.monotonic() - began < 3
        assert ended.code == 1006
        assert await lab.ask("puppet.hear_close", client.identity) == [1000, "please"]

    async def test_it_answers_with_a_code_of_its_own(self, lab):
        client = await lab.connected(lab.puppet())
        closing = start(client.close(1000, "ours"))
        await lab.ask("puppet.hear_close", client.identity)
        await lab.ask("puppet.say_close", client.identity, 4321, "theirs")
        await lab.ask("puppet.hang_up", client.identity)
        ended = await closing
        assert (ended.code, ended.reason) == (4321, "theirs")

    async def test_nothing_is_sent_while_the_close_is_under_way(self, lab):
        """What a page sends then is lost without a word; hence it is refused with one."""
        client = await lab.connected(lab.puppet(), close_timeout=0.3)
        closing = start(client.close())
        await lab.ask("puppet.hear_close", client.identity)
        with raises(ClosedError):
            await client.call("Heartbeat", {})
        with raises(ConnectionLostError):
            await client.send_raw("[]")
        await closing

    async def test_it_closes_and_leaves_the_line_open(self, lab):
        """The socket is CLOSING then, and swallows what is sent: the client waits `close_timeout` and no longer.

        By itself, Chromium would wait for two seconds; Firefox does not wait, and the client may be back by then.
        """
        client = await lab.connected(lab.puppet(), close_timeout=0.2)
        old = f"old {client.identity}"
        await lab.ask("puppet.rename", client.identity, old)
        events = told(client, "disconnect", "open")
        await lab.ask("puppet.say_close", old, 1001, "going away")
        assert await lab.ask("puppet.hear_close", old) == [1001, "going away"]
        with raises((ConnectionLostError, TimeoutError)):
            await client.call("Heartbeat", {}, timeout=0.5)
        await until(lambda: [name for name, _ in events] == ["disconnect", "open"], seconds=1)
        assert client.state is ConnectionState.OPEN

    @expects_console("WebSocket connection to .* failed")
    async def test_it_crashes_while_we_close(self, lab):
        client = await lab.connected(lab.puppet())
        closing = start(client.close())
        await lab.ask("puppet.hear_close", client.identity)
        await lab.ask("puppet.reset", client.identity)
        assert (await closing).code == 1006


class TestBadMessages:
    async def test_they_are_told_and_harm_nothing(self, lab):
        client = await lab.connected(lab.puppet())
        events = told(client, "bad_message")
        texts = ["no JSON", "{}", "[]", "[9]", '[3, "never asked", {}]', "[2, 1, 2]"]
        await lab.ask("puppet.say", client.identity, *texts)
        await until(lambda: len(events) >= 4)
        client.handle("Reset", lambda context: {"status": "Accepted"})
        await lab.ask("puppet.say", client.identity, [2, "good", "Reset", {}])
        on_message = await lab.ask("puppet.hear", client.identity)
        while on_message[1] != "good":
            on_message = await lab.ask("puppet.hear", client.identity)
        assert on_message == [3, "good", {"status": "Accepted"}]

    async def test_a_binary_one(self, lab):
        client = await lab.connected(lab.puppet())
        events = told(client, "bad_message")
        await lab.ask("puppet.say_bytes", client.identity, [0, 255, 10])
        await until(lambda: events)
        assert events[0][1].message == b"\x00\xff\n"
        assert client.state is ConnectionState.OPEN

    async def test_too_many_end_the_connection_though_a_page_may_not_say_1002(self, lab):
        client = await lab.connected(lab.puppet(), max_bad_messages=3, reconnect=False)
        events = told(client, "bad_message", "close")
        await lab.ask("puppet.say", client.identity, "one", "two", "three")
        code, reason = await lab.ask("puppet.hear_close", client.identity)
        assert code == 4002
        await lab.ask("puppet.say_close", client.identity, code, reason)
        await lab.ask("puppet.hang_up", client.identity)
        await until(lambda: client.state is ConnectionState.CLOSED)
        assert [name for name, _ in events] == ["bad_message"] * 3 + ["close"]
        assert events[-1][1].code == 4002

    async def test_nor_does_it_stay_where_the_server_does_not_answer(self, lab):
        client = await lab.connected(lab.puppet(), max_bad_messages=1, close_timeout=0.2, reconnect=False)
        await lab.ask("puppet.say", client.identity, "one")
        await until(lambda: client.state is ConnectionState.CLOSING)
        await until(lambda: client.state is ConnectionState.CLOSED)
