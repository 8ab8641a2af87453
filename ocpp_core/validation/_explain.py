"""The description of a refused payload: the first broken rule, its path, and its error code.

This runs only for payloads that were refused already, so it may be slow and must be exact. It supports the keywords of
the OCPP schemas and the frequent ones of vendor schemas; the description of any other broken rule is less precise.
"""

import json
import re
import sys
from collections.abc import Callable, Collection, Mapping
from fractions import Fraction
from functools import cache, partial
from math import isfinite
from typing import Any, Final
from urllib.parse import unquote

from ocpp_core.config import BrokenRule, Violation
from ocpp_core.messages import MAX_DESCRIPTION
from ocpp_core.versions import ErrorCode

from ._bundles import Schema
from ._formats import FORMATS

__all__ = ["Broken", "Search", "describe_broken", "describe_violation", "resolve", "shown", "violation_of"]

_MAX_PATH: Final = 120
_MAX_MESSAGE: Final = 60
_MAX_VALUES: Final = 5000
"""Number of values that are searched, in a few hundredths of a second; the path of a later fault is not reported."""
_SAFE_NAME = re.compile(r"[A-Za-z0-9_.\-]{1,50}\Z")

# OCPP does not define which broken rule has which code; this choice is closest to the wording of its table of error
# codes (OCPP-J 1.6 table 7, 2.0.1 Part 4 table 8). All other rules are structural: FormatViolation.
_CODES: Final[Mapping[str, ErrorCode]] = (
    dict.fromkeys(("required", "minItems", "maxItems"), ErrorCode.OCCURRENCE_CONSTRAINT_VIOLATION)
    | {"type": ErrorCode.TYPE_CONSTRAINT_VIOLATION}
    | dict.fromkeys(
        (
            *("enum", "const", "format", "pattern", "minLength", "maxLength", "multipleOf"),
            *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
        ),
        ErrorCode.PROPERTY_CONSTRAINT_VIOLATION,
    )
)


class Broken:
    """A broken rule: keyword, its value, what the payload has there, and the path to it, last step first."""

    __slots__ = ("demand", "got", "keyword", "said", "steps")

    def __init__(self, keyword: str, demand: object, got: str, said: str = "") -> None:
        self.keyword = keyword
        self.demand = demand
        self.got = got
        self.said = said or _demand(demand)
        """The demand in words."""
        self.steps: list[str | int] = []

    @property
    def path(self) -> str:
        """The path as in JavaScript, after the word `payload`, shortened at its beginning."""
        steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in reversed(self.steps))
        return _last("payload" + "".join(steps))

    @property
    def pointer(self) -> str:
        """The path as a JSON Pointer (RFC 6901), shortened at its beginning."""
        steps = (str(step).replace("~", "~0").replace("/", "~1") for step in reversed(self.steps))
        return _last("".join(f"/{step}" for step in steps))

    def below(self, step: str | int) -> "Broken":
        self.steps.append(step)
        return self


def describe_violation(document: Schema, payload: object, *, formats: bool, message: str = "") -> Violation:
    """Return the first rule of the schema that a refused payload breaks.

    Never raises. The description has at most 255 characters and contains no value of the payload. It names the message
    (action and type, if passed), the path, the keyword and the keyword's value in the schema. The name of an unknown
    property is included if it is short and plain.
    """
    message = f"{message[:_MAX_MESSAGE]} " if message else ""
    try:
        broken = Search(document, formats=formats).search(document, payload)
    except Exception:  # too deep for the interpreter, too large, or not JSON: refused in any case
        broken = None
    if broken is None:
        return Violation(ErrorCode.FORMAT_VIOLATION, f"{message}payload violates its schema")
    return Violation(
        _CODES.get(broken.keyword, ErrorCode.FORMAT_VIOLATION),
        describe_broken(broken, message),
        broken.keyword,
        broken.pointer,
        _first(_demand(broken.demand), _MAX_PATH),
        broken.got,
    )


