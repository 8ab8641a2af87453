"""The quirks of stations on a server: which profiles match a connection, from its handshake and its BootNotification.

A station that reconnects need not boot again (OCPP-J §5.4), so the server remembers who it is.
"""

from collections.abc import Mapping
from typing import Any, Final, TypeVar

from ocpp_core.config import SessionConfig
from ocpp_core.tolerance.profiles import StationFacts, facts_of
from ocpp_core.tolerance.station import QuirkBook, StationQuirks
from ocpp_transports._options._server import ServerOptions
from ocpp_transports._options._socket import SocketOptions
from ocpp_transports.handshake import Handshake

__all__ = ["ConnectionQuirks", "QuirkMemory"]

_MOST: Final = 100_000
_Options = TypeVar("_Options", bound=SocketOptions)


class QuirkMemory:
    """Vendor, model and firmware of stations with quirks; beyond `most` of them, the oldest is forgotten."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._facts: dict[str, Mapping[str, str]] = {}

    def __len__(self) -> int:
        return len(self._facts)

    def of(self, name: str) -> Mapping[str, str]:
        """Return what the station's last BootNotification said; empty if it is not known."""
        return self._facts.get(name, {})

    def learn(self, name: str, facts: Mapping[str, str]) -> None:
        """Remember a station; it is the newest one then. Without facts, forget it."""
        self._facts.pop(name, None)
        if facts:
            self._facts[name] = facts
        if len(self._facts) > self._most:
            del self._facts[next(iter(self._facts))]


class ConnectionQuirks:
    """The quirks of a station on one connection."""

    __slots__ = ("_memory", "_name", "_set", "station")

    def __init__(self, book: QuirkBook, handshake: Handshake, protocol: str, name: str, memory: QuirkMemory) -> None:
        self._name = name
        self._memory = memory
        self.station: StationQuirks = StationQuirks(
            book,
            StationFacts(protocol=protocol, identity=handshake.identity, path=handshake.path, **memory.of(name)),
        )
        """The profiles in effect, for the engine."""
        self._set: dict[str, tuple[Any, Any]] = {}  # by option, its value before and with the profiles

    def applied(self, options: ServerOptions, config: SessionConfig) -> tuple[ServerOptions, SessionConfig]:
        """Return options and the config of a session with the settings of the profiles in effect."""
        changed = self.set(options)
        if changed is not options:
            config = changed.session_in(self.station.facts.protocol, trace=config.trace)
        return changed, self.station.configured(config)

    def set(self, options: _Options) -> _Options:
        """Return options with the settings of the profiles in effect instead of those of the profiles before."""
        options = self.unset(options)
        settings = options.quirk_settings(self.station.matched)
        self._set = {name: (getattr(options, name), value) for name, value in settings.items()}
        return options.changed(settings) if settings else options

    def unset(self, options: _Options) -> _Options:
        """Return options without the settings of profiles, except those that the application has changed since."""
        before = {name: was for name, (was, value) in self._set.items() if getattr(options, name) == value}
        return options.changed(before) if before else options

    def boot(self, payload: Any) -> bool:
        """Take vendor, model and firmware from a BootNotification, and remember them if a profile needs them.

        Return True if other profiles match than before: `set` the options again. Only the first BootNotification of a
        connection counts, so that a station cannot change its options again and again.
        """
        if self.station.has_booted:
            return False
        has_changed = self.station.learn(payload)
        matches = [profile.match for profile in self.station.matched.profiles]
        is_needed = any(each.vendor or each.model or each.firmware for each in matches)
        self._memory.learn(self._name, facts_of(payload) if is_needed else {})
        return has_changed

    def change(self, book: QuirkBook) -> None:
        """Use other profiles from now on."""
        self.station = StationQuirks(book, self.station.facts)
