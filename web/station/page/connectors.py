"""The cards of the connectors and their buttons."""

from datetime import UTC, datetime
from typing import Any

from ocpp_apps.station import Connector, Station

from . import wording
from .dom import Element, Events, View, by_id, clone, forget_errors, make, say

__all__ = ["Cards"]


class Cards:
    """One card per connector. The cards stay while the station is the same, to keep the focus."""

    def __init__(self, events: Events) -> None:
        self._station: Station | None = None
        self._cards: dict[int, View] = {}
        self._protocol = self._registration = ""
        self._permitted: set[int] = set()
        """Connectors with an authorized token but no cable."""
        events.on("click", "plug", self._plug)
        events.on("click", "charge", self._charge)
        events.on("click", "fault", self._fault)
        events.on("change", "power", self._power)
        events.on("input", "power-shown", lambda element, _: self._show_power(self._cards[_number(element)]))

    def show(self, station: Station) -> None:
        """Show the connectors of this station."""
        self._station, self._protocol, self._registration = station, "", station.boot_status
        self._permitted.clear()
        by_id("connectors").replaceChildren()
        self._cards = {connector.id: self._card(connector) for connector in station.connectors}
        self.refresh()

    def refresh(self) -> None:
        """Update what has changed since the last time."""
        if self._station is None:
            return
        if self._station.protocol != self._protocol:
            self._speak(self._station)
        if self._station.boot_status != self._registration:
            self._registration = self._station.boot_status
            forget_errors(by_id("connectors"))  # the central system now answers differently
        for connector in self._station.connectors:
            _write(self._cards[connector.id], connector)
            self._follow_permission(connector)

    def _follow_permission(self, connector: Connector) -> None:
        """Report that an authorization ended without a cable."""
        if connector.permission is not None:
            self._permitted.add(connector.id)
        elif connector.id in self._permitted:
            self._permitted.remove(connector.id)
            if not connector.is_plugged:
                words = "The authorization ended: the cable was not plugged in."
                say(self._cards[connector.id]["message"], words, "warn")

    def _speak(self, station: Station) -> None:
        """Offer the fault codes and stop reasons of the version."""
        self._protocol = station.protocol
        for card in self._cards.values():
            card["fault-code"].replaceChildren(*(make("option", code) for code in station.fault_codes))
            card["reason"].replaceChildren(*(make("option", reason) for reason in station.stop_reasons))
            card["reason"].value = "Local"

    def focus(self, number: int) -> None:
        """Move the focus to a connector's first button if the connector exists."""
        if number in self._cards:
            self._cards[number]["plug"].focus()

    def failed(self, element: Element, words: str) -> bool:
        """Show a failure in its card. Returns False if it belongs to no card."""
        card = element.closest("[data-connector]") if element else None
        if card:
            say(self._cards[int(card.dataset.connector)]["message"], words, "bad")
        return bool(card)

    def _card(self, connector: Connector) -> View:
        root = clone("connector-template")
        root.dataset.connector = str(connector.id)
        root.setAttribute("aria-label", f"Connector {connector.id}")
        root.querySelector("h2").textContent = f"Connector {connector.id}"
        by_id("connectors").append(root)
        view = View(root)
        for name in ("plug", "charge", "fault"):
            view[name].id = f"{name}-{connector.id}"
        view["id-token"].placeholder = "" if self._station is None else self._station.settings.id_token
        view["power-slider"].max = str(int(connector.max_power))
        view["power-slider"].value = str(int(connector.demand_w))
        self._show_power(view)
        return view

    def _show_power(self, view: View) -> None:
        view.text("power-wanted", wording.power(float(view["power-slider"].value)))

    def _at(self, element: Element) -> tuple[Station, Connector, View]:
        """Return the connector of an element, and remove an earlier failure from its card."""
        number = _number(element)
        view = self._cards[number]
        say(view["message"], "")
        if self._station is None:
            raise RuntimeError("cannot use a connector: there is no station yet")
        return self._station, next(item for item in self._station.connectors if item.id == number), view

    async def _plug(self, element: Element, _: Any) -> None:
        station, connector, _view = self._at(element)
        await (station.unplug(connector.id) if connector.is_plugged else station.plug_in(connector.id))

    async def _charge(self, element: Element, _: Any) -> None:
        station, connector, view = self._at(element)
        if connector.transaction is None:
            await station.begin(connector.id, view["id-token"].value.strip() or None)
        else:
            await station.end(connector.id, view["reason"].value)

    async def _fault(self, element: Element, _: Any) -> None:
        station, connector, view = self._at(element)
        if connector.fault is None:
            await station.fault(connector.id, view["fault-code"].value)
        else:
            await station.clear_fault(connector.id)

    async def _power(self, element: Element, _: Any) -> None:
        station, connector, view = self._at(element)
        await station.set_power(connector.id, float(view["power-slider"].value))


def _number(element: Element) -> int:
    return int(element.closest("[data-connector]").dataset.connector)


def _write(view: View, connector: Connector) -> None:
    tone = wording.tone_of(connector.status)
    view.data("", "tone", tone)
    view.data("", "next", _next_step(connector))
    view.data("status", "tone", tone)
    view.text("status", connector.status)
    view.text("fault-name", connector.fault or "")
    view.put("fault-row", "hidden", connector.fault is None)
    view.text("plug", "Unplug" if connector.is_plugged else "Plug in")
    view.text("charge", _charge_label(connector))
    view.put("permission", "hidden", connector.permission is None)
    view.text("fault", "Set fault" if connector.fault is None else "Clear fault")
    view.text("register", f"{wording.energy(connector.energy_wh)} kWh")
    _write_transaction(view, connector)


def _charge_label(connector: Connector) -> str:
    if connector.is_starting:
        return "Starting …"
    return "Start" if connector.transaction is None else "Stop"


def _next_step(connector: Connector) -> str:
    """Return the button to highlight as the driver's next step, or none while charging or faulted."""
    if connector.transaction is not None or connector.fault is not None:
        return ""
    return "charge" if connector.is_plugged else "plug"


def _write_transaction(view: View, connector: Connector) -> None:
    transaction = connector.transaction
    view.data("", "charging", str(transaction is not None).lower())
    view.text("energy", wording.energy(0 if transaction is None else transaction.energy_wh))
    view.text("power", wording.power(0 if transaction is None else transaction.power_w))
    view.text("token", "—" if transaction is None else transaction.id_token)
    seconds = None if transaction is None else (datetime.now(UTC) - transaction.started_at).total_seconds()
    view.text("duration", "—" if seconds is None else wording.duration(max(0.0, seconds)))
