"""The steps of admission in their order, made from a server's rules.

A handshake runs through a list of steps. Each step passes it, refuses it with an HTTP status, or asks the application.
The order keeps a server safe:

* Cheap checks run first, so that a flood of requests costs little.
* Middleware of the application encloses everything that authenticates a station, so it sees every well-formed request.
* Authentication (credentials, certificate) runs before the application's own decision. Checks that depend on other
  connections run last: an unauthenticated peer must not learn which stations are connected.
* Steps of the host that depend on no station (`before`) run first, then the gates for addresses and origins, then the
  request is read. Steps of the host about an authenticated station (`after`) run once all other steps have passed.

The list is made when the rules are set, and has no step that the rules do not need. The steps are pure: they see the
request, what the host knows of the connection, and what earlier steps found out. They never call the application.
Instead they return an `Ask`: the host calls its function, awaits the result if necessary, and handles its exceptions. A
step must never wait, and must never raise for anything that a peer sent.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Protocol

from ocpp_core.handshake import SecurityProfile
from ocpp_core.identity import IdentityRule, by_identity, by_key

from .auth import AskAuth
from .certificates import CheckCertificate
from .credentials import CheckCredentials
from .gates.tls import require_tls
from .handshake import AuthHandler, BrokenEscapes, Credentials, Handshake, Identify, Namespace, UnmatchedProtocol
from .middleware import AskMiddleware, ConnectionMiddleware
from .passwords import Verify
from .pins import CheckOrganization, CheckPin, Pins
from .request import CheckIdentity, ChooseSubprotocol, ReadRequest, expect_identity
from .routing.namespaces import SetNamespace
from .routing.transport import CheckTransport
from .sessions import NotePrincipal
from .step import Step, in_order

__all__ = ["AdmissionRules", "asks_the_application", "steps_of"]


class AdmissionRules(Protocol):
    """The rules of a server, which are part of its options.

    Their creator must check the values.
    """

    @property
    def protocols(self) -> tuple[str, ...]:
        """Subprotocols in the server's order of preference: at least one, all distinct."""

    @property
    def security_profile(self) -> SecurityProfile:
        """Security profile; 1 and 2 require credentials, 3 requires a client certificate."""

    @property
    def credentials(self) -> Credentials | None:
        """Passwords by identity; None leaves them to `verify` or `auth`."""

    @property
    def verify(self) -> Verify | None:
        """The function that confirms a password, instead of `credentials`."""

    @property
    def identify(self) -> Identify:
        """The identities for which a client certificate is valid."""

    @property
    def organizations(self) -> frozenset[str]:
        """The organizations of which a client certificate must name one; empty to require none."""

    @property
    def certificate_pins(self) -> Pins | None:
        """The fingerprints of client certificates by identity; None to require none."""

    @property
    def tls_terminated(self) -> bool:
        """True if a proxy terminates TLS; it need not pass the client certificate on."""

    @property
    def trusted_proxies(self) -> Collection[str]:
        """The proxies in front of the server; with them, a connection counts as TLS only if one of them states it."""

    @property
    def gates(self) -> tuple[Step, ...]:
        """The gates for addresses and origins, in their order; empty without any."""

    @property
    def auth(self) -> AuthHandler | None:
        """The function that decides on every handshake that has passed the other steps."""

    @property
    def connection_middleware(self) -> tuple[ConnectionMiddleware, ...]:
        """The middleware around authentication and `auth`, the outermost first."""

    @property
    def keeps_sessions(self) -> bool:
        """True if a station that returns gets the session of its previous connection."""

    @property
    def unauthenticated_sessions(self) -> bool:
        """True to keep also the sessions of stations that have proven nothing."""

    @property
    def default_protocol(self) -> str | None:
        """The subprotocol, one of `protocols`, of a station that offers none.

        None refuses it.
        """

    @property
    def known_protocol(self) -> Callable[[Handshake], str | None] | None:
        """A function that returns the subprotocol of a station that is known to offer none or a wrong name, or None.

        None without such a function.
        """

    @property
    def unmatched_protocol(self) -> UnmatchedProtocol:
        """The response to a station that offers none of the server's subprotocols."""

    @property
    def broken_escapes(self) -> BrokenEscapes:
        """The treatment of a percent escape in the identity that cannot be decoded."""

    @property
    def identities(self) -> IdentityRule:
        """The rule for allowed identities and for which of them name the same station."""

    @property
    def paths_without_identity(self) -> Collection[str]:
        """Paths that do not contain an identity; each begins with `/`."""

    @property
    def namespace(self) -> Namespace | None:
        """The namespace of stations; None leaves it to the route."""


