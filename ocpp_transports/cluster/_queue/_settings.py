"""The value of the option `offline_queue` of a server in a cluster."""

from ocpp_core._dataclasses import dataclass
from ocpp_core.cluster.queue.settings import ClusterQueueLimits

__all__ = ["ClusterQueue"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterQueue(ClusterQueueLimits):
    """Keeps the commands for stations that are away in the cluster: the value of the option `offline_queue`.

        server = OCPPServer(
            protocols=["ocpp1.6"], cluster="redis://127.0.0.1:6379", offline_queue=ClusterQueue()
        )

    Any server of the cluster stores a command, and the one to which the station connects sends it, once. The limits
    apply to what this process enqueues.

    Raises:
        ValueError: A value is out of its range.
        TypeError: A value has the wrong type.
    """
