"""The list of messages, newest first, with filter, pause and copy.

The JSON of a message is written when the user opens it.
"""

import asyncio
from typing import Any, Final

import js

from ocpp_apps.station import LogEntry, MessageLog

from . import entries
from .backlog import Backlog
from .dom import Element, Events, View, by_id, clone, make, value_of

__all__ = ["Messages"]

_SHOWN: Final = 300
"""Most rows in the document. The log itself keeps more."""
_PORTION: Final = 40
"""Rows added at a time, so that the page still reacts to clicks during a flood of messages."""
_PAUSE: Final = 0.03
"""Seconds from a message to its row, and between two batches of rows."""
_COPIED: Final = "Copied"


class Messages:
    """The rows of the messages."""

    def __init__(self, events: Events) -> None:
        self._log: MessageLog | None = None
        self._rows: dict[int, tuple[LogEntry, Element]] = {}
        self._shown: dict[int, LogEntry] = {}
        self._backlog = Backlog(_SHOWN)
        self._removed = 0
        self._arrivals = 0
        self._is_paused = self._is_due = False
        self._end = make("li", class_="hint end")
        self._cancel: Any = None
        events.on("input", "filter", lambda *_: self._filter())
        events.on("change", "filter", lambda *_: self._filter())
        events.on("click", "pause", lambda *_: self.pause())
        events.on("click", "clear-log", lambda *_: self.clear())
        events.on("click", "copy-all", self._copy_all)
        events.on("click", "copy-entry", self._copy_entry)
        events.on("toggle", "entry", self._open)

    def show(self, log: MessageLog) -> None:
        """Show the messages of this log."""
        if self._cancel is not None:
            self._cancel()
        self._log = log
        self._empty()
        for entry in log.entries:
            self._arrived(entry)
        self._cancel = log.watch(self._arrived)

    def pause(self) -> None:
        """Pause the list, or continue and add the messages since."""
        self._is_paused = not self._is_paused
        self._arrivals = 0
        by_id("pause").setAttribute("aria-pressed", str(self._is_paused).lower())
        self._draw_soon()

    def clear(self) -> None:
        """Remove all messages."""
        if self._log is not None:
            self._log.clear()
        self._empty()

    def _empty(self) -> None:
        self._backlog.clear()
        self._arrivals = self._removed = 0
        self._rows.clear()
        self._shown.clear()
        by_id("log").replaceChildren()
        self._count()

    def _arrived(self, entry: LogEntry) -> None:
        self._backlog.put(entry)
        self._arrivals += self._is_paused
        self._draw_soon()

    def _draw_soon(self) -> None:
        if not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_later(_PAUSE, self._draw)

    def _draw(self) -> None:
        """Add rows for some waiting messages, and schedule the others."""
        self._is_due = False
        if not self._is_paused:
            rows = [self._row(entry) for entry in self._backlog.take(_PORTION)]
            by_id("log").prepend(*reversed(rows))
            self._remove_oldest()
            if self._backlog:
                self._draw_soon()
        self._count()

    def _row(self, entry: LogEntry) -> Element:
        row = _make(entry)
        self._rows[entry.number] = entry, row
        self._sift(entry, row)
        return row

    def _remove_oldest(self) -> None:
        for number in list(self._rows)[:-_SHOWN]:
            _, row = self._rows.pop(number)
            self._shown.pop(number, None)
            row.remove()
            self._removed += 1

    def _sift(self, entry: LogEntry, row: Element) -> None:
        """Show a row if it matches the filter."""
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
        by_id("log-found").textContent = by_id("log-count").textContent  # this one is read out

    def _count(self) -> None:
        """Update the counts, and the note about dropped messages at the end of the list."""
        shown = self._shown.values()
        dropped = self._removed + (0 if self._is_paused else self._backlog.dropped)
        by_id("log-count").textContent = entries.count(len(self._rows), shown, held=self._arrivals, dropped=dropped)
        self._end.textContent = entries.end(dropped)
        if not dropped:
            self._end.remove()
        elif not self._end.isConnected:
            by_id("log").append(self._end)

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
    except Exception:  # the browser may refuse, or the page may not be on https or localhost
        raise RuntimeError("The browser does not allow this page to use the clipboard.") from None
    if element.textContent == _COPIED:  # pressed again before the label was restored
        return
    name, element.textContent = element.textContent, _COPIED
    await asyncio.sleep(1.2)
    element.textContent = name
