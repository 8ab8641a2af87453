"""Claims of stations for handshakes that wait, and the ends of connections."""

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
from .stations import StationsInBuckets

__all__ = ["Claims"]


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
        self._in_progress: dict[str, int] = {}
        self.doubts: Doubts = Doubts(node, config, stations, requests, emit, self._in_progress.__contains__)
        """The stations in doubt."""

    def start(self, identity: str, connection: Hashable, now: float) -> None:
        """Claim a station, after an older claim of it has ended."""
        older = self._in_progress.get(identity)
        if older is not None:
            self._succeed(self._requests.get(older, ClaimRequest), connection)
        elif len(self._in_progress) >= self._config.max_requests:
            self._emit(RefuseConnection(identity, connection, RefusalReason.TOO_MANY))
        else:
            self._send(identity, connection, now)

    def _succeed(self, older: ClaimRequest, connection: Hashable) -> None:
        """Let a connection wait for the end of an older claim; the handshakes before it wait no longer."""
        self._refuse(older, RefusalReason.REPLACED)
        if older.successor is not None:
            self._emit(RefuseConnection(older.identity, older.successor, RefusalReason.REPLACED))
        older.successor = connection

    def _send(self, identity: str, connection: Hashable, now: float) -> None:
        number = self._requests.add(ClaimRequest(now, identity, connection, self._stations.bucket(identity).version))
        self._in_progress[identity] = number
        self._timers.set(number, now + self._config.claim_timeout)
        self._emit(SendClaim(number, identity))

    def timed_out(self, number: int) -> None:
        """Refuse a handshake because its claim took too long."""
        self._refuse(self._requests.get(number, ClaimRequest), RefusalReason.UNAVAILABLE)

    def failed(self, number: int, request: ClaimRequest, now: float) -> None:
        """Note that the effect of a claim is unknown: refuse its handshake, and find out later."""
        self._end(number, request)
        self._refuse(request, RefusalReason.UNAVAILABLE)
        self._note_unknown(request.identity)
        self._follow(request, now)

    def _note_unknown(self, identity: str) -> None:
        if self._stations.get(identity) is None:
            self.doubts.add_stray(identity)
        else:
            self.doubts.add(identity)

    def answered(self, number: int, request: ClaimRequest, answer: Claimed, now: float) -> None:
        """Judge a claim: admit the connection if its handshake still waits, otherwise release the station."""
        self._end(number, request)
        self._notify(request.identity, answer)
        is_confirming = self.doubts.take_baseline(request, answer)
        if request.is_awaited:
            self._admit(request, answer.fence, is_confirming=is_confirming)
        elif request.successor is None:
            self._give_back(request.identity, answer.fence)
        self._follow(request, now)

    def _end(self, number: int, request: ClaimRequest) -> None:
        self._timers.cancel(number)
        del self._in_progress[request.identity]

    def _follow(self, request: ClaimRequest, now: float) -> None:
        if request.successor is not None:
            self._send(request.identity, request.successor, now)

    def _notify(self, identity: str, answer: Claimed) -> None:
        previous = answer.previous
        if previous is not None and previous.node != self._node:
            self._emit(NotifyReplaced(previous.node, identity, answer.fence))

    def _give_back(self, identity: str, fence: int) -> None:
        """Release a station whose handshake no longer waits, unless an older connection continues with the claim."""
        if self._stations.get(identity) is None:
            self.doubts.release(identity, fence)
        else:
            self.doubts.add(identity)

    def _admit(self, request: ClaimRequest, fence: int, *, is_confirming: bool) -> None:
        """Count a connection as the station's, and its claim as confirmed unless another answer was newer."""
        identity, older = request.identity, self._stations.get(request.identity)
        if older is not None:
            self._emit(EvictConnection(identity, older.connection, EvictionReason.REPLACED, self._node))
        self.doubts.no_stray(identity)
        self._emit(AdmitConnection(identity, request.connection, fence))
        if is_confirming and (older is None or older.fence <= fence):
            self._stations.put(identity, Owned(request.connection, fence, request.sent))
        else:
            self._stations.put(identity, Doubted(request.connection, fence, request.sent))
            self.doubts.add(identity)

    def _refuse(self, request: ClaimRequest, reason: RefusalReason) -> None:
        if request.is_awaited:
            request.is_awaited = False
            self._emit(RefuseConnection(request.identity, request.connection, reason))

    def ended(self, identity: str, connection: Hashable) -> None:
        """Note the end of a handshake or of a connection: release its station."""
        number = self._in_progress.get(identity)
        if number is not None:
            self._abandon(self._requests.get(number, ClaimRequest), connection)
        state = self._stations.get(identity)
        if state is not None and state.connection == connection:
            self._stations.remove(identity)
            self.doubts.release(identity, state.fence)

    def _abandon(self, request: ClaimRequest, connection: Hashable) -> None:
        if request.connection == connection:
            request.is_awaited = False
        elif request.successor == connection:
            request.successor = None
