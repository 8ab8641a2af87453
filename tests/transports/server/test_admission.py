"""The host's part of admission: functions of the application are called, awaited, and contained."""

import asyncio
from functools import partial
from typing import Any

import pytest

from ocpp_core.admission.rules import steps_of
from ocpp_core.admission.step import Ask, proceed
from ocpp_core.inputs import Reject
from ocpp_transports._server._admitting._questions import Questions
from ocpp_transports.handshake import ConnectionFacts
from tests.core.admission.station import BASIC, TLS_CERT, Rules, arrive, basic, play
from tests.kinds import an

CERTIFICATE = {"subject": ((("commonName", "SN1"),),)}


async def called_in_thread(ask):
    return ask.function(*ask.arguments)


def decide(steps, candidate, failed):
    steps = iter(steps)
    question = proceed(steps, candidate)
    return Questions(candidate, partial(proceed, steps, candidate), failed, called_in_thread).begin(question)


def begin(failures=None, **rules):
    """Begin to decide; the failures that are reported are added to those."""
    reported = [] if failures is None else failures
    candidate = arrive(headers=basic(), facts=ConnectionFacts("192.0.2.1", CERTIFICATE, tls=True))
    return decide(steps_of(Rules(**rules)), candidate, lambda *failure: reported.append(failure))


def decided(failures=None, **rules):
    """Decide, in a coroutine if that is wanted; it waits for nothing."""
    decision = begin(failures, **rules)
    return play(decision()) if callable(decision) else decision


class TestWhatHasToBeWaitedFor:
    @pytest.mark.parametrize("rule", ["auth", "credentials"])
    def test_is_not_begun_before_there_is_a_task_for_it(self, rule):
        """A task that is cancelled before its first step would leave a coroutine that nobody awaited."""
        begun = []

        async def auth(accept, reject, handshake):
            begun.append("auth")
            accept()

        async def credentials(identity):
            begun.append("credentials")
            return "secret"

        decision = begin(
            **({"auth": auth} if rule == "auth" else {"credentials": credentials, "security_profile": BASIC})
        )
        assert begun == []
        assert play(decision()) is None
        assert begun == [rule]

    def test_may_be_a_plain_function_in_a_thread(self):
        failures: list[tuple[str, BaseException]] = []
        rules: dict[str, Any] = {"security_profile": BASIC, "failures": failures}
        decision = begin(**rules, verify=lambda identity, password: password == b"secret")
        assert callable(decision)
        assert play(decision()) is None
        assert an(Reject, decided(**rules, verify=lambda identity, password: False)).status == 401
        assert failures == []
        assert an(Reject, decided(**rules, verify=lambda identity, password: 1 / 0)).status == 500
        assert [what for what, _ in failures] == ["verify raised"]

    def test_may_come_from_a_plain_function(self):
        async def later(accept):
            accept()

        decision = begin(auth=lambda accept, reject, handshake: later(accept))
        assert play(decision()) is None

    def test_may_come_after_what_is_answered_at_once(self):
        order = []

        async def auth(accept, reject, handshake):
            order.append("auth")
            accept()

        def credentials(identity):
            order.append("credentials")
            return "secret"

        decision = begin(auth=auth, credentials=credentials, security_profile=BASIC)
        assert order == ["credentials"]
        assert play(decision()) is None
        assert order == ["credentials", "auth"]


def reject_and_raise(accept, reject, handshake):
    reject(403)
    raise RuntimeError


class Odd(BaseException):
    """What no code catches by `except Exception`."""


class Unreadable:
    """An answer that raises when its type is looked at."""

    def __getattribute__(self, name):
        raise Odd("oops secret")


class Unencodable(str):
    """A password that raises when it is read."""

    __slots__ = ()

    def encode(self, encoding="utf-8", errors="strict"):
        raise Odd("oops secret")


async def accept_and_raise(accept, reject, handshake):
    accept()
    raise RuntimeError("oops secret")


FAULTS = [
    ({"credentials": lambda identity: 1 / 0, "security_profile": BASIC}, "credentials raised"),
    ({"credentials": lambda identity: 12345678, "security_profile": BASIC}, "credentials returned an invalid answer"),
    (
        {"credentials": lambda identity: Unencodable("x"), "security_profile": BASIC},
        "credentials returned an invalid answer",
    ),
    ({"credentials": lambda identity: Unreadable(), "security_profile": BASIC}, "credentials raised"),
    ({"identify": lambda shown, identity: 1 / 0, "security_profile": TLS_CERT}, "identify raised"),
    ({"identify": lambda shown, identity: 1, "security_profile": TLS_CERT}, "identify returned an invalid answer"),
    ({"auth": lambda accept, reject, handshake: accept(protocol="ocpp2.1")}, "auth raised"),
    ({"auth": accept_and_raise}, "auth raised"),
    ({"auth": lambda accept, reject, handshake: None}, "auth returned an invalid answer"),
]


class TestWhatTheApplicationDoesWrong:
    @pytest.mark.parametrize(("rules", "reported"), FAULTS)
    def test_is_500_without_the_exceptions_text(self, rules, reported):
        failures: list[tuple[str, Exception]] = []
        refused = decided(failures, **rules)
        assert (refused.status, refused.body) == (500, "Internal Server Error")
        assert [text for text, _ in failures] == [reported]

    @pytest.mark.parametrize("raised", [KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError])
    def test_may_be_any_exception(self, raised):
        async def main():
            def auth(accept, reject, handshake):
                raise raised

            async def later(accept, reject, handshake):
                raise raised

            return [decided(auth=auth).status, decided(auth=later).status]

        assert asyncio.run(main()) == [500, 500]

    def test_does_not_undo_a_refusal(self):
        failures: list[tuple[str, Exception]] = []
        assert decided(failures, auth=reject_and_raise) == Reject(403, (), "Unauthorized")
        assert [text for text, _ in failures] == ["auth raised"]

    def test_of_a_step_that_asks_again_is_contained_as_well(self):
        def again(answer):
            return Ask("tenant", lambda: 1 / 0, (), again)

        refused = decide([lambda candidate: Ask("tenant", dict, (), again)], arrive(), lambda *failure: None)
        assert refused.status == 500


class TestACancellation:
    def test_goes_on(self):
        failures: list[tuple[str, Exception]] = []

        async def main():
            async def auth(accept, reject, handshake):
                await asyncio.sleep(60)

            task = asyncio.ensure_future(begin(failures, auth=auth)())
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(main())
        assert failures == []
