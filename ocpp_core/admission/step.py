"""A step of admission, the three outcomes it has, and the way through a list of steps."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from ocpp_core.actions import UpgradeRequested
from ocpp_core.inputs import Reject
from ocpp_core.websocket.headers import BASIC_CHALLENGE

from .handshake import ConnectionFacts, Handshake

__all__ = ["Ask", "Candidate", "Step", "Verdict", "proceed", "refuse"]

_RETRY: Final = ("retry-after", "10")
_UNREAD: Final = Handshake("", (), "")


@dataclass(slots=True)
class Candidate:
    """One handshake on its way through the steps; each step adds what it finds out."""

    request: UpgradeRequested
    facts: ConnectionFacts
    handshake: Handshake = _UNREAD
    """What the request says; empty until the step that reads it."""
    protocol: str | None = None
    """The subprotocol that was chosen. If it is still None once all steps have passed, the WebSocket is opened without
    one, and closed at once."""
    session: dict[str, Any] = field(default_factory=dict)
    """What the application keeps for the connection."""
    alarm: str = ""
    """Why the refusal may be an attack, for the operator; it is not sent."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What a step waits for: the host calls `function(*arguments)`, and awaits what that returns if it can be awaited.

    With the result the host calls `then`, which returns the next outcome; None continues with the next step. If the
    function or `then` raises, the host reports it and refuses with `stands()`, or with 500 if that is None.
    """

    name: str
    """What is asked, for the report of what it raises: `credentials`, `identify`, `auth`."""
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    then: "Callable[[Any], Verdict]"
    stands: Callable[[], Reject | None] = lambda: None
    """Return the refusal that was decided before the function raised."""


Verdict: TypeAlias = Reject | Ask | None
"""What a step returns: None to pass, `Reject` to refuse, `Ask` to wait for the application."""

Step: TypeAlias = Callable[[Candidate], Verdict]
"""One check. It reads and fills the candidate, changes nothing else, never waits, and never raises."""


def proceed(steps: Iterator[Step], candidate: Candidate) -> Verdict:
    """Run the steps that are left until one does not pass; None once all of them have passed."""
    for step in steps:
        verdict = step(candidate)
        if verdict is not None:
            return verdict
    return None


def refuse(status: int, message: str) -> Reject:
    """Make a refusal with the header its status wants: a challenge on 401 (RFC 9110 §15.5.2), a wait on 503."""
    headers = {401: (BASIC_CHALLENGE,), 503: (_RETRY,)}.get(status, ())
    return Reject(status, headers, message)
