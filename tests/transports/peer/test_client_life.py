"""OCPPClient: coming back, closing, what it tells meanwhile."""

import anyio
import pytest

from ocpp_transports import (
    ClosedError,
    ConnectionState,
    OCPPClient,
    UnexpectedHttpResponse,
)
from ocpp_transports.events import (
    CloseEvent,
    ConnectingEvent,
    DisconnectEvent,
    ErrorEvent,
    OpenEvent,
    ReconnectEvent,
)
from tests.transports.pairs import SECONDS, client_of, first, never, pair, refusing, serving, station_of, staying

pytestmark = pytest.mark.anyio


class TestReconnecting:
    async def test_tells_of_every_step(self):
        async with pair(backoff_min=0.01, backoff_max=0.01) as (client, station), client.events() as events:
            await station.close(4001, "go away")
            assert await first(events) == DisconnectEvent(4001, "go away")
            reconnect = await first(events)
            assert isinstance(reconnect, ReconnectEvent)
            assert reconnect.attempt == 1
            assert 0.005 <= reconnect.delay <= 0.01
            assert await first(events) == ConnectingEvent(client._options.address.url)
            assert await first(events) == OpenEvent("ocpp1.6")

    async def test_does_not_wait_for_the_old_stream_to_end(self):
        async with staying() as server:
            client = client_of(server, close_timeout=10 * SECONDS)
            async with client, client.events("disconnect") as events:
                await client.connect()
                assert await first(events) == DisconnectEvent(1012, "restart")
                assert await first(events) == DisconnectEvent(1012, "restart")
                assert server.streams >= 2
                server.leave()

    async def test_follows_too_many_bad_messages_too(self):
        async with pair(max_bad_messages=1) as (client, station), client.events("disconnect", "open") as events:
            await station.send_raw("{")
            assert await first(events) == DisconnectEvent(1002, "Too many bad messages")
            assert await first(events) == OpenEvent("ocpp1.6")

    async def test_keeps_handlers_and_protocol(self):
        async with serving() as (server, listener), client_of(listener) as client, client.events("open") as opens:
            client.handle("Reset", lambda ctx: {"status": "Accepted"})
            await client.connect()
            await first(opens)
            await (await station_of(server)).close()
            assert client.protocol == "ocpp1.6"
            await first(opens)
            assert await server.call("CP1", "Reset", {"type": "Soft"}) == {"status": "Accepted"}

    async def test_switched_off_ends_with_the_connection(self):
        async with pair(reconnect=False) as (client, station), client.events("disconnect", "close") as events:
            await station.close(4001, "go away")
            assert await first(events) == DisconnectEvent(4001, "go away")
            assert await first(events) == CloseEvent(4001, "go away")
            assert client.state is ConnectionState.CLOSED

    async def test_gives_up_after_max_reconnects(self):
        async with serving() as (server, listener):
            options = {"max_reconnects": 2, "backoff_min": 0.01, "backoff_max": 0.01}
            async with client_of(listener, **options) as client, client.events("reconnect", "close") as events:
                await client.connect()
                server.auth(lambda accept, reject, handshake: reject(403))
                await (await station_of(server)).close()
                seen = [await first(events) for _ in range(2)]
                assert [event.attempt for event in seen] == [1, 2]
                assert (await first(events)).code == 1001

    async def test_retry_initial_connect_raises_and_goes_on(self):
        answers = iter([403, None])

        def auth(accept, reject, handshake):
            status = next(answers)
            accept() if status is None else reject(status)

        async with (
            serving(auth=auth) as (_, listener),
            client_of(listener, retry_initial_connect=True) as client,
            client.events("open") as opens,
        ):
            with pytest.raises(UnexpectedHttpResponse):
                await client.connect()
            assert client.state is ConnectionState.CONNECTING
            assert await first(opens) == OpenEvent("ocpp1.6")

    async def test_failed_attempts_are_errors_to_listeners(self):
        async with refusing() as (_, listener), client_of(listener) as client, client.events("error") as errors:
            with pytest.raises(UnexpectedHttpResponse):
                await client.connect()
            event = await first(errors)
            assert isinstance(event, ErrorEvent)
            assert isinstance(event.error, UnexpectedHttpResponse)

    async def test_closing_while_waiting_ends_it(self):
        async with (
            pair(backoff_min=1000, backoff_max=1000) as (client, station),
            client.events("reconnect") as events,
        ):
            await station.close()
            await first(events)
            states = [client.state]
            assert await client.close() == CloseEvent(1000, "")
            assert [*states, client.state] == [ConnectionState.CONNECTING, ConnectionState.CLOSED]


