"""Calling the central system: answers, errors, time-outs, the window, and a page that has no time."""

import asyncio
import time
from typing import Any

import js
from lab import limited_to, raises, start, told, until
from pyodide.ffi import create_proxy

from ocpp_transports import (
    CallDroppedError,
    ConnectionLostError,
    RPCNotImplementedError,
    RPCSecurityError,
    TimeoutError,
)


def transfer(client, vendor, data="", **options):
    """Call what the central system answers as its `vendor` says, see `central.py`."""
    return client.call("DataTransfer", {"vendorId": vendor, "data": str(data)}, **options)


class TestAnswers:
    async def test_a_result(self, lab):
        client = await lab.connected()
        text = 'quotes " and \\, ü, 電, 😀, \x00'
        assert await transfer(client, "echo", text) == {"status": "Accepted", "data": text}
        assert await transfer(client, "echo", "x" * 1_000_000) == {"status": "Accepted", "data": "x" * 1_000_000}

    async def test_an_error_with_its_code_and_details(self, lab):
        client = await lab.connected()
        with raises(RPCSecurityError, match="as it was told to") as caught:
            await transfer(client, "fail", "SecurityError")
        assert (caught[0].code, caught[0].details, caught[0].remote) == ("SecurityError", {"told": True}, True)

    async def test_an_action_that_the_server_does_not_know(self, lab):
        client = await lab.connected()
        with raises(RPCNotImplementedError):
            await client.call("StopTransaction", {}, timeout=5)

    async def test_a_safe_call_does_not_raise(self, lab):
        client = await lab.connected()
        assert await client.safe_call("DataTransfer", {"vendorId": "fail", "data": "GenericError"}) is None
        assert "currentTime" in await client.safe_call("Heartbeat", {})

    async def test_arguments_that_make_no_sense_raise_at_once(self, lab):
        client = await lab.connected()
        with raises(TypeError):
            await client.call("Heartbeat", [])
        with raises(ValueError):
            await client.call("ocpp2.1", "Heartbeat", {})
        with raises(TypeError):
            await client.call("", {})
        with raises(ValueError):
            await transfer(client, "echo", "a lone surrogate \ud800")
        assert await lab.ask("central.calls", client.identity) == []

    async def test_without_a_connection_nothing_is_sent(self, lab):
        client = lab.client()
        with raises(ConnectionLostError) as caught:
            await client.call("Heartbeat", {})
        assert caught[0].sent is False
        with raises(ConnectionLostError):
            await client.send_raw("[]")

    async def test_a_send_of_2_1_has_no_answer(self, lab):
        client = await lab.connected(lab.puppet(), protocols=["ocpp2.1"])
        await client.notify("NotifyPeriodicEventStream", {"id": 1})
        on_message = await lab.ask("puppet.hear", client.identity)
        assert (on_message[0], on_message[2:]) == (6, ["NotifyPeriodicEventStream", {"id": 1}])

    async def test_text_as_it_is(self, lab):
        client = await lab.connected()
        await client.send_raw('[2, "raw-1", "Heartbeat", {}]')
        text = '[2, "raw-2", "DataTransfer", {"vendorId": "echo", "data": "here"}]'
        assert await client.send_raw(text, expect_reply=True) == {"status": "Accepted", "data": "here"}
        assert [action for action, _ in await lab.ask("central.calls", client.identity)] == [
            "Heartbeat",
            "DataTransfer",
        ]


class TestTheWindow:
    async def test_one_call_at_a_time(self, lab):
        client = await lab.connected()
        calls = [start(transfer(client, "hold", number)) for number in range(3)]
        for number in range(3):
            await until(lambda number=number: client.pending == 3 - number)
            await asyncio.sleep(0.03)
            assert len(await lab.ask("central.calls", client.identity)) == number + 1
            await lab.ask("central.release", client.identity)
            assert (await calls[number])["data"] == str(number)

    async def test_or_as_many_as_the_option_says(self, lab):
        client = await lab.connected(call_concurrency=3)
        calls = [start(transfer(client, "hold", number)) for number in range(4)]
        await asyncio.sleep(0.1)
        assert len(await lab.ask("central.calls", client.identity)) == 3
        await lab.ask("central.release", client.identity)
        await asyncio.wait(calls[:3])
        await asyncio.sleep(0.05)
        await lab.ask("central.release", client.identity)
        assert [(await call)["data"] for call in calls] == ["0", "1", "2", "3"]

    async def test_the_option_can_be_changed_meanwhile(self, lab):
        client = await lab.connected()
        calls = [start(transfer(client, "hold", number)) for number in range(3)]
        await asyncio.sleep(0.05)
        client.reconfigure(call_concurrency=3)
        await asyncio.sleep(0.05)
        await lab.ask("central.release", client.identity)
        assert len(await asyncio.gather(*calls)) == 3

    async def test_two_hundred_queued_calls_get_their_own_answers_in_order(self, lab):
        client = await lab.connected()
        done = []

        async def one(number):
            done.append((await transfer(client, "echo", number))["data"])

        began = time.monotonic()
        await asyncio.gather(*(one(number) for number in range(200)))
        assert done == [str(number) for number in range(200)]
        assert time.monotonic() - began < 4

    async def test_too_many_are_dropped(self, lab):
        client = await lab.connected(max_queued=2)
        calls = [start(transfer(client, "hold", number)) for number in range(4)]
        with raises(CallDroppedError):
            await calls[3]
        for _ in range(3):
            await asyncio.sleep(0.05)
            await lab.ask("central.release", client.identity)
        assert [(await call)["data"] for call in calls[:3]] == ["0", "1", "2"]

    async def test_an_urgent_one_goes_first(self, lab):
        client = await lab.connected()
        calls = [start(transfer(client, "wait", 0.05)) for _ in range(2)]
        await asyncio.sleep(0)
        await client.call_immediate("Heartbeat", {})
        assert [call.done() for call in calls] == [True, False]
        await asyncio.gather(*calls)

    async def test_a_cancelled_call_leaves_the_others_alone(self, lab):
        client = await lab.connected()
        calls = [start(transfer(client, "echo", number)) for number in range(3)]
        await asyncio.sleep(0)
        calls[1].cancel()
        await asyncio.wait(calls)
        assert [call.cancelled() for call in calls] == [False, True, False]
        assert calls[2].result()["data"] == "2"


