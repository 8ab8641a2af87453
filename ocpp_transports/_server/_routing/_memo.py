"""What was made for the routes of a server and has not changed: making the options of a route takes a millisecond."""

from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["RouteMemo"]

_T = TypeVar("_T")


class RouteMemo:
    """Values by the objects that they were made of, which never change; those that the next memo does not use end.

    Texts are compared by value, other objects by identity.
    """

    def __init__(self, before: "RouteMemo | None" = None) -> None:
        self._before = {} if before is None else before._made
        self._made: dict[tuple[Any, ...], tuple[tuple[Any, ...], Any]] = {}

    def get(self, make: Callable[..., _T], *parts: object) -> _T:
        """Return `make(*parts)`, or what it returned for the same objects before."""
        key = make, *(part if isinstance(part, str) else _identity(part) for part in parts)
        if key not in self._made:
            known = self._before.get(key)
            self._made[key] = (parts, make(*parts)) if known is None else known  # the objects keep their ids
        value: _T = self._made[key][1]
        return value


def _identity(part: object) -> object:
    return tuple(map(id, part)) if isinstance(part, tuple) else id(part)
