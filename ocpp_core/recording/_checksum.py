"""A checksum of what an engine returns, equal in every process and on every machine."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, Final
from zlib import crc32

from ocpp_core.actions import SendBytes

__all__ = ["checksum"]

_OMITTED: Final = frozenset({"config", "shared"})
"""What is code in an `Accept` that an engine returns."""
_FIELDS: Final[dict[type[Any], tuple[str, ...]]] = {}
"""The names of the fields of each class that was met."""


def checksum(output: object, before: int) -> int:
    """Return the checksum of this action or output of a queue, and of all before it."""
    if type(output) is SendBytes:
        return crc32(output.data, before)
    return crc32(_content(output).encode("utf-8", "surrogatepass"), before)


def _content(value: Any) -> str:
    """Return a text that is the same for equal values. Of errors only the class counts: texts differ by system."""
    if value is None or isinstance(value, (str, int, float, bytes)):
        return repr(value)
    if isinstance(value, Enum):
        return value.name
    if type(value) is dict or type(value) is list:  # JSON
        return repr(value)
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_content(name)}:{_content(item)}" for name, item in value.items()) + "}"
    if isinstance(value, (set, frozenset)):
        return "{" + ",".join(sorted(map(_content, value))) + "}"
    if isinstance(value, tuple):
        return "[" + ",".join(map(_content, value)) + "]"
    kind = type(value)
    if isinstance(value, BaseException):
        return kind.__name__
    return f"{kind.__name__}({','.join(_content(getattr(value, name)) for name in _fields_of(kind))})"


def _fields_of(kind: type[Any]) -> tuple[str, ...]:
    names = _FIELDS.get(kind)
    if names is None:
        shown = fields(kind) if is_dataclass(kind) else ()
        names = _FIELDS[kind] = tuple(each.name for each in shown if each.name not in _OMITTED)
    return names
