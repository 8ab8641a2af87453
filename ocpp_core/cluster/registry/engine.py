"""A node's part of the registry: which stations it has, for as long as it may believe so.

What it is. Before the handshake of a station succeeds, the node claims the station at the store, which gives a fence
and tells from which node it took the station. The node renews its lease at intervals; one answer confirms all its
stations, however many they are. `docs/design/cluster.md` explains the rules.

What it guarantees, if the store keeps its data:

* No node believes in a station longer than a lease after another node has claimed it.
* The newest claim wins. The node that has lost a station closes its connection, at the latest when the store answers
  the next renewal.
* The end of an old connection never removes the entry of a newer one.

If the store loses data, a station has two believing nodes for a lease at most, until the claim with the larger fence
is restored.

Why it holds. A node believes until `lease - margin` seconds after it *sent* the last request that confirmed a claim. A
renewal confirms a claim only if the generation and the losses of its bucket are unchanged. Otherwise the station is in
doubt, and no renewal confirms it until a check or a restore is answered.

What it must never do. It never closes a connection because the store is away, unless `close_when_lapsed` is set:
stations are served, only calls from other nodes are refused. It never counts an answer that did not arrive as a yes or
a no.
"""

from collections import deque
from math import inf
from typing import Final, TypeAlias, assert_never

from ocpp_core.cluster.records import NodeId, Renewed
from ocpp_core.inputs import Tick
from ocpp_core.timers import Timers

from .actions import EvictConnection, EvictionReason, LeaseChanged, RegistryAction, SendRenewal
from .claims import Claims
from .inputs import (
    CheckAnswered,
    ClaimAnswered,
    ClaimStation,
    ConnectionEnded,
    OwnershipQuestioned,
    RegistryInput,
    ReleaseAnswered,
    RenewalAnswered,
    ReplacementNoticed,
    RequestFailed,
    RestoreAnswered,
)
from .requests import (
    CheckRequest,
    ClaimRequest,
    ReleaseRequest,
    RenewalRequest,
    RequestsInProgress,
    RestoreRequest,
)
from .settings import RegistryConfig
from .station_bucket import StationBucket
from .stations import StationsInBuckets

__all__ = ["RegistryEngine"]

_RENEWAL: Final = "renewal"
_LAPSE: Final = "lapse"
_Answer: TypeAlias = ClaimAnswered | RestoreAnswered | RenewalAnswered | CheckAnswered | ReleaseAnswered | RequestFailed


