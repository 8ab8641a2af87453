"""Calls and SENDs that are messages and models: what is sent, what is returned, what is refused before it is sent."""

from typing import Any, ClassVar

import anyio
import pytest

from ocpp_core import v16, v21, v201
from ocpp_core.typed.message import Message
from ocpp_core.typed.model import RequestModel
from ocpp_transports import NOREPLY, HandlerContext, OCPPError, OCPPServer, RPCTypeConstraintViolationError
from tests.transports.pairs import client_of, first, pair, serving, station_of

pytestmark = pytest.mark.anyio

NOW = "2026-03-01T12:00:00.000Z"
STREAM: v21.NotifyPeriodicEventStreamRequest = {"id": 1, "pending": 0, "basetime": NOW, "data": [{"t": 0, "v": "1"}]}


class TestACall:
    async def test_sends_the_payload_of_a_message_and_returns_the_response(self):
        async with pair(strict_mode=True) as (client, station):

            @client.handle(v16.Reset)
            def reset(ctx: HandlerContext[v16.Reset]) -> v16.ResetResponse:
                return {"status": "Accepted" if ctx.params["type"] == "Soft" else "Rejected"}

            assert await station.call(v16.Reset(type="Soft")) == {"status": "Accepted"}
            assert await station.call_immediate(v16.Reset.of({"type": "Hard"})) == {"status": "Rejected"}
            assert await station.safe_call(v16.Reset(type="Hard"), timeout=30) == {"status": "Rejected"}

    async def test_of_a_request_model_returns_the_model_of_the_response(self):
        async with pair() as (client, station):

            @client.handle(v16.Reset)
            def reset(request: v16.models.ResetRequest) -> v16.models.ResetResponse:
                return v16.models.ResetResponse(status="Accepted" if request.type == "Soft" else "Rejected")

            accepted = v16.models.ResetResponse(status="Accepted")
            soft = v16.models.ResetRequest(type="Soft")
            seen: list[Any] = []
            assert await station.call(soft, check=seen.append) == accepted
            assert await station.safe_call(soft, retries=1) == accepted
            assert seen == [{"status": "Accepted"}]
            assert await station.call("Reset", soft) == {"status": "Accepted"}
            assert await station.call("ocpp1.6", "Reset", soft) == {"status": "Accepted"}

    async def test_of_a_request_model_fails_if_the_response_is_none_of_its_model(self, caplog):
        async with pair() as (client, station):
            client.handle("Reset", lambda ctx: {"status": 7})
            soft = v16.models.ResetRequest(type="Soft")
            with pytest.raises(RPCTypeConstraintViolationError, match=r"payload\.status: expected a string"):
                await station.call(soft)
            assert await station.safe_call(soft) is None
            assert "the call of 'Reset' failed" in caplog.text

    async def test_is_plain_names_and_a_dict_for_middleware(self):
        async with pair() as (client, station):
            client.handle("Reset", lambda ctx: {"status": "Accepted", "type": ctx.params["type"]})
            seen: list[Any] = []

            @station.use
            async def middleware(ctx, proceed):
                seen.append((ctx.action, ctx.params, ctx.protocol))
                ctx.params = {"type": "Hard"}
                return await proceed()

            assert (await station.call(v16.Reset(type="Soft"))) == {"status": "Accepted", "type": "Hard"}
            assert (await station.call(v16.models.ResetRequest(type="Soft"))).status == "Accepted"
            assert seen == [("Reset", {"type": "Soft"}, "ocpp1.6")] * 2

    async def test_by_identity_is_the_same(self):
        async with serving() as (server, listener), client_of(listener) as client:
            await client.connect()
            await station_of(server)
            client.handle("Reset", lambda ctx: {"status": "Accepted"})
            assert await server.call("CP1", v16.Reset(type="Soft")) == {"status": "Accepted"}
            assert (await server.call("CP1", v16.models.ResetRequest(type="Soft"))).status == "Accepted"
            assert await server.safe_call("CP1", v16.Reset(type="Soft")) == {"status": "Accepted"}


