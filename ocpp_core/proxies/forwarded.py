"""The station's address and scheme in the header fields of proxies: X-Forwarded-For and -Proto, or Forwarded.

Sources: RFC 7239 (Forwarded); X-Forwarded-For and X-Forwarded-Proto have no standard.

Each proxy appends the address of its own peer at the right end, and passes on what it received. So a station can invent
everything to the left of what the trusted proxies appended. The list is read from the right end: the first address that
is not a trusted proxy is the station's.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from ocpp_core._dataclasses import dataclass
from ocpp_core.addresses.networks import read_address
from ocpp_core.websocket.headers import TCHARS, elements

from .trusted import ForwardedHeader

__all__ = ["MAX_NODES", "Origin", "origin_of"]

MAX_NODES: Final = 32
"""Addresses read from one field, from its right end."""
_MAX_LENGTH: Final = 8192
"""Characters of a Forwarded field; a longer one is not read."""
_SECURE: Final = frozenset({"https", "wss"})

# RFC 7239 §6: an address, IPv6 in brackets, with an optional port, which may be obfuscated.
_NODE: Final = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+))(?::(?:[0-9]{1,5}|_[A-Za-z0-9._-]+))?")
# RFC 7239 §4: pairs with `;` between them, elements with `,`. Blanks around both are accepted. Nothing is tried twice:
# thousands of blanks would otherwise take seconds.
_TEXT: Final = r'"((?:[^"\\\x00-\x08\x0a-\x1f\x7f]|\\[\t\x20-\xff])*+)"'
_PAIR: Final = re.compile(rf"[ \t]*+(?:((?>{TCHARS}))=(?:((?>{TCHARS}))|{_TEXT}))?[ \t]*+([;,]|\Z)")
_QUOTED: Final = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class Origin:
    """The origin of a connection, as far as trusted proxies vouch for it."""

    address: str | None
    """The station's address, or that of the last proxy before an unreadable entry."""
    secure: bool | None = None
    """True if the station's connection is TLS, False if not; None if the proxy does not state it."""
    problem: str = ""
    """Why a part of the field was ignored, without its text; empty if nothing was."""


@dataclass(frozen=True, slots=True)
class _Hop:
    address: str | None
    """None if it is unreadable: `unknown`, obfuscated, or not an address."""
    secure: bool | None


def origin_of(
    header: ForwardedHeader, headers: Mapping[str, str], peer: str | None, trusts: Callable[[str | None], bool]
) -> Origin:
    """Return the origin of a request that a trusted proxy has sent.

    Args:
        header: The field to read.
        headers: The fields of the request by lower-case name; the values of a repeated one joined with commas.
        peer: The address of that proxy.
        trusts: Function that returns True for the address of a trusted proxy.
    """
    value = headers.get(header)
    secure = _scheme(headers.get("x-forwarded-proto")) if header == "x-forwarded-for" else None
    if value is None:
        return Origin(peer, secure)
    hops = _listed(value, secure) if header == "x-forwarded-for" else _forwarded(value)
    if hops is None:
        return Origin(peer, None, "it is malformed")
    return _walk(hops, Origin(peer, secure), trusts)


def _walk(hops: Iterable[_Hop], origin: Origin, trusts: Callable[[str | None], bool]) -> Origin:
    """Follow the hops, the nearest first, to the first one that is not a trusted proxy."""
    for count, hop in enumerate(hops):
        if count == MAX_NODES:
            return Origin(origin.address, origin.secure, f"it has more than {MAX_NODES} entries")
        if hop.address is None:
            return Origin(origin.address, hop.secure, "an entry is not an address")
        origin = Origin(hop.address, hop.secure)
        if not trusts(hop.address):
            break
    return origin


def _listed(value: str, secure: bool | None) -> Iterator[_Hop]:
    """Iterate over the addresses of X-Forwarded-For from the right end; they share the scheme of X-Forwarded-Proto."""
    nodes = value.rsplit(",", MAX_NODES)
    return (_Hop(_address(node.strip(" \t")), secure) for node in reversed(nodes))


def _scheme(value: str | None) -> bool | None:
    """Return True if X-Forwarded-Proto says TLS only; None without a value."""
    schemes = elements((value or "").lower())
    return _SECURE.issuperset(schemes) if schemes else None


def _forwarded(value: str) -> list[_Hop] | None:
    """Return the elements of a Forwarded field from the right end; None if it is malformed."""
    if len(value) > _MAX_LENGTH:
        return None
    hops: list[_Hop] = []
    pairs: dict[str, str] = {}
    at, end = 0, ","
    while end:
        found = _PAIR.match(value, at)
        if found is None:
            return None
        at, end = found.end(), found[4]
        if found[1] is not None:
            name = found[1].lower()
            if name in pairs:  # RFC 7239 §4: each parameter once
                return None
            pairs[name] = _QUOTED.sub(r"\1", found[3]) if found[2] is None else found[2]
        if end != ";" and pairs:
            hops.append(_Hop(_address(pairs.get("for", "")), _scheme(pairs.get("proto"))))
            pairs = {}
    hops.reverse()
    return hops


def _address(node: str) -> str | None:
    """Return the address of a node without its port; None if it has none.

    An address with a zone is none: a zone has a meaning on one host only.
    """
    found = _NODE.fullmatch(node)
    parsed = None if "%" in node else read_address(node if found is None else found[1] or found[2])
    return None if parsed is None else str(parsed)
