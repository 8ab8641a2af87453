"""Middleware around the admission of a station: it runs the rest of the steps, and may refuse before and after."""

import re
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from ocpp_core.admission.rules import steps_of
from ocpp_core.admission.step import Candidate, Cause, proceed
from ocpp_core.inputs import Reject
from ocpp_transports import HandshakeRejectedError
from ocpp_transports._server._admitting._questions import Questions
from tests.core.admission.station import BASIC, Rules, accept_all, arrive, basic, play
from tests.kinds import an


class Admitted:
    """One handshake that the steps and the application decided; nothing in it waits."""

    def __init__(self, *middleware, password=b"secret", **rules):
        self.failures: list[tuple[str, BaseException]] = []
        self.candidate: Candidate = arrive(headers=basic(password), offered=rules.pop("offered", ["ocpp1.6"]))
        steps = iter(steps_of(Rules(connection_middleware=middleware, **rules)))
        rest = partial(proceed, steps, self.candidate)
        questions = Questions(self.candidate, rest, lambda *failure: self.failures.append(failure), never_called)
        decision: Any = questions.begin(rest())
        self.refusal: Any = play(decision()) if callable(decision) else decision

    @property
    def told(self):
        """The application's mistakes, as they are reported."""
        return [f"{what}: {error}" for what, error in self.failures]


class Suspended:
    """What never becomes ready."""

    def __await__(self):
        yield


async def never_called(ask):
    raise AssertionError(ask)


async def passing(ctx, proceed):
    await proceed()


async def refusing(ctx, proceed):
    ctx.reject(403, "Banned", headers={"x-reason": "list"})


class TestAMiddleware:
    def test_runs_the_rest_of_the_steps_inside_its_own_in_the_order_of_registration(self):
        order = []

        def layer(name):
            async def middleware(ctx, proceed):
                order.append(f"{name} begins")
                await proceed()
                order.append(f"{name} ends")

            return middleware

        def auth(accept, reject, handshake):
            order.append("auth")
            accept()

        assert Admitted(layer("outer"), layer("inner"), auth=auth).refusal is None
        assert order == ["outer begins", "inner begins", "auth", "inner ends", "outer ends"]

    def test_may_be_a_plain_function_that_returns_what_proceed_returns(self):
        assert Admitted(lambda ctx, proceed: proceed()).refusal is None

    def test_adds_to_the_session_what_auth_does_not_replace(self):
        async def middleware(ctx, proceed):
            ctx.session.update(tenant="a", by="middleware", at="before")
            await proceed()
            ctx.session["at"] = "after"

        admitted = Admitted(middleware, auth=lambda accept, reject, handshake: accept(session={"by": "auth"}))
        assert admitted.candidate.session == {"tenant": "a", "by": "auth", "at": "after"}

    def test_sees_the_choice_of_auth_after_it(self):
        seen = []

        async def middleware(ctx, proceed):
            seen.append((ctx.handshake.identity, ctx.protocol))
            await proceed()
            seen.append((ctx.handshake.identity, ctx.protocol))

        def auth(accept, reject, handshake):
            accept(identity="SN1", protocol="ocpp2.0.1")

        offered = ("ocpp1.6", "ocpp2.0.1")
        assert Admitted(middleware, auth=auth, protocols=offered, offered=offered).refusal is None
        assert seen == [("CP1", "ocpp1.6"), ("SN1", "ocpp2.0.1")]

    def test_is_not_called_for_a_request_that_breaks_the_rules(self):
        assert Admitted(refusing, offered=["ocpp9"]).refusal.status == 400

    def test_is_not_called_for_a_websocket_that_is_closed_at_once(self):
        assert Admitted(refusing, offered=["ocpp9"], unmatched_protocol="upgrade-then-close").refusal is None


