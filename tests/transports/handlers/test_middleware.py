"""Middleware: its order, what it may change, and its mistakes, each of which ends in an answer or a settled call."""

from typing import Any

import anyio
import pytest

from ocpp_core import v21
from ocpp_core.actions import Direction
from ocpp_core.errors import ConnectionLostError, RPCInternalError, RPCSecurityError
from ocpp_core.inputs import Decline, Fail, Reply
from ocpp_transports._handlers._contexts import CallContext
from ocpp_transports._handlers._middleware import compose
from ocpp_transports._handlers._table import NOREPLY
from tests.transports.pairs import SECONDS, first, pair
from tests.transports.station import INTERNAL, later, throw


class TestAroundAHandler:
    def test_wraps_the_handler_like_an_onion_the_servers_outermost(self, station):
        trail = []

        def layer(name):
            async def middleware(ctx, proceed):
                trail.append(f"{name} {ctx.action}")
                result = await proceed()
                trail.append(name)
                return {**result, name: True}

            return middleware

        station.own.use(layer("own"))
        station.server.use(layer("server first"))
        station.server.use(layer("server second"))
        station.handle("Heartbeat", lambda ctx: {"handled": True})
        station.call()
        assert trail == [
            "server first Heartbeat",
            "server second Heartbeat",
            "own Heartbeat",
            "own",
            "server second",
            "server first",
        ]
        payload = {"handled": True, "own": True, "server second": True, "server first": True}
        assert station.answers == [Reply(1, payload)]

    def test_may_answer_without_the_handler_and_change_what_it_gets(self, station):

        async def middleware(ctx, proceed):
            if "cached" in ctx.params:
                return {"from": "cache"}
            ctx.params = {"changed": True}
            return await proceed()

        station.own.use(middleware)
        station.handle("Heartbeat", lambda ctx: later(ctx.params))
        station.call(payload={"cached": 1})
        station.call()
        assert station.answers == [Reply(1, {"from": "cache"}), Reply(2, {"changed": True})]

    def test_sees_the_errors_of_what_is_inside(self, station):

        async def middleware(ctx, proceed):
            try:
                return await proceed()
            except KeyError:
                return {"rescued": True}

        station.own.use(middleware)
        station.handle("Heartbeat", lambda ctx: throw(KeyError("x")))
        station.call()
        assert station.answers == [Reply(1, {"rescued": True})]

    def test_that_raises_answers_an_internal_error(self, station):

        async def middleware(ctx, proceed):
            raise KeyError

        station.own.use(middleware)
        station.handle("Heartbeat", lambda ctx: {})
        station.call()
        assert station.answers == [Fail(1, "InternalError", INTERNAL, None)]

    def test_lets_noreply_through(self, station):

        async def middleware(ctx, proceed):
            return await proceed()

        station.own.use(middleware)
        station.handle("Heartbeat", lambda ctx: NOREPLY)
        station.call()
        assert station.answers == [Decline(1)]

    def test_may_answer_by_the_context_instead(self, station):
        async def middleware(ctx, proceed):
            ctx.fail("SecurityError", "not now")

        station.own.use(middleware)
        station.handle("Heartbeat", lambda ctx: {})
        station.call()
        assert station.answers == [Fail(1, "SecurityError", "not now", None)]
        assert station.failures == []

    def test_may_raise_the_error_for_the_peer(self, station):
        async def middleware(ctx, proceed):
            await proceed()
            raise RPCSecurityError("not you")

        station.own.use(middleware)
        station.handle("Heartbeat", lambda ctx: {})
        station.call()
        assert station.answers == [Fail(1, "SecurityError", "not you", {})]

    def test_returns_none_for_a_handler_that_does(self, station):
        async def middleware(ctx, proceed):
            return await proceed()

        station.own.use(middleware)
        station.handle("Heartbeat", lambda ctx: None)
        station.call()
        assert station.answers == [Reply(1, {})]

    @pytest.mark.parametrize("result", [{"currentTime": "now"}, {}, NOREPLY])
    def test_that_forgets_the_result_is_told(self, station, result):
        async def forgetful(ctx, proceed):
            await proceed()

        async def outer(ctx, proceed):
            return await proceed()

        station.own.use(outer)
        station.own.use(forgetful)
        station.handle("Heartbeat", lambda ctx: result)
        station.call()
        assert station.answers == [Fail(1, "InternalError", INTERNAL, None)]
        [(_, error)] = station.failures
        assert "forgetful to return the result of proceed() or a dict, got NoneType" in str(error)

    def test_that_neither_proceeds_nor_answers_is_told(self, station):
        async def silent(ctx, proceed):
            pass

        station.own.use(silent)
        station.handle("Heartbeat", lambda ctx: None)
        station.call()
        assert station.answers == [Fail(1, "InternalError", INTERNAL, None)]
        assert "silent to return" in str(station.failures)

    def test_that_is_not_asynchronous_is_told(self, station):
        station.own.use(lambda ctx, proceed: {"status": "Accepted"})
        station.handle("Heartbeat", lambda ctx: {})
        station.call()
        assert station.answers == [Fail(1, "InternalError", INTERNAL, None)]
        assert "<lambda> to return an awaitable, got dict" in str(station.failures)

    def test_needs_no_result_of_a_send(self, station):
        async def middleware(ctx, proceed):
            await proceed()

        station.own.use(middleware)
        station.handle("NotifyPeriodicEventStream", lambda ctx: None)
        station.call("NotifyPeriodicEventStream", expects_reply=False)
        assert (station.answers, station.failures) == ([Reply(1, {})], [])


