"""The kinds of quirks: which broken rule of a schema each one forgives, or how it repairs the value.

A quirk is asked only for a payload that its schema refuses, so it never changes a message that conforms.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import field
from types import MappingProxyType
from typing import Any, ClassVar, Final, get_args

from ocpp_core._dataclasses import dataclass
from ocpp_core.config import BrokenRule, Effect, Kind, Remedy

from .values import NOTHING, coerced, in_rfc3339

__all__ = [
    "DROP",
    "KINDS",
    "AllowValues",
    "Coerce",
    "DropMembers",
    "FixCase",
    "Forgive",
    "MendTimes",
    "Quirk",
    "RelaxLength",
    "ReplaceValues",
]

KEEP: Final = Remedy(Effect.KEEP)
DROP: Final = Remedy(Effect.DROP)
"""The remedy that leaves the member out."""
_MAX_VALUE: Final = 255
"""Characters of an unknown value that `allow_values` without a list allows."""
_OFFSET = re.compile(r"(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirk(ABC):
    """A mistake of a peer that is tolerated, and where.

    Raises TypeError or ValueError for a field that is not as described.
    """

    kind: ClassVar[str]
    """The name of the kind in a file."""

    action: str = "*"
    """The action of the message; `*` for every one."""
    message: Kind | None = None
    """`call`, `result` or `send`; None for each of them."""
    at: str = "**"
    """The members that lead to the value, joined with dots, without the indexes of arrays:
    `meterValue.sampledValue.context`. `*` stands for one name, `**` for any number of them. For a missing or an
    unknown member, its own name is the last one."""

    def __post_init__(self) -> None:
        for name in ("action", "at"):
            value = getattr(self, name)
            if not isinstance(value, str) or not value:
                raise TypeError(f"expected {name} as a text, got {value!r}")
        if self.message is not None and self.message not in get_args(Kind):
            raise ValueError(f"expected message as one of {', '.join(get_args(Kind))}, got {self.message!r}")

    def is_for(self, kind: Kind, action: str) -> bool:
        """Return True if the quirk applies to messages of this type and action."""
        return self.action in ("*", action) and self.message in (None, kind)

    def covers(self, path: tuple[str, ...]) -> bool:
        """Return True if the quirk applies to the value at this path."""
        return self.at == "**" or _leads_to(tuple(self.at.split(".")), path)

    @abstractmethod
    def remedy(self, broken: BrokenRule) -> Remedy | None:
        """Return what this quirk does about a broken rule; None if it does not concern it."""


def _leads_to(pattern: tuple[str, ...], path: tuple[str, ...]) -> bool:
    """Return True if a pattern matches a path. Its steps are followed together, since each `**` could end anywhere."""
    reached = _from(pattern, {0})
    for name in path:
        steps = {number for number in reached if number < len(pattern)}
        stay = {number for number in steps if pattern[number] == "**"}
        reached = _from(pattern, stay | {number + 1 for number in steps - stay if pattern[number] in ("*", name)})
    return len(pattern) in reached


def _from(pattern: tuple[str, ...], numbers: set[int]) -> set[int]:
    """Return the steps that can be reached from these ones without a name: `**` may stand for none."""
    reached = set(numbers)
    for number, step in enumerate(pattern):
        if step == "**" and number in reached:
            reached.add(number + 1)
    return reached


def _texts(name: str, values: Any) -> tuple[str, ...]:
    is_list = isinstance(values, Collection) and not isinstance(values, (str, Mapping))
    if not is_list or not all(isinstance(value, str) for value in values):
        raise TypeError(f"expected {name} as a list of texts, got {values!r}")
    return tuple(values)


def _some_texts(name: str, values: Any) -> tuple[str, ...]:
    texts = _texts(name, values)
    if not texts:
        raise ValueError(f"expected {name} with at least one name: without any, the quirk does nothing")
    return texts


@dataclass(frozen=True, slots=True, kw_only=True)
class RelaxLength(Quirk):
    """Accept a text that is longer than its schema allows."""

    kind = "relax_length"

    limit: int
    """Characters of the text, at least 1."""

    def __post_init__(self) -> None:
        Quirk.__post_init__(self)
        if type(self.limit) is not int or self.limit < 1:
            raise ValueError(f"expected limit >= 1 characters as an integer, got {self.limit!r}")

    def remedy(self, broken: BrokenRule) -> Remedy | None:
        """Keep a text of at most `limit` characters."""
        return KEEP if broken.keyword == "maxLength" and len(broken.value) <= self.limit else None


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowValues(Quirk):
    """Accept a value that the enumeration of the schema does not have."""

    kind = "allow_values"

    values: Sequence[str] = ()
    """The further values; empty for any text of at most 255 characters."""

    def __post_init__(self) -> None:
        Quirk.__post_init__(self)
        object.__setattr__(self, "values", _texts("values", self.values))

    def remedy(self, broken: BrokenRule) -> Remedy | None:
        """Keep one of the values."""
        if broken.keyword not in ("enum", "const") or not isinstance(broken.value, str):
            return None
        is_allowed = broken.value in self.values if self.values else len(broken.value) <= _MAX_VALUE
        return KEEP if is_allowed else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceValues(Quirk):
    """Read a value that the enumeration of the schema does not have as another one."""

    kind = "replace_values"

    values: Mapping[str, str] = field(hash=False)
    """By the received value, the one to deliver."""

    def __post_init__(self) -> None:
        Quirk.__post_init__(self)
        if not isinstance(self.values, Mapping) or not self.values:
            raise TypeError(f"expected values as a table of texts by texts, got {self.values!r}")
        _texts("values", [*self.values, *self.values.values()])
        object.__setattr__(self, "values", MappingProxyType(dict(self.values)))

    def remedy(self, broken: BrokenRule) -> Remedy | None:
        """Replace the value."""
        if broken.keyword not in ("enum", "const") or not isinstance(broken.value, str):
            return None
        return Remedy(Effect.REPLACE, self.values[broken.value]) if broken.value in self.values else None


@dataclass(frozen=True, slots=True, kw_only=True)
class FixCase(Quirk):
    """Read a value of an enumeration without regard to case."""

    kind = "fix_case"

    def remedy(self, broken: BrokenRule) -> Remedy | None:
        """Replace the value with the one of the schema that differs only in case."""
        if broken.keyword != "enum" or not isinstance(broken.value, str):
            return None
        same = [each for each in broken.demand if isinstance(each, str) and each.lower() == broken.value.lower()]
        return Remedy(Effect.REPLACE, same[0]) if same else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Coerce(Quirk):
    """Read a value of the wrong JSON type as the type of the schema, without rounding.

    A number in a text is a number, and the reverse; `1.0` is an integer; `"true"`, `1` and `"1"` are booleans; a single
    value is an array of one.
    """

    kind = "coerce"

    def remedy(self, broken: BrokenRule) -> Remedy | None:
        """Replace the value with its equal."""
        made = coerced(broken.value, broken.demand) if broken.keyword == "type" else NOTHING
        return None if made is NOTHING else Remedy(Effect.REPLACE, made)


@dataclass(frozen=True, slots=True, kw_only=True)
class MendTimes(Quirk):
    """Read a date-time without an offset, with a short one as in `+02`, or with a blank instead of `T`."""

    kind = "mend_times"

    offset: str = "Z"
    """The offset of a date-time without one: `Z`, or as `+02:00`."""

    def __post_init__(self) -> None:
        Quirk.__post_init__(self)
        if not isinstance(self.offset, str) or not _OFFSET.match(self.offset):
            raise ValueError(f"expected offset as Z or +HH:MM, got {self.offset!r}")

    def remedy(self, broken: BrokenRule) -> Remedy | None:
        """Replace the date-time with its form in RFC 3339."""
        if broken.keyword != "format" or broken.demand != "date-time":
            return None
        made = in_rfc3339(broken.value, self.offset)
        return None if made is None else Remedy(Effect.REPLACE, made)


_EMPTY: Final[Mapping[str, Any]] = {"null": None, "text": "", "array": [], "object": {}}
_DROPPED: Final = (*_EMPTY, "unknown")


@dataclass(frozen=True, slots=True, kw_only=True)
class DropMembers(Quirk):
    """Leave out a member that is empty, or unknown to the schema."""

    kind = "drop_members"

    what: Sequence[str] = tuple(_EMPTY)
    """Which members: `null`, an empty `text`, `array` or `object`, and those that are `unknown`."""

    def __post_init__(self) -> None:
        Quirk.__post_init__(self)
        object.__setattr__(self, "what", _some_texts("what", self.what))
        for name in self.what:
            if name not in _DROPPED:
                raise ValueError(f"expected what as some of {', '.join(_DROPPED)}, got {name!r}")

    def remedy(self, broken: BrokenRule) -> Remedy | None:
        """Drop the member."""
        if broken.keyword == "additionalProperties" and "unknown" in self.what:
            return DROP
        return DROP if any(_is_empty(broken.value, name) for name in self.what) else None


def _is_empty(value: Any, name: str) -> bool:
    empty = _EMPTY.get(name, NOTHING)
    return type(value) is type(empty) and value == empty


_TYPES: Final[Mapping[type, str]] = {
    type(None): "null",
    bool: "boolean",
    int: "number",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgive(Quirk):
    """Accept whatever breaks these rules of the schema, and deliver it as it was received."""

    kind = "forgive"

    rules: Sequence[str]
    """Keywords of JSON Schema, such as `required`, `additionalProperties`, `multipleOf`, `maximum` or `type`."""
    types: Sequence[str] = ()
    """The JSON types of the value: `null`, `boolean`, `number`, `string`, `array`, `object`; empty for every one."""

    _KNOWN: ClassVar[frozenset[str]] = frozenset(
        {
            *("type", "enum", "const", "required", "additionalProperties", "format", "pattern", "multipleOf"),
            *("minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum"),
            *("exclusiveMinimum", "exclusiveMaximum"),
        }
    )

    def __post_init__(self) -> None:
        Quirk.__post_init__(self)
        object.__setattr__(self, "rules", _some_texts("rules", self.rules))
        for rule in self.rules:
            if rule not in self._KNOWN:
                raise ValueError(f"expected rules as some of {', '.join(sorted(self._KNOWN))}, got {rule!r}")
        object.__setattr__(self, "types", _texts("types", self.types))
        for name in self.types:
            if name not in _TYPES.values():
                raise ValueError(f"expected types as some of {', '.join(dict.fromkeys(_TYPES.values()))}, got {name!r}")

    def remedy(self, broken: BrokenRule) -> Remedy | None:
        """Keep the value."""
        is_meant = not self.types or _TYPES.get(type(broken.value)) in self.types
        return KEEP if is_meant and broken.keyword in self.rules else None


KINDS: Final[Mapping[str, type[Quirk]]] = MappingProxyType(
    {
        each.kind: each
        for each in (RelaxLength, AllowValues, ReplaceValues, FixCase, Coerce, MendTimes, DropMembers, Forgive)
    }
)
"""The kinds of quirks by their names in a file."""
