"""Calls in both directions, whatever carries the messages."""

from functools import partial

import anyio
import pytest

from ocpp_core.actions import Direction
from ocpp_transports import (
    ConnectionLostError,
    RPCInternalError,
    RPCNotImplementedError,
)
from tests.transports.pairs import SECONDS, first, never, station_of

pytestmark = pytest.mark.anyio


class TestCalls:
    @pytest.mark.parametrize("protocol", ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"])
    async def test_go_both_ways_in_every_version(self, serving, protocol):
        async with serving(protocols=[protocol]) as door, door.client(protocols=[protocol]) as client:
            client.handle("Reset", lambda ctx: {"status": "Accepted"})
            assert await client.connect() == protocol
            assert await client.call("Heartbeat", {}) == {"currentTime": "2026-01-01T00:00:00Z"}
            station = await station_of(door.server)
            assert await station.call("Reset", {"type": "Soft"}) == {"status": "Accepted"}

    async def test_may_be_made_by_a_handler(self, serving):
        async with serving() as door, door.client() as client:

            @client.handle("TriggerMessage")
            async def trigger(ctx):
                return {"status": (await ctx.client.call("Heartbeat", {}))["currentTime"]}

            await client.connect()
            answer = await (await station_of(door.server)).call("TriggerMessage", {})
            assert answer == {"status": "2026-01-01T00:00:00Z"}

    async def test_keep_their_order(self, serving):
        async with serving() as door, door.client(call_concurrency=50) as client:
            called, seen = [], []
            door.server.handle("DataTransfer", lambda ctx: seen.append(ctx.params["data"]))

            async def call(number):
                called.append(number)
                await client.call("DataTransfer", {"vendorId": "v", "data": number})

            await client.connect()
            async with anyio.create_task_group() as tasks:
                for number in range(200):
                    tasks.start_soon(call, number)
            assert seen == called
            assert len(seen) == 200

    async def test_may_be_long(self, serving):
        async with serving() as door, door.client() as client:
            door.server.handle("DataTransfer", lambda ctx: {"status": "Accepted", "data": ctx.params["data"]})
            await client.connect()
            data = "ü" * 300_000
            assert (await client.call("DataTransfer", {"vendorId": "v", "data": data}))["data"] == data

    async def test_without_a_handler_are_answered_by_not_implemented(self, serving):
        async with serving() as door, door.client() as client:
            await client.connect()
            with pytest.raises(RPCNotImplementedError):
                await client.call("Authorize", {"idTag": "1"})

    async def test_that_are_repeated_under_their_id_have_one_answer_and_one_handler(self, serving):
        async with serving() as door, door.client() as client:
            begun, copied = [], anyio.Event()

            async def authorize(ctx):
                begun.append(ctx.message_id)
                await copied.wait()
                return {"served": len(begun)}

            def sent(event):
                if event.frame[1] == "same" and event.direction is Direction.OUT:
                    sent_ids.append("same")
                    if len(sent_ids) > 1:
                        copied.set()

            sent_ids = []
            door.server.handle("Authorize", authorize)
            client.on("call", sent)
            await client.connect()
            answer = {"served": 1}
            assert (
                await client.call("Authorize", {}, message_id="same", timeout=0.1, retries=100, retry_delay=0.01)
                == answer
            )
            assert await client.call("Authorize", {}, message_id="same") == answer, "now it is remembered"
            assert begun == ["same"]

    async def test_begin_in_the_order_of_arrival_whatever_serves_them(self, serving):
        async with serving() as door, door.client(call_concurrency=6) as client:
            begun = []

            async def start(ctx):
                begun.append(ctx.action)
                await anyio.lowlevel.checkpoint()

            door.server.handle("StartTransaction", start)
            for action in ("MeterValues", "StopTransaction"):
                door.server.handle(action, lambda ctx: begun.append(ctx.action))
            await client.connect()
            called = []

            async def call(action):
                called.append(action)
                await client.call(action, {})

            async with anyio.create_task_group() as tasks:
                for action in ("StartTransaction", "MeterValues", "StopTransaction") * 2:
                    tasks.start_soon(call, action)
            assert begun == called

    async def test_in_flight_at_a_loss_have_an_unknown_outcome(self, serving):
        async with serving() as door, door.client(reconnect=False) as client:
            door.server.handle("Authorize", lambda ctx: never())
            await client.connect()
            station = await station_of(door.server)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(partial(station.close, 4001, await_pending=False))
                with pytest.raises(ConnectionLostError) as lost:
                    await client.call("Authorize", {"idTag": "1"})
            assert lost.value.sent


class TestABurst:
    """Nothing of it is lost or refused, and nobody else waits for it."""

    @pytest.mark.parametrize("kind", ["plain", "slow"])
    async def test_of_calls_and_sends_is_served_whole_and_in_order(self, serving, kind):
        begun, gate = [], anyio.Event()

        def plain(ctx):
            begun.append((ctx.action, ctx.params["n"]))
            return {}

        async def slow(ctx):
            plain(ctx)
            await gate.wait()

        names = ("StartTransaction", "NotifyPeriodicEventStream")
        async with (
            serving(protocols=["ocpp2.1"]) as door,
            door.client(protocols=["ocpp2.1"], call_concurrency=1000) as client,
        ):
            for name in names:
                door.server.handle(name, {"plain": plain, "slow": slow}[kind], custom=True)
            await client.connect()
            answers = []

            async def call(number):
                answers.append(await client.call("StartTransaction", {"n": number}))

            with anyio.fail_after(SECONDS):
                async with anyio.create_task_group() as tasks:
                    for number in range(300):
                        tasks.start_soon(call, number)
                    await client.notify("NotifyPeriodicEventStream", {"n": -1})
                    for number in range(500):
                        await client.notify("NotifyPeriodicEventStream", {"n": number})
                    gate.set()
                assert await client.call("StartTransaction", {"n": 300}) == {}
        assert answers == [{}] * 300
        assert sorted(n for name, n in begun if name == names[0]) == list(range(301))
        assert [n for name, n in begun if name == names[1]] == list(range(-1, 500))

    async def test_of_handlers_that_call_their_peer_ends(self, serving):
        async with serving() as door, door.client(call_concurrency=200) as client:

            async def start(ctx):
                return await ctx.client.call("DataTransfer", {"vendorId": "v", "data": ctx.params["data"]})

            door.server.handle("StartTransaction", start)
            client.handle("DataTransfer", lambda ctx: {"status": "Accepted", "data": ctx.params["data"]})
            await client.connect()
            answers = set()

            async def call(number):
                answers.add((await client.call("StartTransaction", {"data": str(number)}))["data"])

            with anyio.fail_after(SECONDS):
                async with anyio.create_task_group() as tasks:
                    for number in range(132):
                        tasks.start_soon(call, number)
            assert answers == {str(number) for number in range(132)}

    async def test_of_one_station_keeps_no_other_waiting(self, serving):
        async with (
            serving() as door,
            door.client("BUSY", call_concurrency=1000) as busy,
            door.client("CALM") as calm,
        ):
            served = []
            door.server.handle("DataTransfer", lambda ctx: served.append(ctx.client.identity))
            await busy.connect()
            await calm.connect()

            async def call():
                await busy.call("DataTransfer", {"vendorId": "v"})

            with anyio.fail_after(SECONDS):
                async with anyio.create_task_group() as tasks:
                    for _ in range(1000):
                        tasks.start_soon(call)
                    await anyio.lowlevel.checkpoint()
                    await calm.call("DataTransfer", {"vendorId": "v"})
            assert served.index("CALM") < len(served) - 1, "it did not have to wait for the last of the others"
            assert len(served) == 1001


class TestAHandlerThatNeverReturns:
    async def test_is_answered_for_after_a_while(self, serving):
        async with serving(handler_timeout=0.05) as door, door.client() as client:
            door.server.handle("Authorize", lambda ctx: never())
            await client.connect()
            async with (await station_of(door.server)).events("handler_error") as errors:
                with pytest.raises(RPCInternalError):
                    await client.call("Authorize", {"idTag": "1"})
                assert isinstance((await first(errors)).error, TimeoutError)
