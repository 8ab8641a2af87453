"""The panel of injected faults: arming, disarming and the list of armed faults."""

from typing import Any

from ocpp_apps.station import Station
from ocpp_apps.station import schema_help as hints

from . import wording
from .dom import Element, Events, by_id, make, say

__all__ = ["Faults"]


class Faults:
    """The form that arms faults, and the list of armed faults."""

    def __init__(self, events: Events) -> None:
        self._station: Station | None = None
        self._protocol = ""
        self._shown: list[str] = []
        events.on("submit", "arm", self._arm)
        events.on("click", "disarm", self._disarm)

    def show(self, station: Station) -> None:
        """Arm faults of this station."""
        self._station = station
        self.refresh()

    def speak(self, protocol: str) -> None:
        """Offer the actions of this version."""
        if protocol != self._protocol:
            self._protocol = protocol
            options = [make("option", "any", value=""), *(make("option", name) for name in hints.actions(protocol))]
            by_id("faults-action").replaceChildren(*options)

    def refresh(self) -> None:
        """Update the list of armed faults."""
        armed = [] if self._station is None else [wording.fault(one) for one in self._station.faults.armed]
        if armed != self._shown:
            self._shown = armed
            by_id("armed").replaceChildren(*(make("li", words) for words in armed))

    def _arm(self, _: Element, __: Any) -> None:
        if self._station is None:
            return
        place = by_id("faults-message")
        try:
            self._station.faults.arm(
                by_id("faults-kind").value,
                action=by_id("faults-action").value or None,
                times=int(_number("faults-times")),
                seconds=_number("faults-seconds"),
                target=by_id("faults-target").value,
            )
        except ValueError as error:
            say(place, f"Not armed: {error}.", "bad")
        else:
            say(place, "")
        self.refresh()

    def _disarm(self, _: Element, __: Any) -> None:
        if self._station is not None:
            self._station.faults.disarm()
        self.refresh()


def _number(name: str) -> float:
    """Return the number in a field. Raises ValueError if it is not in the range of the field."""
    field = by_id(name)
    if not field.checkValidity():
        raise ValueError(
            f"expected {field.labels[0].textContent} from {field.min} to {field.max} in steps of {field.step}"
        )
    return float(field.value)
