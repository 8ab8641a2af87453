"""The document: finding elements, writing only what changed, and one listener for each type of event."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeAlias

import js
from pyodide.ffi import create_proxy

__all__ = ["Element", "Events", "Handler", "View", "by_id", "clone", "forget_errors", "make", "say", "value_of"]

Element: TypeAlias = Any
"""An element of the document, seen from Python."""
Handler: TypeAlias = Callable[[Element, Any], Coroutine[Any, Any, None] | None]
"""Takes the element that names it and the event."""

_TYPES: Final = ("click", "change", "input", "keydown", "securitypolicyviolation", "submit", "toggle")


def by_id(name: str) -> Element:
    """Find the element of this id. Raises LookupError where the document has none."""
    found = js.document.getElementById(name)
    if not found:
        raise LookupError(f"expected an element with the id {name!r}")
    return found


def make(tag: str, text: str = "", **attributes: str) -> Element:
    """Make an element with text and attributes; `class_` is `class`, and an inner underscore a hyphen."""
    element = js.document.createElement(tag)
    element.textContent = text
    for name, value in attributes.items():
        element.setAttribute(name.rstrip("_").replace("_", "-"), value)
    return element


def clone(template: str) -> Element:
    """Copy the one element of a template."""
    return by_id(template).content.firstElementChild.cloneNode(True)  # the DOM knows no keywords


def value_of(name: str) -> str:
    """Read a form field without blanks around it."""
    value: str = by_id(name).value
    return value.strip()


def say(element: Element, text: str, tone: str = "") -> None:
    """Show a message in its place, or hide the place where there is nothing to say."""
    element.dataset.tone = tone
    element.textContent = text
    element.hidden = not text


def forget_errors(place: Element) -> None:
    """Remove the errors shown in a part of the document; other messages stay."""
    for message in place.querySelectorAll(".message[data-tone=bad]"):
        say(message, "")
    for field in place.querySelectorAll("[aria-invalid=true]"):
        field.setAttribute("aria-invalid", "false")


class View:
    """An element whose parts (`data-part`) are written to, each only when its value changes: focus and selection stay.

    What was written is remembered here, so a look at it costs no crossing into JavaScript.
    """

    def __init__(self, root: Element) -> None:
        self.root = root
        self._parts: dict[str, Element] = {part.dataset.part: part for part in root.querySelectorAll("[data-part]")}
        self._written: dict[tuple[str, str], object] = {}

    def __getitem__(self, part: str) -> Element:
        return self._parts[part]

    def text(self, part: str, value: str) -> None:
        """Write the text of a part."""
        self.put(part, "textContent", value)

    def put(self, part: str, name: str, value: object) -> None:
        """Write a property of a part; the part `""` is the whole."""
        if self._changes(part, name, value):
            setattr(self._element(part), name, value)

    def data(self, part: str, name: str, value: str) -> None:
        """Write a data attribute of a part."""
        if self._changes(part, f"data-{name}", value):
            self._element(part).setAttribute(f"data-{name}", value)

    def _element(self, part: str) -> Element:
        return self._parts[part] if part else self.root

    def _changes(self, part: str, name: str, value: object) -> bool:
        if (part, name) in self._written and self._written[part, name] == value:
            return False
        self._written[part, name] = value
        return True


class Events:
    """Hands what happens in the document to the handler that the nearest `data-<type>` attribute names.

    The document has one listener a type, for as long as the page lives, so that no element keeps Python alive.
    """

    def __init__(self, failed: Callable[[Element, BaseException], None]) -> None:
        self._failed = failed
        self._handlers: dict[tuple[str, str], Handler] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._before: dict[str, Callable[[Any], None]] = {}

    def on(self, kind: str, name: str, handler: Handler) -> None:
        """Have a handler called for `data-<kind>="<name>"`. A coroutine it returns is run beside."""
        self._handlers[kind, name] = handler

    def before(self, kind: str, observer: Callable[[Any], None]) -> None:
        """Have every event of a type seen first."""
        self._before[kind] = observer

    def listen(self) -> None:
        """Begin."""
        listener = create_proxy(self._happened)
        for kind in _TYPES:
            js.document.addEventListener(kind, listener, True)  # captured: a toggle does not bubble

    def _happened(self, event: Any) -> None:
        kind: str = event.type
        if kind == "submit" and event.target.getAttribute("method") != "dialog":
            event.preventDefault()
        element = event.target
        try:
            if kind in self._before:
                self._before[kind](event)
            element = event.target.closest(f"[data-{kind}]") if hasattr(event.target, "closest") else None
            if element:
                self._hand(element, event, (kind, element.getAttribute(f"data-{kind}")))
        except Exception as error:  # the boundary to JavaScript: it is shown in the page
            self._failed(element, error)

    def _hand(self, element: Element, event: Any, key: tuple[str, str]) -> None:
        doing = self._handlers[key](element, event) if key in self._handlers else None
        if doing is not None:
            self.run(doing, element)

    def run(self, doing: Coroutine[Any, Any, None], element: Element) -> None:
        """Run a coroutine beside; what it raises is shown near the element."""
        task = asyncio.ensure_future(self._guarded(doing, element))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, doing: Coroutine[Any, Any, None], element: Element) -> None:
        try:
            await doing
        except Exception as error:  # nobody awaits it: it is shown in the page
            self._failed(element, error)
