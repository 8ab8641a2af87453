"""Faults on purpose: what is armed, arming and disarming."""

from typing import Any

from ocpp_transports.station import Station, hints

from .dom import Element, Events, by_id, make, say, value_of

__all__ = ["Faults"]


class Faults:
    """The form that arms the station's mischief, and the list of what is armed."""

    def __init__(self, events: Events) -> None:
        self._station: Station | None = None
        self._shown: list[str] = []
        events.on("change", "mischief-kind", lambda *_: self._choose())
        events.on("submit", "arm", self._arm)
        events.on("click", "disarm", self._disarm)

    def show(self, station: Station) -> None:
        """Arm this station from now on."""
        self._station = station
        self.refresh()

    def speak(self, protocol: str) -> None:
        """Offer the actions of this version."""
        names = filter(hints.is_sent_by_stations, hints.actions(protocol))
        by_id("mischief-action").replaceChildren(
            make("option", "any message", value=""), *(make("option", name) for name in names)
        )

    def refresh(self) -> None:
        """List what is armed."""
        armed = [] if self._station is None else [str(item) for item in self._station.mischief.armed]
        if armed != self._shown:
            self._shown = armed
            by_id("armed").replaceChildren(*(make("li", words) for words in armed))

    def _choose(self) -> None:
        by_id("mischief-delay").hidden = by_id("mischief-kind").value != "delay"

    def _arm(self, _: Element, __: Any) -> None:
        if self._station is None:
            return
        kind, action = by_id("mischief-kind").value, by_id("mischief-action").value or None
        times = int(value_of("mischief-times") or "0")
        seconds = {"seconds": float(value_of("mischief-seconds") or "0")} if kind == "delay" else {}
        self._station.mischief.arm(kind, action=action, times=times, **seconds)
        say(by_id("mischief-message"), "")
        self.refresh()

    def _disarm(self, _: Element, __: Any) -> None:
        if self._station is not None:
            self._station.mischief.disarm()
        self.refresh()
