"""What a connection of a station needs from the outboxes of its server."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from ocpp_core.identity import StationKey
from ocpp_core.inbound.directions import MakeDirections
from ocpp_core.session import Session
from ocpp_transports._driver._driver import Driver
from ocpp_transports._options._connection import PeerOptions
from ocpp_transports.handshake import Handshake

if TYPE_CHECKING:
    from ocpp_transports.outbox._ticket import Ticket

    from ._delivery import Delivery

__all__ = ["StationQueue"]


class StationQueue(Protocol):
    """The messages for stations that are away."""

    directions: MakeDirections
    """Makes the directions of each session."""

    def delivery(
        self, handshake: Handshake, session: Session, driver: Driver[Any], protocol: str, *, must_register: bool
    ) -> "Delivery | None":
        """Begin to deliver the messages of a station on a new connection."""

    def enqueue(
        self,
        station: StationKey,
        args: tuple[Any, ...],
        options: Mapping[str, Any],
        spoken: Collection[str],
        rules: PeerOptions | None,
    ) -> "Ticket":
        """Queue a message for a station and return its ticket.

        While the station is away, its payload is checked by `rules`, unless they are not known.
        """

    def queued_for(self, station: StationKey) -> "list[Ticket]":
        """Return the tickets of one station's messages without an outcome."""
