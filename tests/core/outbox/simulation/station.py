"""The process of a station: an outbox, and a session as far as the outbox sees one."""

import json
from dataclasses import dataclass
from typing import Any

from ocpp_core.outbox.commands import Enqueue
from ocpp_core.outbox.effects import (
    OutboxEffect,
    OutboxReport,
    OutboxReportKind,
    Store,
    TicketAccepted,
    TicketRejected,
    TicketSettled,
    Transmit,
)
from ocpp_core.outbox.outbox import Outbox
from ocpp_core.outbox.settings import OutboxConfig
from ocpp_core.outbox.stored.outcomes import MessageDropped, MessageRefused
from ocpp_core.outbox.stored.records import Lane, OutboxRecord

from .disk import Disk
from .oracle import Oracle
from .peer import Answer, Peer
from .scenario import Scenario
from .timeline import Timeline


@dataclass(slots=True)
class Pending:
    ticket: int | None
    """None for a call of the session."""
    written_at: float


class Station:
    def __init__(self, timeline: Timeline, scenario: Scenario, disk: Disk, peer: Peer, oracle: Oracle) -> None:
        self.config: OutboxConfig = scenario.config
        self.size = scenario.size
        self.offset = 1000.0
        """The wall-clock time minus the virtual time."""
        self.is_alive = False
        self.known: list[int] = []
        """Tickets that the application knows in this process."""
        self.live = 0
        self.connection: int | None = None
        self.outbox: Outbox
        self._timeline = timeline
        self._scenario = scenario
        self._disk = disk
        self._peer = peer
        self._oracle = oracle
        self._process = 0
        self._connections = 0
        self._pending: dict[str, Pending] = {}
        self._effects: list[OutboxEffect] = []
        self._ids = 0
        self._is_broken = False
        self._gate = scenario.config.gate == "open"
        self._reported_at = 0.0
        self._resumes_at = 0.0
        self._earlier: dict[str, int] = {}
        """The messages of failed transmissions on this connection, by message ID."""

    # The process

    def start(self, *, clock_jumped: bool = False) -> None:
        self._process += 1
        self.is_alive = True
        self._pending.clear()
        self._effects.clear()
        self.live = 0
        self.connection = None
        self._make_outbox()
        process = self._process
        self._disk.report = lambda kind, number: self._report_later(process, kind, number)
        self._oracle.restarted(self.config.free_cuts, clock_jumped=clock_jumped)
        self.outbox.restore(self._disk.open(self._timeline.now + self.offset), self._timeline.now)
        self.outbox.set_gate(self._gate)
        self.settle()

    def _make_outbox(self) -> None:
        self.outbox = Outbox(self.config, self.size, changed=lambda: None, ids=self._new_id, emit=self._emit)

    def _emit(self, effect: OutboxEffect) -> None:
        """Let an output be performed later; what is forgotten is judged by what is kept now."""
        if isinstance(effect, OutboxReport) and effect.kind is OutboxReportKind.OUTCOME_FORGOTTEN:
            kept = len(self.outbox._messages.outcomes.all)
            self._oracle.forgotten(effect.ticket or 0, kept=kept, most=self.config.outcomes_kept)
        self._effects.append(effect)

    @property
    def deadline(self) -> float:
        return self.outbox.deadline

    def crash(self) -> None:
        self.is_alive = False
        self.connection = None
        self._disk.crash()
        self._effects.clear()

    def _new_id(self) -> str:
        self._ids += 1
        return f"m{self._ids}"

    def _report_later(self, process: int, kind: str, number: int) -> None:
        """Let a report of the store arrive later, in order."""
        delay = self._timeline.random.choice([0.0, 0.0, 0.05])
        self._reported_at = max(self._timeline.now + delay, self._reported_at)
        self._timeline.at(self._reported_at, lambda: self._report(process, kind, number))

    def _report(self, process: int, kind: str, number: int) -> None:
        if not self.is_alive or process != self._process:
            return
        if kind == "stored":
            self.outbox.stored(number)
        else:
            self.outbox.store_failed(number, OSError("no space"))
        self.settle()

    # The application

    def enqueue(self, command: Enqueue, number: int) -> int | None:
        records = {record.ticket: record for record in self.outbox.records}
        before, told = set(records), self.outbox._messages.outcomes
        try:
            ticket = self.outbox.enqueue(command, self._timeline.now)
        except Exception as error:
            self._oracle.expect(type(error).__name__ in {"StoreError", "CallDroppedError", "ValueError"}, repr(error))
            return None
        record = next((record for record in self.outbox.records if record.ticket == ticket), None)
        if ticket not in before and record is not None and ticket not in self._oracle.messages:
            infinite = float("inf")
            self._oracle.enqueued(record, number, self.config, command.ttl or infinite, command.deadline or infinite)
            self._expect_room(records, command, ticket)
        self.known.append(ticket)
        if ticket in self._oracle.messages and told.get(ticket) is not None:
            self._oracle.messages[ticket].waits_for_outcome = True
        self.settle()
        return ticket

    def _expect_room(self, before: dict[int, OutboxRecord], command: Enqueue, ticket: int) -> None:
        """Expect that a message replaced those of its name, and displaced others only if there was no room."""
        after = {record.ticket: record for record in self.outbox.records}
        left = [record for record in after.values() if record.name == command.replaces and record.ticket != ticket]
        is_replaced = command.replaces is None or all(record.started for record in left)
        self._oracle.expect(is_replaced, "a message replaces those of its name that were never sent")
        gone = [self.outbox._messages.outcomes.get(each) for each in before.keys() - after.keys()]
        dropped = [kept for kept in gone if kept is not None and isinstance(kept.outcome, MessageDropped)]
        has_room = len(before) - len(gone) + len(dropped) < self.size
        self._oracle.expect(not (dropped and has_room), "messages are dropped only if the queue is full")

    def configure(self, size: int) -> None:
        self.size = size
        self._gate = self._gate or self.config.gate == "open"
        self.outbox.configure(self.config, size, self._timeline.now)
        self.settle()

    def set_gate(self, is_open: bool) -> None:
        self._gate = is_open
        self.outbox.set_gate(is_open)
        self.settle()

    def set_clock(self, offset: float) -> None:
        self.offset = offset
        self.outbox.set_clock(self._timeline.now + offset, self._timeline.now)
        self.settle()

    # The connection

    def connect(self) -> None:
        self._connections += 1
        self.connection = self._connections
        self._is_broken = False
        self._earlier.clear()
        self._resumes_at = self._timeline.now + self.config.resume_after
        self.outbox.opened("ocpp1.6", self._timeline.now)
        self.settle()

    def break_silently(self) -> None:
        """Let the frames of this connection vanish from now on."""
        self._is_broken = True

    def lose(self) -> None:
        self.connection = None
        queued = {record.ticket for record in self.outbox.records}
        for pending in self._pending.values():
            if pending.ticket in queued and pending.ticket is not None:
                self._oracle.cut(pending.ticket, self.config.free_cuts)
        self._pending.clear()
        self.outbox.lost(self._timeline.now)
        self.settle()

    # The session

    def settle(self) -> None:
        """Fill the window, then perform what the outbox wants."""
        self._fill()
        self.outbox.flush()
        effects, self._effects[:] = list(self._effects), []
        for effect in effects:
            self._perform(effect)

    def tick(self) -> None:
        self.outbox.expire(self._timeline.now)
        self.settle()

    def _fill(self) -> None:
        while self.connection is not None and self._occupied < self._scenario.window:
            if self.outbox.take(self._timeline.now, live=self.live > 0):
                self._note_taken()
            elif self.live:
                self.live -= 1
                self._write_call()
            else:
                self._expect_nothing_due()
                return

    def _note_taken(self) -> None:
        flight = self.outbox._slot.flight
        assert flight is not None
        has_urgent = any(entry.record.urgent and entry.is_ready for entry in self.outbox._lanes.entries.values())
        self._oracle.message_taken(flight.before, may_pass=self._may_pass, has_urgent=has_urgent)

    def _expect_nothing_due(self) -> None:
        """Expect that no message waits for one of the transaction lane that waits for its retry."""
        outbox = self.outbox
        if not outbox.has_slot and self._may_pass and not self._waits_for_store:
            others = [entry for entry in outbox._lanes.entries.values() if entry.record.lane is Lane.OTHER]
            self._oracle.expect(not any(entry.is_ready for entry in others), "others overtake a lane that waits")

    @property
    def _may_pass(self) -> bool:
        return self._gate and self._timeline.now >= self._resumes_at

    @property
    def _waits_for_store(self) -> bool:
        return self.outbox._journal.failed or self.outbox._store.is_late

    @property
    def _occupied(self) -> int:
        is_reserved = self.outbox.has_slot and not any(each.ticket is not None for each in self._pending.values())
        return len(self._pending) + is_reserved

    def _write_call(self) -> None:
        self._note_call()
        self._write(self._new_id(), {"n": 0}, None)

    def _note_call(self) -> None:
        outbox = self.outbox
        is_free = not outbox.has_slot and not self._waits_for_store
        is_due = is_free and self._may_pass
        is_due = is_due and outbox._lanes.ordinary(ordered=True) is not None
        self._oracle.call_written(is_due=is_due, most=(self.config.overtake + 1) * self._scenario.window)

    def _perform(self, effect: OutboxEffect) -> None:
        match effect:
            case Store():
                self._disk.submit(effect)
            case TicketAccepted(ticket):
                self._oracle.told_accepted(ticket)
            case TicketRejected(ticket):
                self._oracle.told_rejected(ticket)
            case TicketSettled(ticket, outcome):
                self._oracle.told_outcome(ticket, outcome)
            case Transmit():
                self._transmit(effect)
            case OutboxReport(OutboxReportKind.OUTCOME_FORGOTTEN, int(ticket)):
                self._oracle.messages[ticket].is_released = True
            case OutboxReport():
                pass

    def _transmit(self, transmit: Transmit) -> None:
        self._oracle.expect(self.connection is not None, "nothing is sent without a connection")
        is_alone = all(pending.ticket is None for pending in self._pending.values())
        self._oracle.expect(is_alone, "one message at a time waits for its response")
        config = self.config
        self._oracle.transmitted(transmit, len(self._pending), self._scenario.window, config)
        self._write(transmit.message_id, json.loads(transmit.payload), transmit.ticket)

    def _write(self, message_id: str, payload: dict[str, Any], ticket: int | None) -> None:
        self._pending[message_id] = pending = Pending(ticket, self._timeline.now)
        connection = self.connection
        timeout = self._timeline.now + self._scenario.timeout
        self._timeline.at(timeout, lambda: self._time_out(connection, message_id, pending))
        self._timeline.after(self._scenario.latency, lambda: self._arrive(connection, message_id, payload))

    def _arrive(self, connection: int | None, message_id: str, payload: dict[str, Any]) -> None:
        if not self._is_broken and self.is_alive and connection == self.connection:
            self._peer.receive(message_id, payload, lambda name, answer: self._answer(connection, name, answer))

    def _answer(self, connection: int | None, message_id: str, answer: Answer) -> None:
        self._timeline.after(self._scenario.latency, lambda: self._receive(connection, message_id, answer))

    def _receive(self, connection: int | None, message_id: str, answer: Answer) -> None:
        if self._is_broken or not self.is_alive or connection != self.connection or connection is None:
            return
        pending = self._pending.pop(message_id, None)
        if answer[0] == "result":
            ticket = self._earlier.get(message_id)
            self.outbox.answered(message_id, answer[1])
            queued = {record.ticket for record in self.outbox.records}
            self._oracle.expect(ticket not in queued, "a late response settles its message")
        else:
            self._note_failure(message_id, pending, in_doubt=False)
            self.outbox.refused(message_id, MessageRefused(answer[1], ""), self._timeline.now)
        self.settle()

    def _time_out(self, connection: int | None, message_id: str, pending: Pending) -> None:
        if not self.is_alive or connection != self.connection or self._pending.get(message_id) is not pending:
            return
        del self._pending[message_id]
        self._note_failure(message_id, pending, in_doubt=True)
        self.outbox.timed_out(message_id, self._timeline.now)
        self.settle()

    def _note_failure(self, message_id: str, pending: Pending | None, *, in_doubt: bool) -> None:
        queued = {record.ticket for record in self.outbox.records}
        if pending is not None and pending.ticket is not None and pending.ticket in queued:
            self._earlier[message_id] = pending.ticket
            self._oracle.failed(pending.ticket, in_doubt=in_doubt)
