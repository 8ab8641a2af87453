"""The rules that a server's options and routes make for stations, by the paths that they ask for."""

from collections.abc import Iterable
from dataclasses import field

from ocpp_core._dataclasses import dataclass
from ocpp_core.admission.routing.routes import RouteTree
from ocpp_core.handshake import SecurityProfile, check_listener_profile
from ocpp_transports._handlers._table import Handlers
from ocpp_transports._options._server import ServerOptions

__all__ = ["RoutingPlan", "StationRules"]


@dataclass(frozen=True, slots=True, eq=False)
class StationRules:
    """The options and handlers for the stations of one route, or of a server without routes."""

    options: ServerOptions
    handlers: tuple[Handlers, ...]
    """The handlers in the order in which they are searched: those of the route, its routers and the server."""
    route: str = ""
    """The pattern of the route."""

    def expect_deciders(self) -> None:
        """Raise ValueError if nothing checks the passwords of profile 1 or 2."""
        try:
            self.options.expect_deciders()
        except ValueError as error:
            if not self.route:
                raise
            raise ValueError(f"{error}, for the route {self.route!r}") from None


@dataclass(frozen=True, slots=True)
class RoutingPlan:
    """The rules of a server, or of one of its listeners.

    Without routes the server's own rules apply to every path. With routes they apply before the path is known.
    """

    own: StationRules
    routes: RouteTree[StationRules] = field(default_factory=lambda: RouteTree(()))

    @property
    def rules(self) -> Iterable[StationRules]:
        """The rules that may decide on a station."""
        return self.routes or (self.own,)

    @property
    def has_namespaces(self) -> bool:
        """True if stations may have a namespace."""
        return bool(self.routes) or self.own.options.namespace is not None

    def profiles(self, *, tls: bool) -> tuple[SecurityProfile, ...]:
        """Return the security profiles of the stations that a listener can accept."""
        found = (each.options.security_profile for each in self.rules if _meets(each.options, tls=tls))
        return tuple(dict.fromkeys(found))

    def expect_deciders(self) -> None:
        """Raise ValueError if nothing checks the passwords of profile 1 or 2."""
        for rules in self.rules:
            rules.expect_deciders()

    def expect_listener(self, *, tls: bool) -> None:
        """Raise ValueError if a listener with or without TLS could not accept any station.

        It also raises if the listener would not notice that a certificate is missing, which a proxy is said to check.
        """
        if not self.profiles(tls=tls):
            _check(next(iter(self.rules)).options, tls=tls)
        self._expect_certificates(tls=tls)

    def expect_connection(self, *, tls: bool, certificate: bool) -> None:
        """Raise ValueError for a connection from another library that no station could use, as for a listener."""
        if self.routes:  # each handshake is compared with its route
            self._expect_certificates(tls=tls)
            return
        options = self.own.options
        options.expect_deciders()
        _check(options, tls=tls)
        if certificate or options.tls_terminated:
            return
        if options.security_profile is SecurityProfile.TLS_CERT:
            raise ValueError("expected a client certificate with security profile 3, or tls_terminated=True")

    def _expect_certificates(self, *, tls: bool) -> None:
        """Raise ValueError if stations of profile 3 need no certificate: a proxy cannot demand it of the others."""
        if any(_trusts_a_proxy(each.options) for each in self.rules) and len(self.profiles(tls=tls)) > 1:
            raise ValueError(
                "expected certificate_header with tls_terminated and profile 3 on a listener that serves other "
                "profiles too: otherwise a station without a certificate is accepted"
            )


def _check(options: ServerOptions, *, tls: bool) -> None:
    check_listener_profile(options.security_profile, tls=tls, tls_terminated=options.tls_terminated)


def _trusts_a_proxy(options: ServerOptions) -> bool:
    """Return True if nothing but the proxy checks that there is a certificate."""
    is_checked = not options.tls_terminated or options.certificate_header is not None
    return options.security_profile is SecurityProfile.TLS_CERT and not is_checked


def _meets(options: ServerOptions, *, tls: bool) -> bool:
    try:
        _check(options, tls=tls)
    except ValueError:
        return False
    return True
