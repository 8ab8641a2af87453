"""Keyboard shortcuts, and the dialog that lists them."""

from collections.abc import Callable
from typing import Any

from .dom import Events, by_id, make

__all__ = ["Keys"]


class Keys:
    """The shortcuts. Users can turn them off, since speech input may trigger them (WCAG 2.1.4)."""

    def __init__(self, events: Events) -> None:
        self._does: dict[str, Callable[[], None]] = {}
        self.add("?", "Show these keys", self.show)
        events.on("click", "help", lambda *_: self.show())
        events.before("keydown", self._pressed)

    def add(self, key: str, what: str, do: Callable[[], None]) -> None:
        """Register the function of a key, and list it."""
        self._does[key] = do
        self.list_also(key, what)

    def list_also(self, key: str, what: str) -> None:
        """List a key that the browser handles."""
        term = make("dt")
        term.append(make("kbd", key))
        by_id("keys").append(term, make("dd", what))

    def show(self) -> None:
        """Open the list."""
        if not by_id("help").open:
            by_id("help").showModal()

    def _pressed(self, event: Any) -> None:
        if event.ctrlKey or event.metaKey or event.altKey or not by_id("keys-on").checked:
            return
        if event.key in self._does and not by_id("help").open and not _is_field(event.target):
            event.preventDefault()
            self._does[event.key]()


def _is_field(element: Any) -> bool:
    """Return True if the element uses keys for text or for a choice."""
    if element.tagName == "INPUT":
        return bool(element.type != "checkbox")
    return element.tagName in ("TEXTAREA", "SELECT")
