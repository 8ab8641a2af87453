"""A host in miniature: brings a handshake through the steps, and answers what they ask."""

from base64 import b64encode
from collections.abc import Awaitable
from dataclasses import dataclass, field
from inspect import isawaitable

from ocpp_core.actions import UpgradeRequested
from ocpp_core.admission.handshake import ConnectionFacts
from ocpp_core.admission.rules import steps_of
from ocpp_core.admission.step import Ask, Candidate, proceed
from ocpp_core.handshake import SecurityProfile
from ocpp_core.identity import IdentityRule
from ocpp_core.inputs import Reject
from ocpp_core.websocket.headers import joined

NONE, BASIC, TLS_BASIC, TLS_CERT = SecurityProfile


@dataclass(frozen=True, kw_only=True)
class Rules:
    protocols: tuple[str, ...] = ("ocpp1.6",)
    security_profile: SecurityProfile = NONE
    credentials: object = None
    identify: object = "exact"
    tls_terminated: bool = False
    auth: object = None
    default_protocol: str | None = None
    unmatched_protocol: str = "reject"
    broken_escapes: str = "reject"
    identities: IdentityRule = field(default_factory=IdentityRule)
    paths_without_identity: tuple[str, ...] = ()


def arrive(target="/ocpp/CP1", *, offered=("ocpp1.6",), headers=(), facts=None):
    """Make a candidate of a request."""
    return Candidate(UpgradeRequested(target, joined(headers), offered), facts or ConnectionFacts())


def admit(target="/ocpp/CP1", *, offered=("ocpp1.6",), headers=(), facts=None, before=(), after=(), **rules):
    """Return the candidate that is accepted, or the refusal; `admit.alarm` is what the operator learns."""
    candidate = arrive(target, offered=offered, headers=headers, facts=facts)
    steps = iter(steps_of(Rules(**rules), before=before, after=after))
    verdict = proceed(steps, candidate)
    while isinstance(verdict, Ask):
        verdict = verdict.then(answer_to(verdict)) or proceed(steps, candidate)
    admit.alarm = candidate.alarm
    return candidate if verdict is None else verdict


def answer_to(ask):
    answer = ask.function(*ask.arguments)
    return play(answer) if isawaitable(answer) else answer


def play(coro: Awaitable[object]) -> object:
    """Return what a coroutine returns that waits for nothing."""
    try:
        coro.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("expected a coroutine that waits for nothing")


def is_refused(answer):
    return isinstance(answer, Reject)


def basic(password=b"secret", user=b"CP1"):
    return [("authorization", "Basic " + b64encode(user + b":" + password).decode())]


def accept_all(accept, reject, handshake):
    accept()
