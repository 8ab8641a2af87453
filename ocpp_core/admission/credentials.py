"""Whether a station knows its password: security profiles 1 and 2."""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

from ocpp_core.handshake import same_password
from ocpp_core.identity import IdentityRule, Spellings
from ocpp_core.inputs import Reject

from .handshake import Credentials
from .step import Ask, Candidate, Verdict, refuse

__all__ = ["CheckCredentials"]

_Password: TypeAlias = str | bytes | None


@dataclass(frozen=True, slots=True)
class CheckCredentials:
    """Demand Basic credentials before the upgrade (security whitepaper §2.3); 401 unless the password is right."""

    credentials: Credentials | None = field(repr=False)
    """None leaves the password to `auth`."""
    has_auth: bool
    identities: IdentityRule
    _spellings: Spellings = field(default_factory=Spellings, init=False, repr=False)

    def __call__(self, candidate: Candidate) -> Verdict:
        """Ask for the password of the identity."""
        password = candidate.handshake.password
        if password is None:
            return refuse(401, "Unauthorized")
        if self.credentials is None:
            return None if self.has_auth else refuse(401, "Unauthorized")
        function = self._look_up if isinstance(self.credentials, Mapping) else self.credentials
        return Ask("credentials", function, (candidate.handshake.identity,), partial(_compare, password))

    def _look_up(self, identity: str) -> _Password | Awaitable[_Password]:
        credentials = self.credentials
        if not isinstance(credentials, Mapping):
            return None
        if identity in credentials or not self.identities.ignore_case:
            return credentials.get(identity)
        name = self._spellings.find(identity, credentials, self.identities.key)
        return None if name is None else credentials.get(name)


def _compare(presented: bytes, expected: _Password) -> Reject | None:
    """Compare in the same time for an unknown identity. Raises TypeError for what cannot be a password."""
    is_right = same_password(b"" if expected is None else expected, presented)
    return None if is_right and expected is not None else refuse(401, "Unauthorized")
