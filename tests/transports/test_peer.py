"""What OCPPClient and OCPPServerClient share: calls, handlers, raw texts, middleware."""

import json
import logging
from typing import ClassVar

import anyio
import pytest

from ocpp_transports import (
    NOREPLY,
    ConnectionLostError,
    ConnectionState,
    RPCError,
    RPCFormatViolationError,
    RPCInternalError,
    RPCNotImplementedError,
    RPCOccurrenceConstraintViolationError,
    RPCSecurityError,
    RPCTypeConstraintViolationError,
    create_validator,
)
from tests.transports.pairs import SECONDS, first, pair

pytestmark = pytest.mark.anyio

BOOT_16 = {"chargePointVendor": "Acme", "chargePointModel": "One"}
BOOT_2 = {"reason": "PowerUp", "chargingStation": {"vendorName": "Acme", "model": "One"}}
BOOTED = {"status": "Accepted", "currentTime": "2026-01-01T00:00:00Z", "interval": 300}


async def never():
    await anyio.sleep_forever()


class TestTheThreeVersions:
    @pytest.mark.parametrize(
        ("protocol", "boot", "action", "params", "answer"),
        [
            ("ocpp1.6", BOOT_16, "Reset", {"type": "Soft"}, {"status": "Accepted"}),
            ("ocpp2.0.1", BOOT_2, "Reset", {"type": "OnIdle"}, {"status": "Scheduled"}),
            ("ocpp2.1", BOOT_2, "Reset", {"type": "OnIdle"}, {"status": "Scheduled"}),
        ],
    )
    async def test_talk_both_ways_in_strict_mode(self, protocol, boot, action, params, answer):
        options = {"protocols": [protocol], "strict_mode": True, "warm_up": False}
        async with pair(server=options, **options) as (client, station):
            station.handle("BootNotification", lambda ctx: BOOTED)
            client.handle(action, lambda ctx: answer)
            assert await client.call("BootNotification", boot) == BOOTED
            assert await station.call(action, params) == answer
            assert station.protocol == client.protocol == protocol


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
            (("Reset",), {"timeOut": 3}, TypeError, "timeOut"),
        ],
    )
    async def test_bad_arguments_raise_at_once(self, args, options, error, expected):
        async with pair() as (client, _):
            for call in (client.call, client.safe_call, client.call_immediate):
                with pytest.raises(error, match=expected):
                    await call(*args, **options)
            assert client.pending == 0


