"""Serving the central system's calls: the forms of a handler, its answers, its errors."""

import asyncio
from typing import TYPE_CHECKING, Any

from lab import raises, start, told, until

from ocpp_core import v16
from ocpp_transports import NOREPLY, RPCSecurityError

if TYPE_CHECKING:
    import elsewhere  # type: ignore[import-not-found]  # noqa: TC004 - of no use before Python 3.14
    from elsewhere import HandlerContext, Unknown  # noqa: TC004 - it does not exist at run time on purpose


class TestHandlers:
    async def test_for_an_action(self, lab):
        client = await lab.connected()

        @client.handle("Reset")
        async def reset(context):
            await asyncio.sleep(0)
            return {"status": "Accepted", "was": context.params, "by": context.protocol, "is": context.client is client}

        answer = await lab.ask("central.call", client.identity, "Reset", {"type": "Soft"})
        assert answer["payload"] == {"status": "Accepted", "was": {"type": "Soft"}, "by": "ocpp1.6", "is": True}

    async def test_for_an_action_in_one_version(self, lab):
        client = lab.client(protocols=["ocpp1.6"])
        client.handle("ocpp1.6", "Reset", lambda context: {"status": "Accepted"})
        client.handle("ocpp2.0.1", "Reset", lambda context: {"status": "Rejected"})
        await client.connect()
        assert await lab.ask("central.call", client.identity, "Reset") == {"payload": {"status": "Accepted"}}

    async def test_for_everything_else(self, lab):
        client = await lab.connected()
        client.handle("Reset", lambda context: {"status": "Accepted"})
        client.handle(lambda action, context: {"action": action})
        assert await lab.ask("central.call", client.identity, "Reset") == {"payload": {"status": "Accepted"}}
        assert await lab.ask("central.call", client.identity, "ClearCache") == {"payload": {"action": "ClearCache"}}

    async def test_none(self, lab):
        client = await lab.connected(handler_grace=0)
        answer = await lab.ask("central.call", client.identity, "Reset")
        assert answer["error"] == "NotImplemented"

    async def test_one_that_comes_a_little_late(self, lab):
        client = await lab.connected()
        call = start(lab.ask("central.call", client.identity, "Reset"))
        await asyncio.sleep(0.1)
        client.handle("Reset", lambda context: {"status": "Accepted"})
        assert await call == {"payload": {"status": "Accepted"}}

    async def test_one_that_was_removed(self, lab):
        client = await lab.connected(handler_grace=0)
        client.handle("Reset", lambda context: {"status": "Accepted"})
        client.remove_handler("Reset")
        assert (await lab.ask("central.call", client.identity, "Reset"))["error"] == "NotImplemented"


class TestAnnotationsOfWhatOnlyATypeCheckerImports:
    """The page has Python 3.14, the first that evaluates an annotation when it is read."""

    async def test_is_the_context(self, lab):
        def reset(ctx: HandlerContext[v16.Reset]) -> Unknown:
            return {"status": ctx.params["type"]}

        def clear(ctx: elsewhere.HandlerContext[v16.ClearCache], params: v16.ClearCacheRequest) -> Unknown:
            return {"status": ctx.action, **params}

        def unlock(params: v16.UnlockConnectorRequest, times: Unknown = 2) -> Unknown:
            return {"status": "Unlocked" * times}

        client = await lab.connected()
        client.handle(v16.Reset, reset)
        client.handle(v16.ClearCache, clear)
        client.handle(v16.UnlockConnector, unlock)
        assert await lab.ask("central.call", client.identity, "Reset", {"type": "Soft"}) == {
            "payload": {"status": "Soft"}
        }
        assert await lab.ask("central.call", client.identity, "ClearCache") == {"payload": {"status": "ClearCache"}}
        assert await lab.ask("central.call", client.identity, "UnlockConnector", {"connectorId": 1}) == {
            "payload": {"status": "UnlockedUnlocked"}
        }

    async def test_is_nothing_else(self, lab):
        def unknown(params: Unknown) -> Any:
            return {"got": params}

        with raises(TypeError, match="got 'Unknown', which cannot be resolved at run time: NameError"):
            lab.client().handle(v16.Reset, unknown)

    async def test_of_middleware_is_not_read(self, lab):
        def middleware(ctx, proceed, *, times: Unknown = 1):
            return proceed()

        lab.client().use(middleware)


