"""Observers of a client, and what every observer may do."""

import asyncio
import logging
from collections import Counter
from typing import Any

import anyio
import pytest
import uvloop

from ocpp_core.actions import Direction
from ocpp_core.inputs import Close
from ocpp_transports import OCPPClient, OCPPServer, UnexpectedHttpResponse
from ocpp_transports._peer._observers import Observers
from ocpp_transports.events import (
    BadMessageEvent,
    CloseEvent,
    ConnectingEvent,
    DisconnectEvent,
    ErrorEvent,
    MessageEvent,
    OpenEvent,
)
from tests.transports.pairs import SECONDS, client_of, first, pair, refusing, serving, station_of


class Odd(BaseException):
    """Something that is not an Exception."""


async def asynchronous(event, client):
    """Observe as a coroutine function."""


class TestRegistration:
    @pytest.fixture
    def failures(self):
        return []

    @pytest.fixture
    def observers(self, failures):
        return Observers(lambda: None, failures.append)

    @pytest.mark.parametrize(
        ("observer", "words"),
        [
            (7, "expected a function as observer, got int"),
            (asynchronous, "expected a plain function as observer, got a coroutine function"),
            (lambda event: None, r"expected a function that takes 2 arguments \(event, client\) as observer"),
        ],
    )
    def test_takes_plain_functions_of_two_arguments_only(self, observers, observer, words):
        with pytest.raises(TypeError, match=words):
            observers.add(observer)
        assert not observers.is_wanted

    def test_takes_each_once(self, observers):
        seen: list[Any] = []

        def observer(event, client):
            seen.append(event)

        assert observers.add(observer) is observer
        with pytest.raises(ValueError, match="cannot add the observer: it observes already"):
            observers.add(observer)
        observers.notify("open", OpenEvent("ocpp1.6"), "a client")
        assert seen == [OpenEvent("ocpp1.6")]

    def test_reports_only_when_it_makes_a_difference(self):
        def forward(name, event, client):
            """Receive every event too."""

        def update():
            changes.append((observers.is_wanted, observers.wants_messages))

        changes: list[Any] = []
        observers: Observers[Any] = Observers(update, changes.append)
        first, second = observers.add(lambda event, client: None), observers.add(lambda event, client: 7)
        assert changes == [(True, True)]
        observers.remove(first)
        observers.remove(first)
        observers.forward_to(forward, messages=False)
        observers.remove(second)
        observers.forward_to(forward, messages=True)
        observers.forward_to(None, messages=False)
        assert changes == [(True, True), (True, False), (True, True), (False, False)]

    def test_may_change_while_events_are_told(self, observers, failures):
        def first(event, client):
            observers.remove(first)
            observers.add(second)

        def second(event, client):
            seen.append(event)

        seen: list[Any] = []
        observers.add(first)
        observers.notify("open", "one", "a client")
        observers.notify("open", "two", "a client")
        assert (seen, failures) == (["two"], [])