class TestClosing:
    async def test_arrives_with_code_and_reason(self):
        async with pair() as (client, station), station.events("close", "disconnect") as events:
            assert await client.close(4001, "maintenance") == CloseEvent(4001, "maintenance")
            assert await first(events) == DisconnectEvent(4001, "maintenance")
            assert await first(events) == CloseEvent(4001, "maintenance")

    async def test_again_gives_the_same_and_without_a_connection_nothing_happens(self):
        async with pair() as (client, _):
            assert await client.close(4001) == CloseEvent(4001, "")
            assert await client.close() == CloseEvent(4001, "")
        assert await OCPPClient("CP1", "ws://csms", protocols=["ocpp1.6"]).close() == CloseEvent(1000, "")

    async def test_waits_for_the_calls_in_flight(self):
        async with pair() as (client, station):
            requests = []

            @station.handle("Heartbeat")
            async def heartbeat(ctx):
                requests.append(ctx)
                await closing.wait()
                return {"currentTime": "now"}

            closing, results = anyio.Event(), []

            async def call():
                results.append(await client.call("Heartbeat", {}))

            async with anyio.create_task_group() as tasks, client.events("message") as messages:
                tasks.start_soon(call)
                await first(messages)
                tasks.start_soon(client.close)
                await anyio.wait_all_tasks_blocked()
                assert client.state is ConnectionState.CLOSING
                with pytest.raises(ClosedError):
                    await client.call("Heartbeat", {})
                closing.set()
            assert results == [{"currentTime": "now"}]

    @pytest.mark.parametrize("how", [{"await_pending": False}, {"force": True}])
    async def test_need_not_wait_for_them(self, how):
        async with pair() as (client, station):
            station.handle("Heartbeat", lambda ctx: never())
            errors = []

            async def call():
                with pytest.raises(ClosedError) as caught:
                    await client.call("Heartbeat", {})
                errors.append(caught.value)

            async with anyio.create_task_group() as tasks, client.events("message") as messages:
                tasks.start_soon(call)
                await first(messages)
                await client.close(**how)
            assert errors[0].sent

    async def test_by_force_skips_the_close_handshake(self):
        async with pair() as (client, station), station.events("close") as events:
            await client.close(force=True)
            assert (await first(events)).code == 1006

    async def test_ends_although_a_call_times_out_meanwhile(self):
        async with pair() as (client, station):
            station.handle("Heartbeat", lambda ctx: never())

            async def call():
                with pytest.raises(TimeoutError):
                    await client.call("Heartbeat", {}, timeout=0.05)

            async with anyio.create_task_group() as tasks, client.events("message") as messages:
                tasks.start_soon(call)
                await first(messages)
                with anyio.fail_after(SECONDS):
                    await client.close()

    async def test_cuts_a_long_reason(self):
        async with pair() as (client, station), station.events("close") as events:
            await client.close(4001, "ü" * 100)
            assert (await first(events)).reason == "ü" * 61

    @pytest.mark.parametrize("code", [999, 1005, 1006, 1015, 2000, 5000])
    async def test_refuses_a_code_that_must_not_be_sent(self, code):
        async with pair() as (client, _):
            with pytest.raises(ValueError, match="close code"):
                await client.close(code)
            assert client.state is ConnectionState.OPEN

    async def test_by_the_block_when_it_ends(self):
        async with serving() as (server, listener):
            async with client_of(listener) as client:
                await client.connect()
                events = (await station_of(server)).events("close")
            assert (await first(events)).code == 1000
            assert client.state is ConnectionState.CLOSED

    async def test_lets_the_exception_of_a_block_through_as_it_is(self):
        async with serving() as (_, listener):

            async def fail():
                async with client_of(listener) as client:
                    await client.connect()
                    raise KeyError("mine")

            with pytest.raises(KeyError, match="mine"):
                await fail()


CLOSED = "the client is closed[:;] call connect\\(\\) first"


