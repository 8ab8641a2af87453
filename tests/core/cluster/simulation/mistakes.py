"""Mistakes that a registry may have, seeded one at a time."""

from dataclasses import replace
from typing import Any, Final

from ocpp_core.cluster.records import ClaimRestored, ClusterOwner
from ocpp_core.cluster.registry.claims import Claims
from ocpp_core.cluster.registry.doubts import Doubts
from ocpp_core.cluster.registry.engine import RegistryEngine
from ocpp_core.cluster.registry.inputs import ReplacementNoticed
from ocpp_core.cluster.registry.states import Doubted, Owned
from ocpp_core.cluster.registry.station_bucket import StationBucket
from ocpp_core.cluster.registry.table import RegistryTable

from .patches import Mistakes, nothing

renewed, answered, sent_check = RegistryEngine._note_renewed, RegistryEngine._take_answer, Doubts._check
table_claim, table_sweep = RegistryTable.claim, RegistryTable.sweep


def never_news(self: Any, generation: str, losses: int) -> bool:
    return False


def ignores_generation(self: Any, generation: str, losses: int) -> bool:
    return self._generation is None or losses > self._losses


def ignores_losses(self: Any, generation: str, losses: int) -> bool:
    return bool(generation != self._generation)


def releases_any(self: Any, identity: str, node: Any, fence: int) -> bool:
    return self._bucket(identity).owners.pop(identity, None) is not None


def forgets_doubt(self: Any, waiting: dict[str, None], now: float) -> None:
    """Believe again as soon as the check is sent."""
    asked = list(waiting)[: self._config.check_size]
    sent_check(self, waiting, now)
    for identity in asked:
        state = self._stations.get(identity)
        if isinstance(state, Doubted):
            self._stations.put(identity, Owned(state.connection, state.fence, state.confirmed))


def counts_from_the_answer(self: Any, event: Any, now: float) -> None:
    self._requests._requests[event.request].sent = now
    renewed(self, event, now)


def claim_counts_from_the_answer(self: Any, event: Any, now: float) -> None:
    request = self._requests._requests.get(event.request)
    if hasattr(request, "sent"):
        request.sent = now
    answered(self, event, now)


def restores_over_newer(self: Any, identity: str, node: Any, fence: int) -> ClaimRestored:
    bucket = self._bucket(identity)
    current = bucket.owners.get(identity)
    bucket.give(identity, ClusterOwner(node, fence))
    return ClaimRestored(True, current, bucket.losses_of(node), self.generation)


def fence_is_the_time(self: Any, identity: str, node: Any, time: int) -> Any:
    bucket = self._bucket(identity)
    current = bucket.owners.get(identity)
    bucket.largest = 0 if current is None else current.fence
    return table_claim(self, identity, node, time)


def counts_no_loss(self: Any, identity: str, node: Any, time: int) -> Any:
    bucket = self._bucket(identity)
    losses = dict(bucket.losses)
    answer = table_claim(self, identity, node, time)
    bucket.losses = losses
    return replace(answer, losses=bucket.losses_of(node))


def forgets_every_node_without_a_lease(self: Any, now: float, clock: float) -> int:
    self._leases = {node: lease for node, lease in self._leases.items() if now < lease.until}
    named = {node for bucket in self._buckets for node in bucket.nodes()}
    return sum(bucket.forget(named - self._leases.keys()) for bucket in self._buckets)


def evicts_at_any_notice(self: Any, event: ReplacementNoticed) -> None:
    if self._stations.get(event.identity) is not None:
        self._doubts.evict(event.identity, event.by)


def believes_always(self: Any, identity: str, now: float) -> int | None:
    state = self._stations.get(identity)
    return None if state is None else state.fence


def confirms_the_doubted(self: Any, state: Any) -> float:
    return float(max(state.confirmed, self._confirmed))


def is_current(*_: Any) -> bool:
    return True


REGISTRY_MISTAKES: Final[Mistakes] = {
    "renewals prove nothing: only the lease counts": ((StationBucket, "is_news", never_news),),
    "the generation is not checked": ((StationBucket, "is_news", ignores_generation),),
    "the losses are not checked": ((StationBucket, "is_news", ignores_losses),),
    "a release does not compare the fence": ((RegistryTable, "release", releases_any),),
    "a doubt ends when the check is sent": ((Doubts, "_check", forgets_doubt),),
    "a renewal counts from its answer": ((RegistryEngine, "_note_renewed", counts_from_the_answer),),
    "every request counts from its answer": ((RegistryEngine, "_take_answer", claim_counts_from_the_answer),),
    "a restore takes the station from a newer owner": ((RegistryTable, "restore", restores_over_newer),),
    "a fence may be lower than one before": ((RegistryTable, "claim", fence_is_the_time),),
    "a claim counts no loss": ((RegistryTable, "claim", counts_no_loss),),
    "a sweep forgets nodes without a lease at once": ((RegistryTable, "sweep", forgets_every_node_without_a_lease),),
    "a report of a replacement closes any connection": ((RegistryEngine, "_note_replaced", evicts_at_any_notice),),
    "a claim whose handshake ended is not released": ((Claims, "_give_back", nothing),),
    "strays are not checked": ((Doubts, "add_stray", nothing),),
    "the belief never ends": ((RegistryEngine, "believes", believes_always),),
    "a renewal confirms the doubted": ((StationBucket, "confirmed_at", confirms_the_doubted),),
    "a failed check is not repeated": ((Doubts, "check_failed", nothing),),
    "a failed restore is not repeated": ((Doubts, "restore_failed", nothing),),
    "an answer counts under any baseline": ((Doubts, "is_current", is_current),),
}
"""What may be wrong, by name."""
