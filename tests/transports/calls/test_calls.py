"""Outbound calls of clients and servers: forms, time-outs, retries, the window, raw texts."""

import logging
from itertools import count
from typing import Any, ClassVar

import anyio
import pytest

from ocpp_transports import (
    NOREPLY,
    ClosedError,
    ConnectionLostError,
    ConnectionState,
    RPCPropertyConstraintViolationError,
    RPCSecurityError,
    TimeoutError,
)
from tests.kinds import an
from tests.transports.pairs import SECONDS, first, never, pair

pytestmark = pytest.mark.anyio


class TestTheTwoFormsOfACall:
    async def test_with_and_without_the_version(self):
        async with pair() as (client, station):
            client.handle("Reset", lambda ctx: ctx.params)
            assert await station.call("Reset", {"type": "Soft"}) == {"type": "Soft"}
            assert await station.call("ocpp1.6", "Reset", {"type": "Hard"}) == {"type": "Hard"}
            assert await station.call("Reset") == {}

    async def test_another_version_raises_at_once(self):
        async with pair() as (client, _), client.events("message") as messages:
            with pytest.raises(ValueError, match=r"expected a call for ocpp1\.6, got one for ocpp2\.1"):
                await client.call("ocpp2.1", "Heartbeat", {})
            await messages.aclose()
            assert [event async for event in messages] == []

    @pytest.mark.parametrize(
        ("args", "options", "error", "expected"),
        [
            ((), {}, TypeError, "an action and a dict"),
            (("ocpp1.6", "Reset", "Soft", {}), {}, TypeError, "an action and a dict"),
            (("Reset", [1]), {}, TypeError, r"got \('Reset', list\)"),
            ((7, {}), {}, TypeError, "an action and a dict"),
            (("", {}), {}, TypeError, "an action and a dict"),
            (("Reset", {"a": object()}), {}, TypeError, "JSON"),
            (("Reset", {"a": float("nan")}), {}, ValueError, "JSON"),
            (("Reset",), {"timeout": 0}, ValueError, "timeout > 0 seconds"),
            (("Reset",), {"timeout": "3"}, ValueError, "timeout > 0 seconds"),
            (("Reset",), {"ttl": -1}, ValueError, "ttl > 0 seconds"),
            (("Reset",), {"message_id": "x" * 37}, ValueError, "message id of 1 to 36 characters"),
            (("Reset",), {"retries": -1}, ValueError, "retries >= 0"),
            (("Reset",), {"retries": 1.5}, ValueError, "retries >= 0"),
            (("Reset",), {"retry_delay": float("inf")}, ValueError, "retry_delay >= 0 seconds"),
            (("Reset",), {"retry_delay": True}, ValueError, "retry_delay >= 0 seconds"),
            (("Reset",), {"retry_max_delay": 10**400}, ValueError, "retry_max_delay >= 0 seconds"),
            (("Reset",), {"custom": 1}, TypeError, "custom as bool"),
            (("Reset",), {"timeOut": 3}, TypeError, "timeOut"),
        ],
    )
    async def test_bad_arguments_raise_at_once(self, args, options, error, expected):
        async with pair() as (_, station):
            for call in (station.call, station.safe_call, station.call_immediate):
                with pytest.raises(error, match=expected):
                    await call(*args, **options)
            assert station.pending == 0


