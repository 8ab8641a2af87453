"""What a handler's request is answered, and what its context can do."""

from asyncio import CancelledError
from functools import partial
from typing import Any

import pytest

from ocpp_core.actions import Direction
from ocpp_core.errors import ConnectionLostError, RPCError, RPCInternalError, RPCSecurityError, create_rpc_error
from ocpp_core.inputs import Decline, Fail, Reply
from ocpp_transports._handlers._dispatcher import RUNNING
from ocpp_transports._handlers._table import NOREPLY
from tests.transports.fake_host import FakeCompletion
from tests.transports.station import INTERNAL, later, raise_later, throw


class TestTheContext:
    def test_tells_what_there_is_to_know(self, station):
        seen: list[Any] = []
        station.handle("Authorize", seen.append)
        station.call("Authorize", {"idTag": "A"})
        (ctx,) = seen
        assert (ctx.action, ctx.params, ctx.message_id) == ("Authorize", {"idTag": "A"}, "id1")
        assert (ctx.protocol, ctx.client, ctx.direction) == ("ocpp1.6", "the client", Direction.IN)
        assert not ctx.disconnected

    def test_comes_second_to_a_catch_all(self, station):
        station.handle(lambda action, ctx: {"action": action, "params": ctx.params})
        station.call("Authorize", {"idTag": "A"})
        assert station.answers == [Reply(1, {"action": "Authorize", "params": {"idTag": "A"}})]


class TestAResult:
    @pytest.mark.parametrize("make", [lambda value: lambda ctx: value, lambda value: lambda ctx: later(value)])
    @pytest.mark.parametrize(("result", "payload"), [({"status": "Accepted"}, {"status": "Accepted"}), (None, {})])
    def test_of_any_kind_of_handler_is_the_answer(self, station, make, result, payload):
        station.handle("Heartbeat", make(result))
        station.call()
        assert station.answers == [Reply(1, payload)]

    def test_of_a_partial_coroutine_function_is_the_answer(self, station):
        async def handler(status, ctx):
            return {"status": status}

        station.handle("Heartbeat", partial(handler, "Accepted"))
        station.call()
        assert station.answers == [Reply(1, {"status": "Accepted"})]

    def test_of_an_object_with_an_asynchronous_call_is_the_answer(self, station):
        class Handler:
            async def __call__(self, ctx):
                return {"status": "Accepted"}

        station.handle("Heartbeat", Handler())
        station.call()
        assert station.answers == [Reply(1, {"status": "Accepted"})]

    @pytest.mark.parametrize("result", [[], "text", 0, False, b"x", [("a", 1)]])
    def test_that_is_no_dict_is_an_internal_error_and_reported(self, station, result):
        station.handle("Heartbeat", lambda ctx: result)
        station.call()
        assert station.answers == [Fail(1, "InternalError", INTERNAL, None)]
        ((_, error),) = station.failures
        assert isinstance(error, TypeError)

    def test_of_a_send_is_ignored(self, station):
        station.handle("Notify", lambda ctx: "whatever")
        station.call("Notify", expects_reply=False)
        assert station.answers == [Reply(1, {})]
        assert station.failures == []


