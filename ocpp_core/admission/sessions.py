"""The sessions of stations that are not connected, and whom they belong to."""

from collections.abc import Callable, Hashable, Mapping
from typing import Any, TypeAlias

from ocpp_core._dataclasses import dataclass
from ocpp_core.handshake import SecurityProfile

from .certificates import common_names
from .handshake import Certificate, Handshake
from .step import Candidate

__all__ = ["NotePrincipal", "Principal", "SessionMemory"]

Principal: TypeAlias = tuple[SecurityProfile, str]
"""How a station was authenticated, and as whom: the user name of its password, or the subject of its certificate."""


@dataclass(frozen=True, slots=True)
class NotePrincipal:
    """The step that notes whom the previous steps have authenticated, before `auth` may rename the station."""

    key: Callable[[str], str]
    """`IdentityRule.key`: two user names of one station have the same key."""
    unauthenticated: bool
    """True to note stations that proved nothing as well: any of them may then claim the session of an identity."""

    def __call__(self, candidate: Candidate) -> None:
        """Set the principal of the candidate."""
        profile, whom = candidate.handshake.security_profile, self._whom(candidate.handshake)
        if whom or self.unauthenticated:
            candidate.principal = profile, whom

    def _whom(self, handshake: Handshake) -> str:
        """Return whom the station proved to be; empty if it proved nothing."""
        if handshake.security_profile.uses_basic:
            return self.key(handshake.identity)
        certificate = handshake.client_certificate
        if handshake.security_profile is not SecurityProfile.TLS_CERT or not certificate:
            return ""
        # A renewed certificate has another fingerprint and the same subject. Without a CN, stations may share one.
        return str(certificate["subject"] if _has_name(certificate) else handshake.certificate_fingerprint or "")


def _has_name(certificate: Certificate) -> bool:
    """Return True if the subject has a CN; a certificate from a proxy may be malformed."""
    try:
        return any(common_names(certificate))
    except (TypeError, ValueError):
        return False


class SessionMemory:
    """The sessions of stations that have left, by name and principal; each for a time to live.

    Beyond `limit` sessions the one that was kept first is dropped, which is also the next to expire.
    """

    def __init__(self, time_to_live: float, limit: int) -> None:
        self.time_to_live = time_to_live
        """Seconds a session is kept."""
        self.limit = limit
        self._kept: dict[tuple[Hashable, Principal], tuple[float, Mapping[str, Any]]] = {}  # the oldest first

    def __len__(self) -> int:
        """Return the number of kept sessions; expired ones count until the next change."""
        return len(self._kept)

    def keep(self, name: Hashable, principal: Principal | None, session: Mapping[str, Any], now: float) -> None:
        """Keep the session of a station that leaves now, in place of an earlier one; an empty one is not kept."""
        self._drop_expired(now)
        if principal is None or not isinstance(session, Mapping):
            return
        self._kept.pop((name, principal), None)
        if session:
            self._kept[name, principal] = now, session
        while len(self._kept) > self.limit:
            del self._kept[next(iter(self._kept))]

    def take(self, name: Hashable, principal: Principal | None, now: float) -> Mapping[str, Any]:
        """Return the session of a station that returns, and forget it; empty if there is none for this principal."""
        self._drop_expired(now)
        if principal is None:
            return {}
        _, session = self._kept.pop((name, principal), (now, {}))
        return session

    def clear(self) -> None:
        """Forget all sessions."""
        self._kept.clear()

    def _drop_expired(self, now: float) -> None:
        until = now - self.time_to_live
        while self._kept:
            key = next(iter(self._kept))
            if self._kept[key][0] > until:
                return
            del self._kept[key]
