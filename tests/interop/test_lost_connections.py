"""Connections that die badly, over real sockets: resets in the middle of everything, half-open peers, slow ones."""

import socket
from contextlib import AsyncExitStack

import anyio
import pytest

from ocpp_transports import ClosedError, ConnectionLostError, ConnectionState, TimeoutError
from ocpp_transports.events import DisconnectEvent, PongTimeoutEvent
from tests.interop.raw import connected, hello, serves_a_good_station, station
from tests.link.wire import CLOSE, PING, PONG, TEXT, frame
from tests.transports.pairs import SECONDS, first, serving, station_of

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("nothing_left")]


async def wait(event):
    with anyio.fail_after(SECONDS):
        await event.wait()


class TestATcpReset:
    """At whatever moment: what was under way ends, and the server serves the next station."""

    @pytest.mark.parametrize(
        "begun",
        [
            pytest.param(b"", id="before the first byte"),
            pytest.param(hello()[:40], id="within the request"),
            pytest.param(b"nonsense\r\n\r\n", id="while it is refused"),
            pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", id="while a plain request is answered"),
        ],
    )
    async def test_during_the_handshake(self, begun):
        async with serving() as (server, listener):
            for _ in range(5):
                async with connected(listener.port) as raw:
                    if begun:
                        await raw.send(begun)
                    await raw.reset()
            await serves_a_good_station(server, listener)
            assert [client.identity for client in server.clients] in ([], ["good"])

    @pytest.mark.parametrize(
        "begun",
        [
            pytest.param(b"", id="between messages"),
            pytest.param(frame(TEXT, b'[2,"1","X",{}]')[:1], id="within a frame's header"),
            pytest.param(frame(TEXT, b'[2,"1","X",{}]')[:-1], id="within a frame's payload"),
            pytest.param(frame(TEXT, b'[2,"1",', fin=False), id="within a fragmented message"),
            pytest.param(frame(CLOSE, b"\x03\xe8"), id="behind a close frame"),
            pytest.param(frame(3), id="behind a broken frame"),
        ],
    )
    async def test_of_an_open_connection(self, begun):
        async with serving() as (server, listener):
            async with station(listener.port) as raw:
                handle = await station_of(server)
                async with handle.events("close") as ends:
                    if begun:
                        await raw.send(begun)
                    await raw.reset()
                    await first(ends)
            assert handle.state is ConnectionState.CLOSED
            assert server.clients == ()
            await serves_a_good_station(server, listener)

    async def test_while_a_handler_runs_is_told_to_the_handler(self):
        began, abandoned = anyio.Event(), anyio.Event()

        async def slow(ctx):
            began.set()
            await ctx.disconnected.wait()
            abandoned.set()
            return {}

        async with serving() as (server, listener), station(listener.port) as raw:
            server.handle("Slow", slow, custom=True)
            await raw.text([2, "1", "Slow", {}])
            await wait(began)
            await raw.reset()
            await wait(abandoned)

    async def test_while_calls_are_in_flight_and_waiting_settles_each_once_and_truly(self):
        errors = []
        async with serving() as (server, listener), station(listener.port) as raw:
            handle = await station_of(server)

            async def call(number):
                try:
                    await handle.call("DataTransfer", {"vendorId": str(number)})
                except ConnectionLostError as error:
                    errors.append((number, error.sent, error.close_code))

            async with anyio.create_task_group() as tasks:
                for number in range(5):
                    tasks.start_soon(call, number)
                called = await raw.message()
                await raw.reset()
        sent = int(called[3]["vendorId"])
        assert sorted(errors) == [(number, number == sent, 1006) for number in range(5)]

    async def test_while_we_write_faster_than_it_reads(self):
        async with serving(call_concurrency=50) as (server, listener), station(listener.port) as raw:
            handle = await station_of(server)
            lost = []

            async def call():
                try:
                    await handle.call("DataTransfer", {"data": "x" * 900_000})
                except ConnectionLostError as error:
                    lost.append(error.sent)

            async with anyio.create_task_group() as tasks:
                for _ in range(30):
                    tasks.start_soon(call)
                await raw.begins()
                await raw.reset()
            assert lost == [True] * 30
            await serves_a_good_station(server, listener)

    async def test_that_our_last_words_meet_is_no_fault_of_ours(self, caplog):
        """On loopback the reset is there when `send` returns: what is done to the socket next fails."""
        async with serving() as (server, listener):
            for _ in range(3):
                peer = socket.create_connection(("127.0.0.1", listener.port))
                await serves_a_good_station(server, listener)
                peer.send(hello(offer="ocpp0.1"))
                peer.close()
                await serves_a_good_station(server, listener)
        assert [record for record in caplog.records if record.levelname == "ERROR"] == []

    async def test_while_the_server_closes_ends_the_close(self):
        async with serving(close_timeout=SECONDS) as (server, listener), station(listener.port) as raw:
            handle = await station_of(server)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(server.close)
                assert (await raw.closed())[0] == 1001
                await raw.reset()
            assert handle.state is ConnectionState.CLOSED


