"""The queue of messages that outlive connections and restarts.

What it is. The application enqueues a message and gets a ticket. The host's store makes every change durable. The
session asks for the next message when its window has a free slot, and reports how each transmission ended. All inputs
are methods; `docs/design/outbox.md` explains the design. At the end of each input, after the session filled its
window, the owner calls `flush`: all changes of the input are then one batch.

What it guarantees, over all restarts, for a store that keeps what it reported as stored:

* A message is accepted when it is durable. Every accepted message gets exactly one outcome, which never changes.
* A message that was settled as not sent, dropped or rejected was never transmitted.
* Each transmission is preceded by a durable mark. At most one message is marked, so after a crash at most one is in
  doubt. With `resend` it is transmitted again, before any later message of its lane; without, it is settled as unknown.
* Messages of the transaction lane are transmitted in the order of acceptance.
* The end of a message, its outcome, a transaction ID that it binds, and the mark of the next message are one batch.

Why it holds. Changes reach the store as numbered batches, and every output waits for its batch in one queue, the
`Journal`. There is no second ordering. The state in memory is ahead of the store, and is not reported.

What it must never do. It never has two transmissions, and sends no message while the store fails. A transmission
that is marked but not written is retracted when the connection is lost, the message is settled, or the store fails:
the process knows better than the mark that the peer has not seen it. After a restart the mark counts.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from ocpp_core.config import IdFactory

from .accepting import lane_of, make_record
from .commands import Enqueue, Restored
from .effects import EmitEffect, OutboxEffect, OutboxReport, OutboxReportKind, TicketSettled, Transmit
from .journal import Journal
from .messages import Due, Messages
from .ordering.choosing import Chooser
from .ordering.lanes import Entry
from .ordering.room import victims
from .responses import ResponseMixin
from .settings import OutboxConfig
from .slot import Flight, Slot
from .store_watch import StoreWatch
from .stored.outcomes import (
    MessageNotSent,
    MessageOutcome,
    MessageUnknown,
    NotSentReason,
    UnknownReason,
)
from .stored.records import Lane, OutboxRecord

__all__ = ["Outbox"]

_RESUME: Final = "resume"
"""The name of the deadline of `resume_after`."""
_HELD: Final = "held"
"""The name of the time at which messages are reported that a closed gate holds."""
_NOTICE: Final = 60.0
"""Seconds from the opening of a connection to this report: a BootNotification is usually answered before."""


class Outbox(ResponseMixin):
    """The queue of one peer.

    It has room for `size` messages. `ids` makes message IDs, `emit` gets every output, in order, and `changed` is
    called when there is something to `flush`.
    """

    def __init__(
        self, config: OutboxConfig, size: int, *, ids: IdFactory, emit: EmitEffect, changed: Callable[[], None]
    ) -> None:
        self._ids = ids
        self._emit = emit
        self._journal = Journal(emit, self._release, changed)
        self._messages = Messages(config, size, self._journal, emit)
        self._lanes = self._messages.lanes
        self.queued: Mapping[int, Entry] = self._lanes.entries
        """The messages by ticket, to be read; the same object at all times."""
        self._chooser = Chooser(self._lanes, config)
        self._next_ticket: int | None = None
        self._slot = Slot()
        self._store = StoreWatch(self._journal, self._messages.timers)
        self._changed = changed

    def __len__(self) -> int:
        """Return the number of queued messages."""
        return len(self._lanes.entries)

    @property
    def deadline(self) -> float:
        """Time at which the queue needs `expire` and then `take` at the latest; `inf`: never."""
        return self._messages.timers.next

    @property
    def has_slot(self) -> bool:
        """True while a message has a slot of the window, even if it is not written yet."""
        return self._slot.flight is not None

    @property
    def has_unwritten(self) -> bool:
        """True while a message has a slot of the window, and its mark is not durable."""
        return self._slot.flight is not None and not self._slot.flight.is_written

    @property
    def has_ordered(self) -> bool:
        """True if a message of the transaction lane is queued."""
        return self._lanes.has_transactions

    def is_ordered(self, action: str, payload: Mapping[str, Any]) -> bool:
        """Return True if a message would be one of the transaction lane."""
        return lane_of(action, payload, self._messages.config) is Lane.TRANSACTION

    @property
    def records(self) -> Iterable[OutboxRecord]:
        """The queued messages in the order of acceptance."""
        return [entry.record for entry in self._lanes.entries.values()]

    def transaction_id(self, start: int) -> int | None:
        """Return the ID of a transaction; -1 if its start got none; None if unknown."""
        return self._messages.ids.of(start)

    # The store

    def restore(self, state: Restored, now: float) -> None:
        """Take the stored state; the first input. Raises RuntimeError if it had one."""
        if self._next_ticket is not None:
            raise RuntimeError("cannot restore: the outbox has its state already; make a new one")
        self._next_ticket = state.first_ticket
        self._messages.restore_all(state, now)

    def stored(self, number: int) -> None:
        """Note that all batches up to `number` are durable.

        Raises ValueError for a batch that was not emitted.
        """
        self._journal.stored(number)
        self._messages.born(number)
        self._note_store()

    def _note_store(self) -> None:
        if self._store.reported():
            self._changed()  # messages may be sent again

    def store_failed(self, number: int, error: Exception) -> None:
        """Note that the store rolled back this batch and all after it.

        The store discards every batch until the one that begins with `ReplaceAll`. Messages that were never durable are
        rejected. Raises ValueError for a batch that was not emitted, or that is durable.
        """
        if self._journal.failed:
            return
        self._journal.fail(number)
        self._messages.born(number - 1)
        self._reject_unborn(error)

    def _reject_unborn(self, error: Exception) -> None:
        self._note_store()
        self._retract()
        self._journal.reject(self._messages.remove_unborn(), error)

    def store_degraded(self, error: Exception) -> None:
        """Note that the store keeps what follows in memory only; it reports it as stored all the same."""
        self._journal.degrade(error)

    def store_back(self) -> None:
        """Note that the store can write again; after a failure it gets the whole state."""
        self._journal.resume(self._messages.state)

    def flush(self) -> None:
        """Emit the changes since the last call as one batch, if there are any."""
        self._journal.seal()

    def _release(self, output: OutboxEffect) -> None:
        self._slot.note_written(output)
        if not isinstance(output, TicketSettled):
            self._emit(output)
        elif self._messages.outcomes.get(output.ticket) is not None:  # otherwise it was acknowledged meanwhile
            self._emit(output)
            self._messages.note_told(output.ticket)

    # Commands

    def enqueue(self, command: Enqueue, now: float) -> int:
        """Queue a message and return its ticket. A command that raises changes nothing.

        `TicketAccepted` or `TicketRejected` follows, and after an acceptance `TicketSettled`.

        Args:
            command: The message.
            now: The monotonic time, in seconds.

        Returns:
            The ticket; that of the earlier message if the key is known.

        Raises:
            RuntimeError: The stored state was not restored.
            TypeError: An argument has a wrong type.
            ValueError: An argument is out of range, or the transaction is unknown.
            CallDroppedError: The queue is full.
            StoreError: The store cannot write, or does not keep up.
        """
        if self._next_ticket is None:
            raise RuntimeError("cannot enqueue: the stored messages were not read; restore them first")
        messages = self._messages
        wall = now + messages.offset
        record = make_record(command, self._next_ticket, messages.config, wall, is_online=self._chooser.is_online)
        if (known := messages.known(command.key)) is not None:
            return known
        messages.expect_transaction(command.transaction)
        messages.expect_store(command.action)
        entry = Entry(record)
        replaced = messages.unsent_named(command.replaces)
        dropped = victims(self._lanes, entry, messages.limits, replaced)
        for each in replaced:
            messages.settle(each, MessageNotSent(NotSentReason.REPLACED))
        for each in dropped:
            messages.drop(each)
        messages.accept(entry)
        self._store.expect(now)
        self._next_ticket += 1
        return record.ticket

    def cancel(self, ticket: int) -> None:
        """Settle a queued message as cancelled; ignore an unknown ticket."""
        entry = self._lanes.entries.get(ticket)
        if entry is not None:
            self._abandon(entry, NotSentReason.CANCELLED, UnknownReason.CANCELLED)

    def acknowledge(self, ticket: int) -> None:
        """Forget an outcome: it is not reported again. Ignore an unknown ticket."""
        self._messages.acknowledge(ticket)

    def set_gate(self, is_open: bool) -> None:
        """Let messages out that are not urgent, or hold them."""
        self._chooser.is_open = is_open

    def boot_answered(self, status: object) -> None:
        """Note the status in the response to a BootNotification, None before one, for `OutboxConfig.gate`."""
        if self._messages.config.gate == "boot":
            self._chooser.is_open = status == "Accepted"

    def set_clock(self, wall: float, now: float) -> None:
        """Note that the wall clock was set."""
        self._messages.offset = wall - now
        for entry in self._lanes.entries.values():
            if entry.is_restored:  # others count from now on in monotonic time
                self._messages.arm(entry)

    def configure(self, config: OutboxConfig, size: int, now: float) -> None:
        """Apply other settings; the gate keeps its state, except that `"open"` opens it."""
        self._messages.configure(config, size, now)
        self._chooser.configure(config)

    def discard(self) -> None:
        """Settle all messages: the queue is in memory only, and its owner closes."""
        for entry in list(self._lanes.entries.values()):
            self._abandon(entry, NotSentReason.CLOSED, UnknownReason.CLOSED)

    # The connection

    def opened(self, protocol: str, now: float) -> None:
        """Note that a connection is open, with this subprotocol."""
        chooser = self._chooser
        chooser.is_online = True
        chooser.protocol = protocol
        chooser.resumes_at = now + self._messages.config.resume_after
        if chooser.resumes_at > now:
            self._messages.timers.set(_RESUME, chooser.resumes_at)
        self._messages.timers.set(_HELD, now + _NOTICE)

    def stop_sending(self) -> None:
        """Send nothing more on this connection, which closes; a written transmission may still be answered."""
        self._chooser.is_online = False
        self._retract()

    def lost(self, now: float) -> None:
        """Note that the connection ended: a transmission without a response is cut off."""
        self.stop_sending()
        flight = self._slot.lose()
        if flight is not None and flight.entry is not None:
            self._messages.cut(flight.entry, UnknownReason.LOST, now)

    def take(self, now: float, *, live: bool = False, ordered: bool = True) -> bool:
        """Take a free slot of the window for the next message, if one is due.

        `Transmit` follows when its mark is durable. The slot remains taken until `answered`, `refused`, `timed_out` or
        `lost`, or until `has_slot` is False because the transmission was retracted.

        Args:
            now: The monotonic time, in seconds.
            live: True if a call of the session waits for the slot.
            ordered: False while a call waits that precedes the messages of the transaction lane.

        Returns:
            True if a message has the slot, False if the slot is for a call of the session.
        """
        self.expire(now)
        if self.has_slot or not self._chooser.is_online or self._journal.failed or self._store.is_late:
            return False
        while (entry := self._chooser.next(now, live, ordered)) is not None:
            if not self._is_unfit(entry):
                self._mark(entry)
                self._store.expect(now)
                return True
        return False

    def _is_unfit(self, entry: Entry) -> bool:
        """Settle a message that must not be transmitted now; return True then."""
        protocol = entry.record.protocol
        if protocol is not None and protocol != self._chooser.protocol:
            self._abandon(entry, NotSentReason.INVALID, UnknownReason.INVALID)
            return True
        return self._messages.give_up(entry)  # the number of attempts may have been lowered

    def _mark(self, entry: Entry) -> None:
        before = entry.record
        message_id = before.message_id or self._ids()
        self._messages.mark(entry, message_id)
        payload = self._messages.ids.fill(before)
        transmit = Transmit(before.ticket, message_id, before.action, payload, before.started)
        self._slot.flight = Flight(entry, transmit, before)
        self._journal.hold(transmit)

    def _retract(self) -> None:
        """Take back a transmission that is marked but not written, and free its slot."""
        flight = self._slot.take_unwritten()
        if flight is not None:
            self._journal.withdraw(flight.transmit)
            if flight.entry is not None:
                self._messages.unmark(flight.entry, flight.before)

    # Ending without a response

    def expire(self, now: float) -> None:
        """Settle the messages whose time is over, and note which may be transmitted again."""
        for name in self._messages.timers.due(now):
            if isinstance(name, tuple):
                self._expire(name[0], self._lanes.entries[name[1]])
            elif name == _HELD:
                self._note_held(now)
            elif name is self._store and self._store.expire(now):
                self._retract()
                self._emit(OutboxReport(OutboxReportKind.STORE_LATE, detail="its messages wait"))

    def _note_held(self, now: float) -> None:
        """Report once a connection messages that wait although it is open: nothing waits in silence."""
        if not self._chooser.is_online:
            return
        if self._chooser.is_open or not self._lanes.entries:  # the gate may close, and messages may follow
            self._messages.timers.set(_HELD, now + _NOTICE)
        else:
            detail = f"{len(self)} messages wait until a BootNotification is accepted, or the gate is opened"
            self._emit(OutboxReport(OutboxReportKind.HELD, detail=detail))

    def _expire(self, due: Due, entry: Entry) -> None:
        if due is Due.RETRY:
            self._lanes.set_ready(entry, True)
        elif due is Due.DEADLINE or not self._was_started(entry):
            self._abandon(entry, NotSentReason.EXPIRED, UnknownReason.EXPIRED)

    def _was_started(self, entry: Entry) -> bool:
        flight = self._slot.of(entry)
        return entry.record.started if flight is None or flight.is_written else flight.before.started

    def _abandon(self, entry: Entry, not_sent: NotSentReason, unknown: UnknownReason) -> None:
        if self._slot.of(entry) is not None:
            self._retract()
        self._settle(entry, MessageUnknown(unknown) if entry.record.started else MessageNotSent(not_sent))

    def _settle(self, entry: Entry, outcome: MessageOutcome) -> None:
        """Settle a message; its written transmission keeps the slot, one that is not written is retracted."""
        if self._slot.of(entry) is not None:
            self._retract()
        if (flight := self._slot.of(entry)) is not None:
            flight.entry = None
        self._messages.settle(entry, outcome)
