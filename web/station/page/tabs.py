"""The tabs of the tools, and the choice of the colour scheme."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import js
from pyodide.ffi import JsException

from .dom import Element, Events, by_id

__all__ = ["Tabs", "Theme"]

_TABS: Final = ("messages", "editor", "settings", "faults")


class Tabs:
    """Shows one panel at a time. Arrow keys move between tabs, as in the ARIA pattern for tabs."""

    def __init__(self, events: Events, shown: Callable[[], None]) -> None:
        self._shown = shown
        events.on("click", "tab", lambda element, _: self.show(element.id.removeprefix("tab-")))
        events.on("keydown", "tabs", self._key)

    def show(self, name: str) -> None:
        """Show a panel and move the focus to its tab."""
        for other in _TABS:
            tab = by_id(f"tab-{other}")
            tab.setAttribute("aria-selected", str(other == name).lower())
            tab.tabIndex = 0 if other == name else -1
            by_id(f"panel-{other}").hidden = other != name
        by_id(f"tab-{name}").focus()
        self._shown()

    def _key(self, _: Element, event: Any) -> None:
        here = _TABS.index(event.target.id.removeprefix("tab-"))
        there = {"ArrowLeft": here - 1, "ArrowRight": here + 1, "Home": 0, "End": -1}.get(event.key)
        if there is not None:
            event.preventDefault()
            self.show(_TABS[there % len(_TABS)])


class Theme:
    """System, light or dark. The browser stores the choice if it allows storage."""

    _next: Final = {"": "light", "light": "dark", "dark": ""}

    def __init__(self, events: Events) -> None:
        self._root = js.document.documentElement
        self._show()
        events.on("click", "theme", lambda *_: self.turn())

    def turn(self) -> None:
        """Switch to the next scheme."""
        theme = self._next[self._root.dataset.theme]
        self._root.dataset.theme = theme
        self._show()
        self._keep(theme)

    def _show(self) -> None:
        name = self._root.dataset.theme or "system"
        by_id("theme-name").textContent = name.capitalize()
        by_id("theme").setAttribute("aria-label", f"Colours: {name}")

    def _keep(self, theme: str) -> None:
        with suppress(JsException):  # without storage the choice lasts as long as the page
            js.localStorage.setItem("theme", theme)
