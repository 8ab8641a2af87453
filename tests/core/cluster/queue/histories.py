"""Random histories of three nodes that deliver queued commands, in virtual time, and what must hold in each.

Stations move between the nodes. Nodes are killed, and stand still. Answers of the store are lost or late, its data are
lost. A message of an old connection may still arrive at the station.
"""

import random
from collections import defaultdict
from heapq import heappop, heappush
from itertools import count

from ocpp_core.cluster.queue.delivery import QueueDelivery
from ocpp_core.cluster.queue.delivery_events import (
    CommandEnded,
    CommandsStored,
    DeliveryConnected,
    DeliveryDisconnected,
    DeliveryRegistered,
    QueueRequestFailed,
    SendCommand,
    SettleAnswered,
    TakeAnswered,
    TakeNext,
)
from ocpp_core.cluster.queue.records import CommandState, NewCommand
from ocpp_core.cluster.queue.settings import ClusterQueueLimits, DeliveryConfig
from ocpp_core.cluster.queue.table import QueueTable
from ocpp_core.cluster.records import ClusterOwner, NodeId
from ocpp_core.inputs import Tick
from ocpp_core.outbox.stored.outcomes import (
    MessageAnswered,
    MessageDropped,
    MessageNotSent,
    MessageUnknown,
    NotSentReason,
    UnknownReason,
)
from ocpp_core.outbox.stored.texts import read_outcome, write_outcome

__all__ = ["Broken", "History"]

STATIONS = ("CP1", "CP2")
LIMITS = ClusterQueueLimits(size=6, kept=100_000)
PATIENCE = 40.0
LENGTH = 300.0
"""Seconds with faults; afterwards everything has to end well."""
ANSWERED = write_outcome(MessageAnswered("{}"))
LOST = write_outcome(MessageUnknown(UnknownReason.LOST))


class Broken(AssertionError):  # noqa: N818 - what happened to a promise
    """A promise was broken."""


class Node:
    """One node: its engine, and when it goes on after a standstill."""

    def __init__(self, name, make):
        self.id = NodeId(name)
        self.engine = make(self.id, DeliveryConfig())
        self.awake_at = 0.0
        self.is_dead = False


