"""What a type checker cannot know of a test's values, asserted where it is needed."""

from collections.abc import Iterable
from typing import Any, TypeVar

__all__ = ["an", "mistyped", "only"]

Kind = TypeVar("Kind")


def an(kind: type[Kind], value: object) -> Kind:
    """Return the value, which must be an instance of this class."""
    assert isinstance(value, kind), value
    return value


def only(kind: type[Kind], values: Iterable[object]) -> Kind:
    """Return the one instance of this class among the values; there must be no second one."""
    (found,) = (value for value in values if isinstance(value, kind))
    return found


def mistyped(value: object) -> Any:
    """Return a value whose type the called function does not accept, for a test of what it does then."""
    return value
