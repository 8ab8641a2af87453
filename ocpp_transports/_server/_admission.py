"""Admission of one handshake: from an upgrade request to the answer it gets. Knows no event loop and no socket.

Cheap checks come first, credentials next, the application's `auth` last; whatever goes wrong there is an HTTP answer
and never an exception's text.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from ocpp_core.actions import UpgradeRequested
from ocpp_core.handshake import (
    SecurityProfile,
    basic_user,
    choose_subprotocol,
    decode_basic,
    is_subprotocol_list,
    read_target,
    same_password,
)
from ocpp_core.identity import IdentityRule, Spellings
from ocpp_core.inputs import Reject
from ocpp_transports._callbacks._containment import is_cancellation
from ocpp_transports._callbacks._steps import Steps, asking, begin, finish
from ocpp_transports._handlers._table import is_coroutine_function
from ocpp_transports.events import SecurityEvent
from ocpp_transports.handshake import (
    AuthHandler,
    BrokenEscapes,
    ConnectionFacts,
    Credentials,
    Handshake,
    Identify,
    UnmatchedProtocol,
)

from ._certificates import describe, is_vouched_for, verdict

__all__ = ["Admission", "Admitted", "Decision", "refuse"]

_CHALLENGE: Final = ("www-authenticate", 'Basic realm="ocpp", charset="UTF-8"')
_RETRY: Final = ("retry-after", "10")
_NO_IDENTITY: Final = "Missing identity"

_Password: TypeAlias = str | bytes | None


@dataclass(frozen=True, slots=True)
class Admitted:
    """The station may come in; `protocol` None means upgrade-then-close."""

    handshake: Handshake
    protocol: str | None
    session: dict[str, Any]


Decision: TypeAlias = Admitted | Reject
"""What becomes of a handshake."""


def refuse(status: int, message: str) -> Reject:
    """Make a refusal with the header its status wants: a challenge on 401 (RFC 9110 §15.5.2), a wait on 503."""
    headers = {401: (_CHALLENGE,), 503: (_RETRY,)}.get(status, ())
    return Reject(status, headers, message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """The rules of a server for letting stations in.

    `failed` is told of exceptions of `credentials`, `identify` and `auth`, `alarmed` of certificates that are used for
    another identity than their own. `ServerOptions` has checked the rules.
    """

    protocols: tuple[str, ...]
    """Subprotocols in the server's order of preference."""
    security_profile: SecurityProfile = SecurityProfile.NONE
    credentials: Credentials | None = field(default=None, repr=False)
    identify: Identify = "exact"
    """Which identities a client certificate is good for."""
    tls_terminated: bool = False
    """Whoever does the TLS may keep the client certificate to itself."""
    auth: AuthHandler | None = None
    default_protocol: str | None = None
    """What a station that offers no subprotocol at all is taken to speak; None refuses it."""
    unmatched_protocol: UnmatchedProtocol = "reject"
    broken_escapes: BrokenEscapes = "reject"
    identities: IdentityRule = IdentityRule()  # noqa: RUF009 - frozen
    paths_without_identity: Collection[str] = ()
    failed: Callable[[str, BaseException], None] = field(repr=False)
    alarmed: Callable[[SecurityEvent], None] = field(repr=False)
    _spellings: Spellings = field(default_factory=Spellings, init=False, repr=False)

    def read(self, request: UpgradeRequested, facts: ConnectionFacts) -> Handshake | Reject:
        """Read the request; 400 for what is malformed."""
        target = read_target(
            request.target,
            keep_broken_escapes=self.broken_escapes == "keep",
            without_identity=self.paths_without_identity,
        )
        if isinstance(target, Reject):
            return target
        offered = tuple(name for name in request.subprotocols if name)  # RFC 9110 §5.6.1.2: empty ones do not count
        if not is_subprotocol_list(offered):
            return refuse(400, "Invalid Sec-WebSocket-Protocol header")
        headers = _joined(request.headers)
        authorization = headers.get("authorization", "")
        identity = target.identity or basic_user(authorization) or ""
        return Handshake(
            identity=identity,
            protocols=offered,
            path=target.path,
            password=self._password_in(authorization, identity),
            headers=MappingProxyType(headers),
            query=MappingProxyType(dict(reversed(target.query))),
            remote_address=facts.remote_address,
            client_certificate=facts.client_certificate,
            security_profile=self.security_profile,
        )

    def _password_in(self, authorization: str, identity: str) -> bytes | None:
        ignore_case = self.identities.ignore_case
        return decode_basic(authorization, identity, ignore_case=ignore_case) if identity else None

    def decide(self, handshake: Handshake) -> "Decision | Callable[[], Awaitable[Decision]]":
        """Decide on a handshake that was read: at once, or by what is to be called and awaited in a task.

        At once means that none of `credentials`, `identify` and `auth` has to be waited for; coroutine functions are
        called in the task only. Neither this nor what is awaited ever raises but for cancellation.
        """
        protocol = self._choose(handshake.protocols)
        if protocol is None and self.unmatched_protocol == "reject":
            problem = "No matching subprotocol" if handshake.protocols else "Missing subprotocol"
            return refuse(400, f"{problem}, expected one of: {', '.join(self.protocols)}")
        if handshake.identity and not self.identities.allows(handshake.identity, protocol):
            return self._refuse_identity(protocol)
        steps = self._steps(handshake, protocol)
        if any(map(is_coroutine_function, (self.credentials, self.identify, self.auth))):
            return partial(finish, steps)
        return begin(steps)

    def _choose(self, offered: Sequence[str]) -> str | None:
        return choose_subprotocol(offered, self.protocols) if offered else self.default_protocol

    def _steps(self, handshake: Handshake, protocol: str | None) -> "Steps[Decision]":
        """Check, then ask: cheap checks were made, so what the profile demands is next."""
        if self.security_profile.uses_basic:
            refusal = yield from self._check_credentials(handshake)
        else:
            refusal = yield from self._check_certificate(handshake)
        return refusal or (yield from self._ask(handshake, protocol))

    def _check_credentials(self, handshake: Handshake) -> "Steps[Reject | None]":
        """Profiles 1 and 2 demand Basic credentials before the upgrade (security whitepaper §2.3)."""
        if handshake.password is None:
            return refuse(401, "Unauthorized")
        if self.credentials is None:
            return None if self.auth is not None else refuse(401, "Unauthorized")
        try:
            expected = yield from asking(self._password_of, handshake.identity)
            is_right = same_password(b"" if expected is None else expected, handshake.password)
        except BaseException as error:  # noqa: BLE001 - the application's own code; the station learns nothing of it
            return self._broke("credentials raised", error)
        return None if is_right and expected is not None else refuse(401, "Unauthorized")

    def _password_of(self, identity: str) -> _Password | Awaitable[_Password]:
        credentials = self.credentials
        if not isinstance(credentials, Mapping):
            return None if credentials is None else credentials(identity)
        if identity in credentials or not self.identities.ignore_case:
            return credentials.get(identity)
        name = self._spellings.find(identity, credentials, self.identities.key)
        return None if name is None else credentials.get(name)

    def _check_certificate(self, handshake: Handshake) -> "Steps[Reject | None]":
        """Profile 3: a certificate is good for the identity it names. One that `auth` has to name is checked then."""
        certificate, identity = handshake.client_certificate, handshake.identity
        if self.security_profile is not SecurityProfile.TLS_CERT or not identity:
            return None
        if certificate is None:
            return None if self.tls_terminated else refuse(401, "Unauthorized")
        key = self.identities.key
        try:
            if callable(self.identify):
                answer = yield from asking(self.identify, certificate, identity)
                is_good = verdict(answer, identity, key)
            else:
                is_good = is_vouched_for(self.identify, certificate, identity, key)
        except BaseException as error:  # noqa: BLE001 - as above
            return self._broke("identify raised", error)
        if is_good:
            return None
        detail = f"the certificate of {describe(certificate)} is not good for this identity"
        self.alarmed(SecurityEvent("certificate_mismatch", identity, handshake.remote_address, detail))
        return refuse(401, "Unauthorized")

    def _ask(self, handshake: Handshake, protocol: str | None) -> "Steps[Decision]":
        if self.auth is None or protocol is None:  # without a protocol it is closed at once: nothing to decide
            return Admitted(handshake, protocol, {}) if handshake.identity else refuse(400, _NO_IDENTITY)
        choice = _Choice(handshake, protocol, self)
        try:
            yield from asking(self.auth, choice.accept, choice.reject, handshake)
        except BaseException as error:  # noqa: BLE001 - as above
            broken = self._broke("auth raised", error)
            return choice.refusal or broken
        if choice.made is None:
            return self._broke("auth decided nothing", RuntimeError("expected auth to call accept() or reject()"))
        if isinstance(choice.made, Reject):
            return choice.made
        return (yield from self._check_choice(handshake, choice.made))

    def _check_choice(self, asked: Handshake, made: "Admitted") -> "Steps[Decision]":
        """Hold what `auth` chose to the rules: the version may be another one, and so may the identity."""
        if not made.handshake.identity:
            return refuse(400, _NO_IDENTITY)
        if not self.identities.allows(made.handshake.identity, made.protocol):
            return self._refuse_identity(made.protocol)
        if made.handshake.identity == asked.identity:
            return made
        return (yield from self._check_certificate(made.handshake)) or made

    def _refuse_identity(self, protocol: str | None) -> Reject:
        return refuse(400, f"Invalid identity, {self.identities.expectation(protocol)}")

    def _broke(self, what: str, error: BaseException) -> Reject:
        """Refuse a station for what the application's code raised; a cancellation of the task goes on."""
        if is_cancellation(error):
            raise error
        self.failed(what, error)
        return refuse(500, "Internal Server Error")


def _joined(headers: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Join repeated header fields (RFC 9110 §5.3). Two Authorization fields become one that nobody can read."""
    joined: dict[str, str] = {}
    for name, value in headers:
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


class _Choice:
    """What `auth` decides; the first word counts."""

    def __init__(self, handshake: Handshake, protocol: str, rules: Admission) -> None:
        self.made: Admitted | Reject | None = None
        # What this server is not set up for is never chosen: strict mode would have no validator for it.
        self._possible = [name for name in rules.protocols if name in handshake.protocols] or [protocol]
        self._handshake = handshake
        self._protocol = protocol

    @property
    def refusal(self) -> Reject | None:
        """The decision, if it is a refusal: one that stands even if `auth` raises afterwards."""
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
        named = self._handshake if identity is None else replace(self._handshake, identity=identity)
        admitted = Admitted(named, choice, dict(session or {}))
        self.made = self.made or admitted

    def reject(self, status: int = 401, message: str = "Unauthorized") -> None:
        if isinstance(status, bool) or not isinstance(status, int) or not 400 <= status <= 599:
            raise ValueError(f"expected an HTTP status of 400 to 599, got {status!r}")
        self.made = self.made or refuse(status, str(message).encode(errors="replace").decode())
