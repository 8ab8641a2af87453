"""Claims of stations for handshakes that wait, and the ends of connections."""

from collections import Counter
from collections.abc import Callable, Hashable

from ocpp_core.cluster.records import Claimed, NodeId
from ocpp_core.timers import Timers

from .actions import (
    AdmitConnection,
    EvictConnection,
    EvictionReason,
    NotifyReplaced,
    RefusalReason,
    RefuseConnection,
    RegistryAction,
    SendClaim,
)
from .doubts import Doubts
from .requests import ClaimRequest, RequestsInProgress
from .settings import RegistryConfig
from .states import Doubted, Owned
from .station_bucket import Agreement
from .stations import StationsInBuckets

__all__ = ["Claims", "ClaimsInProgress"]


class ClaimsInProgress:
    """Which handshakes wait, and of which stations claims are in progress."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, Hashable], int] = {}
        self._by_identity: Counter[str] = Counter()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def is_claiming(self, identity: str) -> bool:
        """Return True while a claim of this station is in progress, awaited or not."""
        return identity in self._by_identity

    def is_waiting(self, identity: str, connection: Hashable) -> bool:
        """Return True while the handshake of this connection waits."""
        return (identity, connection) in self._waiting

    def add(self, identity: str, connection: Hashable, number: int) -> None:
        """Note a claim."""
        self._waiting[identity, connection] = number
        self._by_identity[identity] += 1
        self._count += 1

    def abandon(self, identity: str, connection: Hashable) -> int | None:
        """Note that a handshake no longer waits; return the number of its claim, None if it did not wait."""
        return self._waiting.pop((identity, connection), None)

    def end(self, identity: str) -> None:
        """Note the end of a claim."""
        self._count -= 1
        self._by_identity[identity] -= 1
        if not self._by_identity[identity]:
            del self._by_identity[identity]


class Claims:
    """Claims of stations.

    Args:
        node: The node.
        config: Its settings.
        stations: Its stations, which are changed.
        requests: Its requests in progress, which are added to.
        timers: Get the deadline of each claim, under the number of its request.
        emit: Gets every action.
    """

    def __init__(
        self,
        node: NodeId,
        config: RegistryConfig,
        stations: StationsInBuckets,
        requests: RequestsInProgress,
        timers: Timers,
        emit: Callable[[RegistryAction], None],
    ) -> None:
        self._node = node
        self._config = config
        self._stations = stations
        self._requests = requests
        self._timers = timers
        self._emit = emit
        self._claims = ClaimsInProgress()
        self._doubts = Doubts(node, config, stations, requests, emit, self._claims.is_claiming)

    @property
    def doubts(self) -> Doubts:
        """The stations in doubt."""
        return self._doubts

    def start(self, identity: str, connection: Hashable, now: float) -> None:
        """Claim a station. Raises ValueError if the handshake of this connection waits already."""
        if self._claims.is_waiting(identity, connection):
            raise ValueError(f"expected a connection without a claim in progress, got {connection!r}")
        if len(self._claims) >= self._config.max_requests:
            self._emit(RefuseConnection(identity, connection, RefusalReason.TOO_MANY))
            return
        number = self._requests.add(ClaimRequest(now, identity, connection))
        self._claims.add(identity, connection, number)
        self._timers.set(number, now + self._config.claim_timeout)
        self._emit(SendClaim(number, identity))

    def timed_out(self, number: int) -> None:
        """Refuse a handshake because its claim took too long."""
        self._refuse(self._requests.get(number, ClaimRequest), RefusalReason.UNAVAILABLE)

    def failed(self, number: int, request: ClaimRequest) -> None:
        """Note that the effect of a claim is unknown: refuse its handshake, and find out later."""
        self._end(number, request)
        self._refuse(request, RefusalReason.UNAVAILABLE)
        self._note_unknown(request.identity)

    def _note_unknown(self, identity: str) -> None:
        if self._stations.get(identity) is None:
            self._doubts.add_stray(identity)
        else:
            self._doubts.add(identity)

    def answered(self, number: int, request: ClaimRequest, answer: Claimed) -> None:
        """Judge a claim: admit the connection if its handshake still waits, otherwise release the station."""
        self._end(number, request)
        self._notify(request.identity, answer)
        bucket = self._stations.bucket(request.identity)
        agreement = bucket.compare(answer.generation, answer.losses)
        if agreement is Agreement.CHANGED:
            self._doubts.rebase(bucket, answer.generation, answer.losses)
        if not request.is_awaited:
            self._give_back(request.identity, answer.fence)
        elif self._is_newest(request.identity, answer.fence):
            self._admit(request, answer.fence, is_doubtful=agreement is Agreement.OLDER)
        else:
            self._refuse(request, RefusalReason.REPLACED)

    def _end(self, number: int, request: ClaimRequest) -> None:
        self._timers.cancel(number)
        self._claims.end(request.identity)
        self._claims.abandon(request.identity, request.connection)

    def _notify(self, identity: str, answer: Claimed) -> None:
        previous = answer.previous
        if previous is not None and previous.node != self._node:
            self._emit(NotifyReplaced(previous.node, identity, answer.fence))

    def _give_back(self, identity: str, fence: int) -> None:
        """Release a station whose handshake no longer waits, unless an older connection continues with the claim."""
        if self._stations.get(identity) is None:
            self._doubts.release(identity, fence)
        else:
            self._doubts.add(identity)

    def _is_newest(self, identity: str, fence: int) -> bool:
        state = self._stations.get(identity)
        return state is None or state.fence <= fence

    def _admit(self, request: ClaimRequest, fence: int, *, is_doubtful: bool) -> None:
        identity, older = request.identity, self._stations.get(request.identity)
        if older is not None:
            self._emit(EvictConnection(identity, older.connection, EvictionReason.REPLACED, self._node))
        state = Doubted if is_doubtful else Owned
        self._stations.put(identity, state(request.connection, fence, request.sent))
        if is_doubtful:
            self._doubts.add(identity)
        self._doubts.no_stray(identity)
        self._emit(AdmitConnection(identity, request.connection, fence))

    def _refuse(self, request: ClaimRequest, reason: RefusalReason) -> None:
        if request.is_awaited:
            request.is_awaited = False
            self._claims.abandon(request.identity, request.connection)
            self._emit(RefuseConnection(request.identity, request.connection, reason))

    def ended(self, identity: str, connection: Hashable) -> None:
        """Note the end of a handshake or of a connection: release its station."""
        number = self._claims.abandon(identity, connection)
        if number is not None:
            self._timers.cancel(number)
            self._requests.get(number, ClaimRequest).is_awaited = False
        state = self._stations.get(identity)
        if state is not None and state.connection == connection:
            self._stations.remove(identity)
            self._doubts.release(identity, state.fence)
