"""The faults that a test causes in its world."""

from typing import Any, Unpack

from ocpp_transports.laboratory._network._conditions import ConditionChanges
from ocpp_transports.laboratory._network._network import Network, Towards

__all__ = ["HarmMixin"]


class HarmMixin:
    """Harms the network of a world. Stations are named by their identities."""

    network: Network
    """The network, with its counts."""

    def cut(self, *identities: str) -> None:
        """Reset the connections of these stations, of all without an argument; both ends see it.

        Raises ValueError for a station that has never tried to connect.
        """
        self.network.cut(*identities)

    def freeze(self, *identities: str) -> None:
        """Lose the present connections of these stations in silence, as a NAT that forgets them; new ones work.

        Raises ValueError as `cut` does.
        """
        self.network.freeze(*identities)

    def half_open(self, *identities: str) -> None:
        """Drop the stations' ends of their connections, as a power cut; the server learns of it when it sends.

        Raises ValueError as `cut` does.
        """
        self.network.lose_station(*identities)

    def partition(self, *identities: str) -> None:
        """Hold all bytes of these stations until `heal`; an attempt to connect fails after 127 s.

        A connection whose bytes do not arrive for 925 s is lost. These are the values of Linux.
        """
        self.network.partition(*identities)

    def heal(self, *identities: str) -> None:
        """End the partition of these stations, of all without an argument; what was held arrives."""
        self.network.heal(*identities)

    def set(
        self, identity: str | None = None, *, towards: Towards | None = None, **changes: Unpack[ConditionChanges]
    ) -> None:
        """Change the conditions of a station's connections, present and future.

        Args:
            identity: The station, or None for all.
            towards: `"server"` or `"station"` for one direction; None for both.
            **changes: The conditions to change, see `Conditions`.

        Raises:
            ValueError: A value is out of its range, or `towards` is another word.
            TypeError: There is no such condition.
        """
        if towards not in (None, "server", "station"):
            raise ValueError(f"expected towards 'server', 'station' or None, got {towards!r}")
        changed: dict[str, Any] = dict(changes)
        self.network.set(identity, towards, changed)
