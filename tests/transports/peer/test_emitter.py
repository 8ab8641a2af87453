"""Listeners and iteration over user events."""

import sys
from dataclasses import fields
from math import inf, nan
from typing import Any, get_args

import anyio
import pytest

from ocpp_core.actions import Direction
from ocpp_transports._peer._emitter import Emitter
from ocpp_transports._peer._event_stream import MAX_SIZE
from ocpp_transports.event_names import PEER_EVENTS, SERVER_EVENTS, PeerEventName, ServerEventName
from ocpp_transports.events import (
    CloseEvent,
    ConnectionEvent,
    ErrorEvent,
    MessageEvent,
    OpenEvent,
    OverflowEvent,
    PeerEvent,
    StationEvent,
)
from tools.declarations import field_docs, source_of


class AnyioCompletion:
    """What runtimes make: set once, awaited once."""

    def __init__(self):
        self._event = anyio.Event()

    def done(self):
        return self._event.is_set()

    def set_result(self, result):
        self._event.set()

    def __await__(self):
        return self._event.wait().__await__()


class Tasks(list[Any]):
    """Coroutines that were spawned; `run` plays them to their end."""

    def run(self):
        for coro in self:
            with pytest.raises(StopIteration):
                coro.send(None)
        self.clear()


@pytest.fixture
def tasks():
    return Tasks()


@pytest.fixture
def logged():
    return []


@pytest.fixture
def emitter(tasks, logged):
    return Emitter(
        PEER_EVENTS, spawn=tasks.append, completion=AnyioCompletion, log=lambda text, error: logged.append(text)
    )


OPEN = OpenEvent("ocpp1.6")


class TestTheNames:
    @pytest.mark.parametrize(("names", "payloads"), [(PeerEventName, PEER_EVENTS), (ServerEventName, SERVER_EVENTS)])
    def test_that_a_type_checker_knows_are_those_that_are_told(self, names, payloads):
        assert get_args(names) == tuple(payloads)

    def test_every_payload_is_in_the_union_of_them(self):
        assert set(get_args(PeerEvent)) == set(PEER_EVENTS.values())

    def test_every_field_of_a_payload_is_documented(self):
        payloads = [*get_args(ConnectionEvent), OverflowEvent, StationEvent]
        documented = {
            payload.__name__: set(field_docs(source_of(sys.modules[payload.__module__]), payload.__name__))
            for payload in payloads
        }
        assert documented == {payload.__name__: {each.name for each in fields(payload)} for payload in payloads}


class TestListening:
    def test_every_listener_is_told_in_order_of_registration(self, emitter):
        seen: list[Any] = []
        emitter.on("open", lambda event: seen.append(("a", event)))
        emitter.on("open", lambda event: seen.append(("b", event)))
        emitter.emit("open", OPEN)
        assert seen == [("a", OPEN), ("b", OPEN)]

    def test_on_and_once_return_the_listener_also_as_decorators(self, emitter):
        seen: list[Any] = []
        assert emitter.on("open", seen.append) == seen.append

        @emitter.once("open")
        def only(event):
            seen.append("once")

        assert only(OPEN) is None
        seen.clear()
        emitter.emit("open", OPEN)
        emitter.emit("open", OPEN)
        assert seen == [OPEN, "once", OPEN]

    def test_off_removes_one_listener_or_all(self, emitter):
        seen: list[Any] = []
        others: list[Any] = []
        emitter.on("open", seen.append)
        emitter.on("open", others.append)
        emitter.off("open", seen.append)
        emitter.off("open", print)
        emitter.emit("open", OPEN)
        emitter.off("open")
        emitter.emit("open", OPEN)
        assert (seen, others) == ([], [OPEN])

    @pytest.mark.parametrize("use", ["on", "once", "off", "events"])
    def test_an_unknown_name_raises_with_the_list(self, emitter, use):
        with pytest.raises(ValueError, match=r"unknown event 'opened', expected one of: .*call_result.*open,"):
            getattr(emitter, use)("opened")

    def test_a_listener_must_be_callable(self, emitter):
        with pytest.raises(TypeError, match="expected a callable listener, got int"):
            emitter.on("open", 7)

    def test_a_listener_may_add_and_remove_listeners(self, emitter):
        seen: list[Any] = []

        def first(event):
            emitter.off("open", first)
            emitter.on("open", seen.append)

        emitter.on("open", first)
        emitter.emit("open", OPEN)
        assert seen == []
        emitter.emit("open", OPEN)
        assert seen == [OPEN]

    def test_tells_when_somebody_begins_or_ends_to_listen(self, tasks):
        changes: list[Any] = []
        own = Emitter(
            PEER_EVENTS,
            spawn=tasks.append,
            completion=AnyioCompletion,
            log=print,
            changed=lambda: changes.append(own.listens("message")),
        )
        own.on("message", print)
        own.off("message")
        stream = own.events("message", "open")
        stream.finish()
        assert changes == [True, False, True, False]


