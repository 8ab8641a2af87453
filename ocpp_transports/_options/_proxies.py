"""Checks of the options about proxies in front of a server."""

from collections.abc import Collection, Mapping
from typing import Protocol, get_args

from ocpp_core.handshake import SecurityProfile, check_certificate_rule
from ocpp_core.proxies.trusted import Networks
from ocpp_core.websocket.headers import is_token
from ocpp_transports.handshake import ForwardedHeader

__all__ = ["expect_proxies"]

_NEED_PROXIES = ("forwarded_header", "certificate_header")


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
    if (
        isinstance(given, (str, bytes, Mapping))
        or not isinstance(given, Collection)
        or not all(isinstance(text, str) for text in given)
    ):
        raise TypeError(f"expected trusted_proxies as a list of addresses and networks, got {given!r}")
    Networks(given)
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