class TestAnError:
    def test_of_rpc_is_sent_with_its_code_description_and_details(self, station):
        error = RPCSecurityError("not for you", {"why": "role"})
        station.handle("Heartbeat", lambda ctx: raise_later(error))
        station.call()
        assert station.answers == [Fail(1, "SecurityError", "not for you", {"why": "role"})]
        assert station.failures == [("Heartbeat", error)]

    @pytest.mark.parametrize("code", ["VendorCode", "OccurenceConstraintViolation"])
    @pytest.mark.parametrize("make", [RPCError, create_rpc_error])
    def test_of_rpc_keeps_any_code(self, station, make, code):
        error = make(code, "d", {"a": 1})
        station.handle("Heartbeat", lambda ctx: raise_later(error))
        station.call()
        assert station.answers == [Fail(1, code, "d", {"a": 1})]

    @pytest.mark.parametrize("error", [KeyError("secret"), ConnectionLostError("another station's", sent=True)])
    @pytest.mark.parametrize("how", [raise_later, throw])
    def test_of_any_other_kind_tells_the_peer_nothing(self, station, how, error):
        station.handle("Heartbeat", lambda ctx: how(error))
        station.call()
        assert station.answers == [Fail(1, "InternalError", INTERNAL, None)]
        assert station.failures == [("Heartbeat", error)]

    def test_is_named_on_request_without_its_stack(self, make_station):
        station = make_station(detailed_errors=True)
        station.handle("Heartbeat", lambda ctx: raise_later(ValueError("out of range")))
        station.call()
        assert station.answers == [
            Fail(1, "InternalError", INTERNAL, {"name": "ValueError", "message": "out of range"})
        ]

    @pytest.mark.parametrize(("text", "message"), [("x" * 501, "x" * 500), ("\ud800", "?")])
    def test_is_named_in_bounded_unicode(self, make_station, text, message):
        station = make_station(detailed_errors=True)
        station.handle("Heartbeat", lambda ctx: throw(ValueError(text)))
        station.call()
        assert station.answers[0].details["message"] == message

    @pytest.mark.parametrize("raised", [RuntimeError, CancelledError])
    def test_whose_text_cannot_be_made_is_still_answered(self, make_station, raised):
        class AwkwardError(Exception):
            def __str__(self):
                raise raised

        station = make_station(detailed_errors=True)
        station.handle("Heartbeat", lambda ctx: throw(AwkwardError()))
        station.call()
        assert station.answers[0].details == {"name": "AwkwardError", "message": ""}

    def test_of_a_send_is_reported_only(self, station):
        station.handle("Notify", lambda ctx: throw(KeyError("x")))
        station.call("Notify", expects_reply=False)
        assert station.answers == [Reply(1, {})]
        assert len(station.failures) == 1

    def test_is_reported_after_the_peer_was_told(self, station, monkeypatch):
        told = []
        monkeypatch.setattr(station, "handler_failed", lambda *_: told.append(len(station.answers)))
        station.handle("Heartbeat", lambda ctx: throw(KeyError("x")))
        station.call()
        assert told == [1]

    @pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
    @pytest.mark.parametrize("how", [raise_later, throw])
    def test_that_ends_the_program_answers_and_goes_on(self, station, how, stop):
        station.handle("Heartbeat", lambda ctx: how(stop()))
        with pytest.raises(stop):
            station.call()
        assert station.answers == [Fail(1, "InternalError", INTERNAL, None)]

    def test_a_cancelled_handler_fails_its_request(self, station):
        async def handler(ctx):
            await FakeCompletion()

        station.handle("Heartbeat", handler)
        station.call()
        station.host.tasks[0].cancel()
        station.host.run()
        assert station.answers == [Fail(1, "InternalError", INTERNAL, None)]
        ((_, error),) = station.failures
        assert isinstance(error, RPCInternalError)
        station.call()
        assert len(station.host.tasks) == 1


