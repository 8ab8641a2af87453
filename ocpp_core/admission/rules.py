"""The steps of admission in their order, made of a server's rules.

A handshake passes a list of steps. Each step passes, refuses with an HTTP status, or asks the application something.
The order is what keeps a server safe:

* What costs nothing comes first, so that a flood of requests costs little.
* What a station is (its credentials, its certificate) comes before the application's own decision, and that before
  anything that depends on who else is connected: a stranger must not learn which stations are there.
* The steps of the host's own that refuse everyone alike (`before`) run before the request is read. Those about an
  authenticated station (`after`) run once everything else has passed.

The list is made when the rules are set, and holds no step that the rules do not need. The steps are pure: they see the
request, what the host knows of the connection, and what earlier steps found out. They never call the application. They
return an `Ask`, and whoever runs them calls the function, awaits it if need be, and contains what it raises. A step
must never wait, and must never raise for what a peer sent.
"""

from collections.abc import Collection, Iterable
from typing import Protocol

from ocpp_core.handshake import SecurityProfile
from ocpp_core.identity import IdentityRule

from .auth import AskAuth
from .certificates import CheckCertificate
from .credentials import CheckCredentials
from .handshake import AuthHandler, BrokenEscapes, Credentials, Identify, UnmatchedProtocol
from .request import CheckIdentity, ChooseSubprotocol, ReadRequest, expect_identity
from .step import Step

__all__ = ["AdmissionRules", "asks_the_application", "steps_of"]


class AdmissionRules(Protocol):
    """The rules of a server: its options have them. Whoever makes them checks them."""

    @property
    def protocols(self) -> tuple[str, ...]:
        """Subprotocols in the server's order of preference; at least one, none of them twice."""

    @property
    def security_profile(self) -> SecurityProfile:
        """Profiles 1 and 2 demand credentials, profile 3 a client certificate."""

    @property
    def credentials(self) -> Credentials | None:
        """Passwords by identity; None leaves them to `auth`."""

    @property
    def identify(self) -> Identify:
        """For which identities a client certificate is good."""

    @property
    def tls_terminated(self) -> bool:
        """A proxy does the TLS, and may keep the client certificate to itself."""

    @property
    def auth(self) -> AuthHandler | None:
        """Decides on every handshake that has passed the other steps."""

    @property
    def default_protocol(self) -> str | None:
        """What a station that offers no subprotocol is taken to speak, one of `protocols`; None refuses it."""

    @property
    def unmatched_protocol(self) -> UnmatchedProtocol:
        """What a station gets that offers no subprotocol of the server's."""

    @property
    def broken_escapes(self) -> BrokenEscapes:
        """What a station gets whose identity holds a percent escape that cannot be read."""

    @property
    def identities(self) -> IdentityRule:
        """Which identities are allowed, and which of them name one station."""

    @property
    def paths_without_identity(self) -> Collection[str]:
        """Paths that end without an identity; each begins with `/`."""


def steps_of(rules: AdmissionRules, *, before: Iterable[Step] = (), after: Iterable[Step] = ()) -> tuple[Step, ...]:
    """Return the steps for these rules, between those of the host's own."""
    identities = rules.identities
    return (
        *before,
        ReadRequest(
            rules.security_profile,
            keep_broken_escapes=rules.broken_escapes == "keep",
            without_identity=rules.paths_without_identity,
            ignore_case=identities.ignore_case,
        ),
        ChooseSubprotocol(
            rules.protocols, rules.default_protocol, accepts_none=rules.unmatched_protocol == "upgrade-then-close"
        ),
        CheckIdentity(identities, identities.usual),
        *_authenticating(rules),
        *after,
    )


def _authenticating(rules: AdmissionRules) -> Iterable[Step]:
    """Iterate over the steps that find out whether the station is the one it says."""
    certificate: Step | None = None
    if rules.security_profile.uses_basic:
        yield CheckCredentials(rules.credentials, has_auth=rules.auth is not None, identities=rules.identities)
    elif rules.security_profile is SecurityProfile.TLS_CERT:
        certificate = CheckCertificate(rules.identify, rules.tls_terminated, rules.identities.key)
        yield certificate
    if rules.auth is not None:
        yield AskAuth(rules.auth, rules.protocols, rules.identities, certificate)
    elif rules.paths_without_identity:
        yield expect_identity


def asks_the_application(rules: AdmissionRules) -> bool:
    """Return True if a handshake may have to wait for the application."""
    return rules.auth is not None or rules.credentials is not None or not isinstance(rules.identify, str)
