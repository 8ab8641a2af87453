"""The nodes of stations that were found lately."""

from collections import OrderedDict

from ocpp_core.cluster.records import Found

__all__ = ["KnownOwners"]


class KnownOwners:
    """The nodes of stations, so that calls go on while the registry is away.

    An entry may be stale: the node refuses a call for a station that it has no more, and the entry is then forgotten.

    Args:
        limit: Stations beyond which the one that was used the longest ago is forgotten.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._found: OrderedDict[str, Found] = OrderedDict()

    def __len__(self) -> int:
        return len(self._found)

    def get(self, identity: str) -> Found | None:
        """Return where a station is; None if it is not known."""
        found = self._found.get(identity)
        if found is not None:
            self._found.move_to_end(identity)
        return found

    def note(self, identity: str, found: Found) -> None:
        """Remember where a station is."""
        self._found[identity] = found
        self._found.move_to_end(identity)
        if len(self._found) > self._limit:
            self._found.popitem(last=False)

    def forget(self, identity: str) -> None:
        """Forget where a station is."""
        self._found.pop(identity, None)
