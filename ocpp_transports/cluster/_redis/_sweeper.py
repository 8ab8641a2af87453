"""Removes what dead nodes left in the buckets: entries of their stations, and counters of their losses."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final, TypeAlias

import anyio

from ocpp_core.cluster.records import NodeId
from ocpp_transports.cluster._store import ForeignDataError, StoreUnavailableError

from ._commands import Command, PlainCommand, Reply, ScriptCall
from ._keys import Keys
from ._scripts import SWEEP, TAKE_TURN

__all__ = ["Sweeper"]

_LEASES: Final = 10
"""Time from one sweep to the next, in leases."""
_TURNS: Final = 3
"""Sweeps that a node may miss until another one takes over."""
_PAUSE: Final = 0.02
"""Seconds between two parts, in which Redis serves others."""
_FIELDS: Final = 500
"""Fields that one part looks at; Redis serves nobody else while it does."""
_MOST_NODES: Final = 10_000
"""Nodes without a lease that are watched; further ones wait for a later sweep."""
_MOST_DEAD: Final = 100
"""Dead nodes whose remains one sweep removes."""

_Ask: TypeAlias = Callable[[Sequence[Command]], Awaitable[list[Reply]]]


class Sweeper:
    """Sweeps at intervals, if no other node does.

    A node is dead if this one has seen it without a lease in two sweeps, at least the time of a lease apart. That is no
    proof: `SWEEP` removes in such a way that a node which is alive after all takes everything back.

    Args:
        keys: The names of the keys.
        node: This node.
        lease: Seconds that a lease lasts.
        ask: Executes commands; raises StoreUnavailableError or ForeignDataError.
    """

    def __init__(self, keys: Keys, node: NodeId, lease: float, ask: _Ask) -> None:
        self._keys = keys
        self._me = node
        self._lease = lease
        self._ask = ask
        self._dead_since: dict[NodeId, float] = {}

    async def run(self) -> None:
        """Sweep until it is cancelled."""
        while True:
            await anyio.sleep(_LEASES * self._lease)
            with suppress(StoreUnavailableError, ForeignDataError):  # a renewal reports it
                await self.sweep(anyio.current_time())

    async def sweep(self, now: float) -> int:
        """Remove what dead nodes left, if it is this node's turn; return how many fields were removed.

        `now` is a time in seconds, which may come from any clock.
        """
        if not await self._takes_turn():
            self._dead_since.clear()
            return 0
        dead = await self._dead(now)
        removed, named = 0, set[NodeId]()
        for key in self._keys.buckets:
            with suppress(ForeignDataError):  # a renewal reports it
                removed += await self._sweep_bucket(key, dead, named)
        await self._watch(named, now)
        return removed

    async def _takes_turn(self) -> bool:
        milliseconds = round(_TURNS * _LEASES * self._lease * 1000)
        call = ScriptCall(TAKE_TURN, (self._keys.sweeper,), (self._me, milliseconds))
        return bool((await self._ask([call]))[0])

    async def _dead(self, now: float) -> list[NodeId]:
        """Return nodes that have been without a lease for the time of one."""
        await self._forget_alive()
        return [node for node, since in self._dead_since.items() if since + self._lease <= now][:_MOST_DEAD]

    async def _watch(self, named: set[NodeId], now: float) -> None:
        """Note which nodes are without a lease, of those that are named in a bucket."""
        known = {node: since for node, since in self._dead_since.items() if node in named}
        self._dead_since = known | dict.fromkeys(sorted(named - known.keys())[: _MOST_NODES - len(known)], now)
        await self._forget_alive()

    async def _forget_alive(self) -> None:
        nodes = list(self._dead_since)
        replies = await self._ask([_lease_of(self._keys.lease(node)) for node in nodes]) if nodes else []
        for node, has_lease in zip(nodes, replies, strict=True):
            if has_lease:
                del self._dead_since[node]

    async def _sweep_bucket(self, key: str, dead: Sequence[NodeId], named: set[NodeId]) -> int:
        removed, cursor = 0, b"0"
        while True:
            (reply,) = await self._ask([ScriptCall(SWEEP, (key,), (cursor, _FIELDS, *dead))])
            await anyio.sleep(_PAUSE)
            if reply[0] == b"foreign":
                return removed
            cursor, count, nodes = reply
            removed += int(count)
            named.update(NodeId(each.decode("utf-8", "replace")) for each in nodes)
            if cursor == b"0":
                return removed


def _lease_of(key: str) -> Command:
    return PlainCommand(key, partial(_exists, key))


def _exists(key: str, pipe: Any) -> None:
    pipe.exists([key])
