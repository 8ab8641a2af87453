"""Repairs of single values: another JSON type, a date-time as RFC 3339 writes it."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Final

__all__ = ["NOTHING", "coerced", "in_rfc3339"]

NOTHING: Final = object()
"""The result if a value cannot be repaired."""
_MAX_NUMBER: Final = 40
"""Characters of a number in a text; longer ones are not numbers of OCPP."""
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)\Z")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,2})?\Z")
_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2})(:[0-9]{2})?(\.[0-9]{1,9})?"
    r" ?(?:([Zz])|([+-][0-9]{2})(?::?([0-9]{2}))?)?\Z"
)
_MAX_TIME: Final = 64


def coerced(value: Any, wanted: str | Sequence[str]) -> Any:
    """Return a value in the JSON type that the schema wants, or in the first possible one of several.

    `NOTHING` if it has no equal value there. Nothing is rounded: `1.5` has no integer.
    """
    for name in (wanted,) if isinstance(wanted, str) else wanted:
        made = _COERCIONS[name](value) if name in _COERCIONS else NOTHING
        if made is not NOTHING:
            return made
    return NOTHING


def _integer(value: Any) -> Any:
    if isinstance(value, float):
        return int(value) if value.is_integer() else NOTHING
    if isinstance(value, str) and len(value) <= _MAX_NUMBER:
        if _INTEGER.match(value.strip()):
            return int(value)
        number = _number(value)
        return _integer(number) if isinstance(number, float) else NOTHING
    return NOTHING


def _number(value: Any) -> Any:
    if not isinstance(value, str) or len(value) > _MAX_NUMBER or not _NUMBER.match(value.strip()):
        return NOTHING
    return json.loads(value)


def _string(value: Any) -> Any:
    is_scalar = isinstance(value, (bool, int, float)) and not (isinstance(value, int) and abs(value) >= 10**_MAX_NUMBER)
    return json.dumps(value) if is_scalar else NOTHING


def _boolean(value: Any) -> Any:
    if isinstance(value, str):
        return {"true": True, "false": False, "1": True, "0": False}.get(value.lower(), NOTHING)
    is_digit = isinstance(value, int) and not isinstance(value, bool) and value in (0, 1)
    return bool(value) if is_digit else NOTHING


def _array(value: Any) -> Any:
    return NOTHING if value is None else [value]


_COERCIONS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "integer": _integer,
    "number": _number,
    "string": _string,
    "boolean": _boolean,
    "array": _array,
}


def in_rfc3339(text: str, offset: str) -> str | None:
    """Return a date-time in the form of RFC 3339; None if the text is not one.

    It accepts a blank instead of `T`, absent seconds, an offset without minutes or without a colon, and none at all.

    Args:
        text: The date-time as it was received.
        offset: The offset of a date-time that has none, such as `Z` or `+02:00`.
    """
    match = _TIME.match(text) if len(text) <= _MAX_TIME else None
    if match is None:
        return None
    day, minute, second, fraction, utc, hours, minutes = match.groups()
    try:
        date.fromisoformat(day)
    except ValueError:
        return None
    zone = "Z" if utc else f"{hours}:{minutes or '00'}" if hours else offset
    return f"{day}T{minute}{second or ':00'}{fraction or ''}{zone}"
