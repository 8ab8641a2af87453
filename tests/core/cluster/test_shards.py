"""Buckets that are distributed over two servers, of which each stops, loses its data or is replaced for itself."""

import heapq
import os
from copy import deepcopy
from functools import partial
from itertools import count
from random import Random

import pytest

from ocpp_core.cluster.records import NodeId, Renewed, UnknownOwner
from ocpp_core.cluster.registry.actions import (
    AdmitConnection,
    EvictConnection,
    SendCheck,
    SendClaim,
    SendRelease,
    SendRenewal,
    SendRestore,
)
from ocpp_core.cluster.registry.buckets import bucket_of
from ocpp_core.cluster.registry.engine import RegistryEngine
from ocpp_core.cluster.registry.inputs import (
    CheckAnswered,
    ClaimAnswered,
    ClaimStation,
    ConnectionEnded,
    ReleaseAnswered,
    RenewalAnswered,
    RequestFailed,
    RestoreAnswered,
)
from ocpp_core.cluster.registry.settings import RegistryConfig
from ocpp_core.cluster.registry.station_bucket import StationBucket
from ocpp_core.cluster.registry.table import RegistryTable
from ocpp_core.inputs import Tick

BUCKETS = 4
CONFIG = RegistryConfig(buckets=BUCKETS, check_size=2)
STATIONS = [f"CP{number}" for number in range(6)]
FAULTY, CALM = 120.0, 60.0
"""Virtual seconds with faults, and without."""
HISTORIES = int(os.environ.get("CLUSTER_HISTORIES", "3"))


class BrokenError(AssertionError):
    """Two nodes believe in a station for too long, or not all is well at the end."""


class Shard:
    """A server with every second bucket."""

    def __init__(self, name, random):
        self.name, self.lives, self.is_up = name, count(1), True
        self.random = random
        self.table = self.born()
        self.copy = deepcopy(self.table)

    def born(self):
        return RegistryTable(BUCKETS, f"{self.name}.{next(self.lives)}", lease=CONFIG.lease)

    def recover(self):
        """Return with all data, without any, or with an older copy."""
        kind = self.random.choice(["all", "none", "copy"])
        if kind == "none":
            self.table = self.born()
        elif kind == "copy":
            self.table, self.copy = self.copy, deepcopy(self.copy)
            self.table.generation = self.born().generation
        self.is_up = True


class AwayError(Exception):
    """A server does not answer."""


class Node:
    """An engine and its host, whose requests take some time and may get lost."""

    def __init__(self, world, number):
        self.world, self.number = world, number
        self.id = NodeId(f"n{number}.{number:016x}")
        self.engine = RegistryEngine(self.id, CONFIG, world.now)
        self.open = {}
        self.feed(Tick())

    def feed(self, event):
        self.engine.handle(event, self.world.now)
        while (action := self.engine.poll()) is not None:
            match action:
                case AdmitConnection():
                    self.world.admitted(self, action.identity, action.connection)
                case EvictConnection():
                    self.world.end(self, action.identity, action.connection)
                case SendRenewal() | SendClaim() | SendRestore() | SendCheck() | SendRelease():
                    self.world.later(self.world.delay(), partial(self.arrive, action))
        self.world.wake(self)

    def arrive(self, action):
        """Let a request arrive at the servers, and its answer some time later."""
        try:
            answer = self.answer(action)
        except AwayError:
            answer = RequestFailed(action.request)
        if self.world.random.random() < self.world.lossy:
            answer = RequestFailed(action.request)
        self.world.later(2.0 if isinstance(answer, RequestFailed) else self.world.delay(), partial(self.feed, answer))

    def answer(self, action):
        match action:
            case SendRenewal():
                self.world.shards[self.number % 2].table.renew(self.id, None, self.world.now)
                return RenewalAnswered(action.request, self.renewed())
            case SendClaim():
                now = int(self.world.now * 10**6)
                return ClaimAnswered(action.request, self.at(action.identity).claim(action.identity, self.id, now))
            case SendRestore():
                answer = self.at(action.identity).restore(action.identity, self.id, action.fence)
                return RestoreAnswered(action.request, answer)
            case SendCheck():
                return CheckAnswered(action.request, [self.owner_of(each) for each in action.identities])
            case SendRelease():
                table = self.at(action.identity)
                return ReleaseAnswered(action.request, table.release(action.identity, self.id, action.fence))

    def owner_of(self, identity):
        try:
            return self.at(identity).check([identity])[0]
        except AwayError:
            return UnknownOwner.UNKNOWN

    def at(self, identity):
        shard = self.world.shards[bucket_of(identity, BUCKETS) % 2]
        if not shard.is_up:
            raise AwayError
        return shard.table

    def renewed(self):
        """Read what the servers that answer say; fail without that of the lease."""
        if not self.world.shards[self.number % 2].is_up:
            raise AwayError
        answers = [shard.table.renew(self.id, None, self.world.now) for shard in self.world.shards]
        shards = [(answers[each % 2], self.world.shards[each % 2].is_up) for each in range(BUCKETS)]
        return Renewed(
            tuple(answer.generations[each] if is_up else None for each, (answer, is_up) in enumerate(shards)),
            tuple(answer.losses[each] if is_up else 0 for each, (answer, is_up) in enumerate(shards)),
        )


