"""The newest connection of each station, on which the messages of its outbox are sent."""

from collections.abc import Callable

from ocpp_core._dataclasses import dataclass
from ocpp_core.outbound.station_calls import StationCalls
from ocpp_core.outbox.commands import Enqueue

__all__ = ["StationConnection", "StationConnections"]


@dataclass(slots=True, eq=False)
class StationConnection:
    """The newest connection of a station."""

    calls: StationCalls
    """The calls of the session."""
    protocol: str
    """The subprotocol."""
    wake: Callable[[], None]
    """Function that is called after the session wrote something."""
    is_registered: bool = False
    """True once the station is registered."""

    def expect_valid(self, message: Enqueue) -> None:
        """Raise ValueError for a message of another version, RPCError for one that strict mode would not send."""
        if message.protocol not in {None, self.protocol}:
            raise ValueError(f"expected a message for {self.protocol}, got one for {message.protocol}")
        self.calls.expect_valid(message.action, message.payload)


class StationConnections(dict[str, StationConnection]):
    """The connections by the name of the station."""

    def counting(self, name: str, calls: StationCalls) -> StationConnection | None:
        """Return the connection with these calls, or None if the station has a newer one or none."""
        connection = self.get(name)
        return connection if connection is not None and connection.calls is calls else None
