"""The life of each queued message, from its acceptance to its outcome.

    queued ──mark──▶ sending ──answer──▶ gone, outcome kept
      ▲                │  │
      │◀──── cut ──────┘  └──failure──▶ waiting ──retry──▶ queued

* A transmission fails by a CALLERROR or by its timeout. The next one waits for the interval times the number of
  failures, from the CALLERROR or the end of the timeout on (1.6 §3.7.1, 2.0.1 errata 2023-12 6.1.20).
* A transmission that the end of a connection or of the process cuts off is not a failure. From a number of them on, it
  counts as one: a message that makes the peer close the connection must not block the queue indefinitely.
* A message with `resend=False` is never transmitted again if the peer may have received it.

Every change is recorded in the open batch before its output is held. Settings are read when they are used, so changed
ones apply to messages that are queued already.
"""

from collections.abc import Iterable
from dataclasses import replace
from enum import Enum
from typing import Final

from ocpp_core.errors import StoreError
from ocpp_core.timers import Timers

from .accepting import START
from .commands import Restored
from .effects import EmitEffect, OutboxReport, OutboxReportKind, TicketAccepted, TicketSettled
from .journal import Journal
from .kept_outcomes import KeptOutcomes
from .ordering.lanes import Entry, Lanes
from .ordering.room import QueueLimits
from .settings import OutboxConfig
from .stored.outcomes import (
    MessageDropped,
    MessageOutcome,
    MessageRefused,
    MessageUnknown,
    UnknownReason,
)
from .stored.records import KeptOutcome, OutboxRecord, Put, ReplaceAll
from .transaction_ids import TransactionIds

__all__ = ["Due", "Messages"]


class Due(Enum):
    """What a deadline of a message is for."""

    RETRY = "retry"
    EXPIRY = "expiry"
    DEADLINE = "deadline"


_UNBORN: Final = 2
"""Factor on the size of the queue for messages that are not durable yet, also those that left the queue again."""
_LAST_RESORT: Final = MessageUnknown(UnknownReason.TIMEOUT)
"""The outcome of a message that is given up although no failure of it is stored."""