class History:
    """One history; `make` makes the engine of a node, `table` the store."""

    def __init__(self, seed, *, make=QueueDelivery, table=QueueTable, loses_data=False):
        self.dice = random.Random(seed)
        self.now = 0.0
        self._make, self._new_table = make, table
        self.table = table()
        self._loses_data = loses_data
        self._events, self._order = [], count()
        self._epochs = count()
        self.nodes = [self._new_node() for _ in range(3)]
        self._connections = count(1)
        self.owners = {}  # station: (node, connection), where the connection is the fence too
        self.numbers = defaultdict(list)
        self.written = defaultdict(list)  # number: connections on which the station got it
        self.outcomes = {}
        self.lost = set()
        self._has_faults = True

    def _new_node(self):
        return Node(f"n.{next(self._epochs)}", self._make)

    # Time

    def later(self, seconds, fn, *arguments):
        heappush(self._events, (self.now + seconds, next(self._order), fn, arguments))

    def play(self):
        for each in (self._enqueue, self._move, self._break):
            self.later(0.0, self._again, each)
        for station in STATIONS:
            self._connect(station)
        self._run_until(LENGTH)
        self._has_faults = False
        for station in STATIONS:
            if station in self.owners:
                self._disconnect(station, *self.owners[station])
            self._connect(station)
        self._run_until(LENGTH + 600.0)
        self._check_ends()

    def _again(self, fn):
        if self._has_faults:
            fn()
            self.later(self.dice.expovariate(1 / (4.0 if fn == self._enqueue else 12.0)), self._again, fn)

    def _run_until(self, end):
        while self._events and self._events[0][0] <= end:
            self.now, _, fn, arguments = heappop(self._events)
            fn(*arguments)
        self.now = end

    # Faults

    def _enqueue(self):
        station, number = self.dice.choice(STATIONS), len(self.written) + 1_000 + next(self._order)
        ttl, key = self.dice.choice((5.0, 60.0, 500.0)), None
        node, fence = self.owners.get(station, (None, 0))
        owner = None if node is None else ClusterOwner(node.id, fence)
        command = NewCommand(number, "Reset", key, str(number), ttl, None, NodeId("caller"))
        self.numbers[station].append(number)
        self.table.enqueue(station, command, LIMITS, owner, self._milliseconds)
        self._watch(station)
        if node is not None and self.dice.random() < 0.8:
            self.later(self.dice.uniform(0, 0.1), self._feed, node, CommandsStored(station))
        if self.dice.random() < 0.1:
            self.later(self.dice.uniform(0, 20), self._cancel, station, number)

    def _cancel(self, station, number):
        self.table.cancel(station, number, self._milliseconds)
        self._watch(station)

    def _move(self):
        station = self.dice.choice(STATIONS)
        node, connection = self.owners.get(station, (None, None))
        if node is not None and self.dice.random() < 0.5:  # else the old one stays half open for a while
            self._disconnect(station, node, connection)
        elif node is not None:
            self.later(self.dice.uniform(0, 30), self._disconnect, station, node, connection)
        if self.dice.random() < 0.7:
            self._connect(station)

    def _disconnect(self, station, node, connection):
        if self.owners.get(station) == (node, connection):
            del self.owners[station]
        self._feed(node, DeliveryDisconnected(station, connection))

    def _connect(self, station):
        node, connection = self.dice.choice(self.nodes), next(self._connections)
        self.owners[station] = node, connection
        self._feed(node, DeliveryConnected(station, connection))
        self.later(self.dice.uniform(0, 3), self._feed, node, DeliveryRegistered(station, connection, True))

    def _break(self):
        node = self.dice.choice(self.nodes)
        kind = self.dice.random()
        if kind < 0.3:
            node.is_dead = True
            self.nodes[self.nodes.index(node)] = self._new_node()
            self.owners = {each: owner for each, owner in self.owners.items() if owner[0] is not node}
        elif kind < 0.6:
            node.awake_at = self.now + self.dice.uniform(1, 60)
        elif self._loses_data and kind < 0.7:
            self.table = self._new_table()
            self.lost |= {each for station in STATIONS for each in self.numbers[station]} - self.outcomes.keys()

    # Engines

    def _feed(self, node, event):
        if node.is_dead:
            return
        if node.awake_at > self.now:
            self.later(node.awake_at - self.now, self._feed, node, event)
            return
        node.engine.handle(event, self.now)
        while (action := node.engine.poll()) is not None:
            self.later(self._delay(), self._perform, node, action)
        if node.engine.deadline < LENGTH * 100:
            self.later(max(0.0, node.engine.deadline - self.now), self._tick, node)

    def _tick(self, node):
        if node.engine.deadline <= self.now:
            self._feed(node, Tick())

    def _delay(self):
        return self.dice.choice((0.001, 0.01, 0.1, 2.0)) if self._has_faults else 0.001

    def _perform(self, node, action):
        """Execute an action at the store or at the station, also if its node has died since it was written."""
        if isinstance(action, SendCommand):
            self._send(node, action)
            return
        is_lost = self._has_faults and self.dice.random() < 0.2
        if not (is_lost and self.dice.random() < 0.5):  # else the request is lost
            answer = self._take(node, action) if isinstance(action, TakeNext) else self._settle(action)
            self._watch(action.station)
            if not is_lost:
                self.later(self._delay(), self._feed, node, answer)
                return
        self.later(2.0, self._feed, node, QueueRequestFailed(action.station, action.token))

    def _take(self, node, action):
        is_owner = self.owners.get(action.station) == (node, action.connection)
        args = action.station, action.token, PATIENCE, self._milliseconds
        return TakeAnswered(action.station, action.token, self.table.take(*args, is_owner=is_owner))

    def _settle(self, action):
        self.table.settle(action.station, action.token, action.number, action.outcome, self._milliseconds)
        return SettleAnswered(action.station, action.token)

    def _send(self, node, action):
        if node.is_dead:
            return
        if node.awake_at > self.now:
            self.later(node.awake_at - self.now, self._send, node, action)
            return
        number, connection = action.command.number, action.connection
        is_current = self.owners.get(action.station) == (node, connection)
        outcome = None
        if is_current or self.dice.random() < 0.5:
            self._write(action.station, number, connection)
            outcome = ANSWERED if is_current and self.dice.random() < 0.7 else LOST
        elif action.command.ttl <= 0:
            outcome = write_outcome(MessageNotSent(NotSentReason.EXPIRED))
        self.later(self.dice.uniform(0, 20), self._feed, node, CommandEnded(action.station, action.token, outcome))

    @property
    def _milliseconds(self):
        return round(self.now * 1000)

    # Promises

    def _write(self, station, number, connection):
        before = self.written[number]
        before.append(connection)
        if len(before) > 1:
            raise Broken(f"{number} was sent twice")
        self._expect_unsent(number)
        newest = max((each for each in self.numbers[station] if self.written.get(each) == [connection]), default=number)
        if newest > number:
            raise Broken(f"{number} was sent after {newest}")

    def _watch(self, station):
        """Compare the outcomes in the store with those of before, and with what was sent."""
        for status in self.table.look(station, self._milliseconds)[0]:
            if status.state is CommandState.SETTLED:
                known = self.outcomes.setdefault(status.number, status.outcome)
                if known != status.outcome:
                    raise Broken(f"the outcome of {status.number} changed")
                self._expect_unsent(status.number)

    def _expect_unsent(self, number):
        outcome = self.outcomes.get(number)
        told_unsent = outcome is not None and isinstance(read_outcome(outcome), (MessageNotSent, MessageDropped))
        if told_unsent and self.written[number]:
            raise Broken(f"{number} was sent, and its outcome is {outcome}")

    def _check_ends(self):
        for station in STATIONS:
            self._watch(station)
            missing = [each for each in self.numbers[station] if each not in self.outcomes and each not in self.lost]
            if missing:
                raise Broken(f"{missing} have no outcome")
        answered = [each for each, outcome in self.outcomes.items() if outcome == ANSWERED]
        if any(not self.written[each] for each in answered):
            raise Broken("a command was answered that was not sent")
