"""What the tickets of all stations share: the open node, the commands that are not stored yet, and the time."""

from abc import ABC, abstractmethod
from math import inf
from random import Random
from typing import Final, NamedTuple, Protocol

import anyio

from ocpp_core.cluster.calls.frames import CommandSettledFrame, CommandStoredFrame
from ocpp_core.cluster.queue.records import SettledCommand
from ocpp_core.cluster.queue.settings import ClusterQueueLimits
from ocpp_core.cluster.records import NodeId
from ocpp_core.errors import CallDroppedError, ClosedError
from ocpp_core.timers import Timers
from ocpp_transports._driver._interfaces import Handle, Runtime
from ocpp_transports._logging._log import Log

from ._store import QueueStore

__all__ = ["QueueNode", "QueueUse", "SharedByTickets"]

_MOST_UNSTORED: Final = 10_000
"""Commands that wait until they are stored; beyond, `enqueue` raises CallDroppedError."""
_SWEEP: Final = 30.0
"""Seconds after which the store is asked for an outcome that was not reported: the report may have been lost."""
_PATIENCE: Final = 5.0
"""Seconds that closing waits until commands are stored."""


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


class SharedByTickets(ABC):
    """What the tickets of all stations of one process share.

    Args:
        limits: The limits of the queue.
        log: The log of the host.
    """

    def __init__(self, limits: ClusterQueueLimits, log: Log) -> None:
        self.limits = limits
        """The limits of the queue."""
        self.log = log
        """The log of the host."""
        self._unstored = 0
        self._is_stored: anyio.Event | None = None
        """Set when nothing waits to be stored, while a task waits for that."""
        self._use: QueueUse | None = None
        self._timers = Timers()
        self._timer: Handle | None = None
        self._timer_at = inf

    @abstractmethod
    def settled(self, name: str) -> None:
        """Read the outcomes of a station."""

    def begin_use(self, node: QueueNode, store: QueueStore, runtime: Runtime) -> None:
        """Use an open store."""
        self._use = QueueUse(node, store, runtime, runtime.sources.random("tickets"))

    def end_use(self) -> None:
        """Use it no more."""
        self._use = None
        self._timers.clear()
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._timer_at = None, inf

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

    def begin_storing(self) -> None:
        """Count a command that is not stored yet. Raises CallDroppedError if there are too many."""
        if self._unstored >= _MOST_UNSTORED:
            raise CallDroppedError(f"cannot enqueue: {self._unstored} commands are not stored yet; retry later")
        self._unstored += 1

    def end_storing(self) -> None:
        """Note that a command is stored or refused."""
        self._unstored -= 1
        if not self._unstored and self._is_stored is not None:
            self._is_stored.set()

    async def stored(self) -> None:
        """Wait a while until everything is stored or refused."""
        if self._unstored:
            self._is_stored = anyio.Event()
            with anyio.move_on_after(_PATIENCE):
                await self._is_stored.wait()

    def noted(self, name: str, news: tuple[SettledCommand, ...]) -> None:
        """Report outcomes to the nodes that wait for them."""
        for each in news:
            if self._use is not None:
                self._use.node.report(each.origin, CommandSettledFrame(name, each.number))

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
