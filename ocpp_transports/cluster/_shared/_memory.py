"""The common memory of a cluster within one process."""

from collections.abc import Callable, Mapping, Sequence

import anyio
import anyio.lowlevel

from ocpp_core.cluster.shared.records import SessionChange, SharedChange, StationMemory
from ocpp_core.cluster.shared.table import SharedTable
from ocpp_transports.cluster._store import StoreUnavailableError

__all__ = ["MemorySharedStore"]


class MemorySharedStore:
    """The table as one node sees it; see `SharedStore`. It answers at once, so it needs no timeout.

    Args:
        table: What all nodes share.
        is_available: Returns False while the table answers no node.
    """

    def __init__(self, table: SharedTable, is_available: Callable[[], bool]) -> None:
        self._table = table
        self._is_available = is_available

    async def open(self) -> None:
        """Do nothing."""

    async def read(self, name: str, key: str | None) -> StationMemory:
        """Return what is known of a station."""
        return self._table.read(name, key, await self._reach())

    async def write(self, changes: Sequence[SharedChange]) -> None:
        """Write changes."""
        now = await self._reach()
        for change in changes:
            if isinstance(change, SessionChange):
                self._table.change_session(change, now)
            else:
                self._table.add_answers(change, now)

    async def take(self, taken: Mapping[str, int], rate: float, burst: float) -> Sequence[float]:
        """Take tokens."""
        now = await self._reach()
        return [self._table.take(owner, tokens, rate, burst, now) for owner, tokens in taken.items()]

    async def aclose(self) -> None:
        """Do nothing."""

    async def _reach(self) -> float:
        await anyio.lowlevel.checkpoint()
        if not self._is_available():
            raise StoreUnavailableError("the registry does not answer")
        return anyio.current_time()
