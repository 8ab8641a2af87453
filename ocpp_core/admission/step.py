"""A step of admission, its three outcomes, and the function that runs a list of steps."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final, Literal, Protocol, TypeAlias

from ocpp_core.actions import UpgradeRequested
from ocpp_core.handshake import SecurityProfile
from ocpp_core.inputs import Reject
from ocpp_core.websocket.headers import BASIC_CHALLENGE

from .handshake import ConnectionFacts, Handshake, MatchedPath

__all__ = ["Ask", "Candidate", "Cause", "Enclosed", "RefusalKind", "Step", "Verdict", "in_order", "proceed", "refuse"]

_UNREAD: Final = Handshake("", (), "")
_UNMATCHED: Final = MatchedPath("", None, MappingProxyType({}), "")

RefusalKind: TypeAlias = Literal[
    "bad_credentials",
    "bad_identity",
    "bad_subprotocol",
    "busy",
    "certificate_mismatch",
    "decision_failed",
    "denied_address",
    "denied_origin",
    "full",
    "handshake_rate",
    "handshake_timeout",
    "malformed_handshake",
    "no_route",
    "overloaded",
    "refused_by_application",
    "registry_unavailable",
    "replacement_refused",
    "tls_required",
    "wrong_profile",
]
"""The kinds of refused handshakes, for the operator; `SecurityEvent` describes them."""

_USUAL: Final[Mapping[int, RefusalKind]] = {
    404: "no_route",
    408: "handshake_timeout",
}
"""The kinds of refusals by the server itself whose step names none, by their status."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a handshake is refused, for the operator only: nothing of it is sent."""

    kind: RefusalKind
    detail: str = ""
    """One sentence for a log, without secrets; text of the peer in it is quoted and bounded."""

    @classmethod
    def of(cls, status: int) -> "Cause":
        """Return the usual cause of a refusal with this status."""
        kind = _USUAL.get(status)
        return cls.by_application(status) if kind is None else cls(kind)

    @classmethod
    def by_application(cls, status: int, detail: str = "") -> "Cause":
        """Return the cause of a refusal by a function of the application: 401 means that authentication failed."""
        return cls("bad_credentials" if status == 401 else "refused_by_application", detail)


@dataclass(slots=True)
class Candidate:
    """One handshake during admission; each step adds what it finds out."""

    request: UpgradeRequested
    facts: ConnectionFacts
    handshake: Handshake = _UNREAD
    """The handshake as requested; empty until the step that reads the request."""
    matched: MatchedPath = _UNMATCHED
    """What the route says about the station, if the server has routes."""
    protocol: str | None = None
    """The chosen subprotocol. If it is still None once all steps have passed, the WebSocket is opened without one and
    closed immediately."""
    session: dict[str, Any] = field(default_factory=dict)
    """The values that the application stores for the connection."""
    principal: "tuple[SecurityProfile, str] | None" = None
    """How the station was authenticated, and as whom; None if it was not, or if no session is kept."""
    cause: Cause | None = None
    """The cause of the refusal, set by the step that refuses; without one, `Cause.of` its status."""
    abandon: Callable[[], None] = lambda: None
    """Undoes what a step of the host did for the station; called once if the handshake ends without a station."""


class Enclosed(Protocol):
    """The remaining steps of a handshake, which a middleware runs."""

    def begin(self) -> None:
        """Note that they run now. Raises RuntimeError if they ran before."""

    def end(self, refusal: Reject | None, /) -> None:
        """Note their outcome. Raises HandshakeRejectedError for a refusal."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A question to the application, which the host asks.

    The host calls `function(*arguments)` and awaits an awaitable result. It then calls `then` with the result, which
    returns the next outcome; None continues with the next step. If the function or `then` raises, the host reports the
    exception and refuses with `stands()`, or with 500 if that is None.
    """

    name: str
    """The option that is asked, for the report of an exception, such as `credentials` or `auth`."""
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    then: "Callable[[Any], Verdict]"
    stands: Callable[[], Reject | None] = lambda: None
    """Return the refusal that was decided before the function raised."""
    may_block: bool = False
    """True if a plain function may take long: the host runs it in a thread, a bounded number at a time."""
    encloses: Enclosed | None = None
    """The remaining steps if the function is a middleware. It gets one more argument then, a coroutine function that
    runs them: `begin`, the steps, `end` with their refusal or None."""


Verdict: TypeAlias = Reject | Ask | None
"""The outcome of a step: None to pass, `Reject` to refuse, `Ask` to wait for the application."""

Step: TypeAlias = Callable[[Candidate], Verdict]
"""One check. It reads and completes the candidate, changes nothing else, never waits, and never raises."""


def proceed(steps: Iterator[Step], candidate: Candidate) -> Verdict:
    """Run the remaining steps and return the first outcome that is not None.

    None once all have passed.
    """
    for step in steps:
        verdict = step(candidate)
        if verdict is not None:
            return verdict
    return None


def in_order(*steps: Step) -> Step:
    """Return one step that runs these in order, until one refuses."""

    def run(candidate: Candidate, remaining: tuple[Step, ...] = steps) -> Verdict:
        if not remaining:
            return None
        return follow(remaining[0](candidate), candidate, remaining[1:])

    def follow(verdict: Verdict, candidate: Candidate, remaining: tuple[Step, ...]) -> Verdict:
        if verdict is None:
            return run(candidate, remaining)
        if isinstance(verdict, Reject):
            return verdict
        then = verdict.then
        return replace(verdict, then=lambda answer: follow(then(answer), candidate, remaining))

    return run


def refuse(status: int, message: str, *, retry_after: int = 10) -> Reject:
    """Return a refusal with the header that its status needs.

    That is a challenge for 401 (RFC 9110 §15.5.2), and Retry-After in seconds for 429 and 503.
    """
    retry = (("retry-after", str(retry_after)),)
    headers = {401: (BASIC_CHALLENGE,), 429: retry, 503: retry}.get(status, ())
    return Reject(status, headers, message)
