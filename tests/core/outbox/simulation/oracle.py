"""What must hold in every history, checked at each event."""

import json
from collections import defaultdict
from collections.abc import Sequence
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
    NotSentReason,
    UnknownReason,
)
from ocpp_core.outbox.stored.records import Acknowledged, Delete, Lane, Operation, OutboxRecord, Put

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
    last_id: str | None = None
    """The message ID of the last transmission, written or marked."""
    has_failed: bool = False
    """True if the last transmission failed, False if it was cut off."""
    waits_for_outcome: bool = False
    """True if its key was used again after its outcome was told."""
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
        self._was_ordinary = False
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
        message.waits_for_outcome = False

    def told_outcome(self, ticket: int, outcome: MessageOutcome) -> None:
        message = self.messages[ticket]
        self.expect(not message.rejected or ticket in self.disk.doubtful, "what is rejected has no outcome")
        self.expect(self.disk.outcomes.get(ticket) == outcome, "an outcome is durable before it is told")
        self.expect(message.told in (None, outcome), "an outcome that was told never changes")
        message.told = outcome
        message.waits_for_outcome = False
        was_started = message.transmissions > 0 or message.counts_as_started
        match outcome:
            case MessageNotSent() | MessageDropped():
                self.expect(message.transmissions == 0, "what is told as not sent was never on the wire")
                self.expect(not message.counts_as_started, "what was marked at a restart counts as sent")
            case MessageAnswered(text):
                self.expect(text in self._peer.answers[message.number], "an answer is one of the peer's")
            case MessageRefused() | MessageUnknown():
                self.expect(was_started, "what was never sent is not told as unknown")
                self._expect_given_up(message, outcome)

    def _expect_given_up(self, message: Message, outcome: MessageRefused | MessageUnknown) -> None:
        if isinstance(outcome, MessageRefused) or (outcome.reason in GIVEN_UP and message.record.resend):
            self.expect(message.failures == message.attempts, "a message is given up after exactly its attempts")
        elif outcome.reason is UnknownReason.RESTART and message.record.resend:
            self.expect(message.cuts > 0, "a restart gives up what crashes had cut off")
        elif outcome.reason is UnknownReason.EXPIRED and message.has_exact_end:
            is_late = self._timeline.now >= message.deadline - 1e-6
            self.expect(is_late, "a time to live ends with the first transmission")

    def changed_together(self, operations: Sequence[Operation]) -> None:
        """Expect that what a new message replaces or displaces leaves in the batch of that message.

        Expect also that an outcome is removed only if it was acknowledged, or reported as forgotten.
        """
        for each in operations:
            if isinstance(each, Acknowledged):
                self.expect(self.messages[each.ticket].is_released, "an outcome is not forgotten in silence")
        puts = [each.record for each in operations if isinstance(each, Put)]
        for kept in (each.outcome for each in operations if isinstance(each, Delete)):
            record = self.messages[kept.ticket].record
            if isinstance(kept.outcome, MessageNotSent) and kept.outcome.reason is NotSentReason.REPLACED:
                is_together = any(each.name == record.name and each.ticket > record.ticket for each in puts)
                self.expect(is_together, "a message and what it replaces change in one batch")
            elif isinstance(kept.outcome, MessageDropped):
                is_together = any(each.ticket > record.ticket for each in puts)
                self.expect(is_together, "a message and what it displaces change in one batch")

    def forgotten(self, ticket: int, *, kept: int, most: int) -> None:
        """Note an outcome that was forgotten without an acknowledgement, and how many are kept."""
        self.expect(kept >= most, "no more outcomes are forgotten than the limit demands")
        self.messages[ticket].is_released = True

    def one_message(self, earlier: int) -> None:
        """Expect that a key may be used for another message than this one."""
        message, state = self.messages[earlier], self.disk.state
        is_kept = earlier in state.records or earlier in state.outcomes
        self.expect(not (message.accepted and is_kept) or message.is_released, "a key is one message")

    # The wire

    def transmitted(self, transmit: Transmit, outstanding: int, window: int, config: OutboxConfig) -> None:
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
        self._expect_message_id(message, transmit.message_id, config)
        message.transmissions += 1
        message.in_doubt = True
        most = message.attempts + config.free_cuts
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

    def _expect_message_id(self, message: Message, message_id: str, config: OutboxConfig) -> None:
        if message.last_id is not None:
            is_same = config.retry_id == "same" or (config.retry_id == "auto" and not message.has_failed)
            self.expect((message_id == message.last_id) == is_same, "a repetition has the message ID of the setting")
        message.last_id, message.has_failed = message_id, False

    def call_written(self, *, is_due: bool, most: int) -> None:
        """Note a call of the session, while a message that is due may wait."""
        self._was_ordinary = False
        self._overtaken = self._overtaken + 1 if is_due else 0
        self.expect(self._overtaken <= most, "calls do not starve messages")

    def message_taken(self, record: OutboxRecord, *, may_pass: bool, has_urgent: bool) -> None:
        """Note a message that takes a slot, while ordinary ones may or may not be sent, and an urgent one waits."""
        self._overtaken = 0
        self.expect(record.urgent or may_pass, "only urgent messages pass a closed gate and the pause of a reconnect")
        self.expect(record.urgent or not (has_urgent and self._was_ordinary), "urgent messages precede others")
        self._was_ordinary = not record.urgent

    # What becomes of a transmission

    def failed(self, ticket: int, *, in_doubt: bool) -> None:
        message = self.messages[ticket]
        message.failures += 1
        message.failed_at = self._timeline.now
        message.has_exact_wait = True
        message.in_doubt = in_doubt
        message.has_failed = True

    def cut(self, ticket: int, free_cuts: int) -> None:
        message = self.messages[ticket]
        message.cuts += 1
        if message.cuts > free_cuts:
            self.failed(ticket, in_doubt=True)
        message.has_failed = False

    def restarted(self, free_cuts: int, *, clock_jumped: bool) -> None:
        """Take over what the disk knows; a crash may have lost the end of the last transmission."""
        self._overtaken = lost = 0
        self._was_ordinary = False
        for message in self.messages.values():
            message.waits_for_outcome = False  # it is told again anyway
        for ticket, record in self.disk.state.records.items():
            message = self.messages[ticket]
            lost += message.failures > record.failures
            self.expect(0 <= message.failures - record.failures <= 1, "a crash loses the end of one transmission")
            message.counts_as_started |= record.started
            is_same_failure = message.failures == record.failures
            message.last_id, message.has_failed = record.message_id or message.last_id, record.message_id is None
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
            self.expect(not message.waits_for_outcome, "a key that is used again gets the outcome again")
            if message.accepted:
                self.expect(message.told is not None, "what is accepted is settled")
            if message.told is not None and message.record.last and message.record.start is not None:
                starts_that_ended[message.record.start] = True
        left = [start for start in bindings if starts_that_ended[start]]
        self.expect(not left, "no transaction ID is left after the last message")