class TestOrder:
    def test_what_a_listener_causes_is_told_after_the_present_event(self, emitter):
        seen: list[Any] = []
        emitter.on("open", lambda event: emitter.emit("close", CloseEvent(1000, "")))
        emitter.on("open", lambda event: seen.append("open"))
        emitter.on("close", lambda event: seen.append("close"))
        emitter.emit("open", OPEN)
        assert seen == ["open", "close"]


class TestFailingListeners:
    def test_are_logged_and_reported_and_disturb_nobody(self, emitter, logged):
        seen: list[Any] = []
        errors: list[Any] = []

        def broken(event):
            raise RuntimeError("boom")

        emitter.on("open", broken)
        emitter.on("open", seen.append)
        emitter.on("error", errors.append)
        emitter.emit("open", OPEN)
        assert seen == [OPEN]
        assert [(type(event), str(event.error)) for event in errors] == [(ErrorEvent, "boom")]
        assert logged == ["a listener of the event 'open' raised"]

    def test_an_error_listener_that_raises_is_logged_only(self, emitter, logged):
        errors: list[Any] = []

        @emitter.on("error")
        def broken(event):
            errors.append(event)
            raise RuntimeError("again")

        emitter.emit("error", ErrorEvent(ValueError("first")))
        assert len(errors) == 1
        assert logged == ["a listener of the event 'error' raised"]

    def test_asynchronous_ones_too(self, emitter, tasks):
        errors: list[Any] = []

        async def broken(event):
            raise RuntimeError("boom")

        emitter.on("open", broken)
        emitter.on("error", errors.append)
        emitter.emit("open", OPEN)
        tasks.run()
        assert str(errors[0].error) == "boom"


class TestAsynchronousListeners:
    def test_run_as_tasks_of_the_owner(self, emitter, tasks):
        seen: list[Any] = []

        async def listener(event):
            seen.append(event)

        emitter.on("open", listener)
        emitter.emit("open", OPEN)
        assert seen == []
        tasks.run()
        assert seen == [OPEN]

    def test_after_is_called_when_all_have_returned(self, emitter, tasks):
        seen: list[Any] = []

        async def slow(event):
            seen.append("slow")

        emitter.on("open", slow)
        emitter.on("open", lambda event: seen.append("quick"))
        emitter.emit("open", OPEN, after=lambda: seen.append("after"))
        assert seen == ["quick"]
        tasks.run()
        assert seen == ["quick", "slow", "after"]

    def test_after_is_called_at_once_without_listeners(self, emitter):
        seen: list[Any] = []
        emitter.emit("open", OPEN, after=lambda: seen.append("after"))
        assert seen == ["after"]

    def test_after_is_called_when_one_raised(self, emitter, tasks):
        seen: list[Any] = []

        async def broken(event):
            raise RuntimeError("boom")

        emitter.on("open", broken)
        emitter.emit("open", OPEN, after=lambda: seen.append("after"))
        tasks.run()
        assert seen == ["after"]

    def test_that_is_refused_a_task_is_not_run_by_the_next_one(self, emitter, tasks, monkeypatch):
        """A server without a runtime closes what is to be run; it may have one again later."""
        seen: list[Any] = []
        over: list[Any] = []

        @emitter.on("open")
        async def listener(event):
            seen.append(event)

        with monkeypatch.context() as refusing:
            refusing.setattr(emitter, "_spawn", lambda coro: coro.close())
            emitter.emit("open", OPEN, after=lambda: over.append(1))
        assert over == [1]
        emitter.emit("open", OpenEvent("ocpp2.1"))
        tasks.run()
        assert seen == [OpenEvent("ocpp2.1")]


