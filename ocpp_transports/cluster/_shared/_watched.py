"""The dict behind `client.session` on a server that shares sessions: it notes changes, and refuses unfit values."""

from collections.abc import Callable, Mapping
from typing import Any, Self

from ocpp_core.cluster.shared.sessions import expect_shareable

__all__ = ["WatchedSession"]


class WatchedSession(dict[str, Any]):
    """A session whose changes are written for the other servers of the cluster.

    A change within a value, for example of a list, is not noticed at once.

    Args:
        values: The first values, which are not checked.
        changed: Called after each change.
    """

    def __init__(self, values: Mapping[str, Any], changed: Callable[[], None]) -> None:
        super().__init__(values)
        self._changed = changed

    def __reduce__(self) -> tuple[type[dict[str, Any]], tuple[dict[str, Any]]]:
        return dict, (dict(self),)

    def __setitem__(self, key: str, value: Any) -> None:
        self._set({key: value})

    def update(self, *args: Any, **values: Any) -> None:
        """Set several values. Raises TypeError or ValueError, and changes nothing, if they cannot be shared."""
        self._set(dict(*args, **values))

    def __ior__(self, other: Any) -> Self:  # type: ignore[override,misc]  # dict has overloads for other types of values
        self._set(dict(other))
        return self

    def setdefault(self, key: str, default: Any = None) -> Any:
        """Return a value; set it first if there is none."""
        if key not in self:
            self._set({key: default})
        return self[key]

    def __delitem__(self, key: str) -> None:
        super().__delitem__(key)
        self._changed()

    def pop(self, key: str, *default: Any) -> Any:
        """Remove and return a value."""
        value = super().pop(key, *default)
        self._changed()
        return value

    def popitem(self) -> tuple[str, Any]:
        """Remove and return the newest value and its key."""
        item = super().popitem()
        self._changed()
        return item

    def clear(self) -> None:
        """Remove all values: nothing is kept of an empty session."""
        super().clear()
        self._changed()

    def _set(self, changes: dict[str, Any]) -> None:
        expect_shareable(self, changes)
        super().update(changes)
        self._changed()
