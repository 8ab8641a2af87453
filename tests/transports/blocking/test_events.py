"""Events of blocking clients and servers: iterators, listeners in threads, observers."""

import threading
from typing import Any

import pytest

from ocpp_transports import (
    TimeoutError,
)
from ocpp_transports.blocking import (
    BlockingServerClient,
    _events,
)
from ocpp_transports.events import CloseEvent, OpenEvent, StationEvent
from tests.transports.blocking.waiting import SECONDS, event


class TestEvents:
    def test_an_iterator_blocks_and_ends_with_the_connection(self, connect, server):
        with connect() as (client, station):
            events = station.events("close", "message")
            client.safe_call("Heartbeat")
            client.close()
            kinds = [type(each).__name__ for each in events]
        assert kinds == ["MessageEvent", "MessageEvent", "CloseEvent"]

    def test_it_raises_if_there_is_none_in_time_and_goes_on(self, connect, server):
        with connect() as (client, _), client.events("close", max_wait=0.01) as events:
            with pytest.raises(TimeoutError, match=r"no event within 0\.01 s"):
                next(events)
            client.close()
            assert next(events) == CloseEvent(1000, "")
            with pytest.raises(StopIteration):
                next(events)

    def test_one_that_nothing_iterates_over_any_more_keeps_no_events(self, connect, server):
        with connect() as (client, _):
            iterator = iter(client.events("message"))
            assert client.wrapped._emitter.listens("message")
            del iterator
            assert client.pending == 0  # the event loop has been there since
            assert not client.wrapped._emitter.listens("message")

    def test_listeners_run_in_a_thread_in_order_and_see_the_blocking_handle(self, connect, server):
        seen: list[Any] = []
        threads = set()
        done, wait = event()

        @server.on("client")
        @server.on("message")
        @server.on("close")
        def listen(payload):
            threads.add(threading.current_thread())
            seen.append(payload)
            if isinstance(payload, StationEvent) and isinstance(payload.event, CloseEvent):
                done()

        with connect() as (client, station):
            client.safe_call("Heartbeat")
        wait()
        assert seen[0] == station
        assert isinstance(seen[0], BlockingServerClient)
        assert [type(each.event).__name__ for each in seen[1:]] == ["MessageEvent", "MessageEvent", "CloseEvent"]
        assert {each.client for each in seen[1:]} == {station}
        assert threading.main_thread() not in threads

    def test_a_coroutine_function_listens_in_the_event_loop(self, connect, server):
        seen: list[Any] = []
        done, wait = event()

        @server.on("client")
        async def listen(station):
            seen.append((station, await station.wrapped.call("ClearCache", {})))
            done()

        with connect(before=lambda client: client.handle("ClearCache", lambda ctx: {"status": "Accepted"})) as pair:
            wait()
            assert seen == [(pair[1], {"status": "Accepted"})]
            server.off("client", listen)
            assert not server.wrapped._emitter.listens("client")

    def test_they_can_be_removed_and_listen_once(self, connect, server):
        seen: list[Any] = []
        with connect(before=lambda client: client.once("open", seen.append)) as (client, _):
            client.on("close", seen.append)
            client.off("close", seen.append)
            client.close()
            client.connect()
        assert seen == [OpenEvent("ocpp1.6")]

    def test_one_that_is_too_slow_loses_events_and_that_is_reported(self, connect, server, monkeypatch):
        monkeypatch.setattr(_events, "LIMIT", 2)
        release, seen = threading.Event(), []
        errors, wait = event()
        second, wait_for_second = event()

        def listen(payload):
            seen.append(payload)
            if len(seen) == 2:
                second()
            release.wait(SECONDS)

        with connect() as (client, station):
            station.on("message", listen)
            station.on("error", lambda error: errors() if "too slow" in str(error.error) else None)
            for _ in range(3):
                client.safe_call("Heartbeat")
            wait()
            release.set()
            wait_for_second()
        assert len(seen) == 2

    def test_an_observer_sees_the_blocking_handle(self, connect, server):
        seen = []
        server.observe(lambda event, client: seen.append(client))
        with connect() as (_, station):
            server.remove_observer(lambda event, client: None)
        assert station in seen
