"""The document: finding elements, updating only changes, and one listener per type of event."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeAlias

import js
from pyodide.ffi import create_proxy

__all__ = ["Element", "Events", "Handler", "View", "by_id", "clone", "forget_errors", "make", "say", "value_of"]

Element: TypeAlias = Any
"""An element of the document."""
Handler: TypeAlias = Callable[[Element, Any], Coroutine[Any, Any, None] | None]
"""Receives the element whose attribute names the handler, and the event."""

_TYPES: Final = ("click", "change", "input", "keydown", "securitypolicyviolation", "submit", "toggle")


def by_id(name: str) -> Element:
    """Return the element with this id. Raises LookupError if there is none."""
    found = js.document.getElementById(name)
    if not found:
        raise LookupError(f"expected an element with the id {name!r}")
    return found


def make(tag: str, text: str = "", **attributes: str) -> Element:
    """Return a new element with text and attributes.

    `class_` sets `class`. Other underscores become hyphens.
    """
    element = js.document.createElement(tag)
    element.textContent = text
    for name, value in attributes.items():
        element.setAttribute(name.rstrip("_").replace("_", "-"), value)
    return element


def clone(template: str) -> Element:
    """Return a copy of the only element of a template."""
    return by_id(template).content.firstElementChild.cloneNode(True)  # the DOM has no keyword arguments


def value_of(name: str) -> str:
    """Return the value of a form field, stripped."""
    value: str = by_id(name).value
    return value.strip()


def say(element: Element, text: str, tone: str = "") -> None:
    """Show a message in this element, or hide the element if the message is empty."""
    element.dataset.tone = tone
    element.textContent = text
    element.hidden = not text


def forget_errors(place: Element) -> None:
    """Remove the errors in a part of the document. Other messages stay."""
    for message in place.querySelectorAll(".message[data-tone=bad]"):
        say(message, "")
    for field in place.querySelectorAll("[aria-invalid=true]"):
        field.setAttribute("aria-invalid", "false")


class View:
    """An element whose parts (`data-part`) are updated only when their values change, to keep focus and selection.

    The view caches the values, so a comparison needs no call into JavaScript.
    """

    def __init__(self, root: Element) -> None:
        self.root = root
        self._parts: dict[str, Element] = {part.dataset.part: part for part in root.querySelectorAll("[data-part]")}
        self._written: dict[tuple[str, str], object] = {}

    def __getitem__(self, part: str) -> Element:
        return self._parts[part]

    def text(self, part: str, value: str) -> None:
        """Set the text of a part."""
        self.put(part, "textContent", value)

    def put(self, part: str, name: str, value: object) -> None:
        """Set a property of a part. The part `""` is the element itself."""
        if self._changes(part, name, value):
            setattr(self._element(part), name, value)

    def data(self, part: str, name: str, value: str) -> None:
        """Set a data attribute of a part."""
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
    """Passes the events of the document to the handler that the nearest `data-<type>` attribute names.

    The document has one listener per type, so elements hold no references to Python objects.
    """

    def __init__(self, failed: Callable[[Element, BaseException], None]) -> None:
        self._failed = failed
        self._handlers: dict[tuple[str, str], Handler] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._before: dict[str, Callable[[Any], None]] = {}

    def on(self, kind: str, name: str, handler: Handler) -> None:
        """Register the handler for `data-<kind>="<name>"`. A coroutine that it returns runs in a task."""
        self._handlers[kind, name] = handler

    def before(self, kind: str, observer: Callable[[Any], None]) -> None:
        """Call a function with every event of a type, before its handler."""
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
        except Exception as error:  # boundary to JavaScript: the page shows the error
            self._failed(element, error)

    def _hand(self, element: Element, event: Any, key: tuple[str, str]) -> None:
        doing = self._handlers[key](element, event) if key in self._handlers else None
        if doing is not None:
            self.run(doing, element)

    def run(self, doing: Coroutine[Any, Any, None], element: Element) -> None:
        """Run a coroutine in a task. The page shows its exception near the element."""
        task = asyncio.ensure_future(self._guarded(doing, element))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, doing: Coroutine[Any, Any, None], element: Element) -> None:
        try:
            await doing
        except Exception as error:  # no caller awaits it: the page shows the error
            self._failed(element, error)
