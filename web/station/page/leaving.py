"""The confirmation before the page is closed or reloaded and data would be lost."""

from typing import Any

import js
from pyodide.ffi import create_proxy

from ocpp_apps.station import Station

__all__ = ["Leaving"]


class Leaving:
    """Makes the browser ask while a transaction is open or messages are queued.

    A browser asks only a user who has clicked or typed in the page.
    """

    def __init__(self) -> None:
        self._station: Station | None = None
        js.window.addEventListener("beforeunload", create_proxy(self._leaves))

    def show(self, station: Station) -> None:
        """Guard this station."""
        self._station = station

    def _leaves(self, event: Any) -> None:
        station = self._station
        if station is not None and (station.queued or any(one.transaction for one in station.connectors)):
            event.preventDefault()