def violation_of(rule: BrokenRule) -> Violation:
    """Return the description of a broken rule, without a value of the payload."""
    keyword, steps, said, got = rule.keyword, rule.steps, "", _got(rule.value)
    if keyword in ("required", "additionalProperties"):
        name, steps = shown(steps[-1]), steps[:-1]
        said, got = (f"{name} is missing", "nothing") if keyword == "required" else (f"{name} is unknown", name)
    broken = Broken(keyword, rule.demand, got, said)
    for step in reversed(steps):
        broken.below(step if isinstance(step, int) else shown(step))
    code = _CODES.get(keyword, ErrorCode.FORMAT_VIOLATION)
    return Violation(
        code, describe_broken(broken), keyword, broken.pointer, _first(_demand(rule.demand), _MAX_PATH), got
    )


def describe_broken(broken: Broken, message: str = "") -> str:
    """Return the path, the keyword and its value, after the text of `message`, in at most 255 characters."""
    text = f"{message}{broken.path} violates {broken.keyword}: {broken.said}"
    return _first(text, MAX_DESCRIPTION)


def _first(text: str, most: int) -> str:
    """Return a text, without its end beyond `most` characters."""
    return text if len(text) <= most else text[: most - 3] + "..."


def _last(path: str) -> str:
    """Return a path, without its beginning if it is too long."""
    return path if len(path) <= _MAX_PATH else "..." + path[3 - _MAX_PATH :]


def resolve(document: Schema, ref: str) -> Any:
    """Return the target of a `$ref` of the form `#` or `#/…` (RFC 6901 §6).

    Raises ValueError if the target is outside the document or does not exist.
    """
    node: Any = document
    try:
        if not re.match(r"#(/|\Z)", ref):
            raise KeyError(ref)
        for part in unquote(ref).split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            node = node[int(key)] if isinstance(node, list) else node[key]
    except (LookupError, TypeError, ValueError):
        raise ValueError(f"expected $ref as a pointer into the same schema, got {ref!r}") from None
    return node


def _demand(demand: object) -> str:
    if isinstance(demand, str):
        return demand
    if isinstance(demand, list):
        return ", ".join(map(str, demand))
    return json.dumps(demand, default=str)