@pytest.mark.anyio
class TestAClient:
    async def test_tells_every_event_of_every_connection(self):
        async with serving() as (server, listener), client_of(listener) as client:
            server.handle("Heartbeat", lambda context: {})
            seen: list[Any] = []
            assert client.observe(lambda event, of: seen.append((event, of))) is not None
            await client.connect()
            await client.call("Heartbeat")
            async with client.events("open") as opens:
                await (await station_of(server)).close(4001, "again")
                await first(opens)
            await client.close()
        assert {of for _, of in seen} == {client}
        events = [event for event, _ in seen]
        assert [type(event) for event in events[:4]] == [ConnectingEvent, OpenEvent, MessageEvent, MessageEvent]
        call, result = events[2:4]
        assert (call.direction, call.action, call.latency) == (Direction.OUT, "Heartbeat", None)
        assert (result.direction, result.action) == (Direction.IN, "Heartbeat")
        assert result.latency >= 0
        assert DisconnectEvent(4001, "again") in events
        assert events[-1] == CloseEvent(1000, "")

    async def test_tells_of_a_connection_that_is_refused(self):
        async with refusing() as (_, listener), client_of(listener, reconnect=False) as client:
            seen: list[Any] = []
            client.observe(lambda event, of: seen.append(event))
            with pytest.raises(UnexpectedHttpResponse):
                await client.connect()
        assert [type(event) for event in seen] == [ConnectingEvent, ErrorEvent, CloseEvent]

    async def test_traces_messages_only_while_it_is_observed(self):
        async with pair() as (client, station):
            station.handle("Heartbeat", lambda context: {})
            seen: list[Any] = []

            @client.observe
            def observer(event, of):
                seen.append(event)

            await client.call("Heartbeat")
            assert client._traces
            client.remove_observer(observer)
            client.remove_observer(observer)
            assert not client._traces
            await client.call("Heartbeat")
            assert len(seen) == 2

    async def test_is_told_apart_from_the_other_clients_of_an_observer(self):
        async with serving() as (server, listener), client_of(listener) as one, client_of(listener, "CP2") as two:
            server.handle("Heartbeat", lambda context: {})
            calls: Counter[str] = Counter()

            def count(event, client):
                if isinstance(event, MessageEvent):
                    calls[client.identity] += 1

            for client in (one, two):
                client.observe(count)
                await client.connect()
            for client in (one, two, two):
                await client.call("Heartbeat")
        assert calls == {"CP1": 2, "CP2": 4}


@pytest.mark.anyio
class TestAnObserverThat:
    @pytest.mark.parametrize("error", [LookupError, asyncio.CancelledError, Odd])
    async def test_raises_is_logged_and_disturbs_nothing(self, caplog, error):
        def broken(event, of):
            raise error("of the application")

        async with pair() as (client, station):
            station.handle("Heartbeat", lambda context: {})
            seen: list[Any] = []
            client.on("error", seen.append)
            client.observe(broken)
            client.observe(lambda event, of: seen.append(type(event)))
            for _ in range(20):
                assert await client.call("Heartbeat") == {}
        assert seen == [MessageEvent] * 40 + [CloseEvent]
        texts = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
        assert texts[0] == "CP1: an observer raised"
        assert len(texts) < 10  # and the others are counted

    async def test_returns_a_coroutine_is_logged(self, caplog):
        async with pair() as (client, station):
            station.handle("Heartbeat", lambda context: {})
            client.observe(lambda event, of: asynchronous(event, of))
            assert await client.call("Heartbeat") == {}
        assert "expected a plain function as observer, got one that returned a coroutine" in caplog.text

    async def test_closes_the_connection_is_still_told_of_the_end(self):
        async with pair(server={"max_bad_messages": 100}, reconnect=False) as (client, station):
            seen: list[Any] = []

            @client.observe
            def observer(event, of):
                seen.append(type(event))
                if isinstance(event, BadMessageEvent):
                    of._driver.feed(Close(force=True))

            async with client.events("close") as closes:
                station.send_raw("no JSON")
                await first(closes)
        assert seen == [BadMessageEvent, CloseEvent]


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run, lambda main: anyio.run(lambda: main, backend="trio")])
@pytest.mark.parametrize("of_server", [True, False])
def test_an_observer_that_ends_the_program_ends_it(run, of_server):
    def end(event, client):
        if isinstance(event, OpenEvent):
            raise SystemExit("of the application")

    async def main():
        async with OCPPServer(protocols=["ocpp1.6"]) as server:
            listener = await server.listen(0, "127.0.0.1")
            url = f"ws://127.0.0.1:{listener.port}/ocpp"
            async with OCPPClient("CP1", url, protocols=["ocpp1.6"], reconnect=False) as client:
                (server if of_server else client).observe(end)
                await client.connect()
                await anyio.sleep(SECONDS)

    with pytest.raises(SystemExit, match="of the application"):
        run(main())