class TestCallsOfAClientThatIsNotConnected:
    @pytest.mark.parametrize("offline_queue", [True, False])
    async def test_settle_at_once_after_the_close(self, offline_queue):
        async with serving() as (server, listener):
            server.handle("Heartbeat", lambda context: {})
            async with client_of(listener, offline_queue=offline_queue) as client:
                await client.connect()
                await client.close()
                with anyio.fail_after(SECONDS), pytest.raises(ClosedError, match=CLOSED):
                    await client.call("Heartbeat")
                await client.connect()
                assert await client.call("Heartbeat") == {}
            with anyio.fail_after(SECONDS), pytest.raises(ClosedError, match=CLOSED):  # the block has ended
                await client.call("Heartbeat")

    @pytest.mark.parametrize("offline_queue", [True, False])
    async def test_settle_at_once_when_it_was_closed_before_it_ever_connected(self, offline_queue):
        client = OCPPClient("CP1", "ws://127.0.0.1:9", protocols=["ocpp1.6"], offline_queue=offline_queue)
        await client.close()
        with anyio.fail_after(SECONDS), pytest.raises(ClosedError, match=CLOSED):
            await client.call("Heartbeat")

    async def test_settle_at_once_when_it_gave_up(self):
        async with serving() as (server, listener):
            options = {"max_reconnects": 1, "offline_queue": True}
            async with client_of(listener, **options) as client, client.events("close") as closes:
                await client.connect()
                server.auth(lambda accept, reject, handshake: reject(403))
                await (await station_of(server)).close()
                await first(closes)
                with anyio.fail_after(SECONDS), pytest.raises(ClosedError, match=CLOSED):
                    await client.call("Heartbeat")

    async def test_say_what_they_wait_for(self, caplog):
        async with serving() as (server, listener), client_of(listener, offline_queue=True) as client:
            server.handle("Heartbeat", lambda context: {})
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(client.call, "Heartbeat")
                await anyio.wait_all_tasks_blocked()
                assert "CP1: call waits for connect(): Heartbeat" in caplog.text
                with anyio.fail_after(SECONDS):
                    await client.connect()


class TestEvents:
    async def test_of_a_whole_life_come_in_order(self):
        async with serving() as (_, listener), client_of(listener) as client:
            seen = []
            for name in ("connecting", "open", "reconnect", "disconnect", "close", "error"):
                client.on(name, lambda event, name=name: seen.append(name))
            await client.connect()
            await client.close()
            assert seen == ["connecting", "open", "close"]

    async def test_iteration_ends_after_the_close(self):
        async with serving() as (_, listener), client_of(listener) as client:
            events = client.events("open", "close")
            await client.connect()
            await client.close()
            assert [event async for event in events] == [OpenEvent("ocpp1.6"), CloseEvent(1000, "")]

    async def test_can_be_awaited_before_the_connection(self):
        async with serving() as (_, listener), client_of(listener) as client, anyio.create_task_group() as tasks:
            opens = client.events("open")
            tasks.start_soon(client.connect)
            assert await first(opens) == OpenEvent("ocpp1.6")

    async def test_of_one_kind_may_be_listened_to_once_or_no_more(self):
        async with pair() as (client, station):
            seen = []
            station.handle("Heartbeat", lambda ctx: {})
            client.once("call", lambda event: seen.append("once"))
            listener = client.on("call", lambda event: seen.append("on"))
            await client.call("Heartbeat")
            client.off("call", listener)
            await client.call("Heartbeat")
            assert seen == ["once", "on"]

    async def test_asynchronous_close_listeners_get_a_moment(self):
        async with serving() as (_, listener):
            client, told = client_of(listener), []

            @client.on("close")
            async def closed(event):
                await anyio.lowlevel.checkpoint()
                told.append(event)

            async with client:
                await client.connect()
        assert told == [CloseEvent(1000, "")]

    async def test_messages_of_both_directions_are_told(self):
        async with pair() as (client, station), client.events("message") as messages:
            station.handle("Heartbeat", lambda ctx: {"currentTime": "now"})
            await client.call("Heartbeat", {})
            sent, received = await first(messages), await first(messages)
            assert (sent.direction.name, sent.action, sent.payload) == ("OUT", "Heartbeat", {})
            assert (received.direction.name, received.action, received.payload) == (
                "IN",
                "Heartbeat",
                {"currentTime": "now"},
            )
            assert received.message_id == sent.message_id
            assert received.latency >= 0
            assert sent.latency is None

    async def test_broken_messages_are_told(self):
        async with pair() as (client, station), client.events("bad_message") as events:
            await station.send_raw("{nonsense")
            event = await first(events)
            assert event.message == "{nonsense"
            assert isinstance(event.error, Exception)

    @pytest.mark.parametrize("answer", ['[3,"nobody",{}]', '[4,"nobody","GenericError","",{}]'])
    async def test_answers_to_no_call_are_told_with_them(self, answer):
        async with pair() as (client, station), client.events("bad_message") as events:
            await station.send_raw(answer)
            event = await first(events)
            assert event.message == answer
            assert "a response to no outstanding CALL" in str(event.error)

    async def test_answers_that_may_be_to_a_raw_text_are_not(self):
        async with pair() as (client, station), client.events("bad_message") as events:
            await client.send_raw('[2,"raw","Heartbeat"]')  # answered by a CALLERROR
            await client.safe_call("Heartbeat", {})
            await station.send_raw("{nonsense")
            assert (await first(events)).message == "{nonsense"

    async def test_pings_are_told(self):
        async with (
            pair(server={"ping_interval": 0.01}, ping_interval=0.01) as (client, _),
            client.events("ping") as pings,
            client.events("pong") as pongs,
        ):
            await first(pings)
            await first(pongs)
