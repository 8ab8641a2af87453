"""Mistakes that an outbox may have, seeded one at a time: the simulation must find each of them.

A run that finds nothing means little before it is known what it would find.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from ocpp_core.outbox.effects import TicketAccepted, TicketSettled, Transmit
from ocpp_core.outbox.journal import Journal
from ocpp_core.outbox.kept_outcomes import KeptOutcomes
from ocpp_core.outbox.messages import Due, Messages
from ocpp_core.outbox.ordering import room
from ocpp_core.outbox.ordering.choosing import Chooser
from ocpp_core.outbox.ordering.lanes import Lanes
from ocpp_core.outbox.outbox import Outbox
from ocpp_core.outbox.slot import Slot
from ocpp_core.outbox.stored.outcomes import (
    MessageDropped,
    MessageNotSent,
    MessageUnknown,
    NotSentReason,
    UnknownReason,
)
from ocpp_core.outbox.stored.records import Delete, Lane
from ocpp_core.outbox.transaction_ids import TransactionIds

from .seeding import Patch

hold, seal, fail, resume = Journal.hold, Journal.seal, Journal.fail, Journal.resume
record = Journal.record


def at_once(kind: type) -> Callable[..., None]:
    """Let outputs of a kind leave before their batch is durable."""

    def early(self: Any, output: Any) -> None:
        if isinstance(output, kind):
            self._release(output)
        else:
            hold(self, output)

    return early


def seal_after_delete(self: Any, operation: Any) -> None:
    record(self, operation)
    if isinstance(operation, Delete):
        seal(self)


def cut_is_free(self: Any, entry: Any, reason: Any, now: float) -> None:
    self._put(entry, replace(entry.record, cuts=entry.record.cuts + 1, sending=False))
    self.lanes.set_ready(entry, True)


def cut_is_a_failure(self: Any, entry: Any, reason: Any, now: float) -> None:
    self._fail(entry, MessageUnknown(reason), replace(entry.record, cuts=entry.record.cuts + 1), now)


def cut_repeats_commands(self: Any, entry: Any, reason: Any, now: float) -> None:
    resend = entry.record.resend
    entry.record = replace(entry.record, resend=True)
    cut(self, entry, reason, now)
    entry.record = replace(entry.record, resend=resend)


def cut_with_new_id(self: Any, entry: Any, reason: Any, now: float) -> None:
    cut(self, entry, reason, now)
    entry.record = replace(entry.record, message_id=None)


cut, messages_fail, messages_restore = Messages.cut, Messages._fail, Messages.restore


def failure_repeats_commands(self: Any, entry: Any, outcome: Any, changed: Any, now: float) -> None:
    messages_fail(self, entry, outcome, replace(changed, resend=True), now)


def failure_forgotten(self: Any, entry: Any, outcome: Any, now: float) -> None:
    self._put(entry, replace(entry.record, sending=False, message_id=None))
    self.lanes.set_ready(entry, True)


def wait_is_constant(self: Any, entry: Any, now: float) -> None:
    interval = self.config.interval if entry.record.interval is None else entry.record.interval
    self.timers.set((Due.RETRY, entry.record.ticket), entry.failed_at + interval)
    self.lanes.set_ready(entry, False)


def restore_trusts_the_clock(self: Any, entry: Any, now: float) -> None:
    self._insert(entry)
    if entry.record.failures and not entry.record.sending:
        entry.failed_at = entry.record.failed_at - self.offset
        self._wait(entry, now)


def restore_forgets_started(self: Any, entry: Any, now: float) -> None:
    entry.record = replace(entry.record, started=False)
    messages_restore(self, entry, now)


def restore_forgets_keys(self: Any, entry: Any, now: float) -> None:
    messages_restore(self, entry, now)
    self._keys.clear()


def one_attempt_more(self: Any, entry: Any) -> bool:
    failures = entry.record.failures
    attempts = self.config.attempts if entry.record.attempts is None else entry.record.attempts
    return False if failures == max(1, attempts) else give_up(self, entry)


give_up, outbox_restore, lose = Messages.give_up, Outbox.restore, Slot.lose


def reuse_tickets(self: Any, state: Any, now: float) -> None:
    known = [each.ticket for each in (*state.records, *state.outcomes)]
    outbox_restore(self, replace(state, first_ticket=max(known, default=0) + 1), now)


def restore_without_cut(self: Any, state: Any, now: float) -> None:
    records = [replace(each, sending=False) for each in state.records]
    outbox_restore(self, replace(state, records=records), now)


def lost_without_cut(self: Any, now: float) -> None:
    self._chooser.is_online = False
    self._slot.lose()


def lost_keeps_held_transmission(self: Any, now: float) -> None:
    self._chooser.is_online = False
    flight = self._slot.lose()
    if flight is not None and flight.entry is not None:
        self._messages.cut(flight.entry, UnknownReason.LOST, now)


def late_answer_frees_the_slot(self: Any, entry: Any, outcome: Any) -> None:
    settle(self, entry, outcome)
    if self._slot.flight is not None and self._slot.flight.entry is None:
        self._slot.flight = None


settle, refused, next_message = Outbox._settle, Outbox.refused, Chooser.next


def any_refusal_counts(self: Any, message_id: str, refusal: Any, now: float) -> bool:
    flight = self._slot.flight
    if flight is not None and flight.is_written and self._slot.earlier(message_id) == flight.transmit.ticket:
        message_id = flight.transmit.message_id
    return refused(self, message_id, refusal, now)


def calls_first(self: Any, now: float, live: bool, ordered: bool) -> Any:
    urgent = self._lanes.urgent()
    return urgent if urgent is not None or live else next_message(self, now, live, ordered)


def head_does_not_block(self: Any, *, ordered: bool) -> Any:
    ready = [each for each in self.entries.values() if each.is_ready and not each.record.urgent]
    return ready[0] if ready else None


def newest_first(self: Any, *, ordered: bool) -> Any:
    ready = [each for each in self.entries.values() if each.is_ready and not each.record.urgent]
    lane = [each for each in self.entries.values() if each.record.lane is Lane.TRANSACTION]
    if lane and not all(each.is_ready for each in lane):
        return None
    return ready[-1] if ready else None


def fail_keeps_held(self: Any, number: int) -> None:
    held = list(self._held)
    fail(self, number)
    for _, output in held:
        self._release(output)
    self._held.clear()


def resume_without_state(self: Any, state: Any) -> None:
    self.failed = False
    self.stored(self.open - 1)


def bind_for_ever(self: Any, start: int) -> None:
    return


def unbind_at_last(self: Any, ended: Any, outcome: Any, *, most: int) -> Any:
    forgotten = end(self, ended, outcome, most=most)
    if ended.last and ended.start is not None:
        self.unbind(ended.start)
    return forgotten


def id_from_the_start_only(self: Any, filled: Any) -> str:
    return fill(self, replace(filled, start=None if filled.start is None else -filled.start))


end, fill, settle_message = TransactionIds.end, TransactionIds.fill, Messages.settle


def forget_untold(self: Any, entry: Any, outcome: Any) -> None:
    settle_message(self, entry, outcome)
    self.outcomes._untold.clear()
    self._forget_excess()


def unmark_forgets(self: Any, entry: Any, before: Any) -> None:
    self._put(entry, before)
    self.lanes.set_ready(entry, True)


def drop_started(lanes: Any, newcomer: Any, limits: Any, replaced: Any) -> Any:
    return [] if len(lanes.entries) < limits.size else [next(iter(lanes.entries.values()))]


def reject_and_keep(self: Any) -> set[int]:
    unborn, self._unborn = set(self._unborn), {}
    return unborn


def seal_after(kind: type, reason: Any = None) -> Callable[..., None]:
    """End the batch after outcomes of a kind, so that what belongs to them is in the next one."""

    def settled(self: Any, entry: Any, outcome: Any) -> None:
        settle_message(self, entry, outcome)
        if isinstance(outcome, kind) and reason in (None, getattr(outcome, "reason", None)):
            self._journal.seal()

    return settled


def deadline_of_this_process(self: Any, entry: Any) -> None:
    arm(self, entry)
    if entry.is_restored:
        self.timers.cancel((Due.DEADLINE, entry.record.ticket))


def abandon_as_unknown(self: Any, entry: Any, not_sent: Any, unknown: Any) -> None:
    if self._slot.of(entry) is not None:
        self._retract()
    self._settle(entry, MessageUnknown(unknown))


def passing(**values: Any) -> Callable[..., Any]:
    """Choose as if the gate, or the pause after a reconnect, had these values."""

    def chosen(self: Any, now: float, live: bool, ordered: bool) -> Any:
        before = {name: getattr(self, name) for name in values}
        for name, value in values.items():
            setattr(self, name, value)
        entry = next_message(self, now, live, ordered)
        for name, value in before.items():
            setattr(self, name, value)
        return entry

    return chosen


def urgent_is_ordinary(self: Any, now: float, live: bool, ordered: bool) -> Any:
    may_pass = self.is_open and now >= self.resumes_at and not live
    return (self._lanes.ordinary(ordered=True) if may_pass else None) or next_message(self, now, live, ordered)


def head_blocks_all(self: Any, *, ordered: bool) -> Any:
    head = next(iter(self._transactions.values()), None)
    return ordinary(self, ordered=ordered) if head is None or head.is_ready else None


def forget_one_more(self: Any, config: Any) -> Any:
    forgotten = excess(self, config)
    oldest = next(iter(self.all), None)
    if forgotten and oldest is not None and oldest.ticket not in self._untold:
        self.forget(oldest.ticket)
        forgotten.append(oldest)
    return forgotten


def known_without_outcome(self: Any, key: Any) -> Any:
    ticket = None if key is None else self._keys.get(key)
    if ticket is not None:
        self._journal.hold(TicketAccepted(ticket))
    return ticket


def victims_without_replaced(lanes: Any, newcomer: Any, config: Any, replaced: Any) -> Any:
    return [each for each in room_victims(lanes, newcomer, config) if each not in replaced]


arm, ordinary, room_victims, excess = Messages.arm, Lanes.ordinary, room.victims, KeptOutcomes.excess


def no_mark(self: Any, entry: Any, message_id: str) -> None:
    self.lanes.set_ready(entry, False)
    entry.record = replace(entry.record, sending=True, started=True, message_id=message_id)


MISTAKES: Final[dict[str, list[Patch]]] = {
    "a transmission does not wait for its mark": [(Journal, "hold", at_once(Transmit))],
    "a transmission has no mark": [(Messages, "mark", no_mark)],
    "an acceptance does not wait": [(Journal, "hold", at_once(TicketAccepted))],
    "an outcome does not wait": [(Journal, "hold", at_once(TicketSettled))],
    "removal and transaction ID are two batches": [(Journal, "record", seal_after_delete)],
    "a cut is always free": [(Messages, "cut", cut_is_free)],
    "a cut is always a failure": [(Messages, "cut", cut_is_a_failure)],
    "a cut repeats a command": [(Messages, "cut", cut_repeats_commands)],
    "a cut changes the message ID": [(Messages, "cut", cut_with_new_id)],
    "a timeout repeats a command": [(Messages, "_fail", failure_repeats_commands)],
    "a failure is not counted": [(Messages, "fail", failure_forgotten)],
    "the wait does not grow": [(Messages, "_wait", wait_is_constant)],
    "a clock that was set back blocks": [(Messages, "restore", restore_trusts_the_clock)],
    "a restart forgets that a message may have been sent": [(Messages, "restore", restore_forgets_started)],
    "a restart forgets the keys": [(Messages, "restore", restore_forgets_keys)],
    "a restart gives tickets out again": [(Outbox, "restore", reuse_tickets)],
    "a restart does not count the cut": [(Outbox, "restore", restore_without_cut)],
    "one attempt too many": [(Messages, "give_up", one_attempt_more)],
    "a loss forgets the transmission": [(Outbox, "lost", lost_without_cut)],
    "a loss lets a marked transmission out": [(Outbox, "lost", lost_keeps_held_transmission)],
    "a late answer frees the slot": [(Outbox, "_settle", late_answer_frees_the_slot)],
    "a late refusal counts for the retry": [(Outbox, "refused", any_refusal_counts)],
    "calls starve messages": [(Chooser, "next", calls_first)],
    "the head of the lane does not block": [(Lanes, "ordinary", head_does_not_block)],
    "the newest message goes first": [(Lanes, "ordinary", newest_first)],
    "a failed store releases what waits": [(Journal, "fail", fail_keeps_held)],
    "a store that is back does not get the state": [(Journal, "resume", resume_without_state)],
    "what a failed store rejects stays queued": [(Messages, "remove_unborn", reject_and_keep)],
    "a transaction ID stays": [(TransactionIds, "unbind", bind_for_ever)],
    "the last message takes the ID from others": [(TransactionIds, "end", unbind_at_last)],
    "a message gets no transaction ID": [(TransactionIds, "fill", id_from_the_start_only)],
    "an outcome is forgotten before it is told": [(Messages, "settle", forget_untold)],
    "taking back a mark forgets the end of a transaction": [(Messages, "unmark", unmark_forgets)],
    "a full queue drops what was sent": [(room, "victims", drop_started)],
    "a replaced message takes room from others": [(room, "victims", victims_without_replaced)],
    "nothing is replaced": [(Messages, "unsent_named", lambda self, name: [])],
    "a message and what it replaces are two batches": [
        (Messages, "settle", seal_after(MessageNotSent, NotSentReason.REPLACED))
    ],
    "a message and what it displaces are two batches": [(Messages, "settle", seal_after(MessageDropped))],
    "a restart forgets the deadlines": [(Messages, "arm", deadline_of_this_process)],
    "a time to live ends what was sent": [(Outbox, "_was_started", lambda self, entry: False)],
    "what was never sent is settled as unknown": [(Outbox, "_abandon", abandon_as_unknown)],
    "messages pass a closed gate": [(Chooser, "next", passing(is_open=True))],
    "there is no pause after a reconnect": [(Chooser, "next", passing(resumes_at=0.0))],
    "urgent messages wait for others": [(Chooser, "next", urgent_is_ordinary)],
    "a lane that waits holds up other messages": [(Lanes, "ordinary", head_blocks_all)],
    "a failure keeps the message ID": [
        (Messages, "fail", lambda self, entry, outcome, now: self._fail(entry, outcome, entry.record, now))
    ],
    "late responses are ignored": [(Outbox, "_answered_late", lambda self, message_id, text: False)],
    "failed transmissions are not remembered": [(Slot, "remember", lambda self, flight: None)],
    "more outcomes are forgotten than the limit demands": [(KeptOutcomes, "excess", forget_one_more)],
    "an outcome is forgotten in silence": [
        (KeptOutcomes, "excess", lambda self, config: excess(self, config).clear() or [])
    ],
    "kept outcomes have no bound": [(KeptOutcomes, "excess", lambda self, config: [])],
    "a key that is used again gets no outcome": [(Messages, "known", known_without_outcome)],
}
