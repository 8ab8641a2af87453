"""What a server tells of all its connections: to observers, and as its own events with the station."""

from typing import Any

import anyio
import pytest

from ocpp_transports.event_names import STATION_EVENTS
from ocpp_transports.events import (
    BadMessageEvent,
    CloseEvent,
    DisconnectEvent,
    ErrorEvent,
    MessageEvent,
    OpenEvent,
    PongEvent,
    SecurityEvent,
    StationEvent,
    UpgradeAbortedEvent,
    ViolationEvent,
)
from tests.transports.pairs import client_of, first, knock, refusing, serving, station_of, upgrade

pytestmark = pytest.mark.anyio


def is_traced(station):
    return station._traces


class TestObservers:
    async def test_are_told_of_every_connection_with_its_station(self):
        async with serving() as (server, listener), client_of(listener) as one, client_of(listener, "CP2") as two:
            server.handle("Heartbeat", lambda context: {})
            seen: list[Any] = []
            server.observe(lambda event, station: seen.append((station and station.identity, event)))
            for client in (one, two):
                await client.connect()
                await client.call("Heartbeat")
                station = await station_of(server, client.identity)
                async with station.events("close") as closes:
                    await client.close(1000, "bye")
                    await first(closes)
        for identity in ("CP1", "CP2"):
            opened, call, result, *end = (event for of, event in seen if of == identity)
            assert opened == OpenEvent("ocpp1.6")
            assert (call.type.name, result.type.name) == ("CALL", "CALLRESULT")
            assert result.latency >= 0
            assert end == [DisconnectEvent(1000, "bye"), CloseEvent(1000, "bye")]
        assert len(seen) == 10

    async def test_are_told_of_who_is_refused(self):
        async with refusing() as (server, listener):
            seen: list[Any] = []
            server.observe(lambda *told: seen.append(told))
            await knock(listener, upgrade())
        ((alarm, _), (event, station)) = seen
        assert isinstance(alarm, SecurityEvent)
        assert isinstance(event, UpgradeAbortedEvent)
        assert (event.identity, event.status, station) == ("CP1", 503, None)

    async def test_are_told_what_a_listener_of_the_server_raises(self):
        def broken(_):
            raise LookupError("of the application")

        async with serving() as (server, listener), client_of(listener) as client:
            seen: list[Any] = []
            server.on("client", broken)
            server.observe(lambda event, station: seen.append((type(event), station)))
            await client.connect()
            station = await station_of(server)
        assert seen[:2] == [(ErrorEvent, None), (OpenEvent, station)]

    async def test_switch_tracing_on_and_off_also_for_those_who_are_there(self):
        async with serving() as (server, listener), client_of(listener) as one, client_of(listener, "CP2") as two:
            server.handle("Heartbeat", lambda context: {})
            await one.connect()
            there = await station_of(server)
            assert not is_traced(there)
            seen: list[Any] = []

            @server.observe
            def observer(event, station):
                seen.append(event)

            await two.connect()
            late = await station_of(server, "CP2")
            assert is_traced(there)
            assert is_traced(late)
            for client in (one, two):
                await client.call("Heartbeat")
            assert [type(event) for event in seen] == [OpenEvent] + 4 * [MessageEvent]
            server.remove_observer(observer)
            assert not is_traced(there)
            assert not is_traced(late)
            async with there.events("message") as messages:
                await one.call("Heartbeat")
                assert (await first(messages)).action == "Heartbeat"
            assert not is_traced(there)
            assert len(seen) == 5

    async def test_see_nothing_of_the_server_s_own_end(self):
        async with serving() as (server, _):
            seen: list[Any] = []
            server.observe(lambda event, station: seen.append(event))
        assert seen == []


