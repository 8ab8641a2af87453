"""The list of messages: newest first, filtered, paused, copied; JSON is written when somebody looks at it."""

import asyncio
from typing import Any, Final

import js

from ocpp_transports.station import LogEntry, MessageLog

from . import entries
from .dom import Element, Events, View, by_id, clone, value_of

__all__ = ["Messages"]

_SHOWN: Final = 300
"""Rows in the document; the log itself keeps more."""


class Messages:
    """What passed, as rows."""

    def __init__(self, events: Events) -> None:
        self._log: MessageLog | None = None
        self._rows: dict[int, tuple[LogEntry, Element]] = {}
        self._held: list[LogEntry] | None = None
        self._cancel: Any = None
        events.on("input", "filter", lambda *_: self._filter())
        events.on("change", "filter", lambda *_: self._filter())
        events.on("click", "pause", lambda *_: self.pause())
        events.on("click", "clear-log", lambda *_: self.clear())
        events.on("click", "copy-all", self._copy_all)
        events.on("click", "copy-entry", self._copy_entry)
        events.on("toggle", "entry", self._open)

    def show(self, log: MessageLog) -> None:
        """Show the messages of this log from now on."""
        if self._cancel is not None:
            self._cancel()
        self._log = log
        self._empty()
        for entry in log.entries:
            self._add(entry)
        self._cancel = log.watch(self._arrived)

    def pause(self) -> None:
        """Let the list stand still, or catch up."""
        held, self._held = self._held, ([] if self._held is None else None)
        by_id("pause").setAttribute("aria-pressed", str(self._held is not None).lower())
        for entry in held or ():
            self._add(entry)
        self._count()

    def clear(self) -> None:
        """Forget all messages."""
        if self._log is not None:
            self._log.clear()
        if self._held is not None:
            self._held = []
        self._empty()

    def _empty(self) -> None:
        self._rows.clear()
        by_id("log").replaceChildren()
        self._count()

    def _arrived(self, entry: LogEntry) -> None:
        if self._held is None:
            self._add(entry)
        else:
            self._held.append(entry)
        self._count()

    def _add(self, entry: LogEntry) -> None:
        row = _make(entry)
        row.hidden = not self._matches(entry)
        self._rows[entry.number] = entry, row
        by_id("log").prepend(row)
        if len(self._rows) > _SHOWN:
            _, oldest = self._rows.pop(next(iter(self._rows)))
            oldest.remove()

    def _matches(self, entry: LogEntry) -> bool:
        return entries.matches(entry, value_of("filter"), by_id("show").value)

    def _filter(self) -> None:
        for entry, row in self._rows.values():
            row.hidden = not self._matches(entry)
        self._count()

    def _count(self) -> None:
        shown = [entry for entry, row in self._rows.values() if not row.hidden]
        by_id("log-count").textContent = entries.count(len(self._rows), shown, held=len(self._held or ()))

    def _open(self, element: Element, _: Any) -> None:
        view = View(element)
        if element.open and not view["json"].textContent:
            view.text("json", entries.pretty(self._entry(element).frame))

    def _entry(self, element: Element) -> LogEntry:
        return self._rows[int(element.closest("[data-number]").dataset.number)][0]

    async def _copy_entry(self, element: Element, _: Any) -> None:
        await _copy(element, entries.line(self._entry(element)))

    async def _copy_all(self, element: Element, _: Any) -> None:
        shown = [entry for entry, row in self._rows.values() if not row.hidden]
        await _copy(element, "\n".join(map(entries.line, shown)))


def _make(entry: LogEntry) -> Element:
    root = clone("entry-template")
    root.dataset.number = str(entry.number)
    root.dataset.direction = entries.direction(entry)
    root.dataset.tone = entries.tone(entry)
    root.dataset.kind = entry.kind
    view = View(root)
    for part, text in entries.texts(entry).items():
        view.text(part, text)
    view.put("problem", "hidden", entry.problem is None)
    view.put("json", "hidden", entry.frame is None)
    view.put("time", "dateTime", entry.at.isoformat())
    return root


async def _copy(element: Element, text: str) -> None:
    try:
        await js.navigator.clipboard.writeText(text)
    except Exception:  # noqa: BLE001 - the browser may refuse, or the page may not be on https or localhost
        raise RuntimeError("The browser does not let this page use the clipboard.") from None
    name, element.textContent = element.textContent, "Copied"
    await asyncio.sleep(1.2)
    element.textContent = name
