"""Rules for the identities of stations: allowed characters, length, and case.

Sources: OCPP 2.0.1 and 2.1 Part 2 (`identifierString`) and Part 4 §3.1.1. OCPP-J 1.6 §3.1.1 states no rule, so the rule
for 1.6 is this library's.
"""

import re
from collections.abc import Callable, Hashable, Mapping
from functools import partial
from math import inf
from typing import Any, Final, Literal, NamedTuple, TypeAlias, TypeVar, get_args

from ._dataclasses import dataclass
from .messages import is_unicode

__all__ = [
    "IdentityCharacters",
    "IdentityRule",
    "Spellings",
    "StationKey",
    "by_identity",
    "by_key",
    "expect_station_key",
    "scoped_name",
]

IdentityCharacters: TypeAlias = Literal["standard", "printable", "any"]
"""The characters that an identity may contain.

* `standard`: with a subprotocol of OCPP 2.x those of `identifierString`, with any other one those of `printable`.
* `printable`: printable characters except `/` and `\\`, no blank at either end, and neither `.` nor `..`. Control
  characters, bidirectional and other invisible format characters, and line separators are not printable.
* `any`: every character but control characters.
"""

_T = TypeVar("_T")
_R = TypeVar("_R")
_NameT = TypeVar("_NameT", str, "StationKey")

_IDENTIFIER_STRING: Final = re.compile(r"[A-Za-z0-9*\-_=:+|@.]+")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_MOST_KEPT: Final = 255
"""Characters of an identity, and of a namespace, under which messages are kept."""
_COMPARED: Final = 100
"""Names that a search compares on average: 2 µs."""
_DOT_SEGMENTS: Final = frozenset({".", ".."})


class StationKey(NamedTuple):
    """A station of a server: two stations of one identity differ in their namespace.

    Methods that find or call a station take it in place of the identity.
    """

    namespace: str
    """The namespace; empty for stations without one."""
    identity: str
    """The identity of the station."""

    def __str__(self) -> str:
        return f"{self.namespace}/{self.identity}" if self.namespace else self.identity


def expect_station_key(station: StationKey) -> None:
    """Raise TypeError or ValueError for a station for which no message can be kept."""
    for what, name, least in (("namespace", station.namespace, 0), ("identity", station.identity, 1)):
        if not isinstance(name, str):
            raise TypeError(f"expected the {what} of a station as str, got {type(name).__name__}")
        if not least <= len(name) <= _MOST_KEPT or not is_unicode(name) or "\n" in name:
            raise ValueError(f"expected the {what} of a station, at most {_MOST_KEPT} characters, got {name!r}")


