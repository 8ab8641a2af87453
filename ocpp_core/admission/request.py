"""What a request says by itself: who wants to connect, in which version, and whether the server can serve that."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from ocpp_core.handshake import (
    SecurityProfile,
    basic_user,
    choose_subprotocol,
    decode_basic,
    is_subprotocol_list,
    read_target,
)
from ocpp_core.identity import IdentityRule
from ocpp_core.inputs import Reject

from .handshake import Handshake
from .step import Candidate, refuse

__all__ = ["CheckIdentity", "ChooseSubprotocol", "ReadRequest", "expect_identity", "refuse_identity"]

_NO_IDENTITY: Final = Reject(400, body="Missing identity")


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """Read path, offer, headers and Basic credentials; 400 for what is malformed."""

    security_profile: SecurityProfile
    keep_broken_escapes: bool
    without_identity: Collection[str]
    """Paths that end without an identity."""
    ignore_case: bool
    """The user name of the credentials may differ from the identity in case."""

    def __call__(self, candidate: Candidate) -> Reject | None:
        """Fill in the handshake."""
        request, facts = candidate.request, candidate.facts
        target = read_target(
            request.target, keep_broken_escapes=self.keep_broken_escapes, without_identity=self.without_identity
        )
        if isinstance(target, Reject):
            return target
        offered = tuple(name for name in request.subprotocols if name)  # RFC 9110 §5.6.1.2: empty ones do not count
        if not is_subprotocol_list(offered):
            return refuse(400, "Invalid Sec-WebSocket-Protocol header")
        headers = _joined(request.headers)
        identity, password = self._credentials(headers.get("authorization"), target.identity)
        candidate.handshake = Handshake(
            identity=identity,
            protocols=offered,
            path=target.path,
            password=password,
            headers=MappingProxyType(headers),
            query=MappingProxyType(dict(reversed(target.query))),
            remote_address=facts.remote_address,
            client_certificate=facts.client_certificate,
            security_profile=self.security_profile,
        )
        return None

    def _credentials(self, authorization: str | None, in_path: str) -> tuple[str, bytes | None]:
        """Return the identity, of the credentials if the path has none, and the password for that identity."""
        if authorization is None:
            return in_path, None
        identity = in_path or basic_user(authorization) or ""
        password = decode_basic(authorization, identity, ignore_case=self.ignore_case) if identity else None
        return identity, password


def _joined(headers: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Join repeated header fields (RFC 9110 §5.3). Two Authorization fields become one that cannot be decoded."""
    joined: dict[str, str] = {}
    for name, value in headers:
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


@dataclass(frozen=True, slots=True)
class ChooseSubprotocol:
    """Choose the first subprotocol of the server that was offered; 400 without one, unless `accepts_none`."""

    protocols: tuple[str, ...]
    default: str | None
    """What a station that offers none at all is taken to speak; None refuses it."""
    accepts_none: bool
    """Open the WebSocket without a subprotocol, to be closed at once."""

    def __call__(self, candidate: Candidate) -> Reject | None:
        """Fill in the subprotocol."""
        offered = candidate.handshake.protocols
        candidate.protocol = choose_subprotocol(offered, self.protocols) if offered else self.default
        if candidate.protocol is not None or self.accepts_none:
            return None
        problem = "No matching subprotocol" if offered else "Missing subprotocol"
        return refuse(400, f"{problem}, expected one of: {', '.join(self.protocols)}")


@dataclass(frozen=True, slots=True)
class CheckIdentity:
    """Hold an identity to the rule of the version that is spoken; 400 for one that breaks it."""

    rule: IdentityRule

    def __call__(self, candidate: Candidate) -> Reject | None:
        """Pass an empty identity: a later step may name the station."""
        identity, protocol = candidate.handshake.identity, candidate.protocol
        return refuse_identity(self.rule, protocol) if identity and not self.rule.allows(identity, protocol) else None


def refuse_identity(rule: IdentityRule, protocol: str | None) -> Reject:
    """Make the refusal of an identity that breaks the rule."""
    return refuse(400, f"Invalid identity, {rule.expectation(protocol)}")


def expect_identity(candidate: Candidate) -> Reject | None:
    """Refuse (400) a handshake in which neither the station nor the application named an identity."""
    return None if candidate.handshake.identity else _NO_IDENTITY
