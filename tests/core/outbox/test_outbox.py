"""The outbox: acceptance, transmissions, retries, endings and restarts."""

import json

import pytest

from ocpp_core.errors import StoreError
from ocpp_core.outbox.commands import Restored
from ocpp_core.outbox.outbox import Outbox
from ocpp_core.outbox.settings import OutboxConfig
from ocpp_core.outbox.stored.outcomes import (
    MessageAnswered,
    MessageNotSent,
    MessageUnknown,
    NotSentReason,
    UnknownReason,
)
from ocpp_core.outbox.stored.records import Bind, Delete, Put
from tests.core.outbox.owner import REFUSED, WALL, Owner
from tests.tables import each


class TestWriteAhead:
    def test_a_message_is_accepted_and_sent_when_its_batch_is_durable(self):
        owner = Owner()
        owner.holds = True
        ticket = owner.send()
        assert (owner.accepted, owner.sent) == ([], [])
        owner.commit()
        assert (owner.accepted, owner.sent_tickets) == ([ticket], [ticket])

    def test_the_end_of_a_message_and_the_mark_of_the_next_one_are_one_batch(self):
        owner = Owner()
        start = owner.send("StartTransaction")
        owner.send("StopTransaction", transaction=start, last=True)
        owner.holds = True
        owner.answer('{"transactionId":7}')
        (batch,) = owner.batches
        assert [type(operation) for operation in batch.operations] == [Delete, Bind, Put]
        assert (start in owner.outcomes, len(owner.sent)) == (False, 1)
        owner.commit()
        assert (owner.outcomes[start], json.loads(owner.last.payload)) == (
            MessageAnswered('{"transactionId":7}'),
            {"transactionId": 7},
        )

    def test_a_store_that_does_not_keep_up_stops_the_acceptance(self):
        owner = Owner(online=False, size=2)
        owner.holds = True
        for _ in range(4):
            owner.send()
        with pytest.raises(StoreError, match="cannot enqueue DataTransfer: the store has not written 4 messages"):
            owner.send()
        owner.commit()
        owner.send()

    def test_nothing_can_be_queued_before_the_state_was_read(self):
        outbox = Outbox(OutboxConfig(), 1, ids=str, emit=print, changed=print)
        owner = Owner()
        owner.outbox = outbox
        with pytest.raises(RuntimeError, match="cannot enqueue: the stored messages were not read"):
            owner.enqueue()
        with pytest.raises(RuntimeError, match="cannot restore"):
            Owner().outbox.restore(Restored(wall=0.0), 0.0)


class TestRetries:
    @each(
        ("attempts", "end"),
        [(0, "refuse"), (1, "time_out"), (2, "refuse"), (3, "refuse"), (3, "time_out")],
    )
    def test_wait_for_the_interval_times_the_failures_then_give_up(self, attempts, end):
        """1.6 §3.7.1: 3 attempts at an interval of 60 s are sent at once, after 60 s and after 120 s more."""
        owner = Owner(attempts=attempts, interval=60.0)
        ticket = owner.send("StartTransaction")
        times = [owner.now]
        for failures in range(1, max(1, attempts)):
            getattr(owner, end)()
            owner.wait(60.0 * failures - 0.1)
            assert len(owner.sent) == failures
            owner.wait(0.1)
            times.append(owner.now)
        getattr(owner, end)()
        assert len(owner.sent) == len(times) == max(1, attempts)
        assert owner.outcomes == {ticket: REFUSED if end == "refuse" else MessageUnknown(UnknownReason.TIMEOUT)}
        assert owner.reports == ["GIVEN_UP"]

    def test_may_have_a_number_and_an_interval_of_the_message(self):
        owner = Owner(attempts=3, interval=60.0)
        ticket = owner.send(attempts=2, interval=5.0)
        owner.refuse()
        owner.wait(5.0)
        owner.refuse()
        assert (len(owner.sent), owner.outcomes) == (2, {ticket: REFUSED})

    @each(
        ("retry_id", "end", "is_same"),
        [
            ("auto", "refuse", False),
            ("auto", "time_out", False),
            ("auto", "lose", True),
            ("new", "refuse", False),
            ("new", "lose", False),
            ("same", "refuse", True),
            ("same", "time_out", True),
            ("same", "lose", True),
        ],
    )
    def test_repeat_the_message_id_as_the_option_says(self, retry_id, end, is_same):
        owner = Owner(retry_id=retry_id, interval=0.0)
        owner.send()
        getattr(owner, end)()
        owner.open()
        first, second = owner.sent
        assert (first.message_id == second.message_id) is is_same

    def test_a_cut_is_free_until_there_are_too_many(self):
        owner = Owner(free_cuts=2, attempts=1)
        ticket = owner.send()
        for _ in range(3):
            owner.lose()
            owner.open()
        assert (len(owner.sent), owner.outcomes) == (3, {ticket: MessageUnknown(UnknownReason.LOST)})

    @each(
        ("end", "outcome", "sent"),
        [
            ("lose", MessageUnknown(UnknownReason.LOST), 1),
            ("time_out", MessageUnknown(UnknownReason.TIMEOUT), 1),
            ("refuse", None, 2),
        ],
    )
    def test_a_command_is_repeated_only_if_the_peer_refused_it(self, end, outcome, sent):
        owner = Owner(resend=False, interval=0.0)
        ticket = owner.send()
        getattr(owner, end)()
        assert (owner.outcomes.get(ticket), len(owner.sent)) == (outcome, sent)

    def test_other_settings_apply_to_what_waits(self):
        owner = Owner(interval=60.0)
        owner.send()
        owner.refuse()
        owner.outbox.configure(OutboxConfig(gate="open", interval=5.0), 1000, owner.now)
        owner.wait(5.0)
        assert len(owner.sent) == 2
        owner.refuse()
        owner.outbox.configure(OutboxConfig(gate="open", interval=0.0, attempts=2), 1000, owner.now)
        owner.settle()
        assert (len(owner.sent), len(owner.outbox), owner.reports) == (2, 0, ["GIVEN_UP"])


