"""One history: random steps, then a calm time in which everything must settle."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from ocpp_core.outbox.commands import Enqueue

from .disk import Disk
from .oracle import Oracle
from .peer import Peer
from .scenario import Scenario, make_scenario
from .station import Station
from .timeline import Timeline

CALM = 2e6
"""Seconds within which a calm world must settle everything."""


@dataclass(slots=True)
class Figures:
    """What the histories contained."""

    histories: int = 0
    steps: int = 0
    accepted: int = 0
    transmissions: int = 0
    crashes: int = 0
    losses: int = 0
    store_failures: int = 0
    checks: int = 0

    def add(self, other: "Figures") -> None:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


class History:
    def __init__(self, seed: int, steps: int = 120, make_station: type[Station] = Station) -> None:
        self.random = Random(seed)
        self.scenario: Scenario = make_scenario(self.random, steps)
        self.timeline = Timeline(self.random)
        self.peer = Peer(self.timeline, self.scenario)
        self.oracle = Oracle(self.timeline, self.peer)
        self.disk = Disk(self.timeline, self.scenario, self.oracle.expect)
        self.oracle.disk = self.disk
        self.disk.check = self.oracle.changed_together
        self.station = make_station(self.timeline, self.scenario, self.disk, self.peer, self.oracle)
        self.peer.hang_up = self._cut
        self.peer.kill = self._crash
        self.figures = Figures(histories=1)
        self._number = 0
        self._starts: list[int] = []
        self._keys: dict[str, int] = {}
        self._steps: dict[str, Callable[[], None]] = {
            "enqueue": self._enqueue,
            "transaction": self._transaction,
            "call": self._call,
            "cancel": self._cancel,
            "acknowledge": self._acknowledge,
            "again": self._again,
            "wait": lambda: self._wait(self.random.expovariate(1.0)),
            "long_wait": lambda: self._wait(self.random.uniform(0.0, 60.0)),
            "cut": self._cut,
            "half_open": self._half_open,
            "crash": self._crash,
            "store_fails": self._fail_store,
            "gate": lambda: self.station.set_gate(self.random.random() < 0.7),
            "set_clock": self._set_clock,
            "configure": self._configure,
        }

    def run(self) -> Figures:
        names, weights = list(self.scenario.weights), list(self.scenario.weights.values())
        self.station.start()
        self.station.set_gate(self.random.random() < 0.7)
        self.station.connect()
        for name in self.random.choices(names, weights, k=self.scenario.steps):
            if self.station.is_alive:
                self._steps[name]()
            else:
                self._wait(1.0)
            self.figures.steps += 1
        self._calm_down()
        self._count()
        return self.figures

    def _count(self) -> None:
        figures = self.figures
        figures.accepted, figures.transmissions = self.oracle.accepted, self.oracle.transmissions
        figures.checks, figures.store_failures = self.oracle.checked, self.disk.failures

    # Time

    def _wait(self, seconds: float) -> None:
        self._run_until(self.timeline.now + seconds)

    def _run_until(self, end: float) -> None:
        while (time := min(self.timeline.next, self._deadline)) <= end:
            if self._deadline <= time:
                self.timeline.now = max(self.timeline.now, time)
                self.station.tick()
            else:
                self.timeline.step()
        self.timeline.now = end

    @property
    def _deadline(self) -> float:
        return self.station.deadline if self.station.is_alive else float("inf")

    # The application

    def _enqueue(self) -> None:
        random = self.random
        number = self._next_number()
        key = random.choice(["a", "b"]) if random.random() < 0.1 else None
        command = Enqueue(
            action="DataTransfer",
            payload={"n": number, "temper": self._temper()},
            key=key,
            urgent=random.random() < 0.1,
            resend=None if random.random() < 0.7 else False,
            ttl=random.choice([1.0, 30.0]) if random.random() < 0.15 else None,
            deadline=random.choice([2.0, 40.0]) if random.random() < 0.15 else None,
            attempts=random.choice([1, 2]) if random.random() < 0.1 else None,
            interval=1.0 if random.random() < 0.1 else None,
            replaces="profile" if random.random() < 0.1 else None,
        )
        ticket = self.station.enqueue(command, number)
        if key is not None and ticket is not None:
            self._expect_one_message(key, ticket)

    def _expect_one_message(self, key: str, ticket: int) -> None:
        earlier = self._keys.get(key)
        if earlier is not None and earlier != ticket:
            self.oracle.one_message(earlier)
        self._keys[key] = ticket

    def _transaction(self) -> None:
        random = self.random
        number = self._next_number()
        if not self._starts or random.random() < 0.4:
            command = Enqueue(action="StartTransaction", payload={"n": number, "start": 1, "temper": self._temper()})
            ticket = self.station.enqueue(command, number)
            if ticket is not None:
                self._starts.append(ticket)
            return
        start = random.choice(self._starts)
        is_last = random.random() < 0.4
        payload = {"n": number, "connectorId": 1, "temper": self._temper()}
        action = "StopTransaction" if is_last else "MeterValues"
        deadline = 20.0 if random.random() < 0.1 else None
        command = Enqueue(action=action, payload=payload, transaction=start, last=is_last, deadline=deadline)
        ticket = self.station.enqueue(command, number)
        if ticket is not None and is_last:
            self._starts.remove(start)
            if random.random() < 0.15:  # perhaps while the start is marked and not written
                self.station.outbox.cancel(ticket)
                self.station.settle()

    def _temper(self) -> str:
        return self.random.choices(["good", "poison", "hangs_up", "kills"], [90, 5, 4, 1])[0]

    def _next_number(self) -> int:
        self._number += 1
        return self._number

    def _call(self) -> None:
        self.station.live += self.random.choice([1, 1, 8])
        self.station.settle()

    def _cancel(self) -> None:
        if self.station.known:
            self.station.outbox.cancel(self.random.choice(self.station.known[-6:]))
            self.station.settle()

    def _acknowledge(self) -> None:
        told = [ticket for ticket in self.station.known if self.oracle.messages[ticket].told is not None]
        for ticket in told[-3:]:
            self.oracle.messages[ticket].is_released = True
            self.station.outbox.acknowledge(ticket)
        self.station.settle()

    def _again(self) -> None:
        """Let the application enqueue with a key that it used before."""
        if self._keys:
            key = self.random.choice(list(self._keys))
            number = self._next_number()
            payload = {"n": number, "temper": "good"}
            ticket = self.station.enqueue(Enqueue(action="DataTransfer", payload=payload, key=key), number)
            if ticket is not None:
                self._expect_one_message(key, ticket)

    def _configure(self) -> None:
        self.station.configure(self.random.choice([3, 1000]))

    # What goes wrong

    def _cut(self) -> None:
        if self.station.is_alive and self.station.connection is not None:
            self.figures.losses += 1
            self.station.lose()
            self.timeline.after(5.0, self._reconnect)

    def _reconnect(self) -> None:
        if self.station.is_alive and self.station.connection is None:
            self.station.connect()

    def _half_open(self) -> None:
        self.station.break_silently()
        self.timeline.after(30.0, self._cut)

    def _crash(self) -> None:
        if not self.station.is_alive:
            return
        self.figures.crashes += 1
        self.station.crash()
        self.timeline.after(3.0, self._restart)

    def _restart(self) -> None:
        before = self.station.offset
        if self.random.random() < 0.3 and self.scenario.weights["set_clock"]:
            self.station.offset += self.random.choice([-1e7, -5.0, 5.0])
        self.station.start(clock_jumped=self.station.offset != before or self.scenario.weights["set_clock"] > 0)
        self.timeline.after(2.0, self._reconnect)

    def _fail_store(self) -> None:
        self.disk.is_failing = True
        self.timeline.after(10.0, self._repair_store)

    def _repair_store(self) -> None:
        self.disk.is_failing = False
        self._retry_store()

    def _retry_store(self) -> None:
        if self.station.is_alive:
            self.station.outbox.store_back()
            self.station.settle()

    def _set_clock(self) -> None:
        self.station.set_clock(self.station.offset + self.random.choice([-100.0, 100.0]))

    # The end

    def _calm_down(self) -> None:
        self._wait(60.0)  # all that was going to break has broken
        self.peer.is_calm = True
        self.disk.is_failing = False
        end = self.timeline.now + CALM
        calls = 30
        while self.timeline.now < end and (self._is_busy or calls):
            if self.station.is_alive:
                self._retry_store()
                self.station.set_gate(is_open=True)
                if calls and not self.station.live:
                    calls -= 1
                    self.station.live += 1
                    self.station.settle()
                self._reconnect()
            self._wait(1.0 if calls else 50.0)
        self._wait(60.0)
        self.station.settle()
        self._wait(60.0)
        bindings = {binding.start: binding.closed for binding in self.disk.state.bindings.values()}
        kept = len(self.station.outbox._messages.outcomes.all)
        self.oracle.expect(kept <= self.scenario.config.outcomes_kept, "the kept outcomes are bounded")
        self.oracle.finish(bindings, queued=len(self.station.outbox), has_slot=self.station.outbox.has_slot)
        if self.scenario.remembers and self.scenario.config.retry_id == "same":
            self.oracle.expect(max(self._handled(), default=1) <= 1, "what a peer remembers is handled once")

    def _handled(self) -> list[int]:
        return [count for number, count in self.peer.handled.items() if number]

    @property
    def _is_busy(self) -> bool:
        return not self.station.is_alive or len(self.station.outbox) > 0
