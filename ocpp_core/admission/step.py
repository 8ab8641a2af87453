"""A step of admission, its three outcomes, and the function that runs a list of steps."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol, TypeAlias

from ocpp_core.actions import UpgradeRequested
from ocpp_core.handshake import SecurityProfile
from ocpp_core.inputs import Reject
from ocpp_core.websocket.headers import BASIC_CHALLENGE

from .handshake import ConnectionFacts, Handshake

__all__ = ["Ask", "Candidate", "Enclosed", "Step", "Verdict", "in_order", "proceed", "refuse"]

_RETRY: Final = ("retry-after", "10")
_UNREAD: Final = Handshake("", (), "")


@dataclass(slots=True)
class Candidate:
    """One handshake during admission; each step adds what it finds out."""

    request: UpgradeRequested
    facts: ConnectionFacts
    handshake: Handshake = _UNREAD
    """The handshake as requested; empty until the step that reads the request."""
    protocol: str | None = None
    """The chosen subprotocol. If it is still None once all steps have passed, the WebSocket is opened without one and
    closed immediately."""
    session: dict[str, Any] = field(default_factory=dict)
    """The values that the application stores for the connection."""
    principal: "tuple[SecurityProfile, str] | None" = None
    """How the station was authenticated, and as whom; None if it was not, or if no session is kept."""
    alarm: str = ""
    """The reason why the refused handshake may be an attack, for the operator only; it is not sent."""


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


def refuse(status: int, message: str) -> Reject:
    """Return a refusal with the header that its status needs.

    That is a challenge for 401 (RFC 9110 §15.5.2) and a Retry-After for 503.
    """
    headers = {401: (BASIC_CHALLENGE,), 503: (_RETRY,)}.get(status, ())
    return Reject(status, headers, message)