class TestErrors:
    async def test_of_the_peer_arrive_unchanged(self):
        async with pair() as (client, station):

            def refuse(ctx):
                raise RPCError("VendorTrouble", "Käse", {"deep": [1, None]})

            station.handle("Heartbeat", refuse)
            with pytest.raises(RPCError) as caught:
                await client.call("Heartbeat", {})
            error = caught.value
            assert (type(error), error.code, error.description) == (RPCError, "VendorTrouble", "Käse")
            assert (error.details, error.remote) == ({"deep": [1, None]}, True)

    async def test_have_the_class_of_their_code(self):
        async with pair() as (client, station):

            def refuse(ctx):
                raise RPCFormatViolationError("bad")

            station.handle("Heartbeat", refuse)
            with pytest.raises(RPCFormatViolationError) as caught:
                await client.call("Heartbeat", {})
            assert caught.value.code == "FormationViolation"

    async def test_of_handlers_are_told_and_say_nothing_to_the_peer(self, caplog):
        async with pair() as (client, station), station.events("handler_error") as errors:

            @station.handle("Heartbeat")
            async def broken(ctx):
                raise RuntimeError("the password is hunter2")

            with pytest.raises(RPCInternalError) as caught:
                await client.call("Heartbeat", {})
            assert "hunter2" not in caught.value.description
            assert caught.value.details == {}
            event = await first(errors)
            assert (event.action, str(event.error)) == ("Heartbeat", "the password is hunter2")

    async def test_may_say_more_on_request(self, caplog):
        async with pair(server={"respond_with_detailed_errors": True}) as (client, station):

            def broken(ctx):
                raise RuntimeError("boom")

            station.handle("Heartbeat", broken)
            with pytest.raises(RPCInternalError) as caught:
                await client.call("Heartbeat", {})
            assert caught.value.details == {"name": "RuntimeError", "message": "boom"}

    async def test_an_action_without_a_handler_is_not_implemented(self):
        async with pair(server={"handler_grace": 0}) as (client, _):
            with pytest.raises(RPCNotImplementedError):
                await client.call("Heartbeat", {})

    async def test_in_strict_mode_what_breaks_the_schema_is_never_sent_and_told(self):
        async with (
            pair(strict_mode=True, warm_up=False) as (client, _),
            client.events("strict_validation_failure", "message") as events,
        ):
            with pytest.raises(RPCOccurrenceConstraintViolationError) as caught:
                await client.call("BootNotification", {"chargePointVendor": "Acme"})
            assert not caught.value.remote
            assert (await first(events)).message == {"chargePointVendor": "Acme"}
            await events.aclose()
            assert [event async for event in events] == []

    async def test_in_strict_mode_an_invalid_call_is_told_with_the_error_that_the_peer_gets(self):
        async with (
            pair(server={"strict_mode": True, "warm_up": False}) as (client, station),
            station.events("strict_validation_failure") as failures,
        ):
            with pytest.raises(RPCTypeConstraintViolationError):
                await client.call("Authorize", {"idTag": 5})
            assert isinstance((await first(failures)).error, RPCTypeConstraintViolationError)

    async def test_strict_mode_may_be_for_some_actions_and_protocols_of_your_own(self):
        schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
        validator = create_validator("vendor1", {"Count": {"call": schema, "result": {}}})
        options = {"protocols": ["vendor1"], "strict_mode": True, "strict_mode_validators": [validator]}
        async with pair(server={"protocols": ["vendor1"]}, **options) as (client, station):
            station.handle(lambda action, ctx: {})
            assert await client.call("Count", {"n": 1}) == {}
            with pytest.raises(RPCError):
                await client.call("Count", {"n": "1"})
            client.reconfigure(strict_mode_methods=["Other"])
            assert await client.call("Count", {"n": "1"}) == {}


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

    async def test_or_under_the_same_id_if_it_was_given_one(self):
        async with pair() as (client, station), client.events("call") as calls:
            station.handle("Heartbeat", lambda ctx: NOREPLY)
            with pytest.raises(RPCError, match="a CALL with this message id is in progress"):
                await client.call("Heartbeat", {}, timeout=0.02, retries=1, retry_delay=0.001, message_id="mine")
            assert [(await first(calls)).message_id for _ in range(2)] == ["mine", "mine"]

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
            assert errors[0].sent

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
                with pytest.raises(ValueError, match="in flight already"):
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


class TestHandlers:
    async def test_are_found_by_version_then_action_then_catch_all(self):
        async with pair() as (client, station):
            station.handle(lambda action, ctx: {"by": "catch-all", "action": action})
            station.handle("Heartbeat", lambda ctx: {"by": "action"})
            assert await client.call("Other") == {"by": "catch-all", "action": "Other"}
            assert await client.call("Heartbeat") == {"by": "action"}
            station.handle("ocpp1.6", "Heartbeat", lambda ctx: {"by": "version"})
            station.handle("ocpp2.1", "Other", lambda ctx: {"by": "another version"})
            assert await client.call("Heartbeat") == {"by": "version"}
            assert await client.call("Other") == {"by": "catch-all", "action": "Other"}
            station.remove_handler("ocpp1.6", "Heartbeat")
            assert await client.call("Heartbeat") == {"by": "action"}
            station.remove_handler("Heartbeat")
            assert await client.call("Heartbeat") == {"by": "catch-all", "action": "Heartbeat"}
            station.remove_handler()
            assert not station.has_handler()

    async def test_know_their_request(self):
        async with pair() as (client, station):
            seen = []
            station.handle("Heartbeat", seen.append)
            await client.call("Heartbeat", {"a": 1}, message_id="mine")
            ctx = seen[0]
            assert (ctx.action, ctx.params, ctx.message_id, ctx.protocol) == ("Heartbeat", {"a": 1}, "mine", "ocpp1.6")
            assert ctx.client is station
            assert not ctx.disconnected

    async def test_may_call_their_peer(self):
        async with pair() as (client, station):
            client.handle("Reset", lambda ctx: {"status": "Accepted"})

            @station.handle("BootNotification")
            async def boot(ctx):
                return {"reset": await ctx.client.call("Reset", {"type": "Soft"})}

            assert await client.call("BootNotification", {}) == {"reset": {"status": "Accepted"}}

    async def test_may_answer_later(self):
        async with pair() as (client, station):
            contexts = []

            @station.handle("Heartbeat")
            def heartbeat(ctx):
                contexts.append(ctx)
                return NOREPLY

            async with anyio.create_task_group() as tasks, station.events("call") as calls:

                async def call():
                    assert await client.call("Heartbeat") == {"currentTime": "late"}

                tasks.start_soon(call)
                await first(calls)
                await anyio.wait_all_tasks_blocked()
                contexts[0].reply({"currentTime": "late"})
            with pytest.raises(RuntimeError, match="has been answered"):
                contexts[0].reply({})

    async def test_learn_that_nobody_waits_any_more(self):
        async with pair() as (client, station):
            gone = anyio.Event()

            @station.handle("Heartbeat")
            async def heartbeat(ctx):
                await ctx.disconnected.wait()
                gone.set()

            async with anyio.create_task_group() as tasks, station.events("call") as calls:
                tasks.start_soon(client.safe_call, "Heartbeat")
                await first(calls)
                await client.close(force=True)
                with anyio.fail_after(SECONDS):
                    await gone.wait()

    async def test_registered_twice_for_the_same_raise(self):
        async with pair() as (client, _):
            client.handle("Reset", lambda ctx: {})
            with pytest.raises(ValueError, match="one handler for Reset"):
                client.handle("Reset", lambda ctx: {})
            client.remove_all_handlers()
            assert not client.has_handler("Reset")

    async def test_registered_soon_after_open_serve_what_came_before(self):
        async with pair() as (client, station):
            async with anyio.create_task_group() as tasks, client.events("call") as calls:
                results = []

                async def call():
                    results.append(await station.call("Reset", {"type": "Soft"}))

                tasks.start_soon(call)
                await first(calls)
                client.handle("Reset", lambda ctx: {"status": "Accepted"})
            assert results == [{"status": "Accepted"}]


