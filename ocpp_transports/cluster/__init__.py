"""Several servers as one: a station has one connection among all of them, and each can call it.

shared = MemoryCluster()
server = OCPPServer(protocols=["ocpp1.6"], cluster=Cluster(shared, name="csms-1"))
"""

from ._client import ClusterClient
from ._memory import MemoryCluster
from ._settings import Backend, Cluster
from ._store import ForeignDataError, LayoutError, RegistryStore, StoreUnavailableError

__all__ = [
    "Backend",
    "Cluster",
    "ClusterClient",
    "ForeignDataError",
    "LayoutError",
    "MemoryCluster",
    "RegistryStore",
    "StoreUnavailableError",
]
