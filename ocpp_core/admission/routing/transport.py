"""The step that compares a connection with the security profile of the route that it asks for."""

from typing import Final

from ocpp_core._dataclasses import dataclass
from ocpp_core.admission.step import Candidate, Cause, refuse
from ocpp_core.handshake import SecurityProfile
from ocpp_core.inputs import Reject

__all__ = ["CheckTransport"]

_NEEDS_TLS: Final = refuse(403, "This path requires TLS")
_NEEDS_PLAIN: Final = refuse(403, "This path requires a connection without TLS")


@dataclass(frozen=True, slots=True)
class CheckTransport:
    """The step that refuses (403) a connection that cannot meet the profile; it compares no credentials.

    Sources: security whitepaper for 1.6 §2 and OCPP 2.x Part 2 A00 (profile 1 has no TLS, profiles 2 and 3 require it).
    """

    profile: SecurityProfile
    tls_terminated: bool
    """True if a proxy in front terminates TLS."""

    def __call__(self, candidate: Candidate) -> Reject | None:
        """Compare the connection with the profile."""
        tls, refusal = candidate.facts.tls, None
        if self.profile.uses_tls and not (tls or self.tls_terminated):
            refusal = _NEEDS_TLS
        elif tls and self.profile is SecurityProfile.BASIC:
            refusal = _NEEDS_PLAIN
        if refusal is not None:
            candidate.cause = Cause("wrong_profile")
        return refusal