class TestMiddleware:
    async def test_wraps_handlers_and_calls(self):
        async with pair() as (client, station):
            seen = []

            def layer(name):
                async def middleware(ctx, proceed):
                    seen.append((name, ctx.direction.name, ctx.action))
                    result = await proceed()
                    seen.append((name, "done"))
                    return result

                return middleware

            client.use(layer("outer"))
            client.use(layer("inner"))
            station.handle("Heartbeat", lambda ctx: {})
            client.handle("Reset", lambda ctx: {})
            await client.call("Heartbeat")
            out, seen[:] = list(seen), []
            await station.call("Reset")
            assert out == [
                ("outer", "OUT", "Heartbeat"),
                ("inner", "OUT", "Heartbeat"),
                ("inner", "done"),
                ("outer", "done"),
            ]
            assert [entry[:2] for entry in seen] == [
                ("outer", "IN"),
                ("inner", "IN"),
                ("inner", "done"),
                ("outer", "done"),
            ]

    async def test_may_change_a_call_and_its_answer(self):
        async with pair() as (client, station):

            @client.use
            async def tamper(ctx, proceed):
                ctx.params["added"] = True
                ctx.options["message_id"] = "mine"
                return {**await proceed(), "more": 1}

            station.handle("Heartbeat", lambda ctx: {**ctx.params, "id": ctx.message_id})
            assert await client.call("Heartbeat", {}) == {"added": True, "id": "mine", "more": 1}

    async def test_that_fails_answers_all_the_same(self, caplog):
        async with pair() as (client, station):

            @station.use
            async def broken(ctx, proceed):
                raise RuntimeError("boom")

            station.handle("Heartbeat", lambda ctx: {})
            with pytest.raises(RPCInternalError):
                await client.call("Heartbeat")


class TestRawTexts:
    async def test_are_sent_as_they_are_awaited_or_not(self):
        async with pair() as (client, station), station.events("message", "bad_message") as events:
            station.handle("Heartbeat", lambda ctx: {})
            client.send_raw('[2, "raw-1", "Heartbeat", {} ]')
            assert (await first(events)).message_id == "raw-1"
            assert await client.send_raw("{nonsense") is None
            while type(event := await first(events)).__name__ != "BadMessageEvent":
                pass
            assert event.message == "{nonsense"

    async def test_may_be_calls_that_wait_for_their_answer(self):
        async with pair() as (client, station):
            station.handle("Heartbeat", lambda ctx: {"id": ctx.message_id})
            assert await client.send_raw('[2,"raw","Heartbeat",{}]', expect_reply=True) == {"id": "raw"}
            with pytest.raises(ValueError, match="text of a CALL"):
                await client.send_raw('[3,"raw",{}]', expect_reply=True)
            station.remove_all_handlers()
            station.handle("Heartbeat", lambda ctx: NOREPLY)
            with pytest.raises(TimeoutError):
                await client.send_raw('[2,"raw","Heartbeat",{}]', expect_reply=True, timeout=0.02)

    async def test_must_be_text(self):
        async with pair() as (client, _):
            with pytest.raises(TypeError, match="raw text"):
                client.send_raw(b"[]")