def _got(value: object) -> str:
    """Return the type and length of a value, which tell nothing of its content."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return f"string of {len(value)} characters"
    if isinstance(value, (list, tuple)):
        return f"array of {len(value)} items"
    return "object" if isinstance(value, dict) else "integer" if isinstance(value, int) else "number"


def shown(name: object) -> str:
    """Return a property name of the peer if it is safe in a log or an error, else `?`."""
    return name if isinstance(name, str) and _SAFE_NAME.match(name) else "?"


def _same(value: object, wanted: object) -> bool:
    return value == wanted and isinstance(value, bool) is isinstance(wanted, bool)  # 1 == True in Python only


def _is_multiple(value: float, factor: float) -> bool:
    """Return True if a value is an exact decimal multiple: 0.3 is one of 0.1, but not with binary floats.

    A quotient beyond the range of floats is not accepted.
    """
    quotient = (Fraction(value) if isinstance(value, int) else Fraction(repr(value))) / Fraction(repr(factor))
    return quotient.denominator == 1 and abs(quotient) <= sys.float_info.max


_Rules = Mapping[str, Callable[[Any, Any], bool]]

_ANY_RULES: Final[_Rules] = {
    "enum": lambda value, allowed: (
        value in allowed if isinstance(value, str) else any(_same(value, item) for item in allowed)
    ),
    "const": _same,
}
_STRING_RULES: Final[_Rules] = {
    **_ANY_RULES,
    "minLength": lambda value, least: len(value) >= least,
    "maxLength": lambda value, most: len(value) <= most,
    "pattern": lambda value, pattern: re.search(pattern, value) is not None,
    "format": lambda value, name: name not in FORMATS or re.match(FORMATS[name], value) is not None,
}
_NUMBER_RULES: Final[_Rules] = {
    **_ANY_RULES,
    "minimum": lambda value, least: value >= least,
    "maximum": lambda value, most: value <= most,
    # In draft-04 these are booleans, which modify minimum and maximum.
    "exclusiveMinimum": lambda value, bound: isinstance(bound, bool) or value > bound,
    "exclusiveMaximum": lambda value, bound: isinstance(bound, bool) or value < bound,
    "multipleOf": _is_multiple,
}
_ARRAY_RULES: Final[_Rules] = {
    **_ANY_RULES,
    "minItems": lambda value, least: len(value) >= least,
    "maxItems": lambda value, most: len(value) <= most,
}
_TYPES: Final[Mapping[str, type | tuple[type, ...]]] = {
    "object": dict,
    "array": (list, tuple),
    "string": str,
    "boolean": bool,
    "null": type(None),
}


def _rules_for(value: object) -> _Rules:
    """Return the rules that concern a value of this type."""
    if isinstance(value, str):
        return _STRING_RULES
    if isinstance(value, (list, tuple)):
        return _ARRAY_RULES
    return _NUMBER_RULES if isinstance(value, (int, float)) and not isinstance(value, bool) else _ANY_RULES


class Search:
    """A search through a payload and its schema for the first broken rule."""

    def __init__(self, document: Schema, *, formats: bool) -> None:
        self.resolve = cache(partial(resolve, document))  # an array may use a definition thousands of times
        self._formats = formats
        # An integer is "a number without a fractional part" since draft-06; in draft-04, 1.0 is not an integer.
        self._integral_floats = "draft-04" not in str(document.get("$schema"))
        self._values = 0

    def search(self, schema: Any, value: object) -> Broken | None:
        if not isinstance(schema, dict):
            return None  # `true` or `false`: there is no keyword to report
        if "$ref" in schema:
            return self.search(self.resolve(schema["$ref"]), value)
        self._values += 1
        if self._values > _MAX_VALUES:
            raise OverflowError
        if broken := self.search_itself(schema, value) or self._search_parts(schema, value):
            return broken
        return next(filter(None, (self.search(part, value) for part in schema.get("allOf", ()))), None)

    def _has_type(self, value: object, types: Any) -> bool:
        return any(self._is(value, name) for name in types) if isinstance(types, list) else self._is(value, types)

    def _is(self, value: object, name: str) -> bool:
        if name in _TYPES:
            return isinstance(value, _TYPES[name])
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        if isinstance(value, int):
            return True
        return isfinite(value) if name == "number" else self._integral_floats and value.is_integer()

    def search_itself(self, schema: Schema, value: object, besides: Collection[str] = ()) -> Broken | None:
        """Return the first rule that a value breaks apart from its members and elements, other than these keywords."""
        if "type" in schema and "type" not in besides and not self._has_type(value, schema["type"]):
            return Broken("type", schema["type"], _got(value))
        rules = _rules_for(value)
        for keyword, demand in schema.items():
            holds = rules.get(keyword)
            if holds is None or keyword in besides or (keyword == "format" and not self._formats):
                continue
            if not holds(value, demand):
                return Broken(keyword, demand, _got(value))
        return None

    def _search_parts(self, schema: Schema, value: object) -> Broken | None:
        if isinstance(value, dict):
            return self._search_object(schema, value)
        return self._search_items(schema, value) if isinstance(value, (list, tuple)) else None

    def _search_items(self, schema: Schema, value: list[object] | tuple[object, ...]) -> Broken | None:
        items = schema.get("items")
        for index, item in enumerate(value):
            wanted = items[index] if isinstance(items, list) and index < len(items) else items
            if broken := self.search(wanted, item):
                return broken.below(index)
        return None

    def _search_object(self, schema: Schema, value: dict[object, object]) -> Broken | None:
        for name in schema.get("required", ()):
            if name not in value:
                return Broken("required", name, "nothing", f"{name} is missing")
        properties = schema.get("properties", {})
        for name, wanted in properties.items():
            if name in value and (broken := self.search(wanted, value[name])):
                return broken.below(name)
        others = schema.get("additionalProperties", True)
        if "patternProperties" in schema or others is True:
            return None
        return self._search_others(others, {name: value[name] for name in value if name not in properties})

    def _search_others(self, schema: Any, others: dict[object, object]) -> Broken | None:
        for name, item in others.items():
            if schema is False:
                return Broken("additionalProperties", False, shown(name), f"{shown(name)} is unknown")
            if broken := self.search(schema, item):
                return broken.below(shown(name))
        return None
