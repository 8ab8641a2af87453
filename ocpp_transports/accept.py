"""Admission of one handshake: from an upgrade request to the answer it gets. Knows no event loop and no socket.

Cheap checks come first, credentials next, the application's `auth` last; whatever goes wrong there is an HTTP answer
and never an exception's text.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Any, Final, Literal, Protocol, TypeAlias

from ocpp_core.actions import UpgradeRequested
from ocpp_core.handshake import (
    SecurityProfile,
    check_server_profile,
    choose_subprotocol,
    decode_basic,
    is_subprotocol_list,
    read_target,
    same_password,
)
from ocpp_core.inputs import Reject

from ._arguments import expect_arguments
from ._containment import is_cancellation
from ._registry import is_coroutine_function

__all__ = [
    "AcceptHandshake",
    "Admission",
    "Admitted",
    "AuthHandler",
    "BrokenEscapes",
    "ConnectionFacts",
    "Credentials",
    "Decision",
    "Handshake",
    "RejectHandshake",
    "UnmatchedProtocol",
    "refuse",
]

_CHALLENGE: Final = ("www-authenticate", 'Basic realm="ocpp", charset="UTF-8"')
_RETRY: Final = ("retry-after", "10")

UnmatchedProtocol: TypeAlias = Literal["reject", "upgrade-then-close"]
"""What a station gets that offers no subprotocol of ours: 400, or 101 without one and an immediate close.

OCPP-J 1.6 §3.2 and 2.x Part 4 §3.3 ask for the latter; the certification tests (TC_B_58_CSMS) for the former, which
also tells a station why.
"""

BrokenEscapes: TypeAlias = Literal["reject", "keep"]
"""What a station gets whose identity holds a percent escape that cannot be read: 400, or that text as its identity."""

_Password: TypeAlias = str | bytes | None
Credentials: TypeAlias = (
    Mapping[str, str | bytes] | Callable[[str], "str | bytes | Awaitable[str | bytes | None] | None"]
)
"""Passwords by identity: a mapping, or a function or coroutine function that returns None for an unknown identity."""


def _nothing() -> Mapping[str, str]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ConnectionFacts:
    """What the host knows of a connection beside its request."""

    remote_address: str | None = None
    """Numeric address of the peer, of the proxy behind one."""
    client_certificate: Mapping[str, Any] | None = None
    """The verified certificate as `ssl.SSLSocket.getpeercert()` gives it."""
    tls: bool = False


@dataclass(frozen=True, slots=True)
class Handshake:
    """Who wants to connect, and how."""

    identity: str
    """The last segment of the path, percent-decoded."""
    protocols: tuple[str, ...]
    """The subprotocols offered, in the station's order."""
    path: str
    """As received, percent-encoded."""
    password: bytes | None = field(default=None, repr=False)
    """Of the Basic credentials, if they name this identity."""
    headers: Mapping[str, str] = field(default_factory=_nothing, repr=False)
    """By lower-case name; values of one name joined by `, `."""
    query: Mapping[str, str] = field(default_factory=_nothing)
    """Decoded; the first value of each name."""
    remote_address: str | None = None
    """Numeric address of the peer."""
    client_certificate: Mapping[str, Any] | None = None
    """The verified certificate as `ssl.SSLSocket.getpeercert()` gives it."""
    security_profile: SecurityProfile = SecurityProfile.NONE
    """The server's."""


class AcceptHandshake(Protocol):
    """Let the station in."""

    def __call__(self, *, protocol: str | None = None, session: Mapping[str, Any] | None = None) -> None:
        """Choose another of the offered subprotocols, start `client.session` with these values.

        Raises ValueError for a subprotocol that was not offered.
        """


class RejectHandshake(Protocol):
    """Refuse the station."""

    def __call__(self, status: int = 401, message: str = "Unauthorized") -> None:
        """Answer with this status and body. Raises ValueError unless the status is 400 to 599."""


