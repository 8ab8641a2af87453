"""The tickets of the commands that a process follows in the cluster, until nobody uses them any more."""

from math import inf
from random import Random
from typing import Final, NamedTuple, Protocol
from weakref import WeakValueDictionary

import anyio

from ocpp_core.cluster.calls.frames import CommandSettledFrame, CommandStoredFrame
from ocpp_core.cluster.queue.records import SettledCommand
from ocpp_core.cluster.queue.settings import QueueLimits
from ocpp_core.cluster.records import NodeId
from ocpp_core.errors import CallDroppedError, ClosedError
from ocpp_core.identity import StationKey
from ocpp_core.timers import Timers
from ocpp_transports._driver._interfaces import Handle, Runtime
from ocpp_transports._logging._log import Log
from ocpp_transports.outbox._ticket import Ticket

from ._messages import MakeCommand
from ._station_tickets import StationTickets
from ._store import QueueStore

__all__ = ["ClusterTickets", "QueueNode"]

_MOST_UNSTORED: Final = 10_000
"""Commands that wait until they are stored; beyond, `enqueue` raises CallDroppedError."""
_SWEEP: Final = 30.0
"""Seconds after which the store is asked for an outcome that was not reported: the report may have been lost."""
_PATIENCE: Final = 10.0
"""Seconds that closing waits until commands are stored."""
_RANDOM_BITS: Final = 22


class QueueNode(Protocol):
    """The node of the process."""

    @property
    def id(self) -> NodeId:
        """The node."""

    def report(self, node: NodeId, frame: CommandStoredFrame | CommandSettledFrame, /) -> None:
        """Report something to a node, which may be this one."""


class QueueUse(NamedTuple):
    """What the tickets need while the node is open."""

    node: QueueNode
    store: QueueStore
    runtime: Runtime
    random: Random


class ClusterTickets:
    """The tickets of one server or `ClusterClient`. They outlive its node.

    Args:
        limits: The limits of the queue.
        log: The log of the host.
    """

    def __init__(self, limits: QueueLimits, log: Log) -> None:
        self.limits = limits
        self.log = log
        self._unstored = 0
        self._is_stored = anyio.Event()
        self._use: QueueUse | None = None
        self._stations: WeakValueDictionary[str, StationTickets] = WeakValueDictionary()
        self._timers = Timers()
        self._timer: Handle | None = None
        self._timer_at = inf
        self._newest = 0

    # The node

    def open(self, node: QueueNode, store: QueueStore, runtime: Runtime) -> None:
        """Follow the tickets with an open store."""
        self._use = QueueUse(node, store, runtime, runtime.sources.random("tickets"))
        for station in tuple(self._stations.values()):
            station.changed()

    def close(self) -> None:
        """Follow nothing more; tasks that wait get ClosedError. Idempotent."""
        self._use = None
        self._timers.clear()
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._timer_at = None, inf
        for station in tuple(self._stations.values()):
            station.closed()

    @property
    def is_open(self) -> bool:
        """True while the node is open."""
        return self._use is not None

    def expect_open(self, verb: str) -> QueueUse:
        """Return what is open.

        Raises:
            ClosedError: The node is not open.
            RuntimeError: It belongs to another event loop.
        """
        if self._use is None:
            raise ClosedError(f"cannot {verb}: the cluster is not open; enter the block or listen() first")
        self._use.runtime.expect_here()
        return self._use

    # Stations

    def of(self, name: str, key: StationKey) -> StationTickets:
        """Return the tickets of a station."""
        station = self._stations.get(name)
        if station is None:
            station = self._stations[name] = StationTickets(self, name, key)
        return station

    def begin_storing(self) -> None:
        """Count a command that is not stored yet. Raises CallDroppedError if there are too many."""
        if self._unstored >= _MOST_UNSTORED:
            raise CallDroppedError(f"cannot enqueue: {self._unstored} commands are not stored yet; retry later")
        self._unstored += 1

    def end_storing(self) -> None:
        """Note that a command is stored or refused."""
        self._unstored -= 1
        if not self._unstored:
            self._is_stored.set()

    async def stored(self) -> None:
        """Wait a while until everything is stored or refused."""
        if self._unstored:
            self._is_stored = anyio.Event()
            with anyio.move_on_after(_PATIENCE):
                await self._is_stored.wait()

    def enqueue(self, name: str, key: StationKey, make: MakeCommand) -> Ticket:
        """Store a command for a station and return its ticket.

        Raises:
            ClosedError: The node is not open.
            CallDroppedError: Too many commands are not stored yet.
            ValueError: The command is larger than the queue of a station may be.
            RuntimeError: The node belongs to another event loop.
        """
        use = self.expect_open("enqueue")
        command = make(self._new_number(use), use.node.id)
        if command.size > self.limits.size_bytes:
            raise ValueError(f"expected a command of at most {self.limits.size_bytes} bytes, got {command.size}")
        return self.of(name, key).enqueue(command)

    def _new_number(self, use: QueueUse) -> int:
        """Return the number of a new ticket: milliseconds of the wall clock, and random bits."""
        at = int(use.runtime.wall() * 1000) << _RANDOM_BITS
        self._newest = max(self._newest + 1, at | use.random.getrandbits(_RANDOM_BITS))
        return self._newest

    def noted(self, name: str, news: tuple[SettledCommand, ...]) -> None:
        """Report outcomes to the nodes that wait for them."""
        for each in news:
            if self._use is not None:
                self._use.node.report(each.origin, CommandSettledFrame(name, each.number))

    def settled(self, name: str) -> None:
        """Read the outcomes of a station: one is reported."""
        station = self._stations.get(name)
        if station is not None:
            station.changed()

    # Time

    def watch(self, name: str, seconds: float) -> None:
        """Look at the commands of a station after a time, at the latest at the next sweep."""
        use = self._use
        if use is not None:
            self._timers.set(name, use.runtime.now() + min(seconds, _SWEEP))
            self._set_timer(use)

    def _set_timer(self, use: QueueUse) -> None:
        at = self._timers.next
        if at < self._timer_at:
            if self._timer is not None:
                self._timer.cancel()
            self._timer, self._timer_at = use.runtime.call_at(at, self._tick), at

    def _tick(self) -> None:
        use, self._timer, self._timer_at = self._use, None, inf
        if use is not None:
            for name in self._timers.due(use.runtime.now()):
                self.settled(str(name))
            self._set_timer(use)
