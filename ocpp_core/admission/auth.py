"""The application's own decision on a handshake, and the rules that it must obey."""

from collections.abc import Mapping
from dataclasses import field, replace
from functools import partial
from typing import Any

from ocpp_core._dataclasses import dataclass
from ocpp_core.identity import IdentityRule
from ocpp_core.inputs import Reject
from ocpp_core.websocket.headers import expect_refusal_status

from .handshake import AuthHandler, Handshake
from .request import expect_identity, refuse_identity
from .step import Ask, Candidate, Cause, Step, Verdict, refuse

__all__ = ["AskAuth"]


@dataclass(frozen=True, slots=True)
class AskAuth:
    """The step in which `auth` accepts or refuses the station."""

    auth: AuthHandler = field(repr=False)
    protocols: tuple[str, ...]
    identities: IdentityRule
    check_certificate: Step | None
    """Runs again if `auth` names the station: its certificate must be valid for that identity as well."""

    def __call__(self, candidate: Candidate) -> Verdict:
        """Return the question to the application, unless there is nothing to decide."""
        handshake, protocol = candidate.handshake, candidate.protocol
        if protocol is None:  # the WebSocket will be closed immediately: there is nothing to decide
            return expect_identity(candidate)
        # A subprotocol that this server is not set up for is never chosen: strict mode would have no validator for it.
        possible = [name for name in self.protocols if name in handshake.protocols] or [protocol]
        choice = _Choice(protocol, possible)
        arguments = choice.accept, choice.reject, handshake
        check, stands = partial(self._check, candidate, choice), partial(_stands, candidate, choice)
        return Ask("auth", self.auth, arguments, check, stands)

    def _check(self, candidate: Candidate, choice: "_Choice", _: object) -> Verdict:
        """Check the choice against the rules: `auth` may have changed the version and the identity."""
        made = choice.made
        if made is None:
            raise RuntimeError("expected auth to call accept() or reject()")
        if isinstance(made, Reject):
            return _stands(candidate, choice)
        asked = candidate.handshake
        candidate.protocol = made.protocol
        candidate.session.update(made.session)
        if made.identity is not None:
            candidate.handshake = replace(asked, identity=made.identity)
        return self._check_identity(candidate, asked)

    def _check_identity(self, candidate: Candidate, asked: Handshake) -> Verdict:
        identity = candidate.handshake.identity
        if identity and not self.identities.allows(identity, candidate.protocol):
            return refuse_identity(candidate, self.identities)
        if identity == asked.identity or self.check_certificate is None:
            return expect_identity(candidate)
        return expect_identity(candidate) or self.check_certificate(candidate)


def _stands(candidate: Candidate, choice: "_Choice") -> Reject | None:
    """Return the decision of `auth` if it is a refusal."""
    if choice.refusal is not None:
        candidate.cause = Cause.by_application(choice.refusal.status, "rejected by auth")
    return choice.refusal


@dataclass(frozen=True, slots=True)
class _Accepted:
    protocol: str
    session: dict[str, Any]
    identity: str | None


class _Choice:
    """The decision of `auth`; the first one counts."""

    def __init__(self, protocol: str, possible: list[str]) -> None:
        self.made: _Accepted | Reject | None = None
        self._protocol = protocol
        self._possible = possible

    @property
    def refusal(self) -> Reject | None:
        """The decision if it is a refusal, which counts even if `auth` raises afterwards."""
        return self.made if isinstance(self.made, Reject) else None

    def accept(
        self, *, protocol: str | None = None, session: Mapping[str, Any] | None = None, identity: str | None = None
    ) -> None:
        choice = self._protocol if protocol is None else protocol
        if choice not in self._possible:
            possible = ", ".join(self._possible)
            raise ValueError(f"expected one of the offered subprotocols in `protocols` ({possible}), got {protocol!r}")
        if not isinstance(identity, (str, type(None))):
            raise TypeError(f"expected identity as str, got {type(identity).__name__}")
        accepted = _Accepted(choice, dict(session or {}), identity)
        self.made = self.made or accepted

    def reject(self, status: int = 401, message: str = "Unauthorized") -> None:
        expect_refusal_status(status)
        self.made = self.made or refuse(status, str(message).encode(errors="replace").decode())