class TestAHalfOpenConnection:
    """The peer is gone and nobody told us: its silence after a ping does."""

    async def test_is_dropped_after_the_pong_timeout(self):
        async with serving(ping_interval=0.05, pong_timeout=0.1) as (server, listener), station(listener.port) as raw:
            handle = await station_of(server)
            async with handle.events("pong_timeout", "disconnect") as events, anyio.create_task_group() as tasks:
                tasks.start_soon(self.lose_a_call, handle)
                assert await first(events) == PongTimeoutEvent("CP1")
                assert await first(events) == DisconnectEvent(1006, "")
            assert server.clients == ()
            await raw.drained()
            server.reconfigure(ping_interval=0)
            await serves_a_good_station(server, listener)

    async def lose_a_call(self, handle):
        with pytest.raises(ConnectionLostError) as caught:
            await handle.call("Reset", {"type": "Soft"})
        assert caught.value.sent

    async def test_makes_way_for_the_station_that_comes_back(self):
        async with serving(close_timeout=0.1) as (server, listener), station(listener.port) as old:
            handle = await station_of(server)
            server.handle("Heartbeat", lambda ctx: {})
            async with handle.events("close") as ends, station(listener.port) as new:
                await new.text([2, "1", "Heartbeat", {}])
                assert await new.message() == [3, "1", {}]
                assert (await old.closed())[0] == 4000
                assert (await first(ends)).code == 1006  # it never answered our close frame
                assert server.get_client("CP1").state is ConnectionState.OPEN
                await new.text([2, "2", "Heartbeat", {}])
                assert await new.message() == [3, "2", {}]


class TestASlowPeer:
    async def test_may_send_a_message_byte_by_byte(self):
        async with serving() as (server, listener), station(listener.port) as raw:
            server.handle("Count", lambda ctx: ctx.params, custom=True)
            message = frame(TEXT, b'[2,"1","Cou', fin=False) + frame(PING, b"still here") + frame(0, b'nt",{"n":1}]')
            await raw.send(*(bytes([byte]) for byte in message))
            assert await raw.frame() == (PONG, b"still here")
            assert await raw.message() == [3, "1", {"n": 1}]

    async def test_that_never_ends_its_message_costs_nobody_else_a_thing(self):
        async with serving() as (server, listener), AsyncExitStack() as stack:
            slow = [await stack.enter_async_context(station(listener.port, f"slow{n}")) for n in range(20)]
            for raw in slow:
                await raw.send(frame(TEXT, b"[2,", length=1 << 20))
            await serves_a_good_station(server, listener)
            for raw in slow:
                await raw.reset()

    async def test_that_does_not_answer_our_close_is_dropped_in_time(self):
        async with serving(close_timeout=0.1) as (server, listener), station(listener.port) as raw:
            handle = await station_of(server)
            with anyio.fail_after(SECONDS):
                assert (await handle.close(1000, "enough")).code == 1006
            assert await raw.closed() == (1000, "enough")
            await raw.drained()

    async def test_that_does_not_answer_holds_no_call_longer_than_its_time_out(self):
        async with serving(call_timeout=0.05) as (server, listener), station(listener.port) as raw:
            handle = await station_of(server)
            for _ in range(2):
                with pytest.raises(TimeoutError) as caught:
                    await handle.call("Reset", {"type": "Soft"})
                assert caught.value.sent
            first_id, second_id = (await raw.message())[1], (await raw.message())[1]
            await raw.text([3, first_id, {"status": "Accepted"}])  # late, and nobody is confused by it
            await raw.text([2, "1", "Nonsense", {}])
            assert (await raw.message())[:2] == [4, "1"]
            assert first_id != second_id


