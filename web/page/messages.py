"""The list of messages: newest first, filtered, paused, copied; JSON is written when somebody looks at it."""

import asyncio
from collections import deque
from typing import Any, Final

import js

from ocpp_transports.station import LogEntry, MessageLog

from . import entries
from .dom import Element, Events, View, by_id, clone, value_of

__all__ = ["Messages"]

_SHOWN: Final = 300
"""Rows in the document; the log itself keeps more."""
_COPIED: Final = "Copied"


class Messages:
    """What passed, as rows."""

    def __init__(self, events: Events) -> None:
        self._log: MessageLog | None = None
        self._rows: dict[int, tuple[LogEntry, Element]] = {}
        self._shown: dict[int, LogEntry] = {}
        self._held: deque[LogEntry] | None = None
        self._arrivals = 0
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
        held, self._held = self._held, (deque(maxlen=_SHOWN) if self._held is None else None)
        self._arrivals = 0
        by_id("pause").setAttribute("aria-pressed", str(self._held is not None).lower())
        for entry in held or ():
            self._add(entry)
        self._count()

    def clear(self) -> None:
        """Forget all messages."""
        if self._log is not None:
            self._log.clear()
        if self._held is not None:
            self._held.clear()
        self._arrivals = 0
        self._empty()

    def _empty(self) -> None:
        self._rows.clear()
        self._shown.clear()
        by_id("log").replaceChildren()
        self._count()

    def _arrived(self, entry: LogEntry) -> None:
        if self._held is None:
            self._add(entry)
        else:
            self._held.append(entry)
            self._arrivals += 1
        self._count()

    def _add(self, entry: LogEntry) -> None:
        row = _make(entry)
        self._rows[entry.number] = entry, row
        self._sift(entry, row)
        by_id("log").prepend(row)
        if len(self._rows) > _SHOWN:
            number, (_, oldest) = next(iter(self._rows.items()))
            del self._rows[number]
            self._shown.pop(number, None)
            oldest.remove()

    def _sift(self, entry: LogEntry, row: Element) -> None:
        """Show a row if the filter lets it through."""
        matches = self._matches(entry)
        row.hidden = not matches
        if matches:
            self._shown[entry.number] = entry

    def _matches(self, entry: LogEntry) -> bool:
        return entries.matches(entry, value_of("filter"), by_id("show").value)

    def _filter(self) -> None:
        self._shown.clear()
        for entry, row in self._rows.values():
            self._sift(entry, row)
        self._count()
        by_id("log-found").textContent = by_id("log-count").textContent  # read out: what every message changes is not

    def _count(self) -> None:
        shown = self._shown.values()
        by_id("log-count").textContent = entries.count(len(self._rows), shown, held=self._arrivals)

    def _open(self, element: Element, _: Any) -> None:
        view = View(element)
        if element.open and not view["json"].textContent:
            view.text("json", entries.pretty(self._entry(element).frame))

    def _entry(self, element: Element) -> LogEntry:
        return self._rows[int(element.closest("[data-number]").dataset.number)][0]

    async def _copy_entry(self, element: Element, _: Any) -> None:
        await _copy(element, entries.line(self._entry(element)))

    async def _copy_all(self, element: Element, _: Any) -> None:
        await _copy(element, "\n".join(map(entries.line, self._shown.values())))


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
    if element.textContent == _COPIED:  # pressed again before its name was back
        return
    name, element.textContent = element.textContent, _COPIED
    await asyncio.sleep(1.2)
    element.textContent = name
