"""What a server shares with the others of its cluster besides its stations: sessions, responses, and rates."""

from collections.abc import Callable
from math import isinf
from typing import Final

from ocpp_core._dataclasses import dataclass
from ocpp_core.admission.sessions import Principal
from ocpp_core.admission.step import Candidate
from ocpp_core.cluster.shared.answers import SharedAnswerMemory
from ocpp_core.cluster.shared.records import StationMemory
from ocpp_core.cluster.shared.sessions import session_key
from ocpp_core.limits import SharedBuckets
from ocpp_transports._logging._log import Log
from ocpp_transports._options._server import ServerOptions
from ocpp_transports._runtime._base import SocketRuntime
from ocpp_transports._server._stations._connection import OCPPServerClient
from ocpp_transports.cluster._settings import Cluster, Share
from ocpp_transports.cluster._shared._host import SharedHost
from ocpp_transports.cluster._shared._sessions import OwnSession
from ocpp_transports.cluster._shared._store import SharingBackend
from ocpp_transports.cluster._store import StoreUnavailableError

__all__ = ["Sharing"]

_READ: Final[tuple[Share, ...]] = ("sessions", "answers")
"""What is read when a station connects."""


@dataclass(frozen=True, slots=True)
class _Returning:
    """What a claimed station gets when its connection opens."""

    fence: int
    memory: StationMemory
    older: OwnSession | None
    """Its session on an earlier connection to this server."""


class Sharing:
    """The memory that a server has in common with the others of its cluster; without `share` it does nothing.

    Args:
        cluster: The settings.
        log: The log of the server.
    """

    def __init__(self, cluster: Cluster, log: Log) -> None:
        self._cluster = cluster
        self._share: Final = frozenset(cluster.share)
        self._log = log
        self._host: SharedHost | None = None
        self._reading: set[object] = set()
        self._returning: dict[object, _Returning] = {}
        self._own: dict[OCPPServerClient, OwnSession] = {}

    @property
    def has_sessions(self) -> bool:
        """True if sessions are shared: the server then keeps none itself."""
        return "sessions" in self._share

    @property
    def answers(self) -> SharedAnswerMemory | None:
        """The stored responses; None if they are not shared."""
        return self._host.answers if self._host is not None and "answers" in self._share else None

    @property
    def make_rates(self) -> Callable[[float, float], SharedBuckets]:
        """Makes the rates of handshakes."""
        return SharedBuckets if self._host is None or "handshake_rate" not in self._share else self._host.new_buckets

    # Life

    def expect_used(self, options: ServerOptions) -> None:
        """Raise ValueError if these options turn off what is shared."""
        if self.has_sessions and not options.keeps_sessions:
            raise ValueError("expected session_ttl with shared sessions: without it, no session would be kept")
        if "handshake_rate" in self._share and isinf(options.handshake_rate):
            raise ValueError("expected handshake_rate, which is shared, got no limit")

    def start(self, runtime: SocketRuntime) -> None:
        """Make the memory for a use of the server in this event loop."""
        backend = self._cluster.backend
        if self._share and isinstance(backend, SharingBackend):
            self._host = SharedHost(backend.new_shared(self._cluster.timeout), runtime, self._log)

    def set_options(self, options: ServerOptions) -> None:
        """Keep sessions for as long as these options say."""
        if self._host is not None:
            self._host.sessions.ttl = options.session_ttl if options.keeps_sessions else 0.0
            self._host.sessions.most = options.max_sessions

    async def open(self) -> None:
        """Begin to write."""
        if self._host is not None:
            await self._host.open()

    async def close(self) -> None:
        """Write what waits, and disconnect."""
        host, self._host = self._host, None
        self._returning.clear()
        self._own.clear()
        if host is not None:
            await host.aclose()

    # Stations

    def older(self, name: str, candidate: Candidate) -> OwnSession | None:
        """Return the session of a station on a connection to this server; to be asked before its claim."""
        key = self._key(name, candidate.principal)
        return None if self._host is None or key is None else self._host.sessions.get(key)

    async def read(
        self, name: str, connection: object, candidate: Candidate, fence: int, older: OwnSession | None
    ) -> bool:
        """Read what the other servers know of a station that this one has claimed.

        Args:
            name: The name of the station in the registry.
            connection: What its connection will be called.
            candidate: Its handshake.
            fence: The fence of the claim.
            older: What `older` returned before the claim.

        Returns:
            False if there was no answer.
        """
        host = self._host
        if host is None or self._share.isdisjoint(_READ):
            return True
        key = self._key(name, candidate.principal)
        self._reading.add(connection)
        try:
            memory = await host.read(name, key)
        except StoreUnavailableError as error:
            self._log.recurring("the memory of the cluster did not answer", str(error))
            return False
        finally:
            is_awaited = connection in self._reading
            self._reading.discard(connection)
        if is_awaited:
            current = None if key is None else host.sessions.get(key)
            self._returning[connection] = _Returning(fence, memory, current or older)
            if "answers" in self._share:
                host.adopt(name, memory)
        return True

    def opened(self, name: str, connection: object, station: OCPPServerClient) -> None:
        """Add the session of a station to its new connection, and share it from now on."""
        returning, key = self._returning.pop(connection, None), self._key(name, station._principal)
        if self._host is None or returning is None or key is None:
            return
        self._own[station] = own = OwnSession(name, key, returning.fence, station)
        self._host.sessions.begin(own, returning.memory.session, returning.older)

    def ended(self, name: str, connection: object, station: OCPPServerClient | None) -> None:
        """Note the end of a handshake, or of a connection."""
        if self._host is None:
            return
        self._reading.discard(connection)
        if self._returning.pop(connection, None) is not None:
            self._host.answers.drop(name)
        own = None if station is None else self._own.pop(station, None)
        if own is not None:
            self._host.sessions.end(own)

    def _key(self, name: str, principal: Principal | None) -> str | None:
        if principal is None or not self.has_sessions or self._host is None or not self._host.sessions.ttl:
            return None
        profile, whom = principal
        return session_key(name, profile.value, whom)
