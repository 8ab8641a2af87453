"""The steps that need only the request: identity, headers and subprotocol.

Sources: OCPP-J 1.6 §3.1 and §3.2, OCPP 2.0.1 and 2.1 Part 4 §3, RFC 3986 (URLs), RFC 9112 §3.2 (request targets).
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import field
from types import MappingProxyType
from typing import Final
from urllib.parse import parse_qsl, unquote_to_bytes

from ocpp_core._dataclasses import dataclass
from ocpp_core.handshake import CONTROL, SecurityProfile
from ocpp_core.identity import IdentityRule
from ocpp_core.inputs import Reject

from .credentials import basic_user, decode_basic
from .handshake import Handshake
from .step import Candidate, Cause, refuse

__all__ = [
    "ABSOLUTE",
    "CheckIdentity",
    "ChooseSubprotocol",
    "ReadRequest",
    "RequestTarget",
    "describe_offer",
    "expect_identity",
    "path_of",
    "read_target",
    "refuse_identity",
    "unescape",
]

ABSOLUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")
"""The part before the path in the absolute form of a target, which a server must also accept (RFC 9112 §3.2.2)."""
_BROKEN_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
# RFC 3986 §3.3: of the delimiters, a path may contain only `:` `/` `@`. Other unusual characters are accepted, since
# stations in the field send identities like `RDAM|123` unescaped.
_NOT_IN_PATH: Final = re.compile(r"[#\[\]]|[^\x21-\x7e]")
_VERSION: Final = re.compile(r"ocpp[0-9.]{1,8}")
# The subprotocols that IANA lists for OCPP. A station that offers one of them speaks it, and no other.
_RELEASED: Final = frozenset({"ocpp1.2", "ocpp1.5", "ocpp1.6", "ocpp2.0", "ocpp2.0.1", "ocpp2.1"})
_SHOWN: Final = 8
"""Names quoted of a list whose length a peer may choose."""
_NO_IDENTITY: Final = Reject(400, body="Missing identity")
_NO_QUERY: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class RequestTarget:
    """What a server reads from a request target."""

    path: str
    """The path as received, percent-encoded."""
    query: tuple[tuple[str, str], ...] = field(repr=False)
    """Decoded pairs in received order; their values may be secret."""
    identity: str
    """Empty if the path is one of those without an identity."""


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """The step that reads path, subprotocols, headers and Basic credentials.

    400 if they are malformed.
    """

    security_profile: SecurityProfile
    keep_broken_escapes: bool
    without_identity: Collection[str]
    """Paths that end without an identity."""
    ignore_case: bool
    """True if the user name of the credentials may differ from the identity in case."""

    def __call__(self, candidate: Candidate) -> Reject | None:
        """Set the handshake of the candidate."""
        request, facts, matched = candidate.request, candidate.facts, candidate.matched
        target = read_target(
            request.target,
            keep_broken_escapes=self.keep_broken_escapes,
            without_identity=self.without_identity,
            segment=matched.segment,
        )
        if isinstance(target, Reject):
            candidate.cause = Cause("malformed_handshake")
            return target
        identity, password = target.identity, None
        if (authorization := request.headers.get("authorization")) is not None:
            identity = identity or basic_user(authorization) or ""
            password = decode_basic(authorization, identity, ignore_case=self.ignore_case) if identity else None
        candidate.handshake = Handshake(
            identity=identity,
            protocols=tuple(request.subprotocols),
            path=target.path,
            password=password,
            headers=MappingProxyType(request.headers),
            query=MappingProxyType(dict(reversed(target.query))) if target.query else _NO_QUERY,
            remote_address=facts.remote_address,
            client_certificate=facts.client_certificate,
            security_profile=self.security_profile,
            certificate_fingerprint=facts.certificate_fingerprint,
            route=matched.route,
            params=matched.params,
            namespace=matched.namespace,
        )
        return None


def path_of(target: str) -> str | None:
    """Return the path of a request target, percent-encoded; None if the target is not a path."""
    absolute = ABSOLUTE.match(target)
    path = target[absolute.end() if absolute else 0 :].partition("?")[0]
    return None if _NOT_IN_PATH.search(path) or not path.startswith("/") else path


def read_target(
    target: str,
    *,
    keep_broken_escapes: bool = False,
    without_identity: Collection[str] = (),
    segment: str | None = None,
) -> RequestTarget | Reject:
    """Return path, query and identity of a request target.

    The identity is the last path segment that is not empty, percent-decoded once. `//CPX` is a path, and dot segments
    are not resolved: the target is used as sent. 400 for a target that is not a path, a percent escape that is
    malformed or not UTF-8, control characters, and an empty identity. With `keep_broken_escapes` an identity whose
    escapes cannot be decoded is used as sent. A path of `without_identity` has an empty identity; trailing slashes are
    ignored in this comparison.

    Args:
        target: The request target: a path with its query, or a whole URL.
        keep_broken_escapes: True to use an identity with a broken escape as it was sent.
        without_identity: Paths that do not contain an identity.
        segment: The segment with the identity, if a route has found it; empty if the path has none.
    """
    absolute = ABSOLUTE.match(target)
    path, _, query = target[absolute.end() if absolute else 0 :].partition("?")
    if not path.startswith("/") or _NOT_IN_PATH.search(path):
        return Reject(400, body="Invalid request target")
    identity = _identity(path, segment, without_identity, keep_broken=keep_broken_escapes)
    if isinstance(identity, Reject):
        return identity
    return RequestTarget(path, tuple(parse_qsl(query, keep_blank_values=True)), identity)


def _identity(path: str, segment: str | None, without_identity: Collection[str], *, keep_broken: bool) -> str | Reject:
    if segment is None:
        bare = path.rstrip("/")
        if any(bare == each.rstrip("/") for each in without_identity):
            return ""
        segment = bare.rpartition("/")[2]
        if not segment:
            return Reject(400, body="Missing identity in the URL path")
    identity = unescape(segment, keep_broken=keep_broken) if "%" in segment else segment
    return Reject(400, body="Invalid identity in the URL path") if identity is None else identity


def unescape(segment: str, *, keep_broken: bool = False) -> str | None:
    """Return a segment of a path, percent-decoded once.

    None for a broken escape, unless `keep_broken`, and for control characters.
    """
    as_sent = segment if keep_broken else None
    if _BROKEN_ESCAPE.search(segment):
        return as_sent
    try:
        text = unquote_to_bytes(segment).decode()
    except UnicodeDecodeError:
        return as_sent
    return None if CONTROL.search(text) else text


@dataclass(frozen=True, slots=True)
class ChooseSubprotocol:
    """The step that chooses the server's first subprotocol that was offered.

    400 if there is none, unless `accepts_none`.
    """

    protocols: tuple[str, ...]
    default: str | None
    """The subprotocol of a station that offers none at all; None refuses it."""
    known: Callable[[Handshake], str | None] | None
    """Returns the subprotocol of a station that is known to offer none or a wrong name, before `default`."""
    accepts_none: bool
    """True to open the WebSocket without a subprotocol and close it immediately."""

    def __call__(self, candidate: Candidate) -> Reject | None:
        """Set the subprotocol of the candidate."""
        offered = candidate.handshake.protocols
        common = next((name for name in self.protocols if name in offered), None)
        candidate.protocol = self._assumed(candidate) if common is None else common
        if candidate.protocol is not None or self.accepts_none:
            return None
        candidate.cause = Cause("bad_subprotocol", describe_offer(offered))
        problem = "No matching subprotocol" if offered else "Missing subprotocol"
        return refuse(400, f"{problem}, expected one of: {', '.join(self.protocols)}")

    def _assumed(self, candidate: Candidate) -> str | None:
        offered = candidate.handshake.protocols
        if self.known is not None and _RELEASED.isdisjoint(offered):
            name = self.known(candidate.handshake)
            if name in self.protocols:
                return name
        return None if offered else self.default


def describe_offer(offered: tuple[str, ...]) -> str:
    """Return which versions are offered; other names are only counted, since some clients put tokens there."""
    versions = [name for name in offered if _VERSION.fullmatch(name)]
    others = len(offered) - len(versions)
    rest = f" and {others} other name{'' if others == 1 else 's'}" if others else ""
    return f"offered {', '.join(versions[:_SHOWN]) or 'no version'}{rest}"


@dataclass(frozen=True, slots=True)
class CheckIdentity:
    """The step that checks the identity against the rule of the chosen version.

    400 if it breaks the rule.
    """

    rule: IdentityRule
    usual: re.Pattern[str]
    """`IdentityRule.usual`, computed once."""

    def __call__(self, candidate: Candidate) -> Reject | None:
        """Check the identity.

        An empty one passes, because a later step may name the station.
        """
        identity, protocol = candidate.handshake.identity, candidate.protocol
        if not identity or self.usual.fullmatch(identity) or self.rule.allows(identity, protocol):
            return None
        return refuse_identity(candidate, self.rule)


def refuse_identity(candidate: Candidate, rule: IdentityRule) -> Reject:
    """Return the refusal of an identity that breaks the rule of its version."""
    candidate.cause = Cause("bad_identity")
    return refuse(400, f"Invalid identity, {rule.expectation(candidate.protocol)}")


def expect_identity(candidate: Candidate) -> Reject | None:
    """Refuse (400) a handshake in which neither the station nor the application named an identity."""
    if candidate.handshake.identity:
        return None
    candidate.cause = Cause("bad_identity", "neither the request nor auth names the station")
    return _NO_IDENTITY