def scoped_name(namespace: str, key: str) -> str:
    """Return the name of a station in a namespace, by the lookup key of its identity."""
    return f"{namespace}\0{key}"


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityRule:
    """The rule for the identities of a server's stations.

    Raises ValueError for a value out of range.
    """

    characters: IdentityCharacters = "standard"
    max_length: float = 48
    """Characters; at least 1, `inf` for no limit. OCPP 2.x allows 48 (Part 4 §3.1.1)."""
    ignore_case: bool = False
    """True if identities that differ only in case name the same station."""

    def __post_init__(self) -> None:
        if self.characters not in get_args(IdentityCharacters):
            raise ValueError(f"expected identity_characters 'standard', 'printable' or 'any', got {self.characters!r}")
        is_number = isinstance(self.max_length, (int, float)) and not isinstance(self.max_length, bool)
        if not is_number or not self.max_length >= 1:
            raise ValueError(f"expected max_identity_length >= 1 characters, got {self.max_length!r}")

    def allows(self, identity: str, protocol: str | None) -> bool:
        """Return True if a station with this subprotocol may have this identity.

        `protocol` is None if no subprotocol was chosen.
        """
        if not 1 <= len(identity) <= self.max_length:
            return False
        if self.characters == "any":
            return not _CONTROL.search(identity)
        if identity in _DOT_SEGMENTS or not identity.isprintable():
            return False
        if self._wants_identifier(protocol):
            return _IDENTIFIER_STRING.fullmatch(identity) is not None
        return identity == identity.strip() and not ("/" in identity or "\\" in identity)

    @property
    def usual(self) -> re.Pattern[str]:
        """A pattern that matches most of the allowed identities, and no others, with any subprotocol.

        It matches those that OCPP 2.x allows, of at most 255 characters. A server compiles it once and tries it first.
        """
        most = int(min(self.max_length, 255))
        return re.compile(rf"(?!\.{{1,2}}\Z){_IDENTIFIER_STRING.pattern.removesuffix('+')}{{1,{most}}}")

    def expectation(self, protocol: str | None) -> str:
        """Return the rule in words, for the response to a station that breaks it."""
        length = "at least 1" if self.max_length == inf else f"1 to {self.max_length:.15g}"
        if self.characters == "any":
            return f"expected {length} characters that are not control characters"
        if self._wants_identifier(protocol):
            return f"expected {length} characters of A-Z a-z 0-9 *-_=:+|@."
        return f"expected {length} printable characters without / and \\, blanks at the ends, and not . or .."

    def _wants_identifier(self, protocol: str | None) -> bool:
        return self.characters == "standard" and protocol is not None and protocol.startswith("ocpp2")

    def key(self, identity: str) -> str:
        """Return the lookup key of a station: equal for identities that name the same station."""
        return identity.casefold() if self.ignore_case else identity

    def key_of(self, station: StationKey) -> StationKey:
        """Return the same for a station of a namespace, whose case always counts."""
        return StationKey(station.namespace, self.key(station.identity))


class Spellings:
    """A cached search for the name with the same key as an identity, in a mapping that may change.

    Any peer may ask for unknown identities. Reading 50,000 names for each would take 40 ms, and comparing them 1 ms,
    which would also reveal that the identity is unknown. So the names are read if their number has changed. Otherwise
    they are compared once in so many searches that each costs `_COMPARED` names on average. After that many searches, a
    name that has replaced another one is found in any spelling.
    """

    __slots__ = ("_by_key", "_names", "_searches")

    def __init__(self) -> None:
        self._names: list[object] = []
        self._by_key: dict[Hashable, Any] = {}
        self._searches = 0

    def find(self, name: _NameT, named: Mapping[Any, object], key: Callable[[_NameT], Hashable]) -> _NameT | None:
        """Return the first name in a mapping that has the same type and key.

        None if there is none.
        """
        if self._is_outdated(named):
            self._names = [*named]
            names = [each for each in named if isinstance(each, type(name))]
            self._by_key = {key(each): each for each in reversed(names)}
        return self._by_key.get(key(name))

    def _is_outdated(self, named: Mapping[Any, object]) -> bool:
        count = len(named)
        if count != len(self._names):
            return True
        self._searches += _COMPARED
        if self._searches < count:
            return False
        self._searches = 0
        return [*named] != self._names


def by_identity(values: Mapping[str, _T] | Callable[[str], _R], rule: IdentityRule) -> Callable[[str], _T | _R | None]:
    """Return the function that returns the value of an identity; of a mapping None for an unknown one.

    If the rule ignores case, an identity has the value of another spelling in the mapping.
    """
    if not isinstance(values, Mapping):
        return values
    if not rule.ignore_case:
        return values.get
    return partial(_find, values, rule.key, Spellings())


def by_key(values: Mapping[Any, _T], rule: IdentityRule) -> Callable[[StationKey], _T | None]:
    """Return the function that returns the value of a station: that of its key, or else that of its identity.

    A station without a namespace has that of its identity.
    """
    find = by_identity(values, rule)
    find_key = partial(_find, values, rule.key_of, Spellings()) if rule.ignore_case else values.get

    def of(station: StationKey) -> _T | None:
        found = find_key(station) if station.namespace else None
        return find(station.identity) if found is None else found

    return of


def _find(values: Mapping[Any, _T], key: Callable[[_NameT], Hashable], spellings: Spellings, name: _NameT) -> _T | None:
    if name in values:
        return values.get(name)
    other = spellings.find(name, values, key)
    return None if other is None else values.get(other)