class TestNoreply:
    def test_declines_and_is_answered_once_later(self, station):
        seen: list[Any] = []
        station.handle("Heartbeat", lambda ctx: (seen.append(ctx), NOREPLY)[1])
        station.call()
        assert station.answers == [Decline(1)]
        seen[0].reply({"a": 1})
        assert station.answers == [Decline(1), Reply(1, {"a": 1})]
        for again in (seen[0].reply, lambda _: seen[0].fail("GenericError")):
            with pytest.raises(RuntimeError, match="has been answered"):
                again({})

    def test_is_failed_once_later(self, station):
        seen: list[Any] = []
        station.handle("Heartbeat", lambda ctx: later((seen.append(ctx), NOREPLY)[1]))
        station.call()
        seen[0].fail("GenericError", "no", {"a": 1})
        assert station.answers == [Decline(1), Fail(1, "GenericError", "no", {"a": 1})]
        with pytest.raises(RuntimeError):
            seen[0].reply({})

    def test_can_not_be_answered_once_the_connection_is_gone(self, station):
        seen: list[Any] = []
        station.handle("Heartbeat", lambda ctx: (seen.append(ctx), NOREPLY)[1])
        number = station.call()
        station.dispatcher.abandoned(number)
        station.dispatcher.end()
        with pytest.raises(ConnectionLostError) as caught:
            seen[0].reply({})
        assert not caught.value.sent
        assert station.answers == [Decline(1)]

    def test_can_not_be_answered_once_too_many_wait(self, station):
        seen: list[Any] = []
        station.handle("Heartbeat", lambda ctx: (seen.append(ctx), NOREPLY)[1])
        station.dispatcher.abandoned(station.call())
        with pytest.raises(RuntimeError, match="was abandoned, too many requests wait after NOREPLY"):
            seen[0].reply({})
        assert station.answers == [Decline(1)]

    def test_an_answer_given_by_the_context_before_the_handler_ends_is_the_answer(self, station):
        station.handle("Heartbeat", lambda ctx: ctx.reply({"early": True}))
        station.call()
        assert station.answers == [Reply(1, {"early": True})]
        assert station.failures == []

    def test_a_result_after_that_is_reported(self, station):
        station.handle("Heartbeat", lambda ctx: (ctx.reply({}), {"second": True})[1])
        station.call()
        assert station.answers == [Reply(1, {})]
        assert isinstance(station.failures[0][1], RuntimeError)

    @pytest.mark.parametrize("payload", [None, [], "x"])
    def test_a_wrong_payload_raises_and_changes_nothing(self, station, payload):
        seen: list[Any] = []
        station.handle("Heartbeat", lambda ctx: (seen.append(ctx), NOREPLY)[1])
        station.call()
        with pytest.raises(TypeError, match="expected a dict"):
            seen[0].reply(payload)
        with pytest.raises(TypeError, match="expected an error code"):
            seen[0].fail(3)
        seen[0].reply({})
        assert station.answers[-1] == Reply(1, {})

    def test_a_send_has_no_answer(self, station):
        seen: list[Any] = []
        station.handle("Notify", lambda ctx: (seen.append(ctx), NOREPLY)[1])
        station.call("Notify", expects_reply=False)
        with pytest.raises(RuntimeError, match="SEND"):
            seen[0].reply({})
        assert station.answers == [Reply(1, {})]

    def test_reads_as_its_name(self):
        assert repr(NOREPLY) == "NOREPLY"


class TestADisconnect:
    def test_sets_the_signal_and_the_handler_goes_on(self, station):
        steps = []

        async def handler(ctx):
            await ctx.disconnected.wait()
            steps.append(bool(ctx.disconnected))
            await ctx.disconnected.wait()
            return {"too": "late"}

        station.handle("Heartbeat", handler)
        number = station.call()
        station.dispatcher.abandoned(number)
        station.host.run()
        assert steps == [True]
        assert station.answers == [Reply(number, {"too": "late"})], "to be remembered, for a copy of the CALL"
        assert station.failures == []

    def test_is_seen_by_a_handler_that_asks_later(self, station):
        seen: list[Any] = []

        async def handler(ctx):
            seen.append(ctx)
            await FakeCompletion()

        station.handle("Heartbeat", handler)
        station.dispatcher.abandoned(station.call())
        assert seen[0].disconnected.is_set()

    def test_keeps_an_error_of_the_handler_from_the_peer_but_reports_it(self, station):

        async def handler(ctx):
            await ctx.disconnected.wait()
            raise KeyError

        station.handle("Heartbeat", handler)
        station.dispatcher.abandoned(station.call())
        station.host.run()
        assert station.answers == [Fail(1, "InternalError")], "a copy is to be tried again"
        assert len(station.failures) == 1

    def test_a_cancelled_wait_for_it_leaves_nothing_behind(self, station):
        seen: list[Any] = []

        async def handler(ctx):
            seen.append(ctx)
            await ctx.disconnected.wait()

        station.handle("Heartbeat", handler)
        station.call()
        station.host.tasks[0].cancel()
        station.host.run()
        assert seen[0].disconnected._waiters == []

    def test_what_has_not_begun_never_does(self, station):
        begun = []

        async def handler(ctx):
            begun.append(ctx.message_id)
            await FakeCompletion()

        station.handle("Heartbeat", handler)
        for _ in range(RUNNING + 2):
            station.receive()
        station.host.run()
        station.dispatcher.abandoned(RUNNING + 1)
        station.host.tasks[0].cancel()
        station.host.tasks[1].cancel()
        station.host.run()
        assert begun[RUNNING:] == [f"id{RUNNING + 2}"]

    def test_is_told_of_a_send_that_has_not_begun(self, station):
        async def handler(ctx):
            await FakeCompletion()

        station.handle("Heartbeat", handler)
        for _ in range(RUNNING):
            station.receive()
        station.host.run()
        lost = station.receive(expects_reply=False)
        station.dispatcher.abandoned(lost)
        ((action, error),) = station.failures
        assert (action, type(error)) == ("Heartbeat", ConnectionLostError)