class TestTimeouts:
    async def test_run_from_the_write_to_the_answer(self):
        async with pair() as (client, station):
            station.handle("Heartbeat", lambda ctx: never())
            with pytest.raises(TimeoutError) as caught:
                await client.call("Heartbeat", {}, timeout=0.02)
            assert caught.value.sent
            assert client.pending == 0

    async def test_a_time_to_live_runs_from_the_call_to_the_write(self):
        async with pair() as (client, station), client.events("message") as messages:
            station.handle("Heartbeat", lambda ctx: never())
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(client.safe_call, "Heartbeat")
                await first(messages)
                with pytest.raises(TimeoutError) as caught:
                    await client.call("Heartbeat", {}, ttl=0.02)
                assert not caught.value.sent
                await client.close(force=True)

    async def test_a_call_without_an_answer_in_time_is_repeated_under_a_new_id(self):
        async with pair() as (client, station):
            seen = []

            @station.handle("Heartbeat")
            def heartbeat(ctx):
                seen.append(ctx.message_id)
                return NOREPLY if len(seen) < 3 else {"currentTime": "now"}

            options = {"timeout": 0.02, "retries": 2, "retry_delay": 0.001}
            assert await client.call("Heartbeat", {}, **options) == {"currentTime": "now"}
            assert len(set(seen)) == 3

    async def test_or_under_the_same_id_if_it_was_given_one_and_have_one_outcome(self):
        """Also of a handler that takes longer than an attempt waits: it runs once, and its answer is for all."""
        async with pair() as (client, station), station.events("call") as calls:
            seen = []

            @station.handle("Heartbeat")
            async def heartbeat(ctx):
                seen.append(ctx.message_id)
                assert [(await first(calls)).message_id for _ in range(2)] == ["mine", "mine"]
                return {"served": len(seen)}

            with anyio.fail_after(SECONDS):
                answer = await client.call(
                    "Heartbeat", {}, timeout=0.05, retries=1000, retry_delay=0.001, message_id="mine"
                )
            assert (answer, seen) == ({"served": 1}, ["mine"])

    async def test_or_after_the_answer_within_the_window(self):
        async with pair(server={"answer_window": 0}) as (client, station):
            numbers = count(1)
            client.handle("DataTransfer", lambda ctx: {"n": next(numbers)})
            station.handle("DataTransfer", lambda ctx: {"n": next(numbers)})
            for caller, answers in ((station, [1, 1]), (client, [2, 3])):
                assert [(await caller.call("DataTransfer", {}, message_id="mine"))["n"] for _ in "ab"] == answers

    async def test_a_refusal_is_not_repeated(self):
        async with pair() as (client, station):
            seen = []

            @station.handle("Heartbeat")
            def heartbeat(ctx):
                seen.append(ctx)
                raise RPCSecurityError

            with pytest.raises(RPCSecurityError):
                await client.call("Heartbeat", {}, retries=5)
            assert len(seen) == 1

    async def test_closing_ends_the_pause_before_an_attempt(self):
        async with pair() as (client, station):
            station.handle("Heartbeat", lambda ctx: NOREPLY)
            errors = []

            async def call():
                with pytest.raises(Exception, match="closed before the call was repeated") as caught:
                    await client.call("Heartbeat", {}, timeout=0.02, retries=1, retry_delay=1e6, retry_max_delay=1e6)
                errors.append(caught.value)

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(call)
                with anyio.fail_after(SECONDS):
                    while not client._pauses:
                        await anyio.lowlevel.checkpoint()
                await client.close()
            assert an(ClosedError, errors[0]).sent

    async def test_a_time_to_live_covers_all_attempts(self):
        async with pair() as (client, station):
            station.handle("Heartbeat", lambda ctx: NOREPLY)
            with anyio.fail_after(SECONDS), pytest.raises(TimeoutError):
                await client.call("Heartbeat", {}, timeout=0.01, ttl=0.05, retries=10**9, retry_delay=0.001)


class TestTheWindow:
    async def test_holds_one_call_and_keeps_the_order(self):
        async with pair() as (client, station):
            seen, go = [], anyio.Event()

            @station.handle("DataTransfer")
            async def transfer(ctx):
                seen.append(ctx.params["vendorId"])
                await go.wait()
                return {"status": "Accepted"}

            async with anyio.create_task_group() as tasks, station.events("call") as calls:
                for vendor in "abc":
                    tasks.start_soon(client.call, "DataTransfer", {"vendorId": vendor})
                    await anyio.wait_all_tasks_blocked()
                tasks.start_soon(client.call_immediate, "DataTransfer", {"vendorId": "urgent"})
                await first(calls)
                await anyio.wait_all_tasks_blocked()
                assert seen == ["a"]
                assert client.pending == 4
                go.set()
            assert seen == ["a", "urgent", "b", "c"]

    async def test_may_be_wider(self):
        async with pair(call_concurrency=3) as (client, station):
            together = anyio.Event()
            seen = []

            @station.handle("Heartbeat")
            async def heartbeat(ctx):
                seen.append(ctx)
                if len(seen) == 3:
                    together.set()
                await together.wait()
                return {}

            with anyio.fail_after(SECONDS):
                async with anyio.create_task_group() as tasks:
                    for _ in range(3):
                        tasks.start_soon(client.call, "Heartbeat")

    async def test_two_calls_under_one_id_raise_for_the_second(self):
        async with pair() as (client, station), client.events("message") as messages:
            station.handle("Heartbeat", lambda ctx: never())
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(lambda: client.safe_call("Heartbeat", message_id="same"))
                await first(messages)
                with pytest.raises(ValueError, match="expected an unused message id"):
                    await client.call("Heartbeat", {}, message_id="same")
                await client.close(force=True)

    async def test_a_cancelled_call_is_given_up(self):
        async with pair() as (client, station):
            station.handle("Heartbeat", lambda ctx: never())
            with anyio.move_on_after(0.02) as scope:
                await client.call("Heartbeat", {})
            assert scope.cancelled_caught


class TestSafeCall:
    async def test_gives_the_answer(self):
        async with pair() as (client, station):
            station.handle("Heartbeat", lambda ctx: {"currentTime": "now"})
            assert await client.safe_call("Heartbeat", {}) == {"currentTime": "now"}
            assert await client.safe_call("ocpp1.6", "Heartbeat", {}) == {"currentTime": "now"}

    async def test_gives_none_for_a_refusal_and_logs_it(self, caplog):
        async with pair(server={"handler_grace": 0}) as (client, _):
            caplog.clear()
            assert await client.safe_call("Heartbeat", {}) is None
            assert "CP1: the call of 'Heartbeat' failed: NotImplemented" in caplog.text

    async def test_gives_none_for_a_time_out_and_logs_nothing(self, caplog):
        async with pair() as (client, station):
            station.handle("Heartbeat", lambda ctx: NOREPLY)
            caplog.clear()
            assert await client.safe_call("Heartbeat", {}, timeout=0.02) is None
            assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