class Messages:
    """The messages of one queue, with their outcomes, transaction IDs and deadlines."""

    def __init__(self, config: OutboxConfig, size: int, journal: Journal, emit: EmitEffect) -> None:
        self.config: OutboxConfig = config
        """The settings in force."""
        self.size: int = size
        """Messages that the queue has room for."""
        self.lanes: Lanes = Lanes()
        """The queued messages."""
        self.outcomes: KeptOutcomes = KeptOutcomes(journal.record)
        """The outcomes that are not acknowledged."""
        self.ids: TransactionIds = TransactionIds(journal.record)
        """The transaction IDs of OCPP 1.6."""
        self.timers: Timers = Timers()
        """The deadlines of messages, named by `Due` and ticket."""
        self.offset: float = 0.0
        """The wall-clock time minus the monotonic time, in seconds."""
        self._journal = journal
        self._emit = emit
        self._keys: dict[str, int] = {}
        self._unborn: dict[int, int] = {}

    @property
    def state(self) -> ReplaceAll:
        """Everything that a store keeps."""
        records = tuple(entry.record for entry in self.lanes.entries.values())
        return ReplaceAll(records, self.ids.all, self.outcomes.all)

    @property
    def limits(self) -> QueueLimits:
        """What the queue has room for."""
        return QueueLimits(self.size, self.config.max_bytes)

    # Beginning

    def restore_all(self, state: Restored, now: float) -> None:
        """Take the stored state; a transmission that was marked counts as cut off by the end of the process."""
        self.offset = state.wall - now
        self.ids.restore(state.bindings)
        entries = [Entry(record, is_restored=True, is_ready=not record.sending) for record in state.records]
        for entry in sorted(entries, key=lambda entry: entry.record.ticket):
            self.restore(entry, now)
        self.restore_outcomes(state.outcomes)
        for entry in entries:
            if entry.record.sending:
                self.cut(entry, UnknownReason.RESTART, now)

    def restore(self, entry: Entry, now: float) -> None:
        """Insert a stored message.

        The rest of a wait for a retry is at most the whole wait, so that a clock that was set back cannot block it.
        """
        record = entry.record
        self._insert(entry)
        if record.failures and not record.sending:
            entry.failed_at = min(now, record.failed_at - self.offset)
            self._wait(entry, now)

    def restore_outcomes(self, outcomes: Iterable[KeptOutcome]) -> None:
        """Take the stored outcomes, and report them again."""
        self.outcomes.restore(outcomes)
        for kept in self.outcomes.all:
            if kept.key is not None:
                self._keys[kept.key] = kept.ticket
            self._journal.hold(TicketSettled(kept.ticket, kept.outcome))

    def accept(self, entry: Entry) -> None:
        """Insert a new message, and report its acceptance when it is durable."""
        record = entry.record
        self._insert(entry)
        self._unborn[record.ticket] = self._journal.open
        self._put(entry, record)
        self._journal.hold(TicketAccepted(record.ticket))

    def known(self, key: str | None) -> int | None:
        """Return the ticket of a key, and report its acceptance, and outcome, once more; None for a new key."""
        ticket = None if key is None else self._keys.get(key)
        if ticket is not None:
            self._journal.hold(TicketAccepted(ticket))
            if (kept := self.outcomes.get(ticket)) is not None:
                self._journal.hold(TicketSettled(ticket, kept.outcome))
        return ticket

    def has_key(self, key: str | None) -> bool:
        """Return True if a message has this key, or an outcome that is not acknowledged."""
        return key in self._keys

    def expect_transaction(self, start: int | None) -> None:
        """Raise ValueError unless this is the ticket of a start whose transaction has not ended, or None."""
        queued = None if start is None else self.lanes.entries.get(start)
        if start is None or (queued is not None and queued.record.action == START):
            return
        if self.ids.of(start) is None:
            raise ValueError(f"expected the ticket of a {START} whose transaction has not ended, got {start!r}")

    def expect_store(self, action: str) -> None:
        """Raise StoreError unless the store writes, and keeps up: what waits for it is bounded."""
        if self._journal.failed:
            raise StoreError(f"cannot enqueue {action}: the store cannot write; retry when it can")
        waiting = len(self._unborn)
        if waiting >= _UNBORN * self.size:
            raise StoreError(f"cannot enqueue {action}: the store has not written {waiting} messages; retry later")

    def born(self, number: int) -> None:
        """Note that all batches up to `number` are durable."""
        while self._unborn and next(iter(self._unborn.values())) <= number:
            del self._unborn[next(iter(self._unborn))]

    def remove_unborn(self) -> set[int]:
        """Remove the messages that were never durable, and return their tickets."""
        unborn, self._unborn = set(self._unborn), {}
        for ticket in unborn:
            entry = self.lanes.entries.get(ticket)
            if entry is not None:
                self._remove(entry)
                self.ids.release_and_clean(entry.record)
            self.ids.unbind(ticket)
            self.outcomes.discard(ticket)
        self._keys = {key: ticket for key, ticket in self._keys.items() if ticket not in unborn}
        return unborn

    def _insert(self, entry: Entry) -> None:
        record = entry.record
        self.lanes.add(entry)
        self.ids.refer(record)
        if record.key is not None:
            self._keys[record.key] = record.ticket
        self.arm(entry)

    def arm(self, entry: Entry) -> None:
        """Arm the deadlines of a message that the clock decides."""
        record = entry.record
        self.timers.set((Due.EXPIRY, record.ticket), record.expires_at - self.offset)
        self.timers.set((Due.DEADLINE, record.ticket), record.deadline_at - self.offset)

    # Transmissions

    def mark(self, entry: Entry, message_id: str) -> None:
        """Record that a transmission is about to be written."""
        self.timers.cancel((Due.RETRY, entry.record.ticket))
        self.lanes.set_ready(entry, False)
        self._put(entry, replace(entry.record, sending=True, started=True, message_id=message_id))

    def unmark(self, entry: Entry, before: OutboxRecord) -> None:
        """Record that the marked transmission was not written."""
        record = replace(entry.record, sending=False, started=before.started, message_id=before.message_id)
        self._put(entry, record)
        self.lanes.set_ready(entry, True)

    def fail(self, entry: Entry, outcome: MessageRefused | MessageUnknown, now: float) -> None:
        """Record a failed transmission: a CALLERROR, or no response within the timeout."""
        keeps_id = self.config.retry_id == "same"
        self._fail(entry, outcome, replace(entry.record, message_id=entry.record.message_id if keeps_id else None), now)

    def cut(self, entry: Entry, reason: UnknownReason, now: float) -> None:
        """Record a transmission that the end of the connection or of the process cut off."""
        record = entry.record
        message_id = None if self.config.retry_id == "new" else record.message_id
        cut = replace(record, cuts=record.cuts + 1, message_id=message_id)
        if not record.resend or cut.cuts > self.config.free_cuts:
            self._fail(entry, MessageUnknown(reason), cut, now)
        else:
            self._put(entry, replace(cut, sending=False))
            self.lanes.set_ready(entry, True)

    def _fail(self, entry: Entry, outcome: MessageRefused | MessageUnknown, record: OutboxRecord, now: float) -> None:
        entry.failed_at = now
        at = now + self.offset
        entry.record = replace(record, sending=False, failures=record.failures + 1, failed_at=at, failure=outcome)
        if not record.resend and isinstance(outcome, MessageUnknown):
            self.settle(entry, outcome)
        elif not self.give_up(entry):
            self._put(entry, entry.record)
            self._wait(entry, now)

    def give_up(self, entry: Entry) -> bool:
        """Settle a message whose attempts are used up; return True then."""
        record = entry.record
        attempts = self.config.attempts if record.attempts is None else record.attempts
        if record.failures < max(1, attempts):
            return False
        detail = f"{record.action} was given up after {record.failures} failed transmissions"
        self.settle(entry, record.failure or _LAST_RESORT)
        self._emit(OutboxReport(OutboxReportKind.GIVEN_UP, record.ticket, detail))
        return True

    def _wait(self, entry: Entry, now: float) -> None:
        record = entry.record
        interval = self.config.interval if record.interval is None else record.interval
        due = entry.failed_at + interval * record.failures
        if due <= now:
            self.timers.cancel((Due.RETRY, record.ticket))
            self.lanes.set_ready(entry, True)
        else:
            self.timers.set((Due.RETRY, record.ticket), due)
            self.lanes.set_ready(entry, False)

    def configure(self, config: OutboxConfig, size: int, now: float) -> None:
        """Apply other settings, also to the waits that have begun."""
        self.config, self.size = config, size
        for entry in self.lanes.entries.values():
            if entry.record.failures and not entry.record.sending:
                self._wait(entry, now)
        self._forget_excess()

    # Endings

    def settle(self, entry: Entry, outcome: MessageOutcome) -> None:
        """Remove a message, store its outcome, and report it when both are durable."""
        record = entry.record
        self._remove(entry)
        self.outcomes.keep(KeptOutcome(record.ticket, record.key, outcome, record.peer))
        self._close_start(record)
        forgotten = self.ids.end(record, outcome, most=self.config.outcomes_kept)
        self._journal.hold(TicketSettled(record.ticket, outcome))
        if forgotten is not None:
            self._emit(OutboxReport(OutboxReportKind.BINDING_FORGOTTEN, forgotten))

    def note_told(self, ticket: int) -> None:
        """Note that an outcome was reported, and forget the oldest ones beyond the limits."""
        self.outcomes.told(ticket)
        self._forget_excess()

    def drop(self, entry: Entry) -> None:
        """Settle a message that a full queue drops."""
        self.settle(entry, MessageDropped())
        detail = f"{entry.record.action} was dropped: the queue is full"
        self._emit(OutboxReport(OutboxReportKind.DROPPED, entry.record.ticket, detail))

    def unsent_named(self, name: str | None) -> list[Entry]:
        """Return the messages with a name that were never transmitted."""
        if name is None:
            return []
        records = ((entry, entry.record) for entry in self.lanes.entries.values())
        return [entry for entry, record in records if record.name == name and not record.started]

    def acknowledge(self, ticket: int) -> None:
        """Forget an outcome and its key; ignore an unknown ticket."""
        self._release_key(self.outcomes.forget(ticket))

    def _forget_excess(self) -> None:
        for kept in self.outcomes.excess(self.config):
            self._release_key(kept)
            self._emit(OutboxReport(OutboxReportKind.OUTCOME_FORGOTTEN, kept.ticket))

    def _release_key(self, kept: KeptOutcome | None) -> None:
        if kept is not None and kept.key is not None:
            self._keys.pop(kept.key, None)

    def _close_start(self, record: OutboxRecord) -> None:
        """Mark a start whose last message ended before the response to the start."""
        start = self.lanes.entries.get(record.start) if record.last and record.start is not None else None
        if start is not None:
            self._put(start, replace(start.record, closed=True))

    def _remove(self, entry: Entry) -> None:
        self.lanes.remove(entry)
        for due in Due:
            self.timers.cancel((due, entry.record.ticket))

    def _put(self, entry: Entry, record: OutboxRecord) -> None:
        entry.record = record
        self._journal.record(Put(record))