class World:
    def __init__(self, seed):
        self.random, self.now, self.numbers = Random(f"shards {seed}"), 0.0, count(1)
        self.events, self.wakes = [], {}
        self.lossy = self.random.choice([0.0, 0.2])
        self.slow = self.random.choice([0.05, 1.5])
        self.shards = [Shard(name, self.random) for name in "ab"]
        self.owners = {}
        self.nodes = []
        self.nodes += [Node(self, number) for number in range(3)]
        self.later(1.0, self.fail)
        self.later(0.5, self.connect)

    def delay(self):
        return self.random.uniform(0.001, self.slow)

    def later(self, seconds, function):
        heapq.heappush(self.events, (self.now + seconds, next(self.numbers), function))

    def wake(self, node):
        self.later(max(0.0, node.engine.deadline - self.now), partial(self.tick, node))

    def tick(self, node):
        if node.engine.deadline <= self.now:
            node.feed(Tick())

    def fail(self):
        """Let a server stop for some time; sometimes its replica has an old copy then."""
        shard = self.random.choice(self.shards)
        if self.now < FAULTY:
            if self.random.random() < 0.5:
                shard.copy = deepcopy(shard.table)
            elif shard.is_up:
                shard.is_up = False
                self.later(self.random.uniform(0.1, 15.0), shard.recover)
            self.later(self.random.uniform(1.0, 8.0), self.fail)

    def connect(self):
        identity, node = self.random.choice(STATIONS), self.random.choice(self.nodes)
        if self.now < FAULTY:
            node.feed(ClaimStation(identity, next(self.numbers)))
            self.later(self.random.uniform(0.2, 3.0), self.connect)

    def admitted(self, node, identity, connection):
        node.open[identity] = connection
        if self.random.random() < 0.3:
            self.later(self.random.uniform(0.0, 20.0), partial(self.end, node, identity, connection))

    def end(self, node, identity, connection):
        if node.open.get(identity) == connection:
            del node.open[identity]
            node.feed(ConnectionEnded(identity, connection))

    def watch(self):
        """Look at what each node believes, and since when the store has another owner."""
        for identity in STATIONS:
            shard = self.shards[bucket_of(identity, BUCKETS) % 2]
            owner = shard.table.check([identity])[0]
            if owner is None:
                self.owners.pop(identity, None)
                continue
            known, since = self.owners.get(identity, (None, 0.0))
            if known != owner.node:
                self.owners[identity] = (owner.node, self.now)
            elif since + CONFIG.lease < self.now:
                others = [node for node in self.nodes if node.id != owner.node]
                if any(node.engine.believes(identity, self.now) for node in others):
                    raise BrokenError(f"{identity} is believed too long at {self.now}")

    def run(self):
        while self.events and self.now < FAULTY + CALM:
            if self.now >= FAULTY:
                self.lossy, self.slow = 0.0, 0.05
            self.now, _, function = heapq.heappop(self.events)
            function()
            self.watch()
        for identity in STATIONS:
            having = [node.id for node in self.nodes if identity in node.open]
            believing = [node.id for node in self.nodes if node.engine.believes(identity, self.now)]
            owner = self.shards[bucket_of(identity, BUCKETS) % 2].table.check([identity])[0]
            if having != believing or (having and (owner is None or having != [owner.node])):
                raise BrokenError(f"{identity}: {having}, {believing}, {owner}")


def play(seeds):
    for seed in seeds:
        World(seed).run()


@pytest.mark.slow
def test_no_node_believes_too_long_and_all_is_well_at_the_end():
    play(range(HISTORIES))


def one_generation(self, answer, sent, *, has_lapsed):
    """Take the generation of the first bucket for that of all."""
    buckets = zip(self._stations.buckets, answer.losses, strict=True)
    for bucket, losses in buckets:
        if has_lapsed or bucket.is_news(answer.generations[0], losses):
            self._doubts.rebase(bucket, answer.generations[0], losses)
        else:
            bucket.confirm(sent)


def unknown_confirms(self, answer, sent, *, has_lapsed):
    """Confirm a bucket whose server did not answer."""
    for bucket, generation, losses in zip(self._stations.buckets, answer.generations, answer.losses, strict=True):
        if has_lapsed or (generation is not None and bucket.is_news(generation, losses)):
            self._doubts.rebase(bucket, generation, losses)
        else:
            bucket.confirm(sent)


def ignored(self, generation, losses):
    return self._generation is None or losses > self._losses


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "name", "mistake", "first"),
    [
        (RegistryEngine, "_compare", one_generation, 4),
        (RegistryEngine, "_compare", unknown_confirms, 4),
        (StationBucket, "is_news", ignored, 1),
    ],
)
def test_a_seeded_mistake_is_found(monkeypatch, kind, name, mistake, first):
    """`first` is the first history that finds it; others do too."""
    monkeypatch.setattr(kind, name, mistake)
    with pytest.raises(BrokenError):
        play(range(first, first + 40))
