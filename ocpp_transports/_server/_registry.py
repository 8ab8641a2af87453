"""The books of a server: which stations are connected, and by which connection."""

from collections.abc import Callable, Iterator

from ocpp_transports._driver._driver import Completion
from ocpp_transports._peer._close_grace import CloseGrace

from ._connection import OCPPServerClient

__all__ = ["ConnectionRegistry"]


class ConnectionRegistry:
    """The connections of a server; of each identity the newest one counts.

    `arrived` is told of every connection that is open, `slot` makes what waiters wait on, `key` is equal for identities
    that name one station.
    """

    def __init__(
        self,
        arrived: Callable[[OCPPServerClient], None],
        completion: Callable[[], Completion],
        key: Callable[[str], str],
    ) -> None:
        self.close_grace = CloseGrace()
        self._key = key
        self._arrived = arrived
        self._completion = completion
        self._current: dict[str, OCPPServerClient] = {}
        self._open: set[OCPPServerClient] = set()
        self._waiters: list[Completion] = []

    def __iter__(self) -> Iterator[OCPPServerClient]:
        """Iterate over the current connection of each station."""
        return iter(tuple(self._current.values()))

    def __len__(self) -> int:
        return len(self._current)

    @property
    def open(self) -> tuple[OCPPServerClient, ...]:
        """All connections that have not ended, those that were replaced and are closing included."""
        return tuple(self._open)

    def get_client(self, identity: str, /) -> OCPPServerClient | None:
        """Return the current connection of a station, or None if it is not connected."""
        return self._current.get(self._key(identity))

    def look_up_by(self, key: Callable[[str], str]) -> None:
        """Use another key from now on; of connections that become those of one station the newest stays."""
        self._key = key
        stations = tuple(self._current.values())
        self._current = {key(station.identity): station for station in stations}
        for station in set(stations).difference(self._current.values()):
            station.evict()

    def opened(self, station: OCPPServerClient) -> None:
        """Enter a new connection; it is authenticated, so it replaces an older one, which closes meanwhile."""
        key = self._key(station.identity)
        older = self._current.pop(key, None)
        self._current[key] = station
        self._open.add(station)
        if older is not None:
            older.evict()
        self._arrived(station)
        self.wake()

    def gone(self, station: OCPPServerClient) -> None:
        """Strike out a connection that ended: this one and no newer one."""
        self._open.discard(station)
        key = self._key(station.identity)
        if self._current.get(key) is station:
            del self._current[key]
        self.wake()

    async def changed(self) -> None:
        """Wait until a connection came or went."""
        completion = self._completion()
        self._waiters.append(completion)
        try:
            await completion.wait()
        finally:
            if completion in self._waiters:
                self._waiters.remove(completion)

    def wake(self) -> None:
        """Have those who wait look again."""
        if self._waiters:
            waiters, self._waiters = self._waiters, []
            for completion in waiters:
                completion.set(None, None)
