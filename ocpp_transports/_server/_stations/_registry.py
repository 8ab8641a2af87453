"""The connections of a server: which stations are connected, and with which connection."""

from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import TYPE_CHECKING, Final

from ocpp_core.identity import IdentityRule, StationKey, scoped_name
from ocpp_core.inputs import Close, Command, Probe
from ocpp_transports._driver._driver import Driver
from ocpp_transports._driver._interfaces import Completion, complete
from ocpp_transports._server._security._endings import EVICTED, REPLACED
from ocpp_transports.handshake import Handshake

from ._connection import MakeRegistration, OCPPServerClient
from ._sessions import SessionKeeper

if TYPE_CHECKING:
    from ocpp_core.tolerance.station import QuirkBook

    from ._quirks import ConnectionQuirks, QuirkMemory
    from ._registering import RegistrationMemory

__all__ = ["ConnectionRegistry"]

_SHOWN: Final = 5
"""Namespaces that an error message names."""
_REPLACED: Final = Close(EVICTED, REPLACED, drain=False)


class ConnectionRegistry:
    """The connections of a server, and the directory of them; of each station the newest one counts.

    `completion` makes what waiters await, `rule` decides which identities name one station. Identities of different
    namespaces are different stations. Feeding a `Close` to the driver with which a connection was registered ends it.
    """

    def __init__(self, completion: Callable[[], Completion[None]], rule: IdentityRule) -> None:
        self.sessions: SessionKeeper | None = None
        """Keeps the sessions of stations from one connection to the next, if it is set."""
        self._rule = rule
        self._completion = completion
        self._current: dict[str, OCPPServerClient] = {}  # by name
        self._scoped: dict[str, tuple[str, ...]] = {}  # the names with a namespace, by identity
        self._open: dict[OCPPServerClient, Driver[Command]] = {}
        self._waiters: list[Completion[None]] = []
        self._registered: RegistrationMemory | None = None
        self._quirks: QuirkMemory | None = None

    def __iter__(self) -> Iterator[OCPPServerClient]:
        """Iterate over the current connection of each station."""
        return iter(tuple(self._current.values()))

    def __len__(self) -> int:
        return len(self._current)

    @property
    def open(self) -> tuple[OCPPServerClient, ...]:
        """All connections that have not ended, including replaced ones that are closing."""
        return tuple(self._open)

    @property
    def has_open(self) -> bool:
        """True while a connection has not ended."""
        return bool(self._open)

    def get_client(self, identity: str | StationKey, /) -> OCPPServerClient | None:
        """Return the current connection of a station, or None if it is not connected.

        Raises ValueError for an identity that is connected in several namespaces.
        """
        if isinstance(identity, StationKey):
            return self._current.get(self.name_of(identity.identity, identity.namespace))
        name = self.name_of(identity)
        return self._only(identity, name) if name in self._scoped else self._current.get(name)

    get_caller = get_client

    def named(self, name: str) -> OCPPServerClient | None:
        """Return the current connection of the station with this name, or None."""
        return self._current.get(name)

    def connection_of(self, handshake: Handshake) -> OCPPServerClient | None:
        """Return the current connection of the station that a handshake names, or None."""
        return self._current.get(self.name_of(handshake.identity, handshake.namespace))

    async def wait_for_client(self, identity: str | StationKey, /) -> OCPPServerClient:
        """Return the station's connection as soon as there is one. Raises ValueError as `get_client` does."""
        while (station := self.get_client(identity)) is None:
            await self.changed()
        return station

    wait_for_caller = wait_for_client

    def name_of(self, identity: str, namespace: str = "") -> str:
        """Return the name by which a station is looked up: equal for identities of one station."""
        name = self._rule.key(identity) if self._rule.ignore_case else identity
        # No station has control characters, but an identity that the application looks up may.
        return scoped_name(namespace, name) if namespace or "\0" in name else name

    def _only(self, identity: str, name: str) -> OCPPServerClient:
        """Return the only station of an identity, in any namespace."""
        names = [each for each in (name, *self._scoped[name]) if each in self._current]
        if len(names) > 1:
            found = sorted(self._current[each].handshake.namespace for each in names)
            shown = ", ".join(map(repr, found[:_SHOWN])) + (", …" if len(found) > _SHOWN else "")
            raise ValueError(
                f"expected StationKey(namespace, {identity!r}), because it is connected in the namespaces {shown}"
            )
        return self._current[names[0]]

    def _scope(self, key: StationKey, name: str) -> None:
        """Find a station with a namespace by its identity too."""
        identity = self.name_of(key.identity)
        self._scoped[identity] = (*self._scoped.get(identity, ()), name)

    def _unscope(self, key: StationKey, name: str) -> None:
        identity = self.name_of(key.identity)
        self._scoped[identity] = tuple(each for each in self._scoped[identity] if each != name)
        if not self._scoped[identity]:
            del self._scoped[identity]

    def set_rule(self, rule: IdentityRule) -> None:
        """Use another rule from now on; if connections then belong to one station, the newest stays."""
        changes, self._rule = rule.ignore_case is not self._rule.ignore_case, rule
        if not changes:
            return
        if self.sessions is not None:
            self.sessions.memory.clear()  # under the names of the other rule, another station might get them
        stations = tuple(self._current.values())
        self._current = {self.name_of(station.identity, station.namespace): station for station in stations}
        self._scoped = {}
        for name, station in self._current.items():
            if station.namespace:
                self._scope(station.key, name)
        kept = set(self._current.values())
        for station in (each for each in stations if each not in kept):
            self._open[station].feed(_REPLACED)

    def opened(self, station: OCPPServerClient, driver: Driver[Command]) -> None:
        """Register a new connection; it is authenticated, so it replaces an older one, which begins to close."""
        handshake = station.handshake
        name = self.name_of(handshake.identity, handshake.namespace)
        older = self._current.pop(name, None)
        if self.sessions is not None:
            self.sessions.opened(name, station, older)
        self._current[name] = station
        if handshake.namespace and older is None:
            self._scope(handshake.key, name)
        self._open[station] = driver
        if older is not None:
            self._open[older].feed(_REPLACED)
        if self._waiters:
            self.wake()

    def ended(self, station: OCPPServerClient) -> None:
        """Remove a connection that ended: only this one, not a newer one."""
        self._open.pop(station, None)
        name = self.name_of(station.identity, station.namespace)
        if self._current.get(name) is station:
            del self._current[name]
            if self.sessions is not None:
                self.sessions.ended(name, station)
            if station.namespace:
                self._unscope(station.key, name)
        if self._waiters:
            self.wake()

    def registering(
        self, handshake: Handshake, driver: Driver[Command], wait: float, *, asks: bool = True
    ) -> MakeRegistration:
        """Return the function that makes the registration of a station on a new connection.

        With `asks`, the server asks for a BootNotification that does not arrive.
        """
        from ._registering import QuietRegistration, RegistrationMemory, StationRegistration  # loaded only when used

        if self._registered is None:
            self._registered = RegistrationMemory()
        name = self.name_of(handshake.identity, handshake.namespace)
        make = StationRegistration if asks else QuietRegistration
        return partial(make, name, self._registered, driver, wait)

    def quirks_of(self, book: "QuirkBook", handshake: Handshake, protocol: str) -> "ConnectionQuirks":
        """Return the quirks of a station on a new connection, with what is known from earlier ones."""
        from ._quirks import ConnectionQuirks, QuirkMemory  # loaded only when used

        if self._quirks is None:
            self._quirks = QuirkMemory()
        name = self.name_of(handshake.identity, handshake.namespace)
        return ConnectionQuirks(book, handshake, protocol, name, self._quirks)

    def probe(self, handshake: Handshake) -> None:
        """Ping the station that a handshake names, and drop its connection if nothing arrives.

        Over a channel, nothing is sent: the WebSocket library has pings of its own.
        """
        station = self.connection_of(handshake)
        if station is not None:
            self._open[station].feed(Probe())

    def evict(self, station: OCPPServerClient) -> None:
        """Begin to close a connection, as if a newer one had replaced it here."""
        self.close_one(station, _REPLACED)

    def close_all(self, command: Close, *, besides: Collection[OCPPServerClient] = ()) -> None:
        """Begin to close every connection except these, without waiting for the end."""
        for station, driver in tuple(self._open.items()):
            if station not in besides:
                driver.feed(command)

    def close_one(self, station: OCPPServerClient, command: Close) -> None:
        """Begin to close a connection, unless it has ended."""
        driver = self._open.get(station)
        if driver is not None:
            driver.feed(command)

    async def changed(self) -> None:
        """Wait until a connection opened or ended."""
        completion = self._completion()
        self._waiters.append(completion)
        try:
            await completion
        finally:
            if completion in self._waiters:
                self._waiters.remove(completion)

    def wake(self) -> None:
        """Let the waiting tasks check again."""
        waiters, self._waiters = self._waiters, []
        for completion in waiters:
            complete(completion, None)