class TestChecks:
    """`check=`: the application may refuse a CALLRESULT (2.1 Part 4 §4.2.3; Part 2 use case I08)."""

    OPTIONS: ClassVar = {"protocols": ["ocpp2.1"]}

    async def test_are_given_the_payload_and_may_be_coroutine_functions(self):
        async with pair() as (client, station):
            station.handle("Heartbeat", lambda ctx: {"n": 1})
            seen = []

            async def check(payload):
                await anyio.lowlevel.checkpoint()
                seen.append(payload)

            assert await client.call("Heartbeat", {}, check=seen.append) == {"n": 1}
            assert await client.call_immediate("Heartbeat", {}, check=check) == {"n": 1}
            assert seen == [{"n": 1}] * 2

    @pytest.mark.parametrize("protocol", ["ocpp1.6", "ocpp2.1"])
    async def test_that_raise_an_rpc_error_end_the_call_and_2_1_tells_the_peer(self, protocol):
        def check(payload):
            raise RPCPropertyConstraintViolationError("no such tariff", {"price": payload["price"]})

        async with pair(protocols=[protocol]) as (client, station):
            on_message: list[Any] = []
            told: list[Any] = []
            station.on("call_error", on_message.append)
            client.on("call_error", told.append)
            station.handle("Authorize", lambda ctx: {"price": 7})
            station.handle("Heartbeat", lambda ctx: {})
            with pytest.raises(RPCPropertyConstraintViolationError, match="no such tariff"):
                await client.call("Authorize", {}, check=check, retries=3)
            assert await client.safe_call("Authorize", {}, check=check) is None
            await client.call("Heartbeat", {})
            expected = [5, "PropertyConstraintViolation", "no such tariff", {"price": 7}]
            for events in (on_message, told):
                frames = [[event.frame[0], *event.frame[2:]] for event in events]
                assert frames == [expected] * (2 if protocol == "ocpp2.1" else 0)
            assert {event.action for event in told} <= {"Authorize"}

    @pytest.mark.parametrize(
        "error", [KeyError("price"), ConnectionLostError("of another peer", sent=True), TimeoutError("late", sent=True)]
    )
    async def test_that_raise_anything_else_only_end_the_call(self, error):
        def check(_):
            raise error

        async with pair(**self.OPTIONS) as (client, station):
            on_message: list[Any] = []
            station.on("message", on_message.append)
            station.handle("Heartbeat", lambda ctx: {})
            with pytest.raises(type(error)):
                await client.call("Heartbeat", {}, check=check, retries=3)
            await client.call("Heartbeat", {})
            assert [event.type for event in on_message] == [2, 3, 2, 3]

    async def test_are_for_a_call_with_a_default_id_where_the_factory_fails(self):
        def make():
            raise LookupError

        async with pair(id_factory=make) as (client, station):
            station.handle("Heartbeat", lambda ctx: {"n": 1})
            assert await client.call("Heartbeat", {}, check=lambda _: None) == {"n": 1}

    async def test_that_are_none_raise_at_once(self):
        async with pair() as (client, _):
            with pytest.raises(TypeError, match="expected check as a function, got bool"):
                await client.call("Heartbeat", {}, check=True)

    async def test_that_raise_what_can_not_be_sent_say_so(self):
        def check(_):
            raise RPCPropertyConstraintViolationError("why", {"k": object()})

        async with pair(**self.OPTIONS) as (client, station):
            station.handle("Heartbeat", lambda ctx: {})
            with pytest.raises(TypeError, match="JSON"):
                await client.call("Heartbeat", {}, check=check)


class TestALostConnection:
    async def test_settles_the_calls_in_flight_as_sent(self):
        async with pair(reconnect=False) as (client, station):
            client.handle("Reset", lambda ctx: never())
            async with anyio.create_task_group() as tasks, client.events("call") as calls:
                errors = []

                async def call():
                    with pytest.raises(ConnectionLostError) as caught:
                        await station.call("Reset")
                    errors.append(caught.value)

                tasks.start_soon(call)
                await first(calls)
                await client.close(force=True)
            assert an(ConnectionLostError, errors[0]).sent
            assert errors[0].close_code == 1006
            assert station.state is ConnectionState.CLOSED

    async def test_refuses_later_calls_as_not_sent(self):
        async with pair() as (client, station):
            async with station.events("close") as closes:
                await client.close()
                await first(closes)
            with pytest.raises(ConnectionLostError) as caught:
                await station.call("Reset")
            assert not caught.value.sent
            assert await station.close() == station._ended