class TestTimeOuts:
    async def test_a_call_without_an_answer(self, lab):
        client = await lab.connected(call_timeout=0.2)
        began = time.monotonic()
        with raises(TimeoutError):
            await transfer(client, "hold")
        assert 0.19 < time.monotonic() - began < 3
        assert "currentTime" in await client.call("Heartbeat", {})

    async def test_an_answer_that_comes_too_late_harms_nothing(self, lab):
        client = await lab.connected()
        with raises(TimeoutError):
            await transfer(client, "hold", timeout=0.05)
        await lab.ask("central.release", client.identity)
        assert (await transfer(client, "echo", "next"))["data"] == "next"

    async def test_a_call_that_never_got_its_turn(self, lab):
        client = await lab.connected()
        first = start(transfer(client, "hold"))
        await asyncio.sleep(0)
        with raises(TimeoutError, match="not sent within its time to live"):
            await client.call("Heartbeat", {}, ttl=0.1)
        await lab.ask("central.release", client.identity)
        await first
        assert [action for action, _ in await lab.ask("central.calls", client.identity)] == ["DataTransfer"]

    async def test_a_repeated_call_gets_through(self, lab):
        client = await lab.connected(lab.puppet())
        call = start(client.call("Heartbeat", {}, timeout=0.1, retries=1, retry_delay=0.05))
        first = await lab.ask("puppet.hear", client.identity)
        second = await lab.ask("puppet.hear", client.identity)
        assert first[2:] == second[2:]
        await lab.ask("puppet.say", client.identity, [3, second[1], {"currentTime": "now"}])
        assert await call == {"currentTime": "now"}

    async def test_none_of_many_gets_lost(self, lab):
        """Timers of pages ring early, and Pyodide's loop refuses times that have passed."""
        client = await lab.connected(lab.puppet(), call_concurrency=50)

        async def one(number):
            with raises(TimeoutError):
                await client.call("Heartbeat", {}, timeout=0.02 + number % 50 / 1000)

        for _ in range(8):
            await asyncio.gather(*(one(number) for number in range(50)))


def block(seconds):
    """Keep the page from doing anything else."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


class TestAPageThatHasNoTime:
    async def test_a_time_out_that_comes_late_looks_first_whether_the_answer_is_there(self, lab):
        client = await lab.connected(call_timeout=0.2)
        for seconds in (0.05, 0.35):  # before its time, and after it
            call = start(transfer(client, "wait", seconds))
            await asyncio.sleep(0.02)
            block(0.5)
            assert await call == {"status": "Accepted"}

    async def test_and_rings_all_the_same_where_it_is_not(self, lab):
        client = await lab.connected(call_timeout=0.1)
        call = start(transfer(client, "hold"))
        await asyncio.sleep(0.02)
        block(0.4)
        with raises(TimeoutError):
            await call

    @limited_to(20)
    async def test_a_hidden_tab_whose_timers_ring_once_a_second(self, lab):
        client = await lab.connected(call_timeout=0.2, call_concurrency=2)
        events = told(client, "open")
        with throttled():
            began = time.monotonic()
            outcomes: Any = await asyncio.gather(
                transfer(client, "wait", 0.4), transfer(client, "hold"), return_exceptions=True
            )
            late, lost = outcomes
            assert late == {"status": "Accepted"}  # it came after its time, but before anybody had looked
            assert isinstance(lost, TimeoutError), lost
            assert 0.8 < time.monotonic() - began < 4
            assert (await transfer(client, "echo", "in no time"))["data"] == "in no time"
            await lab.ask("central.drop", client.identity)
            await until(lambda: events, seconds=10)


class throttled:  # noqa: N801 - it is used as a function is
    """Round all timers of the page up to whole seconds, as browsers do it in hidden tabs."""

    def __enter__(self):
        self._original = original = js.setTimeout
        self._proxy = create_proxy(lambda fn, delay=0, *rest: original(fn, -(-delay // 1000) * 1000, *rest))
        js.setTimeout = self._proxy

    def __exit__(self, *_):
        js.setTimeout = self._original
        self._proxy.destroy()