@pytest.mark.anyio
class TestIteration:
    async def test_gives_what_happened_since_in_order_and_ends(self, emitter):
        stream = emitter.events("open", "close")
        emitter.emit("open", OPEN)
        emitter.emit("ping", None)
        emitter.emit("close", CloseEvent(1000, "bye"))
        emitter.finish()
        assert [event async for event in stream] == [OPEN, CloseEvent(1000, "bye")]
        assert not emitter.listens("open", "close")

    async def test_waits_for_the_next_event(self, emitter):
        seen: list[Any] = []
        stream = emitter.events()

        async def read():
            seen.extend([event async for event in stream])

        async with anyio.create_task_group() as group:
            group.start_soon(read)
            await anyio.wait_all_tasks_blocked()
            emitter.emit("open", OPEN)
            await anyio.wait_all_tasks_blocked()
            emitter.finish()
        assert seen == [OPEN]

    async def test_says_how_many_events_it_missed_and_goes_on(self, emitter):
        stream = emitter.events("open", limit=2)
        for number in range(5):
            emitter.emit("open", OpenEvent(str(number)))
        assert [await anext(stream) for _ in range(3)] == [OpenEvent("0"), OpenEvent("1"), OverflowEvent(3)]
        emitter.emit("open", OPEN)
        assert await anext(stream) == OPEN

    async def test_ends_with_its_block(self, emitter):
        async with emitter.events("open") as stream:
            emitter.emit("open", OPEN)
        assert not emitter.listens("open")
        with pytest.raises(StopAsyncIteration):
            await anext(stream)

    async def test_is_for_one_task(self, emitter):
        stream = emitter.events("open")
        async with anyio.create_task_group() as group:
            group.start_soon(anext, stream)
            await anyio.wait_all_tasks_blocked()
            with pytest.raises(RuntimeError, match="another task already reads"):
                await anext(stream)
            emitter.emit("open", OPEN)

    async def test_large_events_are_bounded_in_bytes(self, emitter):
        """A peer decides how large its messages are; one is kept in any case."""
        event = MessageEvent(Direction.IN, [2, "1", "X", {"data": ["x" * MAX_SIZE]}], "X", None)
        stream = emitter.events("message")
        for _ in range(3):
            emitter.emit("message", event)
        assert [await anext(stream), await anext(stream)] == [event, OverflowEvent(2)]
        half = StationEvent(None, MessageEvent(Direction.IN, [2, "1", "X", {"y" * (MAX_SIZE // 3): 1}], "X", None))
        for _ in range(3):
            emitter.emit("message", half)
        assert [await anext(stream) for _ in range(3)] == [half, half, OverflowEvent(1)]
        emitter.emit("message", event)
        assert await anext(stream) == event

    async def test_limit_is_at_least_one(self, emitter):
        for limit in (0, nan, inf, 1.5, True, "3"):
            with pytest.raises(ValueError, match="limit >= 1 events as an integer"):
                emitter.events("open", limit=limit)


class TestMessageEvent:
    @pytest.mark.parametrize(
        ("frame", "kind", "payload", "code", "description"),
        [
            ([2, "id", "Heartbeat", {"a": 1}], "CALL", {"a": 1}, None, None),
            ([3, "id", {"b": 2}], "CALLRESULT", {"b": 2}, None, None),
            ([4, "id", "GenericError", "why", {"c": 3}], "CALLERROR", {"c": 3}, "GenericError", "why"),
            ([5, "id", "GenericError", "why", {}], "CALLRESULTERROR", {}, "GenericError", "why"),
            ([6, "id", "NotifyPeriodicEventStream", {}], "SEND", {}, None, None),
        ],
    )
    def test_reads_every_kind_of_message(self, frame, kind, payload, code, description):
        event = MessageEvent(Direction.IN, frame, "Heartbeat", 0.5)
        assert (event.type.name, event.message_id, event.payload) == (kind, "id", payload)
        assert (event.error_code, event.error_description) == (code, description)
