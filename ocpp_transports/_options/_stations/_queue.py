"""The options of a server for commands to stations that are away."""

from collections.abc import Mapping
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING, Any, Final, Self

from ocpp_core._dataclasses import dataclass
from ocpp_core.config import number
from ocpp_core.outbox.settings import OutboxConfig
from ocpp_transports._options._socket import SocketOptions

if TYPE_CHECKING:
    from ocpp_core.cluster.queue.settings import ClusterQueueLimits
    from ocpp_transports.outbox._interface import OutboxStore

__all__ = ["QueueOptions"]

_TTL: Final = 3600.0
"""Seconds from `enqueue` to the first transmission: an old command must not surprise."""
_FIXED: Final = ("offline_queue", "ignore_identity_case")


@dataclass(frozen=True, kw_only=True)
class QueueOptions(SocketOptions):
    """The options of a server for `enqueue`."""

    offline_queue: "bool | str | PathLike[str] | OutboxStore | ClusterQueueLimits" = False
    """The queue for stations that are away, for `enqueue`: True for one in memory, a path for one in a SQLite database,
    or an `OutboxStore`; in a cluster, a `ClusterQueue` of `ocpp_transports.cluster`. With False, `enqueue` raises
    RuntimeError."""
    offline_queue_size: int = number(1000, least=1, unit="messages")
    """Messages in the queue of one station; beyond, the oldest one is dropped, and its outcome is `MessageDropped`."""
    offline_queue_total: int = number(100_000, least=1, unit="messages")
    """Messages in the queues of all stations; beyond, `enqueue` raises CallDroppedError. As many outcomes are kept that
    are not acknowledged; beyond, the oldest one is forgotten."""
    offline_queue_bytes: float = number(64 << 20, least=1, unit="bytes")
    """Bytes of the payloads in the queues of all stations, and of the kept outcomes; beyond, the same happens."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.cluster_queue is not None:
            self._expect_own_limits()
        elif not isinstance(self.offline_queue, bool):
            from ocpp_transports.outbox._choice import expect_store_choice  # loaded only when used

            expect_store_choice(self.offline_queue)

    @cached_property
    def cluster_queue(self) -> "ClusterQueueLimits | None":
        """The limits of the queue in the cluster, if the commands are kept there."""
        if isinstance(self.offline_queue, (bool, str)):
            return None
        from ocpp_core.cluster.queue.settings import ClusterQueueLimits  # loaded only when used

        return self.offline_queue if isinstance(self.offline_queue, ClusterQueueLimits) else None

    def _expect_own_limits(self) -> None:
        """Raise ValueError for limits of this server: a queue in a cluster has its own."""
        for name in ("offline_queue_size", "offline_queue_total", "offline_queue_bytes"):
            if getattr(self, name) != getattr(QueueOptions, name):
                raise ValueError(f"expected no {name} with a ClusterQueue, which has limits of its own")

    def changed(self, changes: Mapping[str, Any]) -> Self:
        """Return a copy with changes.

        Raises the errors of the base class, and ValueError for another queue. The stored messages are found by the
        identities of their stations, so with a queue the rule for their case is fixed too.
        """
        for name in _FIXED if self.offline_queue is not False else _FIXED[:1]:
            if changes.get(name, getattr(self, name)) != getattr(self, name):
                raise ValueError(f"cannot change {name}: it is fixed; pass it to the constructor")
        return super().changed(changes)

    @cached_property
    def queue_config(self) -> OutboxConfig:
        """The settings of the queue of each station: a command is sent once, and not after its time."""
        total, most = self.offline_queue_total, self.offline_queue_bytes
        return OutboxConfig(
            max_bytes=most,
            attempts=1,
            ttl=_TTL,
            resend=False,
            gate="manual",
            outcomes_kept=total,
            outcome_bytes=most,
        )