def steps_of(
    rules: AdmissionRules, *, before: Iterable[Step] = (), after: Iterable[Step] = (), routed: bool = False
) -> tuple[Step, ...]:
    """Return the steps for these rules, between the host's own steps.

    Args:
        rules: The rules of a server, or of a route.
        before: The host's steps about every peer.
        after: The host's steps about an authenticated station.
        routed: True for the rules of a route, which is found before these steps run.
    """
    identities = rules.identities
    return (
        *before,
        *rules.gates,
        *((CheckTransport(rules.security_profile, rules.tls_terminated),) if routed else ()),
        ReadRequest(
            rules.security_profile,
            keep_broken_escapes=rules.broken_escapes == "keep",
            without_identity=rules.paths_without_identity,
            ignore_case=identities.ignore_case,
        ),
        ChooseSubprotocol(
            rules.protocols,
            rules.default_protocol,
            rules.known_protocol,
            accepts_none=rules.unmatched_protocol == "upgrade-then-close",
        ),
        CheckIdentity(identities, identities.usual),
        *(() if rules.namespace is None else (SetNamespace(rules.namespace),)),
        *((require_tls,) if rules.trusted_proxies and rules.security_profile.uses_tls else ()),
        *map(AskMiddleware, rules.connection_middleware),
        *_authenticating(rules, may_lack_identity=routed or bool(rules.paths_without_identity)),
        *after,
    )


def _authenticating(rules: AdmissionRules, *, may_lack_identity: bool) -> Iterable[Step]:
    """Iterate over the steps that authenticate the station."""
    certificate: Step | None = None
    if rules.security_profile.uses_basic:
        given, has_auth = rules.credentials, rules.auth is not None  # an empty mapping is one too
        stored = by_key(given, rules.identities) if isinstance(given, Mapping) else None
        yield CheckCredentials(stored, None if isinstance(given, Mapping) else given, rules.verify, has_auth=has_auth)
    elif rules.security_profile is SecurityProfile.TLS_CERT:
        certificate = _certificate_check(rules)
        if rules.organizations:
            yield CheckOrganization(rules.organizations)
        yield certificate
    if rules.keeps_sessions:
        yield NotePrincipal(rules.identities.key, rules.unauthenticated_sessions)
    if rules.auth is not None:
        yield AskAuth(rules.auth, rules.protocols, rules.identities, certificate)
    elif may_lack_identity:
        yield expect_identity


def _certificate_check(rules: AdmissionRules) -> Step:
    """Return the step that checks certificate and identity; it runs again if `auth` names another identity."""
    certificate = CheckCertificate(rules.identify, rules.tls_terminated, rules.identities.key)
    if rules.certificate_pins is None:
        return certificate
    return in_order(certificate, CheckPin(by_identity(rules.certificate_pins, rules.identities)))


def asks_the_application(rules: AdmissionRules) -> bool:
    """Return True if a handshake may need to wait for the application."""
    functions = rules.auth, rules.credentials, rules.verify, rules.certificate_pins
    is_asked = any(function is not None for function in functions) or bool(rules.connection_middleware)
    return is_asked or not (isinstance(rules.identify, str) and isinstance(rules.namespace, str | None))