class TestAMessageOfAnotherVersion:
    @pytest.mark.parametrize("request_", [v201.Heartbeat(), v201.models.HeartbeatRequest()])
    async def test_is_refused_before_anything_is_sent(self, request_):
        async with pair() as (client, _), client.events("message") as messages:
            with pytest.raises(ValueError, match=r"expected a call for ocpp1\.6, got one for ocpp2\.0\.1"):
                await client.call(request_)
            await messages.aclose()
            assert [event async for event in messages] == []

    async def test_is_refused_by_an_offline_queue_when_the_version_is_known(self):
        async with serving() as (server, listener), client_of(listener, offline_queue=True) as client:
            server.handle(v16.Heartbeat)(lambda ctx: {"currentTime": NOW})

            async def call_another_version():
                with pytest.raises(OCPPError, match=r"expected a call for ocpp1\.6, got one for ocpp2\.0\.1"):
                    await client.call(v201.Heartbeat())

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(call_another_version)
                tasks.start_soon(client.call, v16.Heartbeat())
                await anyio.wait_all_tasks_blocked()
                assert client.pending == 2
                await client.connect()

    async def test_is_not_handled(self):
        async with pair(server={"handler_grace": 0}) as (client, station):
            station.handle(v201.Heartbeat)(lambda ctx: {"currentTime": NOW})
            assert await client.safe_call("Heartbeat") is None


class TestASend:
    OPTIONS: ClassVar[dict[str, Any]] = {"protocols": ["ocpp2.1"], "strict_mode": True}

    @pytest.mark.parametrize(
        "message",
        [v21.NotifyPeriodicEventStream.of(STREAM), v21.models.NotifyPeriodicEventStreamRequest.from_wire(STREAM)],
    )
    async def test_goes_through_notify(self, message):
        async with pair(**self.OPTIONS) as (client, station), station.events("message") as messages:
            seen: list[Any] = []
            station.handle(v21.NotifyPeriodicEventStream)(lambda ctx: seen.append(ctx.params))
            await client.notify(message)
            await client.notify(
                "NotifyPeriodicEventStream", v21.models.NotifyPeriodicEventStreamRequest.from_wire(STREAM)
            )
            await first(messages)
            await first(messages)
            assert seen == [STREAM] * 2

    async def test_is_refused_by_call_and_a_call_by_notify(self):
        async with pair(**self.OPTIONS) as (client, _):
            send: Any = v21.NotifyPeriodicEventStream.of(STREAM)
            for call in (client.call, client.safe_call, client.call_immediate):
                with pytest.raises(TypeError, match=r"it is a SEND in ocpp2\.1; use notify instead"):
                    await call(send)
            notify: Any = client.notify
            for message in (v21.Heartbeat(), v21.models.HeartbeatRequest()):
                with pytest.raises(TypeError, match=r"it is a CALL in ocpp2\.1; use call instead"):
                    await notify(message)

    async def test_of_another_version_is_refused(self):
        async with pair() as (client, _):
            with pytest.raises(ValueError, match=r"expected a SEND of ocpp1\.6, got one of ocpp2\.1"):
                await client.notify(v21.NotifyPeriodicEventStream.of(STREAM))


class NoMessage(RequestModel[Any, Any]):
    """A model that names no message."""


class TestArguments:
    @pytest.mark.parametrize(
        ("args", "words"),
        [
            ((v16.Reset,), r"got \(type\); make a message of the class first: Reset\(\.\.\.\)"),
            ((v16.Reset(type="Soft"), {}), r"got \(Reset, dict\)"),
            (("Reset", v16.Reset(type="Soft")), r"got \('Reset', Reset\); a message is the only argument"),
            ((v16.models.ResetRequest,), r"make a model of the class first: ResetRequest\(\.\.\.\)"),
            (("Reset", v16.models.ClearCacheRequest()), "a model of the request of Reset, got ClearCacheRequest"),
            (("Reset", v16.models.ResetResponse(status="Accepted")), "of the request of Reset, got ResetResponse"),
            ((Message(type="Soft"),), r"got \(Message\)"),
            ((NoMessage(),), r"got \(NoMessage\)"),
            ((v16.models.ResetResponse(status="Accepted"),), r"got \(ResetResponse\)"),
            (("", v16.models.ResetRequest(type="Soft")), "expected a message, or an action"),
            ((v16.Heartbeat.of([]),), "dict"),  # type: ignore[arg-type]  # no dict on purpose
        ],
    )
    async def test_that_are_no_request_raise_at_once(self, args, words):
        async with pair() as (client, _):
            client_call: Any = client.call
            with pytest.raises(TypeError, match=words):
                await client_call(*args)
            assert client.pending == 0

    async def test_are_checked_for_a_station_that_is_not_connected(self):
        async with OCPPServer(protocols=["ocpp1.6"]) as server:
            call: Any = server.call
            with pytest.raises(TypeError, match="use notify instead"):
                await call("CP1", v21.NotifyPeriodicEventStream.of(STREAM))


async def test_noreply_and_a_later_reply_work_for_typed_handlers():
    async with pair() as (client, station):

        @client.handle(v16.Reset)
        def reset(ctx: HandlerContext[v16.Reset]) -> Any:
            ctx.reply({"status": "Accepted"})
            return NOREPLY

        assert await station.call(v16.Reset(type="Soft")) == {"status": "Accepted"}
