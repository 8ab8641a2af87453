"""The options of a route: those of its server, except the ones that apply before the path of a request is known."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from itertools import chain
from typing import Any, Final

from ocpp_core.admission.serial_numbers import checks_serial_numbers
from ocpp_core.config import ValidationRule, expect_rules
from ocpp_core.handshake import SecurityProfile
from ocpp_transports._options._deciders import expect_connection_middleware
from ocpp_transports._options._server import ServerOptions

__all__ = ["WITHOUT_ROUTES", "expect_route_options", "for_route", "route_options"]

_SOCKETS: Final = "it limits the sockets of all listeners"
_HANDSHAKES: Final = "it limits the handshakes of all routes"
_QUEUE: Final = "the server has one store for the stations of all routes"
_PROXIES: Final = "what proxies report is read before the path"
_CERTIFICATES: Final = "the certificates belong to a listener"

WITHOUT_ROUTES: Final[Mapping[str, str]] = {
    "tls": f"{_CERTIFICATES}; pass them to listen()",
    "certificate_check_interval": _CERTIFICATES,
    "certificate_warning_days": _CERTIFICATES,
    "max_tls_handshakes": "it limits the TLS handshakes of a listener",
    "max_sockets": _SOCKETS,
    "max_sockets_per_address": _SOCKETS,
    "max_handshakes": _HANDSHAKES,
    "max_handshakes_per_address": _HANDSHAKES,
    "max_password_checks": _HANDSHAKES,
    "handshake_rate": _HANDSHAKES,
    "handshake_burst": _HANDSHAKES,
    "trusted_proxies": _PROXIES,
    "forwarded_header": _PROXIES,
    "certificate_header": _PROXIES,
    "certificate_verify_header": _PROXIES,
    "address_rate": "it limits the messages of an address on all routes",
    "address_burst": "it limits the messages of an address on all routes",
    "shed_lag": "it applies before the path is known",
    "record": "a connection is recorded before its path is known",
    "metrics": "the server counts the connections of all routes",
    "metrics_credentials": "plain requests have no route",
    "session_ttl": "the sessions of all routes are kept together",
    "max_sessions": "the sessions of all routes are kept together",
    "security_logging": "the server reports the incidents of all routes",
    "max_connections": "it limits the stations of all routes",
    "max_unfinished_size": "it limits the messages of all connections",
    "handshake_timeout": "it runs before the path is known",
    "require_connection_header": "it applies before the path is known",
    "id_factory": "the message ids of a server are unique in all routes",
    "http": "functions for plain requests are registered with the server",
    "ignore_identity_case": "it applies to look-ups in all routes",
    "paths_without_identity": "a pattern without {identity} is such a path",
    "warm_up": "the server compiles the checks of all routes",
    "offline_queue": _QUEUE,
    "offline_queue_size": _QUEUE,
    "offline_queue_total": _QUEUE,
    "offline_queue_bytes": _QUEUE,
    "cluster": "the stations of all routes are claimed in one registry",
    "close_window": "the server closes the connections of all routes",
    "fleet_concurrency": "it applies to calls to stations of all routes",
}
"""The options of a server that a route does not have, and why."""

_MIDDLEWARE: Final = "connection_middleware"
_PASSWORDS: Final[Mapping[str, Any]] = {"credentials": None, "verify": None}
_CERTIFICATE_CHECKS: Final[Mapping[str, Any]] = {
    "certificate_header": None,
    "certificate_verify_header": None,
    "identify": "exact",
    "certificate_organization": None,
    "certificate_pins": None,
    "check_serial_number": False,
}


def route_options() -> tuple[str, ...]:
    """Return the names of the options that a route may set."""
    return tuple(each.name for each in fields(ServerOptions) if each.name not in WITHOUT_ROUTES)


def expect_route_options(options: Mapping[str, object]) -> None:
    """Raise TypeError for an unknown option or a wrong middleware, and ValueError for an option of servers only."""
    ServerOptions.check_names(options)
    for name in options:
        if name in WITHOUT_ROUTES:
            raise ValueError(f"expected no {name} for a route: {WITHOUT_ROUTES[name]}")
    expect_connection_middleware(options.get(_MIDDLEWARE, ()))


def for_route(server: ServerOptions, *levels: Mapping[str, Any]) -> ServerOptions:
    """Return the options of a route or listener, made of those of its server, its routers and its own.

    An inherited option that does not apply to the security profile or to the subprotocols of the route is left out. An
    own one that does not apply raises, as the constructor of a server does. `connection_middleware` is added to that of
    the server and of the routers, which stays outside.

    Args:
        server: The options of the server.
        *levels: The changes of the routers around the route, the innermost last, and those of the route itself.

    Raises:
        ValueError: An option has a value that is not allowed, or is not used with the others.
        TypeError: An option has the wrong type.
    """
    own = levels[-1]
    changes = {name: value for level in levels for name, value in level.items()}
    profile = SecurityProfile(changes.get("security_profile", server.security_profile))
    keeps_all_sessions = changes.get("unauthenticated_sessions", server.unauthenticated_sessions)
    sessions = {} if profile or keeps_all_sessions else {"session_ttl": 0}
    unused = {**_unused_by(profile), **_other_passwords(levels), **sessions}
    made = {**changes, **{name: value for name, value in unused.items() if name not in own}}
    if "protocols" in changes:
        made |= {name: value for name, value in _spoken(server, made).items() if name not in own}
    layers = (server.connection_middleware, *(level.get(_MIDDLEWARE, ()) for level in levels))
    return server.changed({**made, _MIDDLEWARE: tuple(chain.from_iterable(layers))})


def _unused_by(profile: SecurityProfile) -> Mapping[str, Any]:
    """Return the options that do not apply to a profile, with the values that turn them off."""
    passwords = {} if profile.uses_basic else _PASSWORDS
    return {**passwords, **({} if profile is SecurityProfile.TLS_CERT else _CERTIFICATE_CHECKS)}


def _other_passwords(levels: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Turn off `credentials` if the innermost level that checks passwords sets `verify`, and the reverse."""
    for level in reversed(levels):
        if not _PASSWORDS.keys().isdisjoint(level):
            return {name: None for name in _PASSWORDS if name not in level}
    return {}


def _spoken(server: ServerOptions, changes: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the options that name subprotocols, without those that the route does not speak."""
    protocols = tuple(changes["protocols"])
    default = changes.get("default_protocol", server.default_protocol)
    rules = expect_rules(changes.get("strict_mode_rules", server.strict_mode_rules), "strict_mode_rules")
    checks_serial = changes.get("check_serial_number", server.check_serial_number)
    return {
        "default_protocol": default if default in protocols else None,
        "strict_mode_rules": [_spoken_by(protocols, rule) for rule in rules],
        "check_serial_number": checks_serial and any(map(checks_serial_numbers, protocols)),
    }


def _spoken_by(protocols: Sequence[str], rule: ValidationRule) -> ValidationRule:
    if rule.protocols is None:
        return rule
    return replace(rule, protocols=[name for name in rule.protocols if name in protocols])