class TestAroundACall:
    def test_wraps_it_the_same_way(self, station):
        sent = []

        async def middleware(ctx, proceed):
            assert ctx.direction is Direction.OUT
            ctx.params = {**ctx.params, "stamp": 1}
            return {**await proceed(), "seen": True}

        context: CallContext[Any] = CallContext(client=None, action="Reset", params={"type": "Soft"})

        async def call():
            sent.append(context.params)
            return {"status": "Accepted"}

        task = station.host.spawn(compose([middleware], context, call)())
        station.host.run()
        assert sent == [{"type": "Soft", "stamp": 1}]
        assert task.result == {"status": "Accepted", "seen": True}

    @pytest.mark.anyio
    async def test_that_raises_settles_the_call_before_and_after_the_response(self):
        async with pair() as (client, station):
            station.handle("Heartbeat", lambda ctx: {})

            @client.use
            async def middleware(ctx, proceed):
                if ctx.action == "Heartbeat":
                    await proceed()
                raise RPCSecurityError(ctx.action)

            for action in ("Heartbeat", "StatusNotification"):
                with pytest.raises(RPCSecurityError, match=action):
                    await client.call(action)

    @pytest.mark.anyio
    async def test_sees_the_errors_of_the_peer_and_of_the_connection(self):
        async with pair() as (client, station):
            seen = []

            @station.use
            async def middleware(ctx, proceed):
                try:
                    return await proceed()
                except (RPCInternalError, ConnectionLostError) as error:
                    seen.append(type(error))
                    return {"status": "Rejected"}

            client.handle("Reset", lambda ctx: 1 / 0)
            assert await station.call("Reset", {"type": "Soft"}) == {"status": "Rejected"}
            async with station.events("close") as closes:
                await client.close()
                await first(closes)
            assert await station.call("Reset", {"type": "Soft"}) == {"status": "Rejected"}
            assert seen == [RPCInternalError, ConnectionLostError]

    @pytest.mark.anyio
    async def test_that_forgets_the_result_is_told(self):
        async with pair() as (client, station):
            station.handle("Heartbeat", lambda ctx: {})

            @client.use
            async def forgetful(ctx, proceed):
                await proceed()

            with pytest.raises(TypeError, match="forgetful to return the result of proceed"):
                await client.call("Heartbeat")


STREAM: v21.NotifyPeriodicEventStreamRequest = {
    "id": 1,
    "pending": 0,
    "basetime": "2026-01-01T00:00:00Z",
    "data": [{"t": 0, "v": "230"}],
}


@pytest.mark.anyio
class TestAroundASend:
    """OCPP 2.1 Part 4 §4.2.4: a SEND has no response."""

    async def test_sees_it_on_both_sides_and_may_change_it(self):
        async with pair(protocols=["ocpp2.1"]) as (client, station):
            seen: list[Any] = []
            handled = anyio.Event()

            def handle(ctx):
                seen.append(ctx.params["pending"])
                handled.set()

            async def middleware(ctx, proceed):
                seen.append((ctx.direction.name, ctx.expects_reply))
                ctx.params = {**ctx.params, "pending": ctx.params["pending"] + 1}
                await proceed()

            station.handle("NotifyPeriodicEventStream", handle)
            client.use(middleware)
            station.use(middleware)
            await client.notify(v21.NotifyPeriodicEventStream.of(STREAM))
            with anyio.fail_after(SECONDS):
                await handled.wait()
            assert seen == [("OUT", False), ("IN", False), 2]

    async def test_may_keep_it_back(self):
        async with pair(protocols=["ocpp2.1"]) as (client, _):

            @client.use
            async def middleware(ctx, proceed):
                ctx.options["unknown"] = 1
                if ctx.params["pending"]:
                    raise RPCSecurityError("not now")
                await proceed()

            with pytest.raises(RPCSecurityError, match="not now"):
                await client.notify("NotifyPeriodicEventStream", {**STREAM, "pending": 1})
            with pytest.raises(TypeError, match="unknown"):
                await client.notify("NotifyPeriodicEventStream", STREAM)
