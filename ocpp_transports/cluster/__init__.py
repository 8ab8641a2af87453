"""Several servers as one: a station has one connection among all of them, and each can call it.

    shared = MemoryCluster()
    server = OCPPServer(protocols=["ocpp1.6"], cluster=Cluster(shared, name="csms-1"))

`serve` runs a server in several processes of one machine, which share a port.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from ._client import ClusterClient
from ._everywhere._station import ClusterStation
from ._memory import MemoryCluster
from ._queue._settings import ClusterQueue
from ._queue._store import QueueUnavailableError
from ._settings import Backend, Cluster, Share, worker_number
from ._store import ForeignDataError, LayoutError, RegistryStore, StoreUnavailableError

if TYPE_CHECKING:
    from ._workers._serving import serve
    from ._workers._supervisor import WorkersError

__all__ = [
    "Backend",
    "Cluster",
    "ClusterClient",
    "ClusterQueue",
    "ClusterStation",
    "ForeignDataError",
    "LayoutError",
    "MemoryCluster",
    "QueueUnavailableError",
    "RegistryStore",
    "Share",
    "StoreUnavailableError",
    "WorkersError",
    "serve",
    "worker_number",
]

_OF_WORKERS: Final = {"WorkersError": "_supervisor", "serve": "_serving"}

if not TYPE_CHECKING:  # type checkers would accept every name

    def __getattr__(name: str) -> Any:
        """Load `serve` when it is first used: the server that it needs is above the cluster, which it may use."""
        if name in _OF_WORKERS:
            return getattr(import_module(f"{__name__}._workers.{_OF_WORKERS[name]}"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
