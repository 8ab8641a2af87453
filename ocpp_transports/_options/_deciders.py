"""Checks of the options that decide on handshakes: `credentials`, `identify`, `auth`, `trusted_proxies` and so on."""

from collections.abc import Collection, Mapping
from typing import Any, Final, Protocol, get_args

from ocpp_core.admission.handshake import MAX_NAMESPACE
from ocpp_core.admission.pins import normal_fingerprint
from ocpp_core.handshake import SecurityProfile, check_certificate_rule, expect_basic_user
from ocpp_core.identity import StationKey
from ocpp_core.proxies.trusted import TrustedProxies
from ocpp_core.websocket.headers import is_token
from ocpp_transports._callbacks._arguments import expect_arguments
from ocpp_transports.handshake import (
    BeforeRegistration,
    BrokenEscapes,
    ConnectionMiddleware,
    ForwardedHeader,
    RegistrationRule,
    Replace,
    UnmatchedProtocol,
)

__all__ = [
    "expect_auth",
    "expect_choices",
    "expect_connection_middleware",
    "expect_credentials",
    "expect_identify",
    "expect_namespace",
    "expect_organizations",
    "expect_pair",
    "expect_paths",
    "expect_pins",
    "expect_proxies",
    "expect_verify",
]

_CHOICES: Final[Mapping[str, object]] = {
    "unmatched_protocol": UnmatchedProtocol,
    "broken_escapes": BrokenEscapes,
    "replace": Replace,
    "registration": RegistrationRule,
    "before_registration": BeforeRegistration,
}
"""The options that have one of a few texts as value."""
_NEED_PROXIES: Final = ("forwarded_header", "certificate_header")


def expect_credentials(credentials: object) -> None:
    """Raise TypeError unless these can be passwords by identity; no password is repeated.

    Only the items of a dict are checked: another mapping may be a database.
    """
    if credentials is None or isinstance(credentials, Mapping):
        pass
    elif callable(credentials):
        expect_arguments(credentials, "credentials", "identity")
    else:
        raise TypeError(f"expected credentials as a mapping or a callable, got {type(credentials).__name__}")
    for identity, password in credentials.items() if isinstance(credentials, dict) else ():
        if not isinstance(identity, str | StationKey) or not isinstance(password, (str, bytes)):
            kind = type(password).__name__
            raise TypeError(f"expected credentials of str to str or bytes, got {kind} for identity {identity!r}")


def expect_pair(credentials: object) -> None:
    """Raise TypeError unless this is None, or a user name and a password; ValueError for a name with a colon."""
    match credentials:
        case None:
            pass
        case (str(user), str()):
            expect_basic_user(user)
        case _:
            raise TypeError("expected metrics_credentials as a tuple of user name and password, each a str")


def expect_verify(verify: object) -> None:
    """Raise TypeError unless this can be `verify`."""
    if verify is None:
        return
    if not callable(verify):
        raise TypeError(f"expected verify as a callable, got {type(verify).__name__}")
    expect_arguments(verify, "verify", "identity", "password")


def expect_identify(identify: object) -> None:
    """Raise ValueError or TypeError unless this can be `identify`; only the items of a dict are checked."""
    if isinstance(identify, str):
        if identify not in ("exact", "any"):
            raise ValueError(f"expected identify 'exact' or 'any', a mapping or a function, got {identify!r}")
    elif callable(identify):
        expect_arguments(identify, "identify", "certificate", "identity")
    elif not isinstance(identify, Mapping):
        kind = type(identify).__name__
        raise TypeError(f"expected identify as a mapping, a function, 'exact' or 'any', got {kind}")
    elif isinstance(identify, dict):
        wrong = next((pair for pair in identify.items() if not all(isinstance(name, str) for name in pair)), None)
        if wrong is not None:
            raise TypeError(f"expected identify as a mapping of CN to identity, both str, got {wrong!r}")


def expect_organizations(organizations: object) -> None:
    """Raise TypeError or ValueError unless these can be `certificate_organization`."""
    if organizations is None:
        return
    names = (organizations,) if isinstance(organizations, str) else organizations
    if isinstance(names, (bytes, Mapping)) or not isinstance(names, Collection):
        raise TypeError(f"expected certificate_organization as a name or a list of names, got {organizations!r}")
    if not names or not all(isinstance(name, str) and name for name in names):
        raise ValueError(f"expected certificate_organization with at least one name, each a str, got {organizations!r}")


