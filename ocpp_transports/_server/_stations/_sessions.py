"""Keeps the session of a station from one connection to the next."""

from collections.abc import Callable, Hashable

from ocpp_core.admission.sessions import SessionMemory
from ocpp_transports._options._server import ServerOptions

from ._connection import OCPPServerClient

__all__ = ["SessionKeeper"]


class SessionKeeper:
    """Gives a returning station the session of its previous connection, which may still be open."""

    def __init__(self, options: ServerOptions, now: Callable[[], float]) -> None:
        self.memory: SessionMemory = SessionMemory(options.session_ttl, options.max_sessions)
        self._now = now

    def set_options(self, options: ServerOptions) -> None:
        """Use these limits from now on."""
        self.memory.time_to_live = options.session_ttl
        self.memory.limit = options.max_sessions

    def opened(self, name: Hashable, station: OCPPServerClient, older: OCPPServerClient | None) -> None:
        """Add the kept values to a new connection, except those that its handshake has set."""
        if older is not None:
            self.ended(name, older)
        for key, value in self.memory.take(name, station._principal, self._now()).items():
            station.session.setdefault(key, value)

    def ended(self, name: Hashable, station: OCPPServerClient) -> None:
        """Keep the session of a connection that was its station's newest."""
        self.memory.keep(name, station._principal, station.session, self._now())
