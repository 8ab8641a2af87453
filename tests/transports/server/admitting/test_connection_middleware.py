"""Middleware around the admission of a station: it runs the rest of the steps, and may refuse before and after."""

import re
from contextlib import suppress
from functools import partial
from typing import Any

import anyio
import pytest

from ocpp_core.admission.rules import steps_of
from ocpp_core.admission.step import Candidate, proceed
from ocpp_core.inputs import Reject
from ocpp_transports import HandshakeRejectedError
from ocpp_transports._server._admitting._questions import Questions
from tests.core.admission.station import BASIC, Rules, accept_all, arrive, basic, play
from tests.kinds import an
from tests.transports.pairs import SECONDS, client_of, first, knock, serving, station_of, upgrade


class Admitted:
    """One handshake that the steps and the application decided; nothing in it waits."""

    def __init__(self, *middleware, password=b"secret", **rules):
        self.failures: list[tuple[str, BaseException]] = []
        self.candidate: Candidate = arrive(headers=basic(password), offered=rules.pop("offered", ["ocpp1.6"]))
        steps = iter(steps_of(Rules(connection_middleware=middleware, **rules)))
        rest = partial(proceed, steps, self.candidate)
        decision: Any = Questions(rest, lambda *failure: self.failures.append(failure), never_called).begin(rest())
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

    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            ({"status": 200}, "expected a status of 400 to 599, got 200"),
            ({"headers": {"X": "a\r\nSet-Cookie: b"}}, "expected a header name and a value without control"),
            ({"headers": {"Content-Length": "3"}}, "expected no Content-Length header"),
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


@pytest.mark.anyio
class TestOnAServer:
    async def test_refuses_with_headers_on_the_wire_and_tells_the_application(self):
        async with (
            serving(connection_middleware=[refusing]) as (server, listener),
            server.events("upgrade_aborted") as all_,
        ):
            status, headers, body = await knock(listener, upgrade())
            assert (status, headers["x-reason"], body) == (403, "list", "Banned")
            assert (await first(all_)).status == 403

    async def test_tells_the_station_nothing_of_an_exception(self):
        async with serving() as (server, listener), server.events("error") as errors:

            @server.connection_middleware
            async def broken(ctx, proceed):
                raise RuntimeError("oops secret")

            status, _, body = await knock(listener, upgrade())
            assert (status, body) == (500, "Internal Server Error")
            assert str((await first(errors)).error) == "oops secret"

    async def test_gives_the_session_to_the_handle(self):
        async with serving() as (server, listener), client_of(listener) as client:

            @server.connection_middleware
            async def tenant(ctx, proceed):
                ctx.session["tenant"] = ctx.handshake.path.split("/")[1]
                await proceed()

            await client.connect()
            assert (await station_of(server)).session == {"tenant": "ocpp"}

    async def test_that_never_ends_is_cancelled_at_the_handshake_timeout(self):
        async with serving(handshake_timeout=0.2) as (server, listener):
            waiting = Waiting()
            server.connection_middleware(waiting.middleware)
            assert (await knock(listener, upgrade()))[0] == 408
            await waiting.wait_for_end()

    async def test_is_cancelled_when_the_station_leaves(self):
        async with serving() as (server, listener):
            waiting = Waiting()
            server.connection_middleware(waiting.middleware)
            async with await anyio.connect_tcp("127.0.0.1", listener.port) as stream:
                await stream.send(upgrade())
                await waiting.begun.wait()
                assert server.stats().handshakes == 1
            await waiting.wait_for_end()
            assert server.stats().handshakes == 0

    async def test_is_cancelled_when_the_server_closes(self):
        async with serving() as (server, listener), anyio.create_task_group() as tasks:
            waiting = Waiting()
            server.connection_middleware(waiting.middleware)

            async def come():
                assert (await knock(listener, upgrade()))[0] == 503

            tasks.start_soon(come)
            await waiting.begun.wait()
            await server.close()
            await waiting.wait_for_end()

    async def test_counts_as_a_handshake_that_waits(self):
        async with serving(max_handshakes=1) as (server, listener):
            waiting = Waiting()
            server.connection_middleware(waiting.middleware)
            async with await anyio.connect_tcp("127.0.0.1", listener.port) as stream:
                await stream.send(upgrade())
                await waiting.begun.wait()
                assert (await knock(listener, upgrade()))[0] == 503

    async def test_that_waits_after_the_rest_does_not_let_too_many_stations_in(self):
        async with serving(max_connections=1) as (server, listener), anyio.create_task_group() as tasks:
            passed: list[str] = []
            both = anyio.Event()

            @server.connection_middleware
            async def slow(ctx, proceed):
                await proceed()
                passed.append(ctx.handshake.identity)
                if len(passed) == 2:
                    both.set()
                await both.wait()

            async def come(identity):
                async with await anyio.connect_tcp("127.0.0.1", listener.port) as stream:
                    await stream.send(upgrade(f"/{identity}"))
                    statuses.append((await stream.receive()).split()[1])
                    if len(statuses) == 2:
                        answered.set()
                    await answered.wait()

            statuses: list[bytes] = []
            answered = anyio.Event()
            tasks.start_soon(come, "CP1")
            tasks.start_soon(come, "CP2")
            with anyio.fail_after(SECONDS):
                await answered.wait()
        assert sorted(statuses) == [b"101", b"503"]

    async def test_must_be_a_list_of_functions(self):
        async with serving() as (server, _):
            with pytest.raises(TypeError, match="connection_middleware as a list of functions, got function"):
                server.reconfigure(connection_middleware=refusing)
            with pytest.raises(TypeError, match="connection_middleware as functions, got int"):
                server.reconfigure(connection_middleware=[1])


class Waiting:
    """A middleware that begins and never ends by itself."""

    def __init__(self):
        self.begun = anyio.Event()
        self.ended = anyio.Event()

    async def middleware(self, ctx, proceed):
        self.begun.set()
        try:
            await anyio.sleep_forever()
        finally:
            self.ended.set()

    async def wait_for_end(self):
        with anyio.fail_after(SECONDS):
            await self.ended.wait()
