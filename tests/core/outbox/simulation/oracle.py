"""What must hold in every history, checked at each event."""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from math import inf

from ocpp_core.outbox.effects import Transmit
from ocpp_core.outbox.settings import OutboxConfig
from ocpp_core.outbox.stored.outcomes import (
    MessageAnswered,
    MessageDropped,
    MessageNotSent,
    MessageOutcome,
    MessageRefused,
    MessageUnknown,
    UnknownReason,
)
from ocpp_core.outbox.stored.records import Lane, OutboxRecord

from .disk import Disk
from .peer import Peer
from .timeline import Timeline


class BrokenInvariantError(AssertionError):
    pass


@dataclass(slots=True)
class Message:
    """What the oracle knows of one message."""

    number: int
    record: OutboxRecord
    deadline: float
    expires: float
    attempts: int
    interval: float
    payloads: list[int] = field(default_factory=list)
    transmissions: int = 0
    failures: int = 0
    cuts: int = 0
    failed_at: float = -inf
    has_exact_wait: bool = True
    has_exact_end: bool = True
    """False once a clock that was set may have moved the deadline."""
    in_doubt: bool = False
    accepted: bool = False
    rejected: bool = False
    counts_as_started: bool = False
    """True if its mark was durable at a restart."""
    told: MessageOutcome | None = None
    is_released: bool = False
    """True once the outcome was acknowledged or forgotten: its key may be used again."""


GIVEN_UP = {UnknownReason.TIMEOUT, UnknownReason.LOST}