class TestLateResponses:
    def test_a_result_to_an_earlier_transmission_settles_and_the_slot_remains_taken(self):
        owner = Owner(interval=0.0)
        ticket = owner.send()
        owner.time_out()
        first, second = owner.sent
        assert owner.outbox.answered(first.message_id, "{}")
        owner.settle()
        assert (owner.outcomes, owner.reports) == ({ticket: MessageAnswered("{}")}, ["LATE_ACCEPTED"])
        assert owner.outbox.has_slot
        owner.outbox.answered(second.message_id, "{}")
        assert not owner.outbox.has_slot

    def test_an_error_to_an_earlier_transmission_is_ignored(self):
        owner = Owner(interval=60.0)
        owner.send()
        owner.time_out()
        assert owner.outbox.refused(owner.last.message_id, REFUSED, owner.now)
        assert (next(iter(owner.outbox.records)).failures, owner.reports) == (1, ["LATE_IGNORED"])

    def test_a_response_to_no_message_belongs_to_the_session(self):
        outbox = Owner().outbox
        assert not outbox.answered("x", "{}")
        assert not outbox.refused("x", REFUSED, 0.0)
        assert not outbox.timed_out("x", 0.0)

    def test_a_late_result_after_the_end_is_only_reported(self):
        owner = Owner(attempts=1)
        ticket = owner.send()
        owner.time_out()
        assert owner.outbox.answered(owner.last.message_id, "{}")
        assert (owner.outcomes[ticket], owner.reports) == (
            MessageUnknown(UnknownReason.TIMEOUT),
            ["GIVEN_UP", "LATE_IGNORED"],
        )


def queued() -> Owner:
    owner = Owner(online=False)
    owner.send(ttl=5.0, deadline=10.0)
    return owner


def marked() -> Owner:
    owner = Owner()
    owner.holds = True
    owner.send(ttl=5.0, deadline=10.0)
    return owner


def sending() -> Owner:
    owner = Owner()
    owner.send(ttl=5.0, deadline=10.0)
    return owner


def waiting() -> Owner:
    owner = sending()
    owner.refuse()
    return owner


def cut() -> Owner:
    owner = sending()
    owner.lose()
    return owner


class TestEndingWithoutAResponse:
    """The state in which a message is decides whether it was not sent, or nobody knows."""

    @each(
        ("state", "ending", "outcome"),
        [
            (queued, "cancel", MessageNotSent(NotSentReason.CANCELLED)),
            (marked, "cancel", MessageNotSent(NotSentReason.CANCELLED)),
            (sending, "cancel", MessageUnknown(UnknownReason.CANCELLED)),
            (waiting, "cancel", MessageUnknown(UnknownReason.CANCELLED)),
            (cut, "cancel", MessageUnknown(UnknownReason.CANCELLED)),
            (queued, "ttl", MessageNotSent(NotSentReason.EXPIRED)),
            (marked, "ttl", MessageNotSent(NotSentReason.EXPIRED)),
            (sending, "ttl", None),
            (waiting, "ttl", None),
            (cut, "ttl", None),
            (sending, "deadline", MessageUnknown(UnknownReason.EXPIRED)),
            (waiting, "deadline", MessageUnknown(UnknownReason.EXPIRED)),
            (cut, "deadline", MessageUnknown(UnknownReason.EXPIRED)),
            (queued, "discard", MessageNotSent(NotSentReason.CLOSED)),
            (sending, "discard", MessageUnknown(UnknownReason.CLOSED)),
        ],
    )
    def test_is_an_outcome_by_state(self, state, ending, outcome):
        owner = state()
        match ending:
            case "cancel":
                owner.outbox.cancel(100)
            case "discard":
                owner.outbox.discard()
            case "ttl" | "deadline":
                owner.wait(6.0 if ending == "ttl" else 11.0)
        owner.settle()
        owner.commit()
        assert owner.outcomes.get(100) == outcome
        assert owner.outbox.has_slot is (state is sending)
        assert len(owner.sent) == (state not in (queued, marked))

    def test_an_unknown_ticket_is_ignored(self):
        owner = Owner()
        owner.outbox.cancel(5)
        owner.outbox.acknowledge(5)
        assert owner.effects == []

    def test_a_message_for_another_version_is_not_sent(self):
        owner = Owner()
        ticket = owner.send(protocol="ocpp2.0.1")
        assert owner.outcomes == {ticket: MessageNotSent(NotSentReason.INVALID)}
        ticket = owner.send(protocol="ocpp1.6")
        owner.lose()
        owner.open("ocpp2.0.1")
        assert owner.outcomes[ticket] == MessageUnknown(UnknownReason.INVALID)