AuthHandler: TypeAlias = Callable[[AcceptHandshake, RejectHandshake, Handshake], "Awaitable[None] | None"]
"""Calls `accept` or `reject`; the first decision counts. Without one, or when it raises, the station gets 500.

A plain function is called at once, in no task; a coroutine function in a task of its own.
"""


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

    `failed` is told of exceptions of `credentials` and `auth`. Raises ValueError or TypeError for rules that make no
    sense together.
    """

    protocols: tuple[str, ...]
    """Subprotocols in the server's order of preference."""
    security_profile: SecurityProfile = SecurityProfile.NONE
    credentials: Credentials | None = field(default=None, repr=False)
    auth: AuthHandler | None = None
    default_protocol: str | None = None
    """What a station that offers no subprotocol at all is taken to speak; None refuses it."""
    unmatched_protocol: UnmatchedProtocol = "reject"
    broken_escapes: BrokenEscapes = "reject"
    failed: Callable[[str, BaseException], None] = field(repr=False)

    def __post_init__(self) -> None:
        if not self.protocols or not is_subprotocol_list(self.protocols):
            raise ValueError(f"expected protocols as distinct subprotocol names, got {self.protocols!r}")
        if self.default_protocol is not None and self.default_protocol not in self.protocols:
            raise ValueError(f"expected default_protocol to be one of {self.protocols}, got {self.default_protocol!r}")
        if self.unmatched_protocol not in ("reject", "upgrade-then-close"):
            raise ValueError(
                f"expected unmatched_protocol 'reject' or 'upgrade-then-close', got {self.unmatched_protocol!r}"
            )
        if self.broken_escapes not in ("reject", "keep"):
            raise ValueError(f"expected broken_escapes 'reject' or 'keep', got {self.broken_escapes!r}")
        if self.credentials is not None and not (isinstance(self.credentials, Mapping) or callable(self.credentials)):
            raise TypeError(f"expected credentials as a mapping or a callable, got {type(self.credentials).__name__}")
        if isinstance(self.credentials, dict):
            _expect_passwords(self.credentials)
        elif callable(self.credentials):
            expect_arguments(self.credentials, "credentials", "identity")
        if self.auth is not None and not callable(self.auth):
            raise TypeError(f"expected auth as a callable, got {type(self.auth).__name__}")
        if self.auth is not None:
            expect_arguments(self.auth, "auth", "accept", "reject", "handshake")
        check_server_profile(
            self.security_profile, credentials=self.credentials is not None, auth=self.auth is not None
        )

    def read(self, request: UpgradeRequested, facts: ConnectionFacts) -> Handshake | Reject:
        """Read the request; 400 for what is malformed."""
        target = read_target(request.target, keep_broken_escapes=self.broken_escapes == "keep")
        if isinstance(target, Reject):
            return target
        if not is_subprotocol_list(request.subprotocols):
            return refuse(400, "Invalid Sec-WebSocket-Protocol header")
        headers = _joined(request.headers)
        return Handshake(
            identity=target.identity,
            protocols=tuple(request.subprotocols),
            path=target.path,
            password=decode_basic(headers.get("authorization", ""), target.identity),
            headers=MappingProxyType(headers),
            query=MappingProxyType(dict(reversed(target.query))),
            remote_address=facts.remote_address,
            client_certificate=facts.client_certificate,
            security_profile=self.security_profile,
        )

    def decide(self, handshake: Handshake) -> "Decision | Callable[[], Awaitable[Decision]]":
        """Decide on a handshake that was read: at once, or by what is to be called and awaited in a task.

        At once means that neither `credentials` nor `auth` have to be waited for; coroutine functions are called in
        the task only. Neither this nor what is awaited ever raises but for cancellation.
        """
        protocol = self._choose(handshake.protocols)
        if protocol is None and self.unmatched_protocol == "reject":
            problem = "No matching subprotocol" if handshake.protocols else "Missing subprotocol"
            return refuse(400, f"{problem}, expected one of: {', '.join(self.protocols)}")
        if is_coroutine_function(self.auth) or is_coroutine_function(self.credentials):
            return partial(self._decide_in_task, handshake, protocol)
        decision = self._decide(handshake, protocol)
        return (lambda: decision) if isinstance(decision, Awaitable) else decision

    async def _decide_in_task(self, handshake: Handshake, protocol: str | None) -> "Decision":
        decision = self._decide(handshake, protocol)
        return await decision if isinstance(decision, Awaitable) else decision

    def _decide(self, handshake: Handshake, protocol: str | None) -> "Decision | Awaitable[Decision]":
        if self.security_profile.uses_basic:
            return self._check_credentials(handshake, protocol)
        return self._ask(handshake, protocol)

    def _choose(self, offered: Sequence[str]) -> str | None:
        return choose_subprotocol(offered, self.protocols) if offered else self.default_protocol

    def _check_credentials(self, handshake: Handshake, protocol: str | None) -> "Decision | Awaitable[Decision]":
        """Profiles 1 and 2 demand Basic credentials before the upgrade (security whitepaper §2.3)."""
        if handshake.password is None:
            return refuse(401, "Unauthorized")
        if self.credentials is None:
            return self._ask(handshake, protocol)
        try:
            expected = self._password_of(handshake.identity)
        except BaseException as error:  # noqa: BLE001 - the application's own code; the station learns nothing of it
            return self._broke("credentials raised", error)
        if isinstance(expected, Awaitable):
            return self._await_password(handshake, protocol, expected)
        return self._compare(handshake, expected) or self._ask(handshake, protocol)

    def _password_of(self, identity: str) -> "_Password | Awaitable[_Password]":
        if not callable(self.credentials):
            return None if self.credentials is None else self.credentials.get(identity)
        return self.credentials(identity)

    async def _await_password(
        self, handshake: Handshake, protocol: str | None, expected: "Awaitable[_Password]"
    ) -> "Decision":
        try:
            password = await expected
        except BaseException as error:
            if is_cancellation(error):
                raise
            return self._broke("credentials raised", error)
        decision = self._compare(handshake, password) or self._ask(handshake, protocol)
        return await decision if isinstance(decision, Awaitable) else decision

    def _compare(self, handshake: Handshake, expected: "_Password") -> Reject | None:
        try:
            is_right = same_password(b"" if expected is None else expected, handshake.password or b"")
        except Exception as error:  # noqa: BLE001 - what `credentials` gave is no password
            return self._broke("credentials raised", error)
        return None if is_right and expected is not None else refuse(401, "Unauthorized")

    def _ask(self, handshake: Handshake, protocol: str | None) -> "Decision | Awaitable[Decision]":
        if self.auth is None or protocol is None:  # without a protocol it is closed at once: nothing to decide
            return Admitted(handshake, protocol, {})
        choice = _Choice(handshake, protocol, self.protocols)
        try:
            pending = self.auth(choice.accept, choice.reject, handshake)
        except BaseException as error:  # noqa: BLE001 - as above
            return self._auth_raised(choice, error)
        return self._await_auth(choice, pending) if isinstance(pending, Awaitable) else self._chosen(choice)

    async def _await_auth(self, choice: "_Choice", pending: Awaitable[None]) -> "Decision":
        try:
            await pending
        except BaseException as error:
            if is_cancellation(error):
                raise
            return self._auth_raised(choice, error)
        return self._chosen(choice)

    def _auth_raised(self, choice: "_Choice", error: BaseException) -> Reject:
        broken = self._broke("auth raised", error)
        return choice.refusal or broken

    def _chosen(self, choice: "_Choice") -> "Decision":
        if choice.made is None:
            return self._broke("auth decided nothing", RuntimeError("expected auth to call accept() or reject()"))
        return choice.made

    def _broke(self, what: str, error: BaseException) -> Reject:
        self.failed(what, error)
        return refuse(500, "Internal Server Error")