class Oracle:
    def __init__(self, timeline: Timeline, peer: Peer) -> None:
        self.messages: dict[int, Message] = {}
        self.disk: Disk
        self.accepted = self.transmissions = self.checked = 0
        self._timeline = timeline
        self._peer = peer
        self._last_in_lane = 0
        self._overtaken = 0
        self.numbers: dict[int, int] = {}
        """The ticket of each number in a payload."""

    def expect(self, holds: bool, rule: str) -> None:
        self.checked += 1
        if not holds:
            raise BrokenInvariantError(f"{rule} (at {self._timeline.now:.3f} s)")

    # The application

    def enqueued(self, record: OutboxRecord, number: int, config: OutboxConfig, ttl: float, deadline: float) -> None:
        self.expect(record.ticket not in self.messages, "a ticket is given out once")
        attempts = config.attempts if record.attempts is None else record.attempts
        now = self._timeline.now
        self.messages[record.ticket] = Message(
            number,
            record,
            deadline=now + deadline,
            expires=now + ttl,
            attempts=max(1, attempts),
            interval=config.interval if record.interval is None else record.interval,
        )
        self.numbers[number] = record.ticket

    def told_accepted(self, ticket: int) -> None:
        message = self.messages[ticket]
        self.expect(ticket in self.disk.ever, "what is accepted is durable")
        self.expect(not message.rejected or ticket in self.disk.doubtful, "what is rejected is not accepted")
        self.accepted += not message.accepted
        message.accepted = True

    def told_rejected(self, ticket: int) -> None:
        message = self.messages[ticket]
        self.expect(not message.accepted, "what is accepted is not rejected")
        self.expect(message.transmissions == 0, "what is rejected was never on the wire")
        message.rejected = True

    def told_outcome(self, ticket: int, outcome: MessageOutcome) -> None:
        message = self.messages[ticket]
        self.expect(not message.rejected or ticket in self.disk.doubtful, "what is rejected has no outcome")
        self.expect(self.disk.outcomes.get(ticket) == outcome, "an outcome is durable before it is told")
        self.expect(message.told in (None, outcome), "an outcome that was told never changes")
        message.told = outcome
        match outcome:
            case MessageNotSent() | MessageDropped():
                self.expect(message.transmissions == 0, "what is told as not sent was never on the wire")
            case MessageAnswered(text):
                self.expect(text in self._peer.answers[message.number], "an answer is one of the peer's")
            case MessageRefused() | MessageUnknown():
                self._expect_given_up(message, outcome)

    def _expect_given_up(self, message: Message, outcome: MessageRefused | MessageUnknown) -> None:
        if isinstance(outcome, MessageRefused) or (outcome.reason in GIVEN_UP and message.record.resend):
            self.expect(message.failures == message.attempts, "a message is given up after exactly its attempts")
        elif outcome.reason is UnknownReason.RESTART and message.record.resend:
            self.expect(message.cuts > 0, "a restart gives up what crashes had cut off")

    def one_message(self, earlier: int) -> None:
        """Expect that a key may be used for another message than this one."""
        message, state = self.messages[earlier], self.disk.state
        is_kept = earlier in state.records or earlier in state.outcomes
        self.expect(not (message.accepted and is_kept) or message.is_released, "a key is one message")

    # The wire

    def transmitted(self, transmit: Transmit, outstanding: int, window: int, free_cuts: int) -> None:
        self.transmissions += 1
        ticket = transmit.ticket
        message = self.messages[ticket]
        stored = self.disk.state.records.get(ticket)
        is_marked = stored is not None and stored.sending and stored.message_id == transmit.message_id
        self.expect(is_marked, "the mark of a transmission is durable")
        self.expect(outstanding < window, "the window has a free slot")
        self.expect(message.told is None, "nothing is sent after its outcome was told")
        self.expect(not message.rejected or ticket in self.disk.doubtful, "what was rejected is not sent")
        self.expect(message.record.resend or not message.in_doubt, "what must not be repeated is not, after doubt")
        self._expect_order(message.record)
        self._expect_time(message)
        self._expect_id(message.record, transmit)
        message.transmissions += 1
        message.in_doubt = True
        most = message.attempts + free_cuts
        self.expect(message.transmissions <= most, "transmissions are at most the attempts and the free cuts")

    def _expect_order(self, record: OutboxRecord) -> None:
        if record.lane is Lane.TRANSACTION:
            self.expect(record.ticket >= self._last_in_lane, "the order of the transaction lane never goes back")
            self._last_in_lane = record.ticket

    def _expect_time(self, message: Message) -> None:
        now = self._timeline.now
        if message.failures and message.has_exact_wait:
            due = message.failed_at + message.interval * message.failures
            self.expect(now >= due - 1e-6, "a retry waits for its interval times the failures")
        if message.has_exact_end:
            self.expect(now <= message.deadline + 1e-6, "nothing is sent after its deadline")
            was_started = message.transmissions > 0 or message.counts_as_started
            self.expect(was_started or now <= message.expires + 1e-6, "what expired is not sent")

    def _expect_id(self, record: OutboxRecord, transmit: Transmit) -> None:
        payload = json.loads(transmit.payload)
        if record.start is None:
            return
        outcome = self.disk.outcomes.get(record.start)
        self.expect(outcome is not None, "the end of a start is durable before its messages are sent")
        expected = outcome.payload["transactionId"] if isinstance(outcome, MessageAnswered) else -1
        self.expect(payload["transactionId"] == expected, "a message has the ID of its start, or -1")

    def call_written(self, *, is_due: bool, most: int) -> None:
        """Note a call of the session, while a message that is due may wait."""
        self._overtaken = self._overtaken + 1 if is_due else 0
        self.expect(self._overtaken <= most, "calls do not starve messages")

    def message_taken(self) -> None:
        self._overtaken = 0

    # What becomes of a transmission

    def failed(self, ticket: int, *, in_doubt: bool) -> None:
        message = self.messages[ticket]
        message.failures += 1
        message.failed_at = self._timeline.now
        message.has_exact_wait = True
        message.in_doubt = in_doubt

    def cut(self, ticket: int, free_cuts: int) -> None:
        message = self.messages[ticket]
        message.cuts += 1
        if message.cuts > free_cuts:
            self.failed(ticket, in_doubt=True)

    def restarted(self, free_cuts: int, *, clock_jumped: bool) -> None:
        """Take over what the disk knows; a crash may have lost the end of the last transmission."""
        self._overtaken = lost = 0
        for ticket, record in self.disk.state.records.items():
            message = self.messages[ticket]
            lost += message.failures > record.failures
            self.expect(0 <= message.failures - record.failures <= 1, "a crash loses the end of one transmission")
            message.counts_as_started |= record.started
            is_same_failure = message.failures == record.failures
            message.failures, message.cuts = record.failures, record.cuts
            message.has_exact_wait = message.has_exact_wait and is_same_failure and not clock_jumped
            message.has_exact_end = message.has_exact_end and not clock_jumped
            if record.sending:
                self.cut(ticket, free_cuts)
        self.expect(lost <= 1, "a crash loses the end of one transmission")

    # The end

    def finish(self, bindings: dict[int, bool], *, queued: int, has_slot: bool) -> None:
        self.expect(queued == 0, "the queue is empty after a calm time")
        self.expect(not has_slot, "no slot is taken when nothing is queued")
        starts_that_ended: dict[int, bool] = defaultdict(bool)
        for message in self.messages.values():
            if message.accepted:
                self.expect(message.told is not None, "what is accepted is settled")
            if message.told is not None and message.record.last and message.record.start is not None:
                starts_that_ended[message.record.start] = True
        left = [start for start in bindings if starts_that_ended[start]]
        self.expect(not left, "no transaction ID is left after the last message")
