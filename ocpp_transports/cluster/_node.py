"""One node of a cluster: it claims stations in the registry, renews its lease, and notices which stations it lost."""

from collections import Counter
from collections.abc import Callable
from typing import Final

import anyio

from ocpp_core.cluster.records import NodeId, Renewed
from ocpp_transports._driver._interfaces import Completion, Runtime, complete
from ocpp_transports._logging._log import Log

from ._settings import Cluster
from ._store import ForeignDataError, StoreUnavailableError

__all__ = ["ClusterNode"]

_RENEWALS: Final = 3
"""Renewals in the time of a lease."""
_EPOCH_BITS: Final = 64


class ClusterNode:
    """A node from `open` to `aclose`, on one event loop.

    Args:
        cluster: The settings.
        runtime: The event loop of its host.
        log: The log of its host.
        evicted: Function that gets the name of each station that another node has claimed.
    """

    def __init__(self, cluster: Cluster, runtime: Runtime, log: Log, evicted: Callable[[str], None]) -> None:
        epoch = runtime.sources.random("epoch", secret=True).getrandbits(_EPOCH_BITS)
        self.id: NodeId = NodeId(f"{cluster.name}.{epoch:016x}")
        self.is_open: bool = False
        self._opening = anyio.Lock()
        self._store = cluster.backend.new_store(cluster.lease, cluster.timeout)
        self._interval = cluster.lease / _RENEWALS
        self._runtime = runtime
        self._log = log
        self._evicted = evicted
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
                self._known = await self._store.open(self.id, None)
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
        await self._store.aclose()

    # Stations

    def owns(self, name: str) -> bool:
        """Return True if the node has claimed a station, and knows of no later claim of another node."""
        return name in self._fences

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
                await self._compare(await self._store.renew())
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
                if owner is not None and owner.node != self.id and owner.fence > self._fences.get(name, owner.fence):
                    del self._fences[name]
                    self._evicted(name)
        self._known = renewed
