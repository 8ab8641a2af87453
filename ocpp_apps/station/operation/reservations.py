"""Reservations of connectors, at most one for each."""

from ocpp_apps.station.clock import Task
from ocpp_apps.station.model.connector import Connector, Reservation

from .equipment import Equipment, call_off

__all__ = ["Reservations"]


class Reservations:
    """The reservations of a station, until they expire."""

    def __init__(self, equipment: Equipment) -> None:
        self._equipment = equipment
        self._clocks: dict[int, Task] = {}
        """Tasks that wait for the expiry of a reservation, by connector."""

    def resume(self) -> None:
        """Start the expiry timers again after the station was off."""
        for connector in self._equipment.connectors:
            if connector.reservation is not None:
                self._watch(connector, connector.reservation)

    def reserve(self, number: int, reservation: Reservation) -> str:
        """Reserve a connector. Returns the status of the response.

        It replaces an earlier reservation with the same id.
        """
        if not self._equipment.has_connector(number) or reservation.expires <= self._equipment.clock.now():
            return "Rejected"
        connector = self._equipment.connector(number)
        refusal = _refusal(connector, reservation.id)
        if refusal is not None:
            return refusal
        self._remove(reservation.id)
        connector.reservation = reservation
        self._watch(connector, reservation)
        self._report()
        return "Accepted"

    def cancel(self, reservation_id: int) -> bool:
        """Cancel a reservation. Returns False if none has this id."""
        is_there = self._remove(reservation_id)
        if is_there:
            self._report()
        return is_there

    def _watch(self, connector: Connector, reservation: Reservation) -> None:
        call_off(self._clocks.get(connector.id))
        self._clocks[connector.id] = self._equipment.spawn(
            "the end of a reservation", self._expire, connector, reservation
        )

    def _remove(self, reservation_id: int) -> bool:
        for connector in self._equipment.connectors:
            if connector.reservation is not None and connector.reservation.id == reservation_id:
                connector.reservation = None
                call_off(self._clocks.pop(connector.id, None))
                return True
        return False

    async def _expire(self, connector: Connector, reservation: Reservation) -> None:
        equipment = self._equipment
        await equipment.clock.sleep((reservation.expires - equipment.clock.now()).total_seconds())
        if connector.reservation is reservation:
            connector.reservation = None
            equipment.changed()
            await equipment.send(equipment.dialect.reservation_ended(reservation.id))
            await equipment.report()

    def _report(self) -> None:
        self._equipment.changed()
        self._equipment.spawn("StatusNotification", self._equipment.report)


def _refusal(connector: Connector, reservation_id: int) -> str | None:
    """Return the status that rejects the reservation of a connector."""
    if connector.fault is not None:
        return "Faulted"
    is_taken = connector.reservation is not None and connector.reservation.id != reservation_id
    if is_taken or connector.is_plugged or connector.transaction or connector.permission or connector.is_starting:
        return "Occupied"
    return "Unavailable" if connector.availability == "Inoperative" else None