class RegistryEngine:
    """The stations of one node.

    Args:
        node: The node, whose epoch is new at each start of its process.
        config: Its settings.
        now: The time, in the host's seconds; the first renewal is due.
    """

    def __init__(self, node: NodeId, config: RegistryConfig, now: float) -> None:
        self.node = node
        """The node."""
        self._config = config
        self._now = now
        self._actions: deque[RegistryAction] = deque()
        self._timers = Timers()
        self._requests = RequestsInProgress()
        self._stations = StationsInBuckets(config.buckets)
        self._claims = Claims(node, config, self._stations, self._requests, self._timers, self._actions.append)
        self._doubts = self._claims.doubts
        self._renewed = -inf
        self._is_valid = False
        self._timers.set(_RENEWAL, now)

    def __len__(self) -> int:
        """Return the number of stations with a connection at this node."""
        return len(self._stations)

    @property
    def deadline(self) -> float:
        """Time at which the engine needs a `Tick` at the latest, in the host's seconds; `inf`: never."""
        return self._timers.next

    def poll(self) -> RegistryAction | None:
        """Return the next action; None if there is none."""
        return self._actions.popleft() if self._actions else None

    def believes(self, identity: str, now: float) -> int | None:
        """Return the fence of a station that this node has at this time; None if it may not count on it.

        `now` is read after any wait: a process that was stopped must not act on an older belief.
        """
        state = self._stations.get(identity)
        if state is None or now >= self._stations.confirmed_at(identity, state) + self._config.validity:
            return None
        return state.fence

    def handle(self, event: RegistryInput, now: float) -> None:
        """Take an input at a time in the host's seconds.

        Raises ValueError, and changes nothing, for the answer to a request that is not in progress, and for an
        answer with another number of values than was asked for.
        """
        self._now = now = max(now, self._now)
        self._expire(now)
        match event:
            case ClaimStation():
                self._claims.start(event.identity, event.connection, now)
            case ConnectionEnded():
                self._claims.ended(event.identity, event.connection)
            case ReplacementNoticed():
                self._note_replaced(event)
            case OwnershipQuestioned():
                self._doubts.question(event.identity)
            case Tick():
                pass
            case (
                RenewalAnswered()
                | ClaimAnswered()
                | RestoreAnswered()
                | CheckAnswered()
                | ReleaseAnswered()
                | RequestFailed()
            ):
                self._take_answer(event, now)
            case _:
                assert_never(event)
        self._doubts.send(now)

    def _note_replaced(self, event: ReplacementNoticed) -> None:
        state = self._stations.get(event.identity)
        if state is not None and event.by != self.node and state.fence < event.fence:
            self._doubts.evict(event.identity, event.by)
            self._doubts.add_stray(event.identity)  # that claim may have ended, and a restore brought back this one

    def _take_answer(self, event: _Answer, now: float) -> None:
        match event:
            case RenewalAnswered():
                self._note_renewed(event, now)
            case ClaimAnswered():
                request = self._requests.end(event.request, ClaimRequest)
                self._claims.answered(event.request, request, event.answer, now)
            case RestoreAnswered():
                self._doubts.restored(self._requests.end(event.request, RestoreRequest), event.answer)
            case CheckAnswered():
                self._note_checked(event)
            case ReleaseAnswered():
                self._note_released(event)
            case RequestFailed():
                self._note_failed(event.request, now)
            case _:
                assert_never(event)

    def _note_checked(self, event: CheckAnswered) -> None:
        asked = self._requests.get(event.request, CheckRequest)
        if len(event.owners) != len(asked.identities):
            raise ValueError(f"expected the owners of {len(asked.identities)} stations, got {len(event.owners)}")
        self._doubts.checked(self._requests.end(event.request, CheckRequest), event.owners)

    def _note_released(self, event: ReleaseAnswered) -> None:
        request = self._requests.end(event.request, ReleaseRequest)
        if not event.was_removed:  # it may have another fence of this node, of a claim without an answer
            self._doubts.add_stray(request.identity)

    def _note_failed(self, number: int, now: float) -> None:
        request = self._requests.fail(number)
        match request:
            case RenewalRequest():
                self._doubts.pause()
            case ClaimRequest():
                self._claims.failed(number, request, now)
            case RestoreRequest():
                self._doubts.pause()
                self._doubts.restore_failed(request)
            case CheckRequest():
                self._doubts.pause()
                self._doubts.check_failed(request)
            case ReleaseRequest():
                self._doubts.add_stray(request.identity)
            case _:
                assert_never(request)

    # The lease

    def _note_renewed(self, event: RenewalAnswered, now: float) -> None:
        expected = self._config.buckets
        for got in (len(event.answer.generations), len(event.answer.losses)):
            if got != expected:
                raise ValueError(f"expected the generations and losses of {expected} buckets, got {got}")
        sent = self._requests.end(event.request, RenewalRequest).sent
        has_lapsed = self._renewed + self._config.validity <= now
        self._renewed = max(self._renewed, sent)
        self._compare(event.answer, sent, has_lapsed=has_lapsed)
        self._set_valid(self._renewed + self._config.validity > now)
        self._doubts.resume()

    def _compare(self, answer: Renewed, sent: float, *, has_lapsed: bool) -> None:
        """Confirm the stations of each bucket, or doubt them.

        After a lapse all are in doubt: other nodes may have counted this one as dead, and cleared up what it left. A
        bucket without a generation is left as it is, so belief in its stations ends if that lasts.
        """
        each = zip(self._stations.buckets, answer.generations, answer.losses, strict=True)
        for bucket, generation, losses in each:
            if has_lapsed:
                self._doubts.rebase(bucket, generation, losses)
            elif generation is not None:
                self._compare_bucket(bucket, generation, losses, sent)

    def _compare_bucket(self, bucket: StationBucket, generation: str, losses: int, sent: float) -> None:
        if bucket.is_news(generation, losses):
            self._doubts.rebase(bucket, generation, losses)
        else:
            bucket.confirm(sent)

    def _set_valid(self, is_valid: bool) -> None:
        if is_valid:
            self._timers.set(_LAPSE, self._renewed + self._config.validity)
        if is_valid is not self._is_valid:
            self._is_valid = is_valid
            self._actions.append(LeaseChanged(is_valid))

    def _expire(self, now: float) -> None:
        for name in self._timers.due(now):
            if name == _RENEWAL:
                self._renew(now)
            elif name == _LAPSE:
                self._lapse(now)
            elif isinstance(name, int):
                self._claims.timed_out(name)

    def _renew(self, now: float) -> None:
        """Send a renewal, also while an earlier one has no answer: it may have been lost in a stopped process."""
        self._timers.set(_RENEWAL, now + self._config.renewal)
        self._actions.append(SendRenewal(self._requests.add(RenewalRequest(now))))

    def _lapse(self, now: float) -> None:
        self._set_valid(False)
        if self._config.close_when_lapsed:
            self._close_lapsed(now)

    def _close_lapsed(self, now: float) -> None:
        """Close what the node no longer believes in, and come back for the rest."""
        ends = {
            name: self._stations.confirmed_at(name, state) + self._config.validity for name, state in self._stations
        }
        for identity, end in ends.items():
            if end <= now:
                self._evict_lapsed(identity)
        self._timers.set(_LAPSE, min((end for end in ends.values() if end > now), default=inf))

    def _evict_lapsed(self, identity: str) -> None:
        state = self._stations.get(identity)
        if state is not None:
            self._stations.remove(identity)
            self._doubts.add_stray(identity)
            self._actions.append(EvictConnection(identity, state.connection, EvictionReason.LAPSED))
