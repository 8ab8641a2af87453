"""The question before the page is closed or reloaded while that would lose something."""

from typing import Any

import js
from pyodide.ffi import create_proxy

from ocpp_apps.station import Station

__all__ = ["Leaving"]


class Leaving:
    """Lets the browser ask while a transaction is open or messages wait.

    A browser asks only a user who has clicked or typed in the page.
    """

    def __init__(self) -> None:
        self._station: Station | None = None
        js.window.addEventListener("beforeunload", create_proxy(self._leaves))

    def show(self, station: Station) -> None:
        """Guard this station from now on."""
        self._station = station

    def _leaves(self, event: Any) -> None:
        station = self._station
        if station is not None and (station.queued or any(one.transaction for one in station.connectors)):
            event.preventDefault()
