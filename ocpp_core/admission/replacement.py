"""The check whether a newcomer may replace the live connection of its identity.

If a password or a client certificate proves the identity, the newcomer is the station itself, and replaces the old
connection, which must be half-open. Otherwise any peer may claim the identity, and there are two harms to choose from:
a newcomer hijacks the identity of a live station, or a half-open connection locks the station out. The host therefore
pings the old connection (`inputs.Probe`) whenever this check refuses a newcomer. A live connection answers and stays. A
half-open one ends after `pong_timeout`, and the station is accepted when it tries again.
"""

from collections.abc import Callable
from math import ceil, inf
from typing import Final, Generic, Literal, TypeAlias, TypeVar

from ocpp_core._dataclasses import dataclass
from ocpp_core.config import LinkConfig
from ocpp_core.handshake import SecurityProfile
from ocpp_core.inputs import Reject

from .handshake import Handshake, Identify
from .pins import Pins
from .step import Candidate, Cause, refuse

__all__ = ["CheckReplacement", "Replace", "certificates_prove", "retry_after_probe"]

Replace: TypeAlias = Literal["always", "same_address", "never_live"]
"""The newcomers that may replace a live connection if nothing proves their identity."""

ConnectionT = TypeVar("ConnectionT")

_PROBE_TIMEOUT: Final = LinkConfig().pong_timeout
_REASON: Final = "the identity is in use"


def certificates_prove(identify: Identify, pins: Pins | None) -> bool:
    """Return True if a client certificate that the server accepts belongs to the identity."""
    return identify != "any" or pins is not None


def retry_after_probe(pong_timeout: float) -> int:
    """Return the seconds after which a probed connection has ended unless it is live."""
    return ceil(_PROBE_TIMEOUT if pong_timeout == inf else pong_timeout) + 1


@dataclass(frozen=True, slots=True)
class CheckReplacement(Generic[ConnectionT]):
    """The step that refuses a newcomer (503) while the connection of its identity is live.

    The cause of the refusal tells the host to probe the old connection.
    """

    replace: Replace
    certificates_prove: bool
    connection_of: Callable[[Handshake], ConnectionT | None]
    """Return the connection of the station that a handshake names, or None."""
    live_origin_of: Callable[[ConnectionT], str | None]
    """Return the origin of a connection, or None for one that is closing."""
    profile_of: Callable[[ConnectionT], SecurityProfile]
    """Return the security profile of a connection, which another route or port may have accepted."""
    origin_of: Callable[[str | None], str]
    """Return the origin of a remote address: equal for all addresses of one owner."""
    retry_after: int
    """Seconds for the Retry-After header."""

    def __call__(self, candidate: Candidate) -> Reject | None:
        """Refuse the newcomer, or None if it may replace the old connection, if there is one."""
        connection = self.connection_of(candidate.handshake)
        if connection is None or candidate.protocol is None or self.replace == "always" or self._is_proven(candidate):
            return None
        origin = self.live_origin_of(connection)
        is_same = self.replace == "same_address" and origin == self.origin_of(candidate.facts.remote_address)
        is_weaker = candidate.handshake.security_profile < self.profile_of(connection)
        if origin is None or (is_same and not is_weaker):
            return None
        detail = f"{_REASON} by a connection from {origin or 'an unknown address'}"
        candidate.cause = Cause("replacement_refused", detail)
        return refuse(503, _REASON, retry_after=self.retry_after)

    def _is_proven(self, candidate: Candidate) -> bool:
        handshake = candidate.handshake
        profile = handshake.security_profile
        if profile is SecurityProfile.TLS_CERT:
            return self.certificates_prove and handshake.client_certificate is not None
        return profile.uses_basic