def expect_pins(pins: object) -> None:
    """Raise ValueError or TypeError unless these can be `certificate_pins`; only the items of a dict are checked."""
    if pins is None:
        return
    if not isinstance(pins, Mapping):
        if not callable(pins):
            raise TypeError(f"expected certificate_pins as a mapping or a callable, got {type(pins).__name__}")
        expect_arguments(pins, "certificate_pins", "identity")
    for pinned in pins.values() if isinstance(pins, dict) else ():
        if isinstance(pinned, bytes) or not isinstance(pinned, Collection):
            raise TypeError(f"expected a fingerprint as str or a list of them, got {type(pinned).__name__}")
        for fingerprint in (pinned,) if isinstance(pinned, str) else pinned:
            normal_fingerprint(fingerprint)


def expect_auth(auth: Any) -> None:
    """Raise TypeError unless this can be `auth`."""
    if auth is None:
        return
    if not callable(auth):
        raise TypeError(f"expected auth as a callable, got {type(auth).__name__}")
    expect_arguments(auth, "auth", "accept", "reject", "handshake")


def expect_namespace(namespace: object) -> None:
    """Raise TypeError or ValueError unless this can be `namespace`."""
    if callable(namespace):
        expect_arguments(namespace, "namespace", "handshake")
    elif isinstance(namespace, str):
        if len(namespace) > MAX_NAMESPACE or not namespace.isprintable():
            limit = f"at most {MAX_NAMESPACE} printable characters"
            raise ValueError(f"expected a namespace of {limit}, got {namespace!r}")
    elif namespace is not None:
        raise TypeError(f"expected namespace as str or a function, got {type(namespace).__name__}")


def expect_choices(options: object) -> None:
    """Raise ValueError unless each option that is a choice has one of its allowed values."""
    for name, choice in _CHOICES.items():
        allowed, value = get_args(choice), getattr(options, name)
        if value not in allowed:
            names = ", ".join(map(repr, allowed[:-1]))
            raise ValueError(f"expected {name} {names} or {allowed[-1]!r}, got {value!r}")


def expect_connection_middleware(middleware: Any) -> tuple[ConnectionMiddleware, ...]:
    """Return these functions; raise TypeError unless they can be `connection_middleware`."""
    if isinstance(middleware, (str, Mapping)) or not isinstance(middleware, Collection):
        kind = type(middleware).__name__
        raise TypeError(f"expected connection_middleware as a list of functions, got {kind}")
    for each in middleware:
        if not callable(each):
            raise TypeError(f"expected connection_middleware as functions, got {type(each).__name__}")
        expect_arguments(each, "connection_middleware", "context", "proceed")
    return tuple(middleware)


def expect_paths(paths: object) -> None:
    """Raise TypeError or ValueError unless these can be `paths_without_identity`."""
    if isinstance(paths, str) or not isinstance(paths, Collection) or not all(isinstance(path, str) for path in paths):
        raise TypeError(f"expected paths_without_identity as a list of paths, got {paths!r}")
    for path in paths:
        if not path.startswith("/"):
            raise ValueError(f"expected paths_without_identity that begin with '/', got {path!r}")


class _Options(Protocol):
    """The options of a server that are checked here."""

    @property
    def trusted_proxies(self) -> Collection[str]: ...
    @property
    def forwarded_header(self) -> ForwardedHeader | None: ...
    @property
    def certificate_header(self) -> str | None: ...
    @property
    def certificate_verify_header(self) -> str | None: ...
    @property
    def security_profile(self) -> SecurityProfile: ...


def expect_proxies(options: _Options) -> None:
    """Raise TypeError or ValueError unless the options about proxies are possible, alone and together."""
    given = options.trusted_proxies
    TrustedProxies(given)
    if options.forwarded_header is not None and options.forwarded_header not in get_args(ForwardedHeader):
        expected = " or ".join(map(repr, get_args(ForwardedHeader)))
        raise ValueError(f"expected forwarded_header {expected}, got {options.forwarded_header!r}")
    for name in ("certificate_header", "certificate_verify_header"):
        _expect_name(name, getattr(options, name))
    for name in _NEED_PROXIES:
        if getattr(options, name) is not None and not given:
            raise ValueError(f"expected trusted_proxies with {name}: it counts from listed proxies only")
    if options.certificate_header is not None:
        check_certificate_rule("certificate_header", options.security_profile, is_shown=True)
    elif options.certificate_verify_header is not None:
        raise ValueError("expected no certificate_verify_header without certificate_header: it would not be used")


def _expect_name(option: str, name: object) -> None:
    if name is None:
        return
    if not isinstance(name, str):
        raise TypeError(f"expected {option} as the name of a header field, got {name!r}")
    if not is_token(name):
        raise ValueError(f"expected {option} as the name of a header field, got {name!r}")
