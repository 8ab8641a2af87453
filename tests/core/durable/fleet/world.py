"""One history: a server with a few stations, in virtual time."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import count
from math import inf
from random import Random
from types import SimpleNamespace
from typing import Any

from ocpp_core.actions import Dispatch, RegistrationChanged, SendText
from ocpp_core.config import SessionConfig
from ocpp_core.durable.stations import StationOutboxes
from ocpp_core.durable.totals import OutboxLimits
from ocpp_core.errors import CallDroppedError, StoreError
from ocpp_core.inbound.queued import queued
from ocpp_core.inputs import Register, Reply, TextReceived, Tick, TransportLost
from ocpp_core.outbound.station_calls import StationCalls
from ocpp_core.outbox.commands import Acknowledge, CancelTicket, Enqueue, StoreBack, Stored, StoreFailed
from ocpp_core.outbox.effects import (
    OutboxEffect,
    OutboxReport,
    OutboxReportKind,
    Store,
    TicketAccepted,
    TicketRejected,
    TicketSettled,
)
from ocpp_core.outbox.outbox import Outbox
from ocpp_core.outbox.settings import OutboxConfig
from ocpp_core.session import Session
from ocpp_core.versions import version_of
from tests.core.outbox.simulation.disk import Disk
from tests.core.outbox.simulation.timeline import Timeline

from .oracle import Message, Oracle

STATIONS = ("A", "B", "C")
COMMIT = 0.5
OVERDUE = 30.0
TIMEOUT = 10.0


@dataclass(eq=False)
class Link:
    """One connection of a station."""

    name: str
    session: Session
    is_up: bool = True
    is_registered: bool = False


class World:
    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.timeline = Timeline(self.random)
        self.oracle = Oracle(self.timeline)
        scenario: Any = SimpleNamespace(commit=self.random.choice([0.0, COMMIT]))
        self.disk = Disk(self.timeline, scenario, self.oracle.expect)
        self.oracle.disk = self.disk
        self.required = self.random.random() < 0.5
        self.limit = self.random.choice([6, 1000])
        self.size = self.random.choice([3, 1000])
        self.links: dict[str, Link] = {}
        self.known: set[str] = set()
        """The stations that are registered, as the server remembers."""
        self.is_calm = False
        self.engine: StationOutboxes | None = None
        self.crashes = self.losses = self.failures = 0
        self._numbers, self._ids = count(1), count(1)
        self._last_healthy = 0.0
        self.start()

    # The server

    def start(self) -> None:
        config = OutboxConfig(attempts=1, interval=1.0, ttl=3600.0, resend=False, gate="manual")
        limits = OutboxLimits(size=self.size, messages=self.limit)
        self._is_touched = False
        self._empty = Outbox(config, 1, ids=self._new_id, emit=lambda _: None, changed=lambda: None)
        self.engine = engine = StationOutboxes(
            config, limits, ids=self._new_id, name_of=lambda peer: peer.upper(), touched=self._touched
        )
        self.disk.report = partial(self._report, engine)
        restored = self.disk.open(wall=1e9 + self.timeline.now)
        self.oracle.restarted()
        engine.handle(restored, self.timeline.now)
        self.settle()

    def crash(self) -> None:
        if self.engine is None:
            return
        self.crashes += 1
        self.timeline.after(3.0, self.start)
        self.engine = None
        self.links.clear()
        self.disk.crash()
        self.known.clear()

    def _new_id(self) -> str:
        return f"id-{next(self._ids)}"

    def _touched(self) -> None:
        self._is_touched = True

    def _report(self, engine: StationOutboxes, kind: str, number: int) -> None:
        if engine is self.engine:
            event = Stored(number) if kind == "stored" else StoreFailed(number, StoreError("no"))
            engine.handle(event, self.timeline.now)
            self.settle()

    def settle(self) -> None:
        """Perform what the outboxes have to say."""
        engine = self.engine
        while engine is not None and engine is self.engine and (effect := engine.poll(self.timeline.now)) is not None:
            self._perform(effect)
        self._is_touched = False

    def _perform(self, effect: OutboxEffect) -> None:
        match effect:
            case Store():
                self.disk.submit(effect)
            case TicketAccepted(ticket):
                self.oracle.accepted(ticket)
            case TicketRejected(ticket):
                self.oracle.rejected(ticket)
            case TicketSettled(ticket, outcome):
                self.oracle.told(ticket, outcome)
            case OutboxReport(OutboxReportKind.OUTCOME_FORGOTTEN, int(ticket)):
                self.oracle.messages[ticket].is_acknowledged = True
            case OutboxReport():
                pass

    def enqueue(self) -> None:
        """Queue a random message."""
        random = self.random
        name = random.choice(STATIONS)
        command = Enqueue(
            action="Reset",
            payload={},
            ttl=random.choice([2.0, 20.0, 3600.0]),
            resend=random.random() < 0.2,
            urgent=random.random() < 0.1,
            attempts=random.choice([None, 2]),
            replaces="r" if random.random() < 0.1 else None,
            peer=random.choice([name, name.lower()]),
        )
        self.queue(command)

    def queue(self, command: Enqueue) -> int | None:
        """Queue a message, and return its ticket; None if there is no server, no room, or no store."""
        name, number, now = command.peer.upper(), next(self._numbers), self.timeline.now
        command.payload = {"n": number}
        try:
            ticket = None if self.engine is None else self.engine.enqueue(name, command, now)
        except (CallDroppedError, StoreError):
            return None
        if ticket is not None:
            expires = now + (3600.0 if command.ttl is None else command.ttl)
            self.oracle.enqueued(ticket, Message(name, number, expires, bool(command.resend), bool(command.urgent)))
            self._later(self.settle)
        return ticket

    def _later(self, event: Callable[[], None]) -> None:
        """Do it now or soon, as the turns of an event loop allow."""
        if self.random.random() < 0.5:
            event()
        else:
            self.timeline.after(0.01, event)

    def give(self, command: type[CancelTicket] | type[Acknowledge]) -> None:
        """Cancel a message, or acknowledge an outcome."""
        wants_outcome = command is Acknowledge
        messages = self.oracle.messages
        tickets = [ticket for ticket in messages if (messages[ticket].told is not None) is wants_outcome]
        if self.engine is None or not tickets:
            return
        ticket = self.random.choice(tickets[-8:])
        messages[ticket].is_acknowledged |= wants_outcome
        self.engine.handle(command(ticket), self.timeline.now)
        self._later(self.settle)

    def fail_store(self) -> None:
        if not self.disk.is_failing:
            self.failures += 1
            self.disk.is_failing = True
            self.timeline.after(20.0, self.store_back)

    def store_back(self) -> None:
        self.disk.is_failing = False
        if self.engine is not None:
            self.engine.handle(StoreBack(), self.timeline.now)
            self.settle()

    # Connections

    def connect(self, name: str) -> None:
        if self.engine is None:
            return
        if (older := self.links.get(name)) is not None and self.random.random() < 0.5:
            self.timeline.after(1.0, partial(self.lose, older))  # it is replaced, and ends later
        elif older is not None:
            self.lose(older)
        config = SessionConfig(call_timeout=TIMEOUT, require_registration=self.required)
        directions = partial(queued, outbox=self._empty)
        session = Session(config, version_of("ocpp1.6"), ids=self._new_id, numbers=count(1), directions=directions)
        link = self.links[name] = Link(name, session)
        assert isinstance(session.calls, StationCalls)
        self.engine.connected(name, session.calls, "ocpp1.6", partial(self.tick, link), self.timeline.now)
        if name in self.known:
            session.handle(Register(), self.timeline.now)
        self.pump(link)
        self._later(self.settle)
        if name not in self.known or self.random.random() < 0.3:
            self.timeline.after(3.0, partial(self.boot, link))

    def boot(self, link: Link) -> None:
        self._receive(link, [2, self._new_id(), "BootNotification", {"chargePointModel": "M"}])

    def lose_one(self) -> None:
        for link in list(self.links.values())[:1]:
            self.lose(link)

    def lose(self, link: Link) -> None:
        if not link.is_up:
            return
        link.is_up = False
        self.losses += 1
        link.session.handle(TransportLost(1006, ""), self.timeline.now)
        self.pump(link)
        if self.engine is not None and isinstance(link.session.calls, StationCalls):
            self.engine.disconnected(link.name, link.session.calls, self.timeline.now)
        if self.links.get(link.name) is link:
            del self.links[link.name]
        self._later(self.settle)

    def tick(self, link: Link) -> None:
        link.session.handle(Tick(), self.timeline.now)
        self.pump(link)

    def pump(self, link: Link) -> None:
        while (action := link.session.poll()) is not None:
            if isinstance(action, SendText):
                self._sent(link, json.loads(action.text))
            elif isinstance(action, Dispatch):
                status = "Accepted" if self.is_calm else self.random.choice(["Accepted", "Accepted", "Pending"])
                link.session.handle(Reply(action.request, {"status": status}), self.timeline.now)
            elif isinstance(action, RegistrationChanged) and action.status is not None:
                self._registered(link, is_registered=action.status == "Accepted")

    def _registered(self, link: Link, *, is_registered: bool) -> None:
        link.is_registered = is_registered
        (self.known.add if is_registered else self.known.discard)(link.name)
        if self.engine is not None and isinstance(link.session.calls, StationCalls):
            self.engine.registered(link.name, link.session.calls, is_registered=is_registered)
            self._later(self.settle)

    def _sent(self, link: Link, frame: list[Any]) -> None:
        if frame[0] != 2:
            return
        is_newest = self.links.get(link.name) is link
        self.oracle.sent(frame[3]["n"], link.name, is_newest=is_newest, is_registered=link.is_registered)
        fate = "result" if self.is_calm else self.random.choice(["result", "result", "error", "late", "never", "cut"])
        if fate == "cut":
            self.timeline.after(1.0, partial(self.lose, link))
        elif fate != "never":
            response = [4, frame[1], "InternalError", "", {}] if fate == "error" else [3, frame[1], {}]
            at = self.timeline.now + (TIMEOUT + 1.0 if fate == "late" else self.random.random())
            self.oracle.messages[self.oracle.numbers[frame[3]["n"]]].refused += fate == "error"
            self.timeline.at(at, partial(self._receive, link, response))

    def _receive(self, link: Link, frame: list[Any]) -> None:
        if link.is_up and self.engine is not None:
            link.session.handle(TextReceived(json.dumps(frame)), self.timeline.now)
            self.pump(link)
            self._later(self.settle)

    # Time

    def wait(self, seconds: float) -> None:
        end = self.timeline.now + seconds
        while (at := self._next()) <= end:
            self._advance(at)
        self.timeline.now = end
        self._expect_prompt()

    def _next(self) -> float:
        deadlines = [self.timeline.next, inf if self.engine is None else self.engine.deadline]
        return min(deadlines + [link.session.deadline for link in self.links.values()])

    def _advance(self, at: float) -> None:
        if self.timeline.next <= at:
            self.timeline.step()
            return
        self.timeline.now = max(at, self.timeline.now)
        for link in list(self.links.values()):
            if link.session.deadline <= self.timeline.now:
                self.tick(link)
        if self.engine is not None:
            self.engine.handle(Tick(), self.timeline.now)
        self.settle()

    def _expect_prompt(self) -> None:
        """Without trouble, an expired message is told soon, also if its station is away."""
        if self.engine is None or self.disk.is_failing:
            self._last_healthy = self.timeline.now
        if self.timeline.now - self._last_healthy > OVERDUE:
            overdue = self.oracle.overdue(self.timeline.now - OVERDUE)
            self.oracle.expect(not overdue, "an expired message is told soon")
