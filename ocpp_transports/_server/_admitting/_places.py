"""The limits of a server: how many handshakes may wait for their decision, how many stations may be connected."""

from collections.abc import Sized
from math import isinf
from typing import Final, Protocol

from ocpp_core.admission.handshake import ConnectionFacts
from ocpp_core.admission.step import Candidate, Cause, Step, refuse
from ocpp_core.identity import StationKey
from ocpp_core.inputs import Reject
from ocpp_core.server import Accepted, ServerEngine
from ocpp_transports._options._server import ServerOptions

from ._quota import Quota, owner_of

__all__ = ["Places", "WaitingHandshake"]

_BUSY: Final = refuse(503, "Busy")
_FULL: Final = refuse(503, "Full")


class WaitingHandshake(Protocol):
    """A handshake that waits for its decision."""

    @property
    def facts(self) -> ConnectionFacts:
        """The facts known about its connection."""

    def give_up(self) -> None:
        """Refuse it now, because the server closes."""


class _Stations(Sized, Protocol):
    """The connected stations."""

    def get_client(self, identity: StationKey, /) -> object | None:
        """Return the station's connection, or None if it is not connected."""


class Places:
    """Counts the handshakes and stations of a server, and refuses those beyond the limits.

    It provides two steps of admission. `before` comes first and limits the handshakes that wait, alike for every peer.
    `after` comes last and limits the stations.
    """

    def __init__(self, stations: _Stations) -> None:
        self.waiting: dict[WaitingHandshake, None] = {}
        self._quota = Quota()
        self._stations = stations
        self._accepted: set[ServerEngine] = set()  # of WebSockets still to be opened; some failed
        self._most_stations = self._most_waiting = self._most_by_owner = 0.0

    def before(self, options: ServerOptions, *, asks: bool) -> tuple[Step, ...]:
        """Use these limits from now on; return the step, if any handshake may have to wait (`asks`)."""
        self._most_waiting, self._most_by_owner = options.max_handshakes, options.handshake_limit_by_address
        return (self._refuse_when_busy,) if asks else ()

    def after(self, options: ServerOptions) -> tuple[Step, ...]:
        """Use this limit from now on; return the step, if there is one."""
        self._most_stations = options.max_connections
        return () if isinf(options.max_connections) else (self.refuse_when_full,)

    def begin_waiting(self, handshake: WaitingHandshake) -> None:
        """Count a handshake that waits for its decision."""
        self.waiting[handshake] = None
        self._quota.enter(owner_of(handshake.facts.remote_address))

    def stop_waiting(self, handshake: WaitingHandshake) -> bool:
        """Return True if a handshake was still waiting, and stop counting it."""
        if handshake not in self.waiting:
            return False
        del self.waiting[handshake]
        self._quota.leave(owner_of(handshake.facts.remote_address))
        return True

    def expect(self, engine: ServerEngine) -> None:
        """Count an accepted station whose WebSocket another library still has to open."""
        if not isinf(self._most_stations):
            self._accepted.add(engine)

    def is_full(self, key: StationKey) -> bool:
        """Return True if there is no place for this station: no free one, and not its own from before."""
        self._accepted = {engine for engine in self._accepted if isinstance(engine.state, Accepted)}
        taken = len(self._stations) + len(self._accepted)
        return taken >= self._most_stations and self._stations.get_client(key) is None

    def is_busy(self, facts: ConnectionFacts) -> bool:
        """Return True if too many requests wait, in total or from this address."""
        if not self.waiting:
            return False
        return self._quota.is_used_up(owner_of(facts.remote_address), self._most_waiting, self._most_by_owner)

    def _refuse_when_busy(self, candidate: Candidate) -> Reject | None:
        if not self.is_busy(candidate.facts):
            return None
        candidate.cause = Cause("busy")
        return _BUSY

    def refuse_when_full(self, candidate: Candidate) -> Reject | None:
        """Refuse only an authenticated station: other peers must not learn which stations are connected."""
        if candidate.protocol is None or not self.is_full(candidate.handshake.key):
            return None
        candidate.cause = Cause("full")
        return _FULL