class TestOneIdTwice:
    """A station repeats a CALL under its id: one outcome and one handler, whatever becomes of the connection."""

    async def test_has_one_answer_and_one_handler(self):
        finish = anyio.Event()
        served = []

        async def slow(ctx):
            served.append(ctx.message_id)
            await finish.wait()
            return {"served": len(served)}

        async with serving() as (server, listener):
            server.handle("Slow", slow, custom=True)
            server.handle("Heartbeat", lambda ctx: {})
            async with station(listener.port) as raw:
                for _ in range(3):
                    await raw.text([2, "same", "Slow", {}])
                await raw.text([2, "other", "Heartbeat", {}])
                assert await raw.message() == [3, "other", {}], "the copies before it have no answer of their own"
                finish.set()
                assert await raw.message() == [3, "same", {"served": 1}]
                await raw.text([2, "same", "Slow", {}])
                assert await raw.message() == [3, "same", {"served": 1}]
                await raw.reset()
            async with station(listener.port) as raw:
                await raw.text([2, "same", "Slow", {}])
                assert await raw.message() == [3, "same", {"served": 1}]
            async with station(listener.port, "CP2") as raw:
                await raw.text([2, "same", "Slow", {}])
                assert await raw.message() == [3, "same", {"served": 2}], "another station's ids are its own"

    @pytest.mark.parametrize("is_reset", [True, False], ids=["reset", "half open"])
    async def test_has_one_handler_if_the_connection_is_lost_while_it_is_at_work(self, is_reset):
        finish, begun = anyio.Event(), anyio.Event()
        served = []

        async def slow(ctx):
            served.append(ctx.message_id)
            begun.set()
            await finish.wait()
            return {"served": len(served)}

        async with serving() as (server, listener), station(listener.port) as lost:
            server.handle("Slow", slow, custom=True)
            server.handle("Heartbeat", lambda ctx: {})
            await lost.text([2, "same", "Slow", {}])
            await wait(begun)
            if is_reset:
                await lost.reset()
            async with station(listener.port) as raw:
                await raw.text([2, "same", "Slow", {}])
                await raw.text([2, "other", "Heartbeat", {}])
                assert await raw.message() == [3, "other", {}]
                finish.set()
                assert await raw.message() == [3, "same", {"served": 1}]


class TestAnAnswerTwice:
    async def test_counts_once(self):
        async with serving() as (server, listener), station(listener.port) as raw:
            handle = await station_of(server)

            async def answer_twice():
                message_id = (await raw.message())[1]
                await raw.text([3, message_id, {"status": "Accepted"}])
                await raw.text([3, message_id, {"status": "Rejected"}])

            for _ in range(3):
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(answer_twice)
                    assert await handle.call("Reset", {"type": "Soft"}) == {"status": "Accepted"}


class TestACallDuringAClose:
    async def test_settles_as_closed(self):
        async with serving() as (server, listener), station(listener.port) as raw:
            handle = await station_of(server)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(handle.close)
                assert (await raw.closed())[0] == 1000
                with pytest.raises(ClosedError) as caught:
                    await handle.call("Reset", {"type": "Soft"})
                assert not caught.value.sent
                await raw.send(frame(CLOSE, (1000).to_bytes(2)))
