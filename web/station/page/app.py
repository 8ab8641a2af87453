"""The page as a whole: it creates its parts, passes them the station, and refreshes them."""

import asyncio
import traceback
from typing import Any, Final

import js

from ocpp_apps.station import Station
from ocpp_transports import BrowserOCPPClient, OCPPError

from . import wording
from .configuration import SettingsTable
from .connection import Connection
from .connectors import Cards
from .dom import Element, Events, by_id, forget_errors, say
from .editor import Editor
from .faults import Faults
from .keys import Keys
from .leaving import Leaving
from .messages import Messages
from .tabs import Tabs, Theme

__all__ = ["start"]

_TICK: Final = 1.0
"""Seconds between two refreshes of meters and countdowns."""
_PAUSE: Final = 0.03
"""Seconds from a change of the station to its display. Changes within this time are displayed together."""
_PARTS: Final = "#connection, [data-connector], [role=tabpanel]"
"""The parts of the page that show their own errors."""


class App:
    """The page, for one station after another."""

    def __init__(self, default_url: str | None) -> None:
        self._station: Station | None = None
        self._is_refresh_due = False
        self._unwatch: object = None
        self.events = Events(self._failed)
        self._cards = Cards(self.events)
        self._messages = Messages(self.events)
        self._editor = Editor(self.events)
        self._settings = SettingsTable(self.events)
        self._faults = Faults(self.events)
        self._connection = Connection(self.events, self._adopt, default_url)
        self._tabs = Tabs(self.events, shown=self.refresh)
        self._theme = Theme(self.events)
        self._leaving = Leaving()
        self._add_keys(Keys(self.events))
        self.events.before("click", lambda _: say(by_id("notice"), ""))
        self.events.before("input", _edited)
        self._connection.begin()
        self.events.listen()

    def _adopt(self, client: BrowserOCPPClient, station: Station) -> None:
        if callable(self._unwatch):
            self._unwatch()
        self._station = station
        self._unwatch = station.watch(self._changed)
        forget_errors(by_id("station"))
        self._cards.show(station)
        self._messages.show(station.log)
        self._editor.show(client, station)
        self._settings.show(station)
        self._faults.show(station)
        self._leaving.show(station)
        self._speak()

    def _speak(self) -> None:
        if self._station is not None:
            self._editor.speak(self._station.protocol)
            self._faults.speak(self._station.protocol)

    def _changed(self, *_: object) -> None:
        """Schedule one refresh for all changes until then."""
        if not self._is_refresh_due:
            self._is_refresh_due = True
            asyncio.get_running_loop().call_later(_PAUSE, self.refresh)

    def refresh(self) -> None:
        """Update what has changed."""
        self._is_refresh_due = False
        self._speak()
        self._cards.refresh()
        self._settings.refresh()
        self._faults.refresh()
        self._connection.refresh()
        self._write_facts()

    def _write_facts(self) -> None:
        if self._station is None:
            return
        total = sum(connector.energy_wh for connector in self._station.connectors)
        by_id("fact-firmware").textContent = f"{self._station.firmware_version}, {self._station.firmware_status}"
        by_id("fact-diagnostics").textContent = self._station.diagnostics_status
        by_id("fact-queued").textContent = str(self._station.queued)
        by_id("fact-total").textContent = f"{wording.energy(total)} kWh"

    async def tick(self) -> None:
        """Refresh meters and countdowns while the page exists."""
        while True:
            self.refresh()
            await asyncio.sleep(_TICK)

    def _failed(self, element: Element, error: BaseException) -> None:
        """Show an error in the part where the user requested the operation.

        An error that no user can cause goes to the console as well.
        """
        if not isinstance(error, (OCPPError, RuntimeError, ValueError, OSError)):
            js.console.error("".join(traceback.format_exception(error)))
        words = str(error) or type(error).__name__
        words = words[0].upper() + words[1:]
        if not self._cards.failed(element, words):
            say(by_id("notice"), words, "bad")
        self.refresh()

    def _add_keys(self, keys: Keys) -> None:
        keys.add("c", "Go to the address of the central system", lambda: by_id("url").focus())
        keys.add("1", "Go to connector 1", lambda: self._cards.focus(1))
        keys.add("2", "Go to connector 2", lambda: self._cards.focus(2))
        keys.add("m", "Messages", lambda: self._tabs.show("messages"))
        keys.add("e", "Editor", lambda: self._tabs.show("editor"))
        keys.add("g", "Configuration", lambda: self._tabs.show("settings"))
        keys.add("f", "Faults", lambda: self._tabs.show("faults"))
        keys.add("/", "Filter the messages", self._to_filter)
        keys.add("p", "Pause or continue the list of messages", self._messages.pause)
        keys.add("x", "Clear the list of messages", self._messages.clear)
        keys.add("t", "Change the colours", self._theme.turn)

    def _to_filter(self) -> None:
        self._tabs.show("messages")
        by_id("filter").focus()


def _edited(event: Any) -> None:
    """Remove the errors of an edited field: they are about its previous content."""
    part = event.target.closest(_PARTS)
    if part:
        forget_errors(part)


_running: set[asyncio.Task[None]] = set()


def start(default_url: str | None = None) -> None:
    """Start the page. The form offers `csms` as the address."""
    app = App(default_url)
    _running.add(asyncio.ensure_future(app.tick()))
