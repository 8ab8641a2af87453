"""The slot of the window that one transmission occupies, and the message IDs of earlier ones."""

from typing import Final

from ocpp_core._dataclasses import dataclass

from .effects import OutboxEffect, Transmit
from .ordering.lanes import Entry
from .stored.records import OutboxRecord

__all__ = ["Flight", "Slot"]

_EARLIER: Final = 64
"""Message IDs of failed transmissions that are kept, to recognize late responses."""


@dataclass(slots=True, eq=False)
class Flight:
    """One transmission, from its mark to its end."""

    entry: Entry | None
    """The message; None once it is settled: the slot remains taken until the response."""
    transmit: Transmit
    """The output."""
    before: OutboxRecord
    """The record before the mark."""
    is_written: bool = False
    """False while its mark is not durable."""


class Slot:
    """At most one transmission."""

    def __init__(self) -> None:
        self.flight: Flight | None = None
        """The transmission; None if there is none."""
        self._earlier: dict[str, int] = {}

    def of(self, entry: Entry) -> Flight | None:
        """Return the transmission of a message; None if there is none."""
        return self.flight if self.flight is not None and self.flight.entry is entry else None

    def note_written(self, output: OutboxEffect) -> None:
        """Note that an output was released."""
        if self.flight is not None and output is self.flight.transmit:
            self.flight.is_written = True

    def take_unwritten(self) -> Flight | None:
        """Free the slot of a transmission that is not written, and return it."""
        flight = self.flight
        if flight is None or flight.is_written:
            return None
        self.flight = None
        return flight

    def end(self, message_id: str) -> Flight | None:
        """Free the slot of the written transmission with this ID, and return it."""
        flight = self.flight
        if flight is None or not flight.is_written or flight.transmit.message_id != message_id:
            return None
        self.flight = None
        return flight

    def lose(self) -> Flight | None:
        """Free the slot because the connection ended, and return the transmission."""
        flight, self.flight = self.flight, None
        self._earlier.clear()
        return flight

    def remember(self, flight: Flight) -> None:
        """Keep the ID of a failed transmission, for a late response."""
        self._earlier[flight.transmit.message_id] = flight.transmit.ticket
        if len(self._earlier) > _EARLIER:
            del self._earlier[next(iter(self._earlier))]

    def earlier(self, message_id: str) -> int | None:
        """Return the ticket of a failed transmission of this connection."""
        return self._earlier.get(message_id)
