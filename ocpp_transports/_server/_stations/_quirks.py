"""The quirks of stations on a server: which profiles match a connection, from its handshake and its BootNotification.

A station that reconnects need not boot again (OCPP-J §5.4), so the server remembers who it is.
"""

from collections.abc import Mapping
from typing import Any, Final

from ocpp_core.config import SessionConfig
from ocpp_core.tolerance.profiles import StationFacts, facts_of
from ocpp_core.tolerance.station import MatchedQuirks, QuirkBook, StationQuirks
from ocpp_transports._options._server import ServerOptions
from ocpp_transports.handshake import Handshake

__all__ = ["ConnectionQuirks", "QuirkMemory"]

_MOST: Final = 100_000


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

    __slots__ = ("_applied", "_has_booted", "_memory", "_name", "station")

    def __init__(self, book: QuirkBook, handshake: Handshake, protocol: str, name: str, memory: QuirkMemory) -> None:
        self._name = name
        self._memory = memory
        self.station: StationQuirks = StationQuirks(
            book,
            StationFacts(protocol=protocol, identity=handshake.identity, path=handshake.path, **memory.of(name)),
        )
        """The profiles in effect, for the engine."""
        self._applied = self.station.matched
        self._has_booted = False

    @property
    def matched(self) -> MatchedQuirks:
        """The profiles in effect."""
        return self.station.matched

    def applied(self, options: ServerOptions, config: SessionConfig) -> tuple[ServerOptions, SessionConfig]:
        """Return options and the config of a session with the settings of the profiles in effect."""
        changed = options.with_quirks(self.matched)
        if changed is not options:
            config = changed.session_in(self.station.facts.protocol, trace=config.trace)
        return changed, self.station.configured(config)

    def boot(self, payload: Any) -> bool:
        """Take vendor, model and firmware from a BootNotification, and remember them if a profile needs them.

        Return True if other profiles match than before; the engine has read an invalid one already. Only the first
        BootNotification of a connection counts, so that a station cannot change its options again and again.
        """
        if self._has_booted:
            return False
        self._has_booted = True
        self.station.learn(payload)
        needs = any(each.match.vendor or each.match.model or each.match.firmware for each in self.matched.profiles)
        self._memory.learn(self._name, facts_of(payload) if needs else {})
        before, self._applied = self._applied, self.matched
        return self.matched is not before

    def change(self, book: QuirkBook) -> None:
        """Use other profiles from now on."""
        self.station = StationQuirks(book, self.station.facts)
        self._applied = self.matched