class TestSend:
    """OCPP 2.1 Part 4 §4.2.4: a message that is never answered."""

    STREAM: ClassVar = {"id": 1, "pending": 0, "basetime": "2026-01-01T00:00:00Z", "data": [{"t": 0.5, "v": "1"}]}

    async def test_arrives_and_waits_for_nothing(self):
        options = {"protocols": ["ocpp2.1"], "strict_mode": True, "warm_up": False}
        async with pair(server=options, **options) as (client, station):
            seen, arrived = [], anyio.Event()

            @station.handle("NotifyPeriodicEventStream")
            def stream(ctx):
                seen.append((ctx.params, ctx.expects_reply))
                arrived.set()

            await client.notify("NotifyPeriodicEventStream", self.STREAM)
            with anyio.fail_after(SECONDS):
                await arrived.wait()
            assert seen == [(self.STREAM, False)]
            with pytest.raises(RPCError):
                await client.notify("NotifyPeriodicEventStream", {"id": "1"})

    async def test_is_for_versions_and_actions_that_have_it(self):
        async with pair() as (client, _):
            with pytest.raises(ValueError, match="version with SEND"):
                await client.notify("NotifyPeriodicEventStream", self.STREAM)
        async with pair(protocols=["ocpp2.1"]) as (client, _):
            with pytest.raises(ValueError, match="NotifyPeriodicEventStream"):
                await client.notify("Heartbeat", {})
            with pytest.raises(ValueError, match="notify instead"):
                await client.call("NotifyPeriodicEventStream", self.STREAM)


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
            assert errors[0].sent
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


class TestLogging:
    async def test_shows_messages_at_debug_without_their_secrets(self, caplog):
        caplog.set_level(logging.DEBUG, "ocpp_ws_io")
        async with pair() as (client, station):
            station.handle("Authorize", lambda ctx: {"idTagInfo": {"status": "Accepted"}})
            await client.call("Authorize", {"idTag": "04A1B2C3"}, message_id="mine")
        lines = [record.getMessage() for record in caplog.records]
        assert 'CP1 -> [2, "mine", "Authorize", {"idTag": "***"}]' in lines
        assert "04A1B2C3" not in caplog.text

    async def test_may_be_off_or_go_elsewhere(self, caplog):
        own = logging.getLogger("mine")
        caplog.set_level(logging.DEBUG)
        async with pair(server={"logging": False}, logging=own) as (client, _):
            await client.close()
        assert {record.name for record in caplog.records if "CP1" in record.getMessage()} == {"mine"}


class TestPolicies:
    async def test_too_many_bad_messages_close_the_connection(self):
        async with (
            pair(server={"max_bad_messages": 2}, reconnect=False) as (client, _),
            client.events("close") as closes,
        ):
            client.send_raw("nonsense")
            client.send_raw("nonsense")
            closed = await first(closes)
            assert (closed.code, closed.reason) == (1002, "Too many bad messages")

    async def test_a_message_too_big_closes_the_connection(self):
        async with (
            pair(server={"max_message_size": 1000}, reconnect=False) as (client, _),
            client.events("close") as closes,
        ):
            client.send_raw(json.dumps([2, "1", "Heartbeat", {"x": "y" * 1000}]))
            assert (await first(closes)).code == 1009

    async def test_compression_is_used_where_both_sides_want_it(self):
        async with pair(server={"compression": True}, compression=True) as (client, station):
            station.handle("DataTransfer", lambda ctx: ctx.params)
            assert "permessage-deflate" in station.handshake.headers["sec-websocket-extensions"]
            data = {"data": "0123456789" * 1000}
            assert await client.call("DataTransfer", data) == data

    async def test_message_ids_may_be_your_own(self):
        ids = iter(["one", "two"])
        async with pair(id_factory=lambda: next(ids)) as (client, station):
            station.handle("Heartbeat", lambda ctx: {"id": ctx.message_id})
            assert [(await client.call("Heartbeat"))["id"] for _ in range(2)] == ["one", "two"]

    async def test_calls_may_be_served_one_after_the_other(self):
        async with pair(server={"in_order": True}, call_concurrency=2) as (client, station):
            order = []

            @station.handle("DataTransfer")
            async def transfer(ctx):
                order.append(("begin", ctx.params["n"]))
                await anyio.lowlevel.checkpoint()
                order.append(("end", ctx.params["n"]))

            async with anyio.create_task_group() as tasks:
                for n in range(2):
                    tasks.start_soon(client.call, "DataTransfer", {"n": n})
            assert [step for step, _ in order] == ["begin", "end", "begin", "end"]
