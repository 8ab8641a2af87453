"""Which message is next, and which a full queue drops."""

import pytest

from ocpp_core.errors import CallDroppedError
from ocpp_core.outbox.stored.outcomes import MessageDropped, MessageNotSent, NotSentReason
from tests.core.outbox.owner import Owner
from tests.tables import each

METER = {"connectorId": 1}


class TestTheNextMessage:
    def test_the_head_of_the_transaction_lane_blocks_the_lane_and_nothing_else(self):
        owner = Owner(interval=60.0)
        first = owner.send("StartTransaction")
        second = owner.send("StartTransaction")
        owner.refuse()
        assert owner.sent_tickets == [first]
        other = owner.send()
        owner.answer()
        owner.wait(60.0)
        owner.answer()
        assert owner.sent_tickets == [first, other, first, second]

    def test_is_the_older_of_both_lanes(self):
        owner = Owner(online=False)
        tickets = [owner.send("StartTransaction"), owner.send(), owner.send("StartTransaction"), owner.send()]
        owner.open()
        for _ in tickets:
            owner.answer()
        assert owner.sent_tickets == tickets

    def test_another_message_does_not_wait_for_one_that_waits(self):
        owner = Owner(interval=60.0)
        first, second = owner.send(), owner.send()
        owner.refuse()
        assert owner.sent_tickets == [first, second]

    def test_urgent_messages_go_first_also_before_the_station_is_registered(self):
        owner = Owner(online=False, gate="boot")
        ordinary = owner.send()
        urgent = owner.send("BootNotification", urgent=True)
        owner.open()
        owner.answer()
        assert owner.sent_tickets == [urgent]
        for status, is_sent in (("Pending", False), ("Accepted", True)):
            owner.outbox.boot_answered(status)
            owner.settle()
            assert (ordinary in owner.sent_tickets) is is_sent

    @each(
        ("gate", "boots", "reports"), [("boot", 0, ["HELD"]), ("boot", 1, []), ("manual", 1, ["HELD"]), ("open", 0, [])]
    )
    def test_what_a_closed_gate_holds_is_reported_once_a_connection(self, gate, boots, reports):
        owner = Owner(gate=gate)
        owner.send()
        if boots:
            owner.outbox.boot_answered("Accepted")
        owner.wait(1000.0)
        assert owner.reports == reports
        owner.open()
        owner.wait(1000.0)
        assert owner.reports == 2 * reports

    def test_messages_are_reported_that_came_later_than_a_minute_after_the_connection(self):
        owner = Owner(gate="boot")
        owner.wait(100.0)
        owner.outbox.expire(owner.now)
        owner.send()
        owner.wait(1000.0)
        assert owner.reports == ["HELD"]

    def test_a_manual_gate_ignores_the_response_to_a_boot_notification(self):
        owner = Owner(gate="manual")
        ticket = owner.send()
        owner.outbox.boot_answered("Accepted")
        owner.settle()
        assert owner.sent == []
        owner.outbox.set_gate(True)
        owner.settle()
        assert owner.sent_tickets == [ticket]

    def test_calls_of_the_session_go_first_but_only_so_many(self):
        owner = Owner(online=False, overtake=2)
        ticket = owner.send()
        owner.outbox.opened("ocpp1.6", owner.now)
        taken = [owner.outbox.take(owner.now, live=True) for _ in range(3)]
        assert taken == [False, False, True]
        owner.settle()
        assert owner.sent_tickets == [ticket]

    def test_urgent_messages_do_not_starve_the_others(self):
        owner = Owner(online=False, overtake=2)
        ordinary = owner.send()
        urgent = [owner.send(urgent=True) for _ in range(4)]
        owner.open()
        for _ in range(5):
            owner.answer()
        assert owner.sent_tickets == [*urgent[:2], ordinary, *urgent[2:]]

    def test_after_a_reconnect_messages_may_pause_but_urgent_ones_do_not(self):
        owner = Owner(online=False, resume_after=3.0)
        ordinary, urgent = owner.send(), owner.send(urgent=True)
        owner.open()
        owner.answer()
        owner.wait(2.9)
        assert owner.sent_tickets == [urgent]
        owner.wait(0.1)
        assert owner.sent_tickets == [urgent, ordinary]


def others(owner: Owner) -> list[int]:
    return [owner.send() for _ in range(4)]


def meters(owner: Owner) -> list[int]:
    return [owner.send("MeterValues", METER) for _ in range(4)]


def starts(owner: Owner) -> list[int]:
    return [owner.send("StartTransaction") for _ in range(4)]


def urgents(owner: Owner) -> list[int]:
    return [owner.send(urgent=True) for _ in range(4)]


class TestAFullQueue:
    """2.x QueueAllMessages: transaction messages go last, intermediate ones first, the start and the end never."""

    @each(
        ("content", "newcomer", "dropped"),
        [
            (others, ("DataTransfer", {}), [0]),
            (others, ("StartTransaction", {}), [0]),
            (meters, ("StartTransaction", {}), [0, 2]),
            (meters, ("MeterValues", METER), [0, 2]),
            (starts, ("StartTransaction", {}), []),
            (meters, ("DataTransfer", {}), None),
            (starts, ("DataTransfer", {}), None),
            (starts, ("MeterValues", METER), None),
            (urgents, ("DataTransfer", {}), None),
        ],
    )
    def test_drops_or_refuses_by_what_it_contains(self, content, newcomer, dropped):
        owner = Owner(online=False, size=4)
        tickets = content(owner)
        if dropped is None:
            with pytest.raises(CallDroppedError, match="the outbox is full: 4 messages"):
                owner.send(*newcomer)
            assert (len(owner.outbox), owner.outcomes) == (4, {})
        else:
            owner.send(*newcomer)
            assert owner.outcomes == {tickets[index]: MessageDropped() for index in dropped}
            assert owner.reports == ["DROPPED"] * len(dropped)

    def test_takes_what_must_not_be_dropped_up_to_twice_its_size(self):
        owner = Owner(online=False, size=2)
        starts(owner)
        with pytest.raises(CallDroppedError):
            owner.send("StartTransaction")
        with pytest.raises(CallDroppedError):
            owner.send("BootNotification", urgent=True)

    def test_has_room_for_what_replaces_a_message(self):
        owner = Owner(online=False, size=2)
        older, profile = owner.send(), owner.send(replaces="profile", urgent=True)
        newer = owner.send(replaces="profile", urgent=True)
        assert owner.outcomes == {profile: MessageNotSent(NotSentReason.REPLACED)}
        assert [record.ticket for record in owner.outbox.records] == [older, newer]

    @each("options", [{}, {"urgent": True}])
    def test_keeps_nothing_of_what_left_without_a_connection(self, options):
        owner = Owner(online=False, size=4)
        kept = owner.send(**options)
        for _ in range(100):
            owner.outbox.cancel(owner.send(**options))
        lanes = owner.outbox._lanes
        assert len(lanes._others) + len(lanes._urgent) <= 2 * 1 + 16 + 1
        owner.open()
        assert owner.sent_tickets == [kept]

    def test_counts_bytes_too(self):
        owner = Owner(online=False, max_bytes=100)
        first = owner.send(payload={"data": "x" * 60})
        owner.send(payload={"data": "x" * 60})
        assert owner.outcomes == {first: MessageDropped()}

    def test_never_drops_what_was_sent(self):
        owner = Owner(size=2)
        first, second = owner.send(), owner.send()
        owner.send()
        assert (first in owner.outcomes, second in owner.outcomes) == (False, True)
