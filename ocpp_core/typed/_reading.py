"""Reads JSON values as the types of members, and explains wrong ones."""

from collections.abc import Callable, Mapping
from typing import Any, Final, Never, TypeAlias

from ocpp_core.errors import RPCError, RPCOccurrenceConstraintViolationError, RPCTypeConstraintViolationError

__all__ = ["NotConforming", "Read", "is_scalar", "mapping", "missing", "mistyped", "read_items", "scalar_reader"]

Read: TypeAlias = Callable[[Any], Any]
"""Returns a value as a member has it. Raises NotConforming."""

_NAMES: Final[Mapping[type, str]] = {
    dict: "an object", list: "an array", str: "a string", bool: "a boolean", int: "a number", float: "a number",
    type(None): "null",
}  # fmt: skip


class NotConforming(Exception):  # noqa: N818 - never leaves the package: a model raises its `public`
    """A value of the wrong type, or a missing one, and its path in reverse."""

    def __init__(self, error: type[RPCError], text: str) -> None:
        super().__init__(text)
        self._error = error
        self._text = text
        self.steps: list[str] = []

    def public(self) -> RPCError:
        """Return the error for the peer, which has the path and no value of the payload."""
        return self._error(description=f"payload{''.join(reversed(self.steps))}: {self._text}")


def mistyped(expected: str, value: object) -> Never:
    """Raise NotConforming for a value of another type."""
    found = _NAMES.get(type(value), "a value that JSON does not have")
    raise NotConforming(RPCTypeConstraintViolationError, f"expected {expected}, got {found}")


def missing() -> NotConforming:
    """Return the exception for a required member that is absent or null."""
    return NotConforming(RPCOccurrenceConstraintViolationError, "expected a value, got none")


def is_scalar(kind: type) -> bool:
    """Return True if `scalar_reader` knows the type."""
    return kind in _READERS


def scalar_reader(kind: type) -> Read:
    """Return the reader of a scalar type, of `dict`, or of `object` for any value."""
    return _READERS[kind]


def read_items(read: Read, value: Any) -> list[Any]:
    """Return an array whose items a reader reads."""
    if not isinstance(value, list):
        mistyped("an array", value)
    items: list[Any] = []
    try:
        for item in value:
            items.append(read(item))  # noqa: PERF401 - its length is the index of an item that does not conform
    except NotConforming as problem:
        problem.steps.append(f"[{len(items)}]")
        raise
    return items


def mapping(value: Any) -> Mapping[str, Any]:
    """Return an object."""
    if isinstance(value, (dict, Mapping)):  # the first is the usual one, and quick
        return value
    mistyped("an object", value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else mistyped("a string", value)


def _integer(value: Any) -> int:
    if type(value) is int:
        return value
    if isinstance(value, float) and value.is_integer():  # 1.0 is an integer of JSON Schema since draft 6
        return int(value)
    mistyped("an integer", value)


def _number(value: Any) -> float:
    return value if type(value) is float or type(value) is int else mistyped("a number", value)


def _boolean(value: Any) -> bool:
    return value if isinstance(value, bool) else mistyped("a boolean", value)


def _anything(value: Any) -> Any:
    return value


_READERS: Final[Mapping[type, Read]] = {
    str: _text, int: _integer, float: _number, bool: _boolean, dict: mapping, object: _anything,
}  # fmt: skip
