"""Stations in doubt, and how the doubt ends: with a check, and a restore where the check finds no claim of this node.

A doubt lasts until an answer ends it. A request that failed changes nothing, so the station is checked again after the
next renewal.

A *stray* is a station without a connection here that the store may count as this node's: a release failed, a claim
took effect after its handshake was refused, or a restore after the end of its connection. A check finds out, and a
release removes the entry.
"""

from collections.abc import Callable, Iterable
from itertools import islice

from ocpp_core.cluster.records import Claimed, ClaimRestored, ClusterOwner, NodeId, UnknownOwner

from .actions import EvictConnection, EvictionReason, RegistryAction, SendCheck, SendRelease, SendRestore
from .requests import CheckRequest, ClaimRequest, ReleaseRequest, RequestsInProgress, RestoreRequest
from .settings import RegistryConfig
from .states import Doubted, Owned
from .station_bucket import StationBucket
from .stations import StationsInBuckets

__all__ = ["Doubts"]


class Doubts:
    """The stations of a node that are in doubt, and its strays.

    Args:
        node: The node.
        config: Its settings.
        stations: Its stations, which are changed.
        requests: Its requests in progress, which are added to.
        emit: Gets every action.
        is_claiming: Returns True while a claim of a station is in progress at this node.
    """

    def __init__(
        self,
        node: NodeId,
        config: RegistryConfig,
        stations: StationsInBuckets,
        requests: RequestsInProgress,
        emit: Callable[[RegistryAction], None],
        is_claiming: Callable[[str], bool],
    ) -> None:
        self._node = node
        self._config = config
        self._stations = stations
        self._requests = requests
        self._emit = emit
        self._is_claiming = is_claiming
        self._unchecked: dict[str, None] = {}
        self._unanswered: dict[str, None] = {}
        """Those of a check whose server did not answer: they wait for the next renewal."""
        self._unrestored: dict[str, None] = {}
        self._strays: dict[str, None] = {}
        self._is_checking = False
        self._restores = 0
        self._is_paused = False

    # What is in doubt

    def rebase(self, bucket: StationBucket, generation: str | None, losses: int) -> None:
        """Put all stations of a bucket in doubt, and remember why it need not happen again for the same answer."""
        bucket.rebase(generation, losses)
        self._unchecked.update(dict.fromkeys(bucket.stations))

    def add(self, identity: str) -> None:
        """Put a station in doubt."""
        self._stations.bucket(identity).doubt(identity)
        self._unchecked[identity] = None

    def question(self, identity: str) -> None:
        """Put a station in doubt, or note it as a stray if it has no connection here."""
        if isinstance(self._stations.get(identity), Owned):
            self.add(identity)
        else:
            self.add_stray(identity)

    def add_stray(self, identity: str) -> None:
        """Note a stray, which is checked after the next renewal; beyond the limit, forget the oldest one."""
        if self._stations.get(identity) is not None:
            return
        self._strays[identity] = None
        if len(self._strays) > self._config.max_strays:
            del self._strays[next(iter(self._strays))]

    def no_stray(self, identity: str) -> None:
        """Note that a station has a connection here."""
        self._strays.pop(identity, None)

    # Requests

    def pause(self) -> None:
        """Send nothing until `resume`: the store is away."""
        self._is_paused = True

    def resume(self) -> None:
        """Note that the store answered a renewal: check everything that is in doubt."""
        self._is_paused = False
        self._unchecked.update(self._strays)
        self._unchecked.update(self._unanswered)
        self._unanswered.clear()

    def send(self, now: float) -> None:
        """Send the requests that are due."""
        if self._is_paused:
            return
        while self._unrestored and self._restores < self._config.max_restores:
            self._restore(self._unrestored, now)
        while self._unchecked and not self._is_checking:
            self._check(self._unchecked, now)

    def _restore(self, waiting: dict[str, None], now: float) -> None:
        identity = _pop(waiting, 1)[0]
        state = self._stations.get(identity)
        if isinstance(state, Doubted):
            self._restores += 1
            number = self._requests.add(RestoreRequest(now, identity, state.fence, self._version(identity)))
            self._emit(SendRestore(number, identity, state.fence))

    def _check(self, waiting: dict[str, None], now: float) -> None:
        identities = [name for name in _pop(waiting, self._config.check_size) if self._is_doubtful(name)]
        if identities:
            self._is_checking = True
            versions = [self._version(identity) for identity in identities]
            number = self._requests.add(CheckRequest(now, identities, versions))
            self._emit(SendCheck(number, identities))

    def _is_doubtful(self, identity: str) -> bool:
        return identity in self._strays or isinstance(self._stations.get(identity), Doubted)

    def release(self, identity: str, fence: int) -> None:
        """Release a station; if the store is away or too much is in progress, leave it as a stray."""
        if self._is_paused or len(self._requests) >= self._config.max_requests:
            self.add_stray(identity)
            return
        self._emit(SendRelease(self._requests.add(ReleaseRequest(identity)), identity, fence))

    # Answers

    def checked(self, request: CheckRequest, owners: Iterable[ClusterOwner | UnknownOwner | None]) -> None:
        """Judge the stations of a check."""
        self._is_checking = False
        for identity, version, owner in zip(request.identities, request.versions, owners, strict=True):
            state = self._stations.get(identity)
            if isinstance(owner, UnknownOwner):
                self._unanswered[identity] = None
            elif state is None:
                self._judge_stray(identity, owner)
            elif isinstance(state, Doubted):
                self._judge(identity, state, owner, request.sent if self.is_current(identity, version) else None)

    def _version(self, identity: str) -> int:
        return self._stations.bucket(identity).version

    def is_current(self, identity: str, version: int) -> bool:
        """Return True if the baseline of a station has not changed since a request was sent under `version`."""
        return self._version(identity) == version

    def _judge(self, identity: str, state: Doubted, owner: ClusterOwner | None, sent: float | None) -> None:
        """Judge one station; `sent` is None if the baseline has changed since, so the next check decides."""
        if owner is None or owner.fence < state.fence:
            self._unrestored[identity] = None
        elif owner.node != self._node:
            self.evict(identity, owner.node)
        elif sent is not None:  # a larger fence than expected is that of a claim whose handshake was refused
            self._own(identity, state, owner.fence, sent)

    def _judge_stray(self, identity: str, owner: ClusterOwner | None) -> None:
        self._strays.pop(identity, None)
        if owner is not None and owner.node == self._node and not self._is_claiming(identity):
            self.release(identity, owner.fence)

    def restored(self, request: RestoreRequest, answer: ClaimRestored) -> None:
        """Judge the station of a restore."""
        self._restores -= 1
        is_confirming = self.take_baseline(request, answer)
        state = self._stations.get(request.identity)
        if state is None and answer.is_ours:
            self.release(request.identity, request.fence)  # the connection ended before the store took the restore
        if not isinstance(state, Doubted) or state.fence != request.fence:
            return
        if answer.is_ours and is_confirming:
            self._own(request.identity, state, request.fence, request.sent)
        elif answer.is_ours or answer.current is None or answer.current.node == self._node:
            self._unchecked[request.identity] = None
        else:
            self.evict(request.identity, answer.current.node)

    def take_baseline(self, request: RestoreRequest | ClaimRequest, answer: ClaimRestored | Claimed) -> bool:
        """Take an answer as the baseline of its bucket if it is news; return True if it confirms the claim."""
        bucket = self._stations.bucket(request.identity)
        if bucket.is_news(answer.generation, answer.losses):
            self.rebase(bucket, answer.generation, answer.losses)
            return True
        return self.is_current(request.identity, request.version)

    def _own(self, identity: str, state: Doubted, fence: int, sent: float) -> None:
        self._stations.put(identity, Owned(state.connection, fence, max(state.confirmed, sent)))

    def evict(self, identity: str, by: NodeId) -> None:
        """Close the connection of a station that another node has."""
        state = self._stations.get(identity)
        if state is not None:
            self._stations.remove(identity)
            self._emit(EvictConnection(identity, state.connection, EvictionReason.REPLACED, by))

    def check_failed(self, request: CheckRequest) -> None:
        """Check these stations again, later."""
        self._is_checking = False
        self._unchecked.update(dict.fromkeys(request.identities))

    def restore_failed(self, request: RestoreRequest) -> None:
        """Check this station again, later: the restore may have taken effect."""
        self._restores -= 1
        self._unchecked[request.identity] = None
        self.add_stray(request.identity)  # unless it has a connection


def _pop(waiting: dict[str, None], most: int) -> list[str]:
    taken = list(islice(waiting, most))
    for identity in taken:
        del waiting[identity]
    return taken
