"""A host in miniature: brings a handshake through the steps, and answers what they ask."""

from base64 import b64encode
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from inspect import iscoroutine

from ocpp_core.actions import UpgradeRequested
from ocpp_core.admission.handshake import (
    AuthHandler,
    BrokenEscapes,
    ConnectionFacts,
    Credentials,
    Handshake,
    Identify,
    Namespace,
    UnmatchedProtocol,
)
from ocpp_core.admission.middleware import ConnectionMiddleware
from ocpp_core.admission.passwords import Verify
from ocpp_core.admission.pins import Pins
from ocpp_core.admission.rules import steps_of
from ocpp_core.admission.step import Ask, Candidate, Step, proceed
from ocpp_core.handshake import SecurityProfile
from ocpp_core.identity import IdentityRule
from ocpp_core.inputs import Reject
from ocpp_core.websocket.headers import joined

NONE, BASIC, TLS_BASIC, TLS_CERT = SecurityProfile


@dataclass(frozen=True, kw_only=True)
class Rules:
    protocols: tuple[str, ...] = ("ocpp1.6",)
    security_profile: SecurityProfile = NONE
    credentials: Credentials | None = None
    verify: Verify | None = None
    identify: Identify = "exact"
    organizations: frozenset[str] = frozenset()
    certificate_pins: Pins | None = None
    tls_terminated: bool = False
    trusted_proxies: tuple[str, ...] = ()
    gates: tuple[Step, ...] = ()
    connection_middleware: tuple[ConnectionMiddleware, ...] = ()
    keeps_sessions: bool = False
    unauthenticated_sessions: bool = False
    auth: AuthHandler | None = None
    default_protocol: str | None = None
    known_protocol: Callable[[Handshake], str | None] | None = None
    unmatched_protocol: UnmatchedProtocol = "reject"
    broken_escapes: BrokenEscapes = "reject"
    identities: IdentityRule = field(default_factory=IdentityRule)
    paths_without_identity: tuple[str, ...] = ()
    namespace: Namespace | None = None


def arrive(target="/ocpp/CP1", *, offered=("ocpp1.6",), headers=(), facts=None):
    """Make a candidate of a request."""
    return Candidate(UpgradeRequested(target, joined(headers), offered), facts or ConnectionFacts())


def admit(target="/ocpp/CP1", *, offered=("ocpp1.6",), headers=(), facts=None, **rules):
    """Return the candidate that is accepted, or the refusal."""
    candidate = arrive(target, offered=offered, headers=headers, facts=facts)
    refusal = judge(candidate, **rules)
    return candidate if refusal is None else refusal


def judge(candidate, *, before=(), after=(), **rules):
    """Bring a candidate through the steps of these rules; return the refusal, or None."""
    steps = iter(steps_of(Rules(**rules), before=before, after=after))
    verdict = proceed(steps, candidate)
    while isinstance(verdict, Ask):
        verdict = verdict.then(answer_to(verdict)) or proceed(steps, candidate)
    return verdict


def answer_to(ask):
    answer = ask.function(*ask.arguments)
    return play(answer) if iscoroutine(answer) else answer


def play(coro: Coroutine[object, None, object]) -> object:
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
