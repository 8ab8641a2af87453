"""The sessions of a node's stations, which the other nodes get when a station moves."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, Protocol

from ocpp_core.cluster.shared.records import SessionChange, SharedSession
from ocpp_core.cluster.shared.sessions import read_session, session_text
from ocpp_transports._logging._log import Log

from ._watched import WatchedSession

__all__ = ["OwnSession", "SessionHolder", "SharedSessions"]

_KEPT_FOR: Final = 1.5
"""How many times the time to live a session of a connected station lasts: it is written again after half of one."""


class SessionHolder(Protocol):
    """The connection of a station."""

    session: dict[str, Any]


class OwnSession:
    """The session of one connection.

    Args:
        name: The name of the station in the registry.
        key: The key of the session.
        fence: The fence of the claim of the connection.
        holder: The connection.
    """

    __slots__ = ("fence", "has_ended", "holder", "is_stored", "key", "name")

    def __init__(self, name: str, key: str, fence: int, holder: SessionHolder) -> None:
        self.name = name
        self.key = key
        self.fence = fence
        self.holder = holder
        self.has_ended = False
        self.is_stored = False


class SharedSessions:
    """The sessions of the connections of one node, and those that are not written yet.

    Args:
        log: Gets sessions that cannot be written.
        wanted: Called when there is something to write; with True if a connection has ended.
    """

    def __init__(self, log: Log, wanted: Callable[[bool], None]) -> None:
        self.ttl: float = 0.0
        """Seconds for which a session is kept after the end of its connection; 0 keeps none."""
        self.most: int = 1
        """Sessions that wait for the store at most; the one that has waited longest is dropped."""
        self.dropped: int = 0
        """Sessions that were dropped because too many waited."""
        self._log = log
        self._wanted = wanted
        self._current: dict[str, OwnSession] = {}
        self._pending: dict[str, OwnSession] = {}
        self._writing: dict[str, OwnSession] = {}

    def __len__(self) -> int:
        """Return the number of sessions that wait to be written."""
        return len(self._pending)

    def get(self, key: str) -> OwnSession | None:
        """Return the newest session with this key of a connection to this node, until it is written."""
        return self._current.get(key) or self._pending.get(key) or self._writing.get(key)

    def begin(self, own: OwnSession, stored: SharedSession | None, older: OwnSession | None) -> None:
        """Add the newest known values to the session of a new connection, except those that it has; then watch it.

        Args:
            own: The session of the connection.
            stored: What the store had after the claim.
            older: The session of an earlier connection to this node, if there was one before the claim.
        """
        values = self._newest(own.name, stored, older)
        own.is_stored = stored is not None
        session = {**values, **own.holder.session}
        own.holder.session = WatchedSession(session, partial(self._note, own))
        self._current[own.key] = own
        self._pending.pop(own.key, None)
        if session or own.is_stored:
            self._note(own)

    def _newest(self, name: str, stored: SharedSession | None, older: OwnSession | None) -> Mapping[str, Any]:
        if older is not None and (stored is None or stored.fence <= older.fence):
            return older.holder.session
        try:
            return {} if stored is None else read_session(stored.text)
        except ValueError as error:
            self._log.recurring("ignored the session of a station", f"{name!r}: {error}")
            return {}

    def end(self, own: OwnSession) -> None:
        """Write the session of a connection that has ended for the last time."""
        own.has_ended = True
        if self._current.get(own.key) is own:
            del self._current[own.key]
            if own.holder.session or own.is_stored:
                self._add(own)
            self._wanted(True)

    def refresh(self) -> None:
        """Write all sessions again, so that they do not expire while their stations are connected."""
        for own in self._current.values():
            if own.holder.session or own.is_stored:
                self._add(own)
        self._wanted(False)

    def _note(self, own: OwnSession) -> None:
        if self._current.get(own.key) is own:
            self._add(own)
            self._wanted(False)

    def _add(self, own: OwnSession) -> None:
        if not self.ttl:
            return
        self._pending.pop(own.key, None)
        self._pending[own.key] = own
        if len(self._pending) > self.most:
            del self._pending[next(iter(self._pending))]
            self.dropped += 1

    # Writing

    def take(self, most: int) -> list[OwnSession]:
        """Return at most this number of sessions that wait, those that have waited longest: they are being written."""
        taken = [self._pending.pop(next(iter(self._pending))) for _ in range(min(most, len(self._pending)))]
        self._writing = {own.key: own for own in taken}
        return taken

    def written(self) -> None:
        """Note that the store has answered: what was being written is known there, or belongs to a newer claim."""
        self._writing = {}

    def changes(self, sessions: Sequence[OwnSession]) -> list[SessionChange]:
        """Return what is to be written of these sessions now; one that cannot be shared is logged and left out."""
        return [change for own in sessions if (change := self._change(own)) is not None]

    def _change(self, own: OwnSession) -> SessionChange | None:
        try:
            text = session_text(own.holder.session)
        except (TypeError, ValueError) as error:
            self._log.raised(f"cannot share the session of {own.name!r}", error)
            return None
        own.is_stored = bool(text)
        return SessionChange(own.name, own.key, own.fence, text, self.ttl * (1 if own.has_ended else _KEPT_FOR))

    def put_back(self, sessions: Sequence[OwnSession]) -> None:
        """Wait again with sessions that were not written, unless a newer one with the same key waits."""
        newer = self._pending
        self._pending = {}
        for own in sessions:
            current = self._current.get(own.key, own)
            if own.key not in newer and current is own:
                self._add(own)
        for own in newer.values():
            self._add(own)