def _expect_passwords(credentials: Mapping[object, object]) -> None:
    """Refuse what can never let a station in; no password is repeated. Mappings of other kinds may be a database."""
    for identity, password in credentials.items():
        if not isinstance(identity, str) or not isinstance(password, (str, bytes)):
            kind = type(password).__name__
            raise TypeError(f"expected credentials of str to str or bytes, got {kind} for identity {identity!r}")


def _joined(headers: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Join repeated header fields (RFC 9110 §5.3). Two Authorization fields become one that nobody can read."""
    joined: dict[str, str] = {}
    for name, value in headers:
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


class _Choice:
    """What `auth` decides; the first word counts."""

    def __init__(self, handshake: Handshake, protocol: str, spoken: Sequence[str]) -> None:
        self.made: Admitted | Reject | None = None
        # What this server is not set up for is never chosen: strict mode would have no validator for it.
        self._possible = [name for name in spoken if name in handshake.protocols] or [protocol]
        self._handshake = handshake
        self._protocol = protocol

    @property
    def refusal(self) -> Reject | None:
        """The decision, if it is a refusal: one that stands even if `auth` raises afterwards."""
        return self.made if isinstance(self.made, Reject) else None

    def accept(self, *, protocol: str | None = None, session: Mapping[str, Any] | None = None) -> None:
        choice = self._protocol if protocol is None else protocol
        if choice not in self._possible:
            possible = ", ".join(self._possible)
            raise ValueError(f"expected one of the offered subprotocols in `protocols` ({possible}), got {protocol!r}")
        admitted = Admitted(self._handshake, choice, dict(session or {}))
        self.made = self.made or admitted

    def reject(self, status: int = 401, message: str = "Unauthorized") -> None:
        if isinstance(status, bool) or not isinstance(status, int) or not 400 <= status <= 599:
            raise ValueError(f"expected an HTTP status of 400 to 599, got {status!r}")
        self.made = self.made or refuse(status, str(message).encode(errors="replace").decode())