class TestAnswers:
    async def test_both_directions_at_once(self, lab):
        client = await lab.connected()

        @client.handle("DataTransfer")
        async def transfer(context):
            answer = await client.call("DataTransfer", {"vendorId": "echo", "data": context.params["data"]})
            return {"status": "Accepted", "data": f"back: {answer['data']}"}

        params = [{"vendorId": "x", "data": str(number)} for number in range(30)]
        answers = await lab.ask("central.call_many", client.identity, "DataTransfer", params)
        assert [answer["payload"]["data"] for answer in answers] == [f"back: {number}" for number in range(30)]

    async def test_one_that_is_given_later(self, lab):
        client = await lab.connected()
        contexts = []

        @client.handle("Reset")
        def reset(context):
            contexts.append(context)
            return NOREPLY

        first = start(lab.ask("central.call", client.identity, "Reset"))
        await until(lambda: contexts)
        contexts.pop().reply({"status": "Accepted"})
        assert await first == {"payload": {"status": "Accepted"}}
        second = start(lab.ask("central.call", client.identity, "Reset"))
        await until(lambda: contexts)
        contexts.pop().fail("SecurityError", "not now", {"why": "it rains"})
        assert await second == {"error": "SecurityError", "description": "not now", "details": {"why": "it rains"}}

    async def test_the_library_s_errors(self, lab):
        client = await lab.connected()

        @client.handle("Reset")
        def reset(context):
            raise RPCSecurityError("never", {"at": "all"})

        answer = await lab.ask("central.call", client.identity, "Reset")
        assert answer == {"error": "SecurityError", "description": "never", "details": {"at": "all"}}

    async def test_any_other_exception_is_told_here_and_not_there(self, lab):
        client = await lab.connected()
        events = told(client, "handler_error")

        def reset(context):
            raise LookupError("a secret")

        async def clear(context):
            reset(context)

        client.handle("Reset", reset)
        client.handle("ClearCache", clear)
        for action in ("Reset", "ClearCache"):
            answer = await lab.ask("central.call", client.identity, action)
            assert answer["error"] == "InternalError"
            assert "secret" not in str(answer)
        assert [(event.action, type(event.error)) for _, event in events] == [
            ("Reset", LookupError),
            ("ClearCache", LookupError),
        ]
        assert "currentTime" in await client.call("Heartbeat", {})

    async def test_what_is_no_payload(self, lab):
        client = await lab.connected()
        for answer in ([1], {"a": object()}, {"a": float("nan")}, "text"):
            client.handle("Reset", lambda context, answer=answer: answer)
            told_there = await lab.ask("central.call", client.identity, "Reset")
            assert told_there["error"] == "InternalError", (answer, told_there)
            client.remove_handler("Reset")


class TestOrder:
    async def test_handlers_run_at_the_same_time(self, lab):
        client = await lab.connected(lab.puppet())
        gate = asyncio.Event()

        @client.handle("Reset")
        async def reset(context):
            await gate.wait()
            return {"status": "Accepted"}

        @client.handle("ClearCache")
        async def clear(context):
            gate.set()
            return {"status": "Accepted"}

        await lab.ask("puppet.say", client.identity, [2, "1", "Reset", {}], [2, "2", "ClearCache", {}])
        answers = [await lab.ask("puppet.hear", client.identity) for _ in range(2)]
        assert sorted(answer[1] for answer in answers) == ["1", "2"]

    async def test_or_one_after_the_other_where_that_is_wanted(self, lab):
        client = await lab.connected(lab.puppet(), in_order=True)
        running = []

        @client.handle("Reset")
        async def reset(context):
            running.append(context.message_id)
            assert len(running) == 1
            await asyncio.sleep(0.02)
            running.clear()
            return {"status": "Accepted"}

        await lab.ask("puppet.say", client.identity, *([2, str(number), "Reset", {}] for number in range(3)))
        answers = [await lab.ask("puppet.hear", client.identity) for _ in range(3)]
        assert answers == [[3, str(number), {"status": "Accepted"}] for number in range(3)]

    async def test_what_comes_at_once_after_the_open_is_not_lost(self, lab):
        client = lab.client(lab.puppet("eager"))
        client.handle("Reset", lambda context: {"status": "Accepted"})
        await client.connect()
        assert await lab.ask("puppet.hear", client.identity) == [3, "eager", {"status": "Accepted"}]

    async def test_middleware_goes_around_both_directions(self, lab):
        client = await lab.connected()
        client.handle("Reset", lambda context: {"status": "Accepted"})
        seen = []

        @client.use
        async def watch(context, proceed):
            answer = await proceed()
            seen.append((context.direction.value, context.action))
            return answer

        await client.call("Heartbeat", {})
        await lab.ask("central.call", client.identity, "Reset")
        assert seen == [("out", "Heartbeat"), ("in", "Reset")]
