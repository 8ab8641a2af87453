"""Random histories of waits on three nodes: lost frames, failed handshakes, a store that is away."""

import os
import random
from collections import defaultdict
from collections.abc import Callable, Hashable
from functools import partial
from heapq import heappop, heappush
from itertools import count

import pytest

from ocpp_core.cluster.records import ClusterOwner, NodeId
from ocpp_core.cluster.registry.table import RegistryTable
from ocpp_core.cluster.waits.engine import StationWaits
from ocpp_core.cluster.waits.inputs import (
    AskReceived,
    EndWait,
    OpenedReceived,
    SendWatch,
    StartWait,
    StationAwaited,
    StationEnded,
    StationOpened,
    WaitEnded,
    WatchAnswered,
    WatchFailed,
    WriteAsk,
    WriteOpened,
)
from ocpp_core.inputs import Tick

HISTORIES = int(os.environ.get("CLUSTER_HISTORIES", "5"))
NODES = [NodeId(f"{name}.0") for name in "abc"]
STATIONS = ["CP1", "CP2", "CP3"]
LOOK, LEASE, LATE = 3.0, 9.0, 0.3


class History:
    """Nodes with their waits, the table that they share, and the stations, in virtual time."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.now = 0.0
        self.losses = 0.3
        self.table = RegistryTable(1, "first", lease=LEASE)
        self.open: defaultdict[NodeId, dict[str, int]] = defaultdict(dict)
        self.last_open: dict[tuple[NodeId, str], float] = {}
        self.waiting: dict[Hashable, tuple[NodeId, str]] = {}
        self.ended = 0
        self.engines = {node: StationWaits(node, LOOK, self.open[node].__contains__) for node in NODES}
        self._names = count(1)
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        for node in NODES:
            self._renew(node)

    def _renew(self, node):
        self.table.renew(node, None, self.now)
        self.later(LEASE / 3, partial(self._renew, node))

    def later(self, seconds, fn):
        heappush(self._events, (self.now + seconds, next(self._names), fn))

    def run(self, until):
        """Play until a time; the engines get their ticks."""
        while True:
            tick, node = min((self.engines[node].deadline, node) for node in NODES)
            at = self._events[0][0]
            if min(tick, at) > until:
                self.now = until
                return
            self.now = min(tick, at)
            if tick <= at:
                self.feed(node, Tick())
            else:
                heappop(self._events)[2]()

    def feed(self, node, event):
        engine = self.engines[node]
        engine.handle(event, self.now)
        while action := engine.poll():
            self._perform(node, action)

    def _perform(self, node, action):
        match action:
            case SendWatch():
                self.later(self.random.uniform(0, LATE), partial(self._watch, node, action.identity))
            case WriteAsk():
                self._write(action.node, AskReceived(node, action.identity))
            case WriteOpened():
                assert action.identity in self.open[node]
                self._write(action.node, OpenedReceived(node, action.identity))
            case WaitEnded():
                waiter, station = self.waiting.pop(action.wait)
                is_open = station in self.open[action.node]
                assert waiter == node
                assert is_open or self.now - self.last_open.get((action.node, station), -1) <= LATE, "nobody was there"
                self.ended += 1

    def _write(self, node, event):
        if self.random.random() >= self.losses:
            self.later(self.random.uniform(0, LATE), partial(self.feed, node, event))

    def _watch(self, node, station):
        if self.random.random() < self.losses:
            self.feed(node, WatchFailed(station))
            return
        answer = WatchAnswered(station, self.table.watch(station, node, self.now, LEASE))
        self.later(self.random.uniform(0, LATE), partial(self.feed, node, answer))

    # What happens

    def wait(self):
        wait, node, station = next(self._names), self.random.choice(NODES), self.random.choice(STATIONS)
        self.waiting[wait] = node, station
        self.feed(node, StartWait(wait, station))
        return wait

    def abandon(self):
        if self.waiting:
            wait = self.random.choice([*self.waiting])
            node, _ = self.waiting.pop(wait)
            self.feed(node, EndWait(wait))

    def connect(self, station=None, *, fails=False):
        """Claim a station; its handshake ends a little later, in an open connection or not."""
        node, station = self.random.choice(NODES), station or self.random.choice(STATIONS)
        claimed = self.table.claim(station, node, int(self.now * 1e6))
        self.later(self.random.uniform(0, LATE), partial(self._answered, node, station, claimed, fails))

    def _answered(self, node, station, claimed, fails):
        if claimed.previous is not None and claimed.previous.node != node:
            self._end(claimed.previous.node, station)
        if claimed.waiters:
            self.feed(node, StationAwaited(station, claimed.waiters))
        self.later(self.random.uniform(0, 1), partial(self._shaken, node, station, claimed.fence, fails))

    def _shaken(self, node, station, fence, fails):
        if fails or self.table.check([station]) != [ClusterOwner(node, fence)]:
            self.table.release(station, node, fence)
            self.feed(node, StationEnded(station))
        else:
            self.open[node][station] = fence
            self.feed(node, StationOpened(station))

    def _end(self, node, station):
        if self.open[node].pop(station, None) is not None:
            self.last_open[node, station] = self.now
            self.feed(node, StationEnded(station))

    def leave(self):
        node, station = self.random.choice(NODES), self.random.choice(STATIONS)
        fence = self.open[node].get(station)
        if fence is not None:
            self._end(node, station)
            self.table.release(station, node, fence)


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_a_wait_ends_only_for_an_open_station_and_soon_when_losses_end(seed):
    history = History(seed)
    steps = [history.wait, history.wait, history.abandon, history.connect, history.leave]
    steps.append(lambda: history.connect(fails=True))
    for _ in range(100):
        history.random.choice(steps)()
        history.run(history.now + history.random.uniform(0, 1.5))
    assert history.ended
    history.losses = 0.0
    for station in STATIONS:
        history.connect(station)
    history.run(history.now + LOOK + 2 + 3 * LATE)
    assert history.waiting == {}
