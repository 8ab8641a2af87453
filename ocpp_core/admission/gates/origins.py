"""The gate for web pages: `allowed_origins`.

Browsers send the Origin of a page with its WebSocket request (RFC 6455 §10.2, RFC 6454), and a page cannot change it.
Stations send none.
"""

import re
from collections.abc import Collection
from typing import Final, Self

from ocpp_core._dataclasses import dataclass
from ocpp_core.admission.step import Candidate, Cause, refuse
from ocpp_core.inputs import Reject

__all__ = ["OriginGate"]

_ALLOWED: Final = re.compile(r"([a-z][a-z0-9+.-]*://)(\*\.)?((?:[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?)")
"""Scheme, an optional wildcard for sub-domains, and host with an optional port."""
_SUB_DOMAINS: Final = re.compile(r"[a-z0-9_.-]*[a-z0-9_-]\.")
_SHOWN: Final = 200
_FORBIDDEN: Final = refuse(403, "Forbidden")


@dataclass(frozen=True, slots=True)
class OriginGate:
    """The step that refuses requests of web pages whose origin is not listed (403); without an Origin they pass."""

    exact: frozenset[str]
    wildcards: tuple[tuple[str, str], ...]
    """Scheme, and domain with its port, of origins whose sub-domains are allowed."""

    @classmethod
    def of(cls, origins: Collection[str]) -> Self:
        """Return the gate for a list of origins, such as `https://app.example` or `https://*.example`.

        Raises TypeError unless it is a list of str, ValueError for anything but scheme, host and port, or `null`.
        """
        is_list = isinstance(origins, Collection) and not isinstance(origins, str)
        if not is_list or not all(isinstance(origin, str) for origin in origins):
            raise TypeError(f"expected allowed_origins as a list of origins, each a str, got {origins!r}")
        exact, wildcards = set[str](), list[tuple[str, str]]()
        for origin in origins:
            lower = _without_usual_port(origin.lower())
            parts = _ALLOWED.fullmatch(lower)
            if parts is None and origin != "null":
                raise ValueError(f"expected allowed_origins like 'https://app.example' without a path, got {origin!r}")
            if parts is None or parts[2] is None:
                exact.add(lower)
            else:
                wildcards.append((parts[1], parts[3]))
        return cls(frozenset(exact), tuple(wildcards))

    def __call__(self, candidate: Candidate) -> Reject | None:
        """Check the Origin header, if there is one."""
        origin = candidate.request.headers.get("origin")
        if origin is None or self._allows(origin.lower()):
            return None
        host = origin.rpartition("@")[2]  # before it, a malformed origin may have credentials
        candidate.cause = Cause("denied_origin", f"origin {host[:_SHOWN]!r}")
        return _FORBIDDEN

    def _allows(self, origin: str) -> bool:
        return origin in self.exact or any(_is_below(origin, *wildcard) for wildcard in self.wildcards)


def _without_usual_port(origin: str) -> str:
    """Return an origin as browsers write it: without the default port of its scheme (RFC 6454 §6.2)."""
    for scheme, port in (("https://", ":443"), ("http://", ":80")):
        if origin.startswith(scheme):
            return origin.removesuffix(port)
    return origin


def _is_below(origin: str, scheme: str, domain: str) -> bool:
    """Return True if an origin is a sub-domain of this one, on any level, with the same scheme and port."""
    if not origin.startswith(scheme) or not origin.endswith(domain):
        return False
    return _SUB_DOMAINS.fullmatch(origin[len(scheme) : -len(domain)]) is not None