class TestEventsOfAllStations:
    async def test_come_with_their_station(self):
        told: dict[str, list[Any]] = {}
        async with (
            serving(strict_mode=True) as (server, listener),
            client_of(listener) as client,
        ):
            server.handle("Heartbeat", lambda context: {"currentTime": "2026-03-01T12:00:00Z"})
            for name in STATION_EVENTS:
                told[name] = []
                server.on(name, told[name].append)
            await client.connect()
            station = await station_of(server)
            async with station.events("close", "bad_message") as events:
                await client.call("Heartbeat")
                assert await client.safe_call("Heartbeat", {"surprise": 1}) is None
                client.send_raw("no JSON")
                assert isinstance(await first(events), BadMessageEvent)
                await client.close(1000, "bye")
                await first(events)
        assert all(type(each) is StationEvent and each.client is station for seen in told.values() for each in seen)
        events = {name: [each.event for each in seen] for name, seen in told.items()}
        assert events["open"] == [OpenEvent("ocpp1.6")]
        assert events["close"] == [CloseEvent(1000, "bye")]
        assert [event.type.name for event in events["message"]] == ["CALL", "CALLRESULT", "CALL", "CALLERROR"]
        for kind, types in {"call": ["CALL"] * 2, "call_result": ["CALLRESULT"], "call_error": ["CALLERROR"]}.items():
            assert [event.type.name for event in events[kind]] == types
        assert [type(event) for event in events["bad_message"]] == [BadMessageEvent]
        assert [type(event) for event in events["violation"]] == [ViolationEvent]

    @pytest.mark.parametrize(("name", "traces"), [("call", True), ("close", False), ("bad_message", False)])
    async def test_trace_messages_only_where_they_are_wanted(self, name, traces):
        async with serving() as (server, listener), client_of(listener) as client:
            await client.connect()
            station = await station_of(server)
            server.on(name, print)
            assert is_traced(station) is traces
            server.off(name, print)
            assert not is_traced(station)
            assert station._emitter.relay is server._emitter.relay is None

    async def test_can_be_iterated_over(self):
        async with serving() as (server, listener), client_of(listener) as client:
            server.handle("Heartbeat", lambda context: {})
            await client.connect()
            station = await station_of(server)
            async with server.events("call_result") as results:
                await client.call("Heartbeat")
                told = await first(results)
                assert (told.client, told.event.action) == (station, "Heartbeat")
            assert not is_traced(station)

    async def test_of_errors_stay_with_their_station(self):
        """`error` of a server is its own; that of a station is told there, and to observers."""

        def broken(_):
            raise LookupError("of the application")

        async with serving() as (server, listener), client_of(listener) as client:
            server.handle("Heartbeat", lambda context: {})
            own: list[Any] = []
            seen: list[Any] = []
            server.on("error", own.append)
            server.on("message", lambda _: None)
            server.observe(lambda event, station: seen.append((type(event), station)))
            await client.connect()
            station = await station_of(server)
            station.on("message", broken)
            await client.call("Heartbeat")
        assert own == []
        assert seen.count((ErrorEvent, station)) == 2

    async def test_give_asynchronous_listeners_of_the_end_a_moment(self):
        told = []

        async def closed(event):
            await anyio.lowlevel.checkpoint()
            told.append(event.client.identity)

        async with serving() as (server, listener), client_of(listener, reconnect=False) as client:
            server.on("close", closed)
            await client.connect()
            await station_of(server)
            await server.close()
        assert told == ["CP1"]

    async def test_end_with_the_server_and_begin_again_with_it(self):
        async with serving() as (server, listener), client_of(listener) as client:
            seen: list[Any] = []
            server.on("open", seen.append)
            await client.connect()
            async with client.events("open") as opens:
                await server.close()
                await server.listen(listener.port, "127.0.0.1")
                await first(opens)
                await station_of(server)
        assert seen[0].client is not seen[1].client

    async def test_leave_out_what_only_a_station_tells(self):
        with pytest.raises(ValueError, match="unknown event 'pong', expected one of"):
            async with serving() as (server, _):
                server.on("pong", print)

    async def test_of_pings_reach_observers_alone(self):
        async with serving(ping_interval=0.01) as (server, listener), client_of(listener) as client:
            seen: list[Any] = []
            told: list[Any] = []
            server.observe(lambda event, station: seen.append(event))
            for name in STATION_EVENTS:
                server.on(name, told.append)
            await client.connect()
            async with (await station_of(server)).events("pong") as pongs:
                await first(pongs)
            assert PongEvent() in seen
            assert [each.event for each in told] == [OpenEvent("ocpp1.6")]
