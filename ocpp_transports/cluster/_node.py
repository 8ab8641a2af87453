"""One node of a cluster: it claims stations in the registry, renews its lease, and notices which stations it lost."""

from collections import Counter
from functools import partial
from typing import Any, Final, Protocol

import anyio

from ocpp_core.cluster.records import NodeId, Renewed
from ocpp_core.errors import ConnectionLostError
from ocpp_transports._calls._calling import CallRequest
from ocpp_transports._driver._interfaces import Completion, Runtime, complete
from ocpp_transports._logging._log import Log

from ._calls import NodeCalls, RemoteCall
from ._settings import Cluster
from ._store import ForeignDataError, StoreUnavailableError

__all__ = ["ClusterNode", "StationHost"]


_RENEWALS: Final = 3
"""Renewals in the time of a lease."""
_EPOCH_BITS: Final = 64


class StationHost(Protocol):
    """What has the connections of this node's stations."""

    def evict(self, name: str) -> None:
        """Close the connection of a station that another node has claimed."""

    async def execute(self, name: str, call: RemoteCall) -> Any:
        """Call a station for another node. Raises what `Peer.call` raises."""


class ClusterNode:
    """A node from `open` to `aclose`, on one event loop.

    Args:
        cluster: The settings.
        runtime: The event loop of its host.
        log: The log of its host.
        host: What has the connections of stations; None in a process without stations.
    """

    def __init__(self, cluster: Cluster, runtime: Runtime, log: Log, host: StationHost | None = None) -> None:
        epoch = runtime.sources.random("epoch", secret=True).getrandbits(_EPOCH_BITS)
        self.id: NodeId = NodeId(f"{cluster.node_name}.{epoch:016x}")
        self.is_open: bool = False
        self._opening = anyio.Lock()
        self._store = cluster.backend.new_store(cluster.lease, cluster.timeout)
        self._interval = cluster.lease / _RENEWALS
        self._runtime = runtime
        self._log = log
        self._host = host
        self._lease = cluster.lease
        self._believed_until = 0.0
        self._new_calls = partial(NodeCalls, self.id, cluster.backend, self._store, runtime, self)
        self._calls: NodeCalls | None = None  # while the node is open
        self._uses: Counter[str] = Counter()  # handshakes and connections of each station
        self._fences: dict[str, int] = {}
        self._known = Renewed("", ())
        self._is_away = False
        self._releasing = 0
        self._released: Completion[None] | None = None

    async def open(self) -> None:
        """Write the lease and begin to renew it, unless the node is open.

        Raises:
            StoreUnavailableError: The registry did not answer.
            LayoutError: Its data belong to another version.
            ForeignDataError: A key has a value that is none of ours.
        """
        async with self._opening:
            if not self.is_open:
                sent = self._runtime.now()
                self._known = await self._store.open(self.id, None)
                self._believed_until = sent + self._lease
                self._calls = self._new_calls()
                self.is_open = True
                self._runtime.spawn(self._renew())

    async def aclose(self) -> None:
        """Wait until the stations are released, then remove the lease."""
        if not self.is_open:
            return
        self.is_open = False
        if self._releasing:
            self._released = self._runtime.completion()
            await self._released
        try:
            if self._calls is not None:
                await self._calls.aclose()
        finally:
            await self._store.aclose()

    async def call(self, name: str, request: CallRequest) -> dict[str, Any]:
        """Call a station of another node. Raises what `Peer.call` raises."""
        if self._calls is None:
            raise ConnectionLostError(f"cannot call {name!r}: this node is not open", sent=False)
        return await self._calls.call(name, request)

    # Stations

    def owns(self, name: str) -> bool:
        """Return True if the node has claimed a station, and knows of no later claim of another node."""
        return name in self._fences

    def fence_of(self, name: str) -> int | None:
        """Return the fence of the claim of a station; None if the node does not have it for certain.

        It is certain until the lease has ended that was confirmed last, counted from the sending of its renewal.
        """
        return self._fences.get(name) if self._runtime.now() < self._believed_until else None

    def replaced(self, name: str, fence: int) -> None:
        """Give a station up that another node has claimed with this fence."""
        if fence > self._fences.get(name, fence):
            del self._fences[name]
            if self._host is not None:
                self._host.evict(name)

    async def execute(self, name: str, call: RemoteCall) -> Any:
        """Call a station of this node for another one. Raises what `Peer.call` raises."""
        if self._host is None:
            raise ConnectionLostError(f"cannot call {name!r}: this node has no stations", sent=False)
        return await self._host.execute(name, call)

    async def claim(self, name: str) -> bool:
        """Take a station, which is in use here; return False if the registry did not answer.

        The claim goes on if the waiter is cancelled.
        """
        if not self.is_open:
            return False
        completion: Completion[bool] = self._runtime.completion()
        self._runtime.spawn(self._claim(name, completion))
        return await completion

    def begin_use(self, name: str) -> None:
        """Count a handshake or connection of a station."""
        self._uses[name] += 1

    def end_use(self, name: str) -> None:
        """Release a station after the end of its last handshake and connection here."""
        self._uses[name] -= 1
        if self._uses[name] <= 0:
            del self._uses[name]
            self._release(name)

    async def _claim(self, name: str, completion: Completion[bool]) -> None:
        try:
            claimed = await self._store.claim(name)
        except (StoreUnavailableError, ForeignDataError) as error:
            self._log.warning(f"cannot claim a station: {error}", identity=name)
            complete(completion, False)
            return
        self._fences[name] = max(claimed.fence, self._fences.get(name, 0))
        complete(completion, True)
        if self._calls is not None and claimed.previous is not None and claimed.previous.node != self.id:
            self._calls.report_replaced(claimed.previous.node, name, claimed.fence)
        if name not in self._uses:
            self._release(name)

    def _release(self, name: str) -> None:
        fence = self._fences.pop(name, None)
        if fence is not None:
            self._releasing += 1
            self._runtime.spawn(self._release_in_store(name, fence))

    async def _release_in_store(self, name: str, fence: int) -> None:
        try:
            await self._store.release(name, fence)
        except (StoreUnavailableError, ForeignDataError) as error:
            self._log.warning(f"cannot release a station: {error}", identity=name)
        finally:
            self._releasing -= 1
            if not self._releasing and self._released is not None:
                complete(self._released, None)

    # Renewal

    async def _renew(self) -> None:
        while self.is_open:
            await anyio.sleep(self._interval)
            try:
                sent = self._runtime.now()
                await self._compare(await self._store.renew())
                self._believed_until = sent + self._lease
                self._is_away = False
            except (StoreUnavailableError, ForeignDataError) as error:
                if not self._is_away:
                    self._log.warning(f"cannot renew the lease of this node: {error}")
                self._is_away = True

    async def _compare(self, renewed: Renewed) -> None:
        """Look which stations were lost, if the registry counts more losses than before."""
        if renewed != self._known:
            names = tuple(self._fences)
            for name, owner in zip(names, await self._store.check(names), strict=True):
                if owner is not None and owner.node != self.id:
                    self.replaced(name, owner.fence)
        self._known = renewed
