"""Find the part of a payload that JSON cannot express, for the error after encoding failed."""

from datetime import datetime
from typing import Final

from ._codec import MAX_DEPTH, dumps

__all__ = ["find_unwritable"]

_LONGEST: Final = 200
"""Characters of a path that are shown."""


def find_unwritable(payload: object) -> str:
    """Return type and path of the first such part: `a datetime at payload.currentTime`."""
    found = _find(payload, "payload", MAX_DEPTH)
    if found is None:
        return "a value that JSON cannot express"
    kind, path = found
    return f"{kind} at {path if len(path) <= _LONGEST else path[:_LONGEST] + '…'}"


def _find(value: object, path: str, levels: int) -> tuple[str, str] | None:
    if isinstance(value, dict) and levels:
        return _find_in_dict(value, path, levels - 1)
    if isinstance(value, (list, tuple)) and levels:
        found = (_find(item, f"{path}[{index}]", levels - 1) for index, item in enumerate(value))
        return next(filter(None, found), None)
    kind = _problem(value)
    return None if kind is None else (kind, path)


def _find_in_dict(value: dict[object, object], path: str, levels: int) -> tuple[str, str] | None:
    for key, item in value.items():
        if not isinstance(key, (str, int, float, type(None))):
            return f"a key of type {type(key).__name__}", path
        if isinstance(key, str) and _problem(key):
            return "a key with a lone surrogate", path
        plain = isinstance(key, str) and key.isidentifier()
        found = _find(item, f"{path}.{key}" if plain else f"{path}[{key!r}]", levels)
        if found is not None:
            return found
    return None


def _problem(value: object) -> str | None:
    """Return why a value that contains no other values cannot be encoded, or None if it can."""
    try:
        dumps(value)
    except UnicodeError:
        return "text with a lone surrogate"
    except (TypeError, ValueError, RecursionError):
        if isinstance(value, float):
            return repr(value)  # NaN or Infinity
        kind = f"a {type(value).__name__}"
        # `datetime.isoformat` writes six decimals, which OCPP 2.x forbids, and no offset for a naive datetime.
        return f"{kind} (use write_time())" if isinstance(value, datetime) else kind
    return None
