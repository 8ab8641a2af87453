"""The requests of a broadcast to the stations of all nodes, which are found bucket by bucket."""

from collections import deque
from collections.abc import Mapping
from math import inf
from typing import Any, Final

import anyio

from ocpp_core.cluster.calls.outcomes import OtherVersionError
from ocpp_core.cluster.records import Found
from ocpp_core.errors import ClosedError
from ocpp_core.identity import StationKey
from ocpp_transports._calls._calling import read_request
from ocpp_transports._calls._fleet_requests import Request
from ocpp_transports._calls._outcomes import IncompleteBroadcastError
from ocpp_transports.cluster._node import ClusterNode
from ocpp_transports.cluster._store import ForeignDataError, LayoutError, StoreUnavailableError

from ._station import key_of

__all__ = ["FoundRequests"]

_PAUSE: Final = 1.0
"""Seconds until a registry that did not answer is asked again."""


class FoundRequests:
    """One request for each station: first those of this process, then those that the registry has.

    Only some buckets are in memory at a time, however many stations the cluster has. If the registry does not answer,
    it is asked again for the time of a lease; then `gap` says that stations are missing.

    Args:
        node: The node of this process.
        args: The arguments of each call.
        local: The stations of this process by their names in the registry, and what they are called by.
    """

    def __init__(
        self, node: ClusterNode, args: tuple[Any, ...], local: Mapping[str, str | StationKey] | None = None
    ) -> None:
        is_for_one_version = read_request(args, {}).protocol is not None
        self.skips: tuple[type[Exception], ...] = (OtherVersionError,) if is_for_one_version else ()
        self.gap: str = ""
        self._node = node
        self._args = args
        self._local = local or {}
        self._ready: deque[tuple[str, Found | None]] = deque((name, None) for name in self._local)
        self._known = len(self._ready)
        self._parts = deque(node.parts)
        self._reading = anyio.Lock()

    @property
    def total(self) -> int:
        """Stations that were found so far."""
        return self._known

    @property
    def most(self) -> float:
        """Stations at most: `inf` until all were found."""
        return inf if self._has_more else self._known

    async def open(self) -> None:
        """Begin to find stations. Raises IncompleteBroadcastError if the registry does not answer."""
        try:
            await self._read()
        except (StoreUnavailableError, ForeignDataError, LayoutError, ClosedError) as error:
            raise IncompleteBroadcastError(_words(error)) from None

    async def next(self) -> Request | None:
        """Return the next request; None after the last one."""
        if not self._ready:
            async with self._reading:
                await self._find()
        if not self._ready:
            return None
        name, found = self._ready.popleft()
        if found is None:
            return self._local[name], self._args
        self._node.note_owner(name, found)
        return key_of(name), self._args

    @property
    def _has_more(self) -> bool:
        return bool(self._parts) and not self.gap

    async def _find(self) -> None:
        """Read until there are stations."""
        until = inf
        while not self._ready and self._has_more:
            try:
                await self._read()
            except StoreUnavailableError as error:
                until = min(until, anyio.current_time() + self._node.lease)
                if anyio.current_time() >= until:
                    self.gap = _words(error)
                else:
                    await anyio.sleep(_PAUSE)
            except (ForeignDataError, LayoutError, ClosedError) as error:
                self.gap = _words(error)
            else:
                until = inf

    async def _read(self) -> None:
        stations = await self._node.stations_of(self._parts[0])
        self._parts.popleft()
        found = [(name, each) for name, each in stations.items() if self._is_elsewhere(name, each)]
        self._known += len(found)
        self._ready.extend(found)

    def _is_elsewhere(self, name: str, found: Found) -> bool:
        return found.owner.node != self._node.id and name not in self._local


def _words(error: Exception) -> str:
    return f"cannot find all stations of the cluster: {error}"