class TestReplacing:
    def test_removes_the_older_message_in_the_batch_of_the_newer_one(self):
        owner = Owner(online=False)
        old = owner.send(replaces="limit")
        owner.holds = True
        new = owner.send(replaces="limit")
        assert len(owner.batches) == 1
        owner.commit()
        assert owner.outcomes == {old: MessageNotSent(NotSentReason.REPLACED)}
        assert [record.ticket for record in owner.outbox.records] == [new]

    def test_leaves_a_message_that_may_have_been_sent(self):
        owner = Owner()
        owner.send(replaces="limit")
        owner.send(replaces="limit")
        assert (len(owner.outbox), owner.outcomes) == (2, {})


class TestKeys:
    def test_the_same_key_is_the_same_message_until_its_outcome_is_acknowledged(self):
        owner = Owner()
        ticket = owner.send(key="tx-17")
        assert owner.send(key="tx-17") == ticket
        owner.answer()
        again = owner.restart()
        assert again.send(key="tx-17") == ticket
        assert (again.sent, again.outcomes) == ([], {ticket: MessageAnswered("{}")})
        again.outbox.acknowledge(ticket)
        assert again.send(key="tx-17") != ticket

    def test_an_outcome_that_is_acknowledged_while_it_waits_to_be_repeated_is_not_told_again(self):
        owner = Owner()
        ticket = owner.send(key="tx-17")
        owner.answer()
        owner.holds = True
        owner.enqueue()
        owner.enqueue(key="tx-17")
        owner.outbox.acknowledge(ticket)
        owner.effects.clear()
        owner.holds = False
        owner.settle()
        assert owner.outcomes == {}

    def test_an_outcome_is_told_after_every_restart_until_it_is_acknowledged(self):
        owner = Owner()
        ticket = owner.send()
        owner.answer()
        again = owner.restart()
        assert again.outcomes == {ticket: MessageAnswered("{}")}
        again.outbox.acknowledge(ticket)
        again.settle()
        assert again.restart().outcomes == {}

    def test_only_so_many_outcomes_are_kept(self):
        owner = Owner(outcomes_kept=2)
        tickets = []
        for _ in range(3):
            tickets.append(owner.send())
            owner.answer()
        assert owner.reports == ["OUTCOME_FORGOTTEN"]
        assert [*owner.restart().outcomes] == tickets[1:]


class TestARestart:
    def test_repeats_the_message_in_doubt_before_later_ones(self):
        owner = Owner()
        first = owner.send("StartTransaction")
        owner.send("StopTransaction", transaction=first, last=True)
        again = owner.restart()
        (record, _) = again.outbox.records
        assert (again.sent_tickets, record.cuts) == ([first], 1)
        assert again.last.message_id == owner.last.message_id

    def test_gives_up_a_command_in_doubt(self):
        owner = Owner(resend=False)
        ticket = owner.send()
        assert owner.restart().outcomes == {ticket: MessageUnknown(UnknownReason.RESTART)}

    @each(("jump", "wait"), [(0.0, 50.0), (-1e9, 60.0), (30.0, 20.0), (1e9, 0.0)])
    def test_waits_at_most_the_whole_interval_whatever_the_clock_says(self, jump, wait):
        owner = Owner(interval=60.0)
        owner.send()
        owner.refuse()
        owner.wait(10.0)
        again = owner.restart(wall=WALL + owner.now + jump, interval=60.0)
        again.wait(wait - 0.5)
        assert len(again.sent) == (wait == 0.0)
        again.wait(0.5)
        assert len(again.sent) == 1

    def test_a_clock_that_is_set_moves_the_ends_of_restored_messages_only(self):
        owner = Owner(online=False)
        owner.send(ttl=100.0)
        again = owner.restart(wall=WALL, online=False)
        new = again.send(ttl=100.0)
        again.outbox.set_clock(WALL + 1000.0, again.now)
        again.settle()
        assert [record.ticket for record in again.outbox.records] == [new]
