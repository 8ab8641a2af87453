"""What OCPPClient and OCPPServerClient share: handlers, middleware, errors, policies."""

import json
import logging
from contextvars import ContextVar
from typing import Any

import anyio
import pytest

from ocpp_transports import (
    NOREPLY,
    OCPPServer,
    RPCInternalError,
)
from tests.transports.pairs import SECONDS, client_of, first, pair, station_of

pytestmark = pytest.mark.anyio

BOOT_16 = {"chargePointVendor": "Acme", "chargePointModel": "One"}
BOOT_2 = {"reason": "PowerUp", "chargingStation": {"vendorName": "Acme", "model": "One"}}
BOOTED = {"status": "Accepted", "currentTime": "2026-01-01T00:00:00Z", "interval": 300}


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


class TestHandlers:
    async def test_are_found_by_version_then_action_then_catch_all(self):
        async with pair() as (client, station):
            station.handle(lambda action, ctx: {"by": "catch-all", "action": action})
            station.handle("Heartbeat", lambda ctx: {"by": "action"})
            assert await client.call("Other") == {"by": "catch-all", "action": "Other"}
            assert await client.call("Heartbeat") == {"by": "action"}
            station.handle("ocpp1.6", "Heartbeat", lambda ctx: {"by": "version"})
            station.handle("ocpp2.1", "Other", lambda ctx: {"by": "another version"}, custom=True)
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
            seen: list[Any] = []
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
            with pytest.raises(
                ValueError, match="cannot register a handler for Reset: there is one already; remove it first"
            ):
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

    async def test_are_not_waited_for_when_the_connection_has_ended(self):
        """However long the grace is, it holds nothing of a connection that is gone."""
        async with (
            pair(handler_grace=600) as (client, station),
            client.events("call") as calls,
            client.events("disconnect") as losses,
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(station.safe_call, "Reset", {"type": "Soft"})
            await first(calls)
            assert len(client._handlers._watchers) == 1
            await station.close(await_pending=False)
            await first(losses)
            assert client._handlers._watchers == ()


class TestContextVariables:
    async def test_are_those_of_listening_and_of_connecting(self):
        """Not of whatever happened to make the first timer or task; what a handler sets is seen by nobody else."""
        where = ContextVar("where", default="nowhere")
        seen = {}

        def note(name):
            def handler(ctx):
                seen[name] = where.get()
                return {}

            return handler

        async def note_later(ctx):
            seen["the server's task"] = where.get()
            return {}

        async with OCPPServer(protocols=["ocpp1.6"]) as server:
            where.set("listening")
            listener = await server.listen(0, "127.0.0.1")
            server.handle("DataTransfer", note("the server"))
            server.handle("Authorize", note_later)
            async with client_of(listener) as client:
                where.set("connecting")
                client.handle("Reset", note("the client"))
                await client.connect()
                where.set("calling")
                await client.call("DataTransfer", {})
                await client.call("Authorize", {})
                await (await station_of(server)).call("Reset", {})
        assert seen == {"the server": "listening", "the server's task": "listening", "the client": "connecting"}


class TestMiddleware:
    async def test_wraps_handlers_and_calls(self):
        async with pair() as (client, station):
            seen: list[Any] = []

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


class TestLogging:
    async def test_shows_messages_at_debug_without_their_secrets(self, caplog):
        caplog.set_level(logging.DEBUG, "ocpp_ws_io")
        async with pair() as (client, station):
            station.handle("Authorize", lambda ctx: {"idTagInfo": {"status": "Accepted"}})
            await client.call("Authorize", {"idTag": "04A1B2C3"}, message_id="mine")
        lines = [record.getMessage() for record in caplog.records]
        assert 'CP1 -> [2, "mine", "Authorize", {"idTag": "***"}]' in lines
        assert "04A1B2C3" not in caplog.text

    async def test_is_not_flooded_by_bad_messages_and_none_goes_untold(self, caplog):
        async with pair() as (client, station), station.events("bad_message") as bad:
            for _ in range(20):
                client.send_raw("nonsense")
            for _ in range(20):
                await first(bad)
            await client.close()
        lines = [record.getMessage() for record in caplog.records if "bad message" in record.getMessage()]
        assert len(lines) == 6
        assert lines[-1] == "CP1: bad message: … and 15 more"

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