class TestARejection:
    def test_before_the_rest_has_status_headers_and_body(self):
        asked = []
        admitted = Admitted(refusing, auth=lambda *_: asked.append(1))
        assert admitted.refusal == Reject(403, (("x-reason", "list"),), "Banned")
        assert asked == []

    def test_after_the_rest_undoes_an_acceptance(self):
        async def middleware(ctx, proceed):
            await proceed()
            ctx.reject(429, "Slow down", headers={"Retry-After": "3"})

        assert Admitted(middleware, auth=accept_all).refusal == Reject(429, (("Retry-After", "3"),), "Slow down")

    def test_by_the_rest_is_raised_by_proceed(self):
        seen = []

        async def middleware(ctx, proceed):
            try:
                await proceed()
            except HandshakeRejectedError as error:
                seen.append((error.status, error.message, sorted(error.headers), str(error)))
                raise

        admitted = Admitted(middleware, password=b"wrong", security_profile=BASIC, credentials={"CP1": "secret"})
        assert an(Reject, admitted.refusal).status == 401
        assert seen == [(401, "Unauthorized", ["www-authenticate"], "rejected with 401: Unauthorized")]
        assert admitted.told == []

    def test_by_the_rest_stands_even_if_the_middleware_catches_it(self):
        async def middleware(ctx, proceed):
            with suppress(HandshakeRejectedError):
                await proceed()

        async def greedy(ctx, proceed):
            with suppress(Exception):
                ctx.reject(403)
            await proceed()

        wrong: dict[str, Any] = {"password": b"wrong", "security_profile": BASIC, "credentials": {"CP1": "secret"}}
        assert Admitted(middleware, **wrong).refusal.status == 401
        assert Admitted(passing, middleware, **wrong).refusal.status == 401
        assert Admitted(greedy).refusal.status == 403

    def test_by_the_rest_may_be_answered_differently(self):
        async def middleware(ctx, proceed):
            try:
                await proceed()
            except HandshakeRejectedError:
                ctx.reject(404, "Not Found")

        assert Admitted(passing, middleware, auth=lambda a, reject, h: reject()).refusal.status == 404

    def test_may_pass_through_task_groups(self):
        async def middleware(ctx, proceed):
            try:
                await proceed()
            except HandshakeRejectedError as error:
                raise ExceptionGroup("of a task group", [ExceptionGroup("of another", [error])]) from None

        admitted = Admitted(middleware, auth=lambda accept, reject, handshake: reject(410))
        assert (an(Reject, admitted.refusal).status, admitted.told) == (410, [])

    def test_may_be_raised_by_auth_too(self):
        async def auth(accept, reject, handshake):
            raise HandshakeRejectedError(402, "Pay first")

        assert an(Reject, Admitted(auth=auth).refusal).body == "Pay first"

    def test_may_be_of_a_class_with_another_constructor(self):
        class RetiredError(HandshakeRejectedError):
            def __init__(self, number):
                self.number = number

        def auth(accept, reject, handshake):
            raise RetiredError(7)

        assert Admitted(auth=auth).refusal == Reject(403, (), "Forbidden")

    @pytest.mark.parametrize(("status", "kind"), [(401, "bad_credentials"), (404, "refused_by_application")])
    def test_that_is_raised_is_no_refusal_by_the_server_whatever_its_status(self, status, kind):
        async def middleware(ctx, proceed):
            raise HandshakeRejectedError(status)

        assert an(Cause, Admitted(passing, middleware).candidate.cause).kind == kind

    def test_by_the_rest_keeps_its_cause(self):
        def auth(accept, reject, handshake):
            raise RuntimeError

        assert an(Cause, Admitted(passing, auth=auth).candidate.cause).kind == "decision_failed"

    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            ({"status": 200}, "expected a status of 400 to 599, got 200"),
            ({"headers": {"X": "a\r\nSet-Cookie: b"}}, "expected a header name and a value without control"),
            ({"headers": {"Content-Length": "3"}}, "expected no Content-Length header"),
            ({"headers": {"Retry-After": 3}}, "expected headers as a mapping of str to str"),
            ({"headers": [("X", "a")]}, "expected headers as a mapping of str to str"),
        ],
    )
    def test_with_arguments_that_are_wrong_is_told(self, arguments, expected):
        async def middleware(ctx, proceed):
            ctx.reject(**arguments)

        admitted = Admitted(middleware)
        assert an(Reject, admitted.refusal).status == 500
        assert expected in admitted.told[0]


class TestAMistake:
    """500 for the station, which learns nothing else, and a report for the application."""

    def test_is_to_raise(self):
        async def middleware(ctx, proceed):
            raise RuntimeError("oops secret")

        admitted = Admitted(middleware)
        assert admitted.refusal == Reject(500, (), "Internal Server Error")
        assert admitted.told == ["connection_middleware raised: oops secret"]

    def test_is_to_raise_after_the_rest_accepted(self):
        async def middleware(ctx, proceed):
            await proceed()
            raise RuntimeError

        assert Admitted(middleware, auth=accept_all).refusal.status == 500

    def test_is_to_decide_nothing(self):
        async def silent(ctx, proceed):
            pass

        def plain(ctx, proceed):
            return None

        told = r"expected middleware .*<locals>\.(silent|plain) to await proceed\(\), or to call ctx\.reject\(\)"
        for middleware in (silent, plain):
            admitted = Admitted(middleware, auth=accept_all)
            assert an(Reject, admitted.refusal).status == 500
            [(_, error)] = admitted.failures
            assert re.fullmatch(told, str(error))

    def test_is_to_proceed_twice(self):
        """The steps that the first time has begun, such as the check of a password, must not be skipped."""

        async def slow(identity):
            await Suspended()

        async def middleware(ctx, proceed):
            given_up = proceed()
            given_up.send(None)
            given_up.close()
            await proceed()

        admitted = Admitted(passing, middleware, security_profile=BASIC, credentials=slow)
        assert an(Reject, admitted.refusal).status == 500
        assert admitted.told[-1].endswith("cannot proceed: this handshake has proceeded already")

    @pytest.mark.parametrize("error", [None, RuntimeError(), HandshakeRejectedError(500)])
    def test_is_to_proceed_after_its_end(self, error):
        kept: list[Any] = []
        asked = []

        async def middleware(ctx, proceed):
            kept.append(proceed)
            if error is not None:
                raise error

        admitted = Admitted(middleware, auth=lambda *_: asked.append(1))
        assert an(Reject, admitted.refusal).status == 500
        with pytest.raises(RuntimeError, match="cannot proceed: the middleware has ended"):
            play(kept[0]())
        assert asked == []
