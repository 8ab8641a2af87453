"""A client engine with an outbox: messages share the window with calls, and outlive connections."""

import json
from dataclasses import replace

import pytest

from ocpp_core.config import SessionConfig
from ocpp_core.errors import (
    CallDroppedError,
    ClosedError,
    StoreError,
)
from ocpp_core.inputs import Close, Reconfigure, StartCall
from ocpp_core.outbox.commands import (
    Acknowledge,
    CancelTicket,
    ReconfigureOutbox,
    SetClock,
    SetGate,
    StoreBack,
    StoreFailed,
)
from ocpp_core.outbox.effects import OutboxReport, OutboxReportKind, TicketAccepted
from ocpp_core.outbox.settings import OutboxConfig
from ocpp_core.outbox.stored.outcomes import (
    MessageAnswered,
    MessageNotSent,
    MessageRefused,
    MessageUnknown,
    NotSentReason,
    UnknownReason,
)
from tests.core.durable.station import ERROR, RESULT, Station
from tests.core.player import call, kinds, sent, settled
from tests.tables import each


@pytest.fixture
def station() -> Station:
    station = Station()
    station.connect()
    return station


class TestAMessage:
    def test_is_sent_when_its_mark_is_durable_and_its_slot_is_taken_before(self, station):
        station.holds = True
        done = station.enqueue(token=5)
        assert (settled(done), sent(done)) == ({5: 100}, [])
        assert sent(station.play(call(1))) == []
        assert sent(station.commit()) == [[2, "id-1", "DataTransfer", {}]]

    def test_is_settled_before_the_next_one_is_chosen(self, station):
        station.enqueue("StartTransaction")
        station.enqueue("StopTransaction", transaction=100, last=True)
        station.holds = True
        assert sent(station.answer("id-1", '{"transactionId":7}')) == []
        assert len(station.batches) == 1
        (frame,) = sent(station.commit())
        assert frame == [2, "id-2", "StopTransaction", {"transactionId": 7}]
        assert station.outcomes == {100: MessageAnswered('{"transactionId":7}')}

    def test_is_repeated_on_the_next_connection_if_it_was_cut_off(self, station):
        station.enqueue()
        station.lose()
        assert sent(station.come_back()) == [[2, "id-1", "DataTransfer", {}]]

    def test_is_not_written_if_the_connection_is_lost_before_its_mark_is_durable(self, station):
        station.holds = True
        station.enqueue()
        station.lose()
        assert sent(station.commit()) == []
        station.holds = False
        assert sent(station.come_back()) == [[2, "id-2", "DataTransfer", {}]]
        assert next(iter(station.engine.outbox.records)).cuts == 0

    def test_that_is_diverted_is_awaited_as_if_it_were_written(self, station):
        diverted = []
        station.engine.divert = lambda text: diverted.append(text) or True
        assert sent(station.enqueue()) == []
        assert diverted == ['[2,"id-1","DataTransfer",{}]']
        assert sent(station.play(call(1))) == []  # its slot is taken
        assert [frame[2] for frame in sent(station.answer("id-1"))] == ["Heartbeat"]
        assert station.outcomes == {100: MessageAnswered("{}")}

    def test_that_is_diverted_times_out(self, station):
        station.engine.divert = lambda text: True
        station.enqueue()
        station.wait(30.0)
        assert next(iter(station.engine.outbox.records)).failures == 1

    def test_that_is_too_large_to_send_is_misuse(self):
        station = Station(session=SessionConfig(max_outgoing_size=16384))
        with pytest.raises(ValueError, match="16384"):
            station.enqueue(payload={"data": "x" * 20_000})
        assert len(station.engine.outbox) == 0

    def test_made_offline_is_sent_after_connecting(self):
        station = Station()
        station.enqueue()
        assert sent(station.connect()) == [[2, "id-1", "DataTransfer", {}]]

    def test_is_retried_after_its_timeout_and_the_interval(self):
        station = Station(session=SessionConfig(call_timeout=30.0), interval=60.0)
        station.connect()
        station.enqueue()
        assert sent(station.wait(89.9)) == []
        assert sent(station.wait(0.1)) == [[2, "id-2", "DataTransfer", {}]]

    @each(
        ("text", "outcome"),
        [
            (RESULT % ("id-1", '{"a":1}'), MessageAnswered('{"a":1}')),
            (RESULT % ("id-1", json.dumps({"a": "x" * 70_000})), MessageAnswered("")),
            (ERROR % "id-1", MessageRefused("InternalError", "no", "{}")),
            (json.dumps([4, "id-1", "C" * 999, "d" * 999, {"a": "x" * 9999}]), MessageRefused("C" * 255, "d" * 255)),
            ('[3,"id-1"]', MessageUnknown(UnknownReason.TIMEOUT)),
        ],
    )
    def test_has_an_outcome_by_its_response(self, text, outcome):
        station = Station(attempts=1)
        station.connect()
        station.enqueue()
        station.hear(text, attempt=1)
        assert station.outcomes == {100: outcome}

    def test_a_late_result_settles_it_and_the_next_one_is_sent_after_its_retry(self):
        station = Station(interval=0.0)
        station.connect()
        station.enqueue()
        station.wait(30.0)
        station.answer("id-1")
        assert station.outcomes == {100: MessageAnswered("{}")}
        assert sent(station.enqueue()) == []
        assert sent(station.answer("id-2")) == [[2, "id-3", "DataTransfer", {}]]

    def test_a_late_error_changes_nothing(self):
        station = Station()
        station.connect()
        station.enqueue()
        station.wait(30.0)
        assert kinds(station.hear(ERROR % "id-1", attempt=1)) == []
        assert next(iter(station.engine.outbox.records)).failures == 1


class TestTheWindow:
    def test_is_shared_with_calls_which_go_first(self, station):
        station.enqueue()
        station.enqueue()
        station.play(call(1))
        assert [frame[2] for frame in sent(station.answer("id-1"))] == ["Heartbeat"]
        assert settled(station.answer("id-2")) == {1: {}}
        assert sent(station.log)[-1] == [2, "id-3", "DataTransfer", {}]

    def test_a_stream_of_calls_does_not_starve_messages(self):
        station = Station(overtake=2)
        station.connect()
        station.play(*(call(number) for number in range(1, 6)))
        station.enqueue()
        for number in range(1, 7):
            station.answer(f"id-{number}")
        actions = [frame[2] for frame in sent(station.log)]
        assert actions.index("DataTransfer") == 3

    def test_a_wider_window_has_one_message_and_calls(self):
        station = Station(session=SessionConfig(call_concurrency=2))
        station.connect()
        station.enqueue()
        station.enqueue()
        assert len(sent(station.log)) == 1
        assert len(sent(station.play(call(1)))) == 1

    def test_a_cancelled_message_that_is_not_written_frees_its_slot(self, station):
        station.holds = True
        station.enqueue()
        station.play(call(1))
        assert len(sent(station.play(CancelTicket(100)))) == 1
        station.holds = False
        station.commit()
        assert station.outcomes == {100: MessageNotSent(NotSentReason.CANCELLED)}


class TestOrder:
    def test_messages_of_transactions_wait_for_calls_of_transactions_that_were_made_before(self):
        # "deliver transaction-related messages … in chronological order" (1.6 §3.7)
        station = Station(client={"offline_queue": True})
        for token in range(6):
            station.play(StartCall(token, "Heartbeat", {}))
        station.play(StartCall(6, "StartTransaction", {}))
        station.enqueue("StopTransaction", {"transactionId": 1})
        station.enqueue("DataTransfer")
        station.connect()
        while len(messages := sent(station.log)) < 9:
            station.answer(messages[-1][1])
        actions = [action for _, _, action, _ in messages]
        assert actions.index("DataTransfer") < actions.index("StartTransaction") < actions.index("StopTransaction")

    def test_a_call_of_a_client_that_is_closed_does_not_wait_behind_messages(self, station):
        station.holds = True
        station.enqueue("StartTransaction")
        station.play(Close())
        assert isinstance(settled(station.play(StartCall(1, "StopTransaction", {})))[1], ClosedError)


class TestRegistration:
    @each("is_message", [True, False])
    def test_opens_the_gate_also_by_a_call(self, is_message):
        station = Station(gate="boot")
        station.connect()
        station.enqueue()
        if is_message:
            station.enqueue("BootNotification", urgent=True)
        else:
            station.play(StartCall(1, "BootNotification", {}))
        station.answer("id-1", '{"status":"Pending"}')
        assert len(sent(station.log)) == 1
        station.play(StartCall(2, "BootNotification", {}))
        station.answer("id-2", '{"status":"Accepted"}')
        assert sent(station.log)[-1] == [2, "id-3", "DataTransfer", {}]

    def test_opens_the_gate_also_by_a_late_response(self):
        station = Station(gate="boot", session=SessionConfig(call_timeout=10.0))
        station.connect()
        ((_, boot, _, _),) = sent(station.enqueue("BootNotification"))
        station.enqueue()
        station.wait(11.0)
        ((_, _, action, _),) = sent(station.answer(boot, '{"status":"Accepted"}'))
        assert action == "DataTransfer"

    def test_is_over_when_the_client_closes(self):
        station = Station(gate="boot")
        for attempt in (1, 2):
            station.connect()
            station.enqueue()
            before = len(sent(station.log))
            station.play(StartCall(attempt, "BootNotification", {}))
            ((_, boot, action, _),) = sent(station.log)[before:]
            assert action == "BootNotification"
            station.answer(boot, '{"status":"Accepted"}')
            station.answer(sent(station.log)[-1][1])
            station.play(Close())
            station.lose()
        assert len(station.outcomes) == 2

    def test_may_be_the_host_s_affair(self):
        station = Station(gate="manual")
        station.connect()
        assert sent(station.enqueue()) == []
        assert len(sent(station.play(SetGate(True)))) == 1


class TestClosing:
    def test_waits_for_the_message_that_was_sent_and_keeps_the_others(self, station):
        station.enqueue()
        station.enqueue()
        assert "CloseTransport" not in kinds(station.play(Close(drain=True)))
        assert "CloseTransport" in kinds(station.answer("id-1"))
        assert station.outcomes == {100: MessageAnswered("{}")}
        assert [*station.disk.records] == [101]

    def test_by_the_session_takes_back_what_is_not_written(self):
        station = Station(session=SessionConfig(max_bad_messages=1))
        station.connect()
        station.holds = True
        station.enqueue()
        assert "CloseTransport" in kinds(station.hear("nonsense", "nonsense", attempt=1))
        assert sent(station.commit()) == []
        station.lose()
        assert next(iter(station.engine.outbox.records)).cuts == 0

    def test_does_not_write_what_is_not_durable_yet(self, station):
        station.holds = True
        station.enqueue()
        assert "CloseTransport" in kinds(station.play(Close(drain=True)))
        assert sent(station.commit()) == []


class TestTheStore:
    def test_that_fails_is_told_to_callers_and_gets_everything_when_it_is_back(self, station):
        station.holds = True
        station.enqueue()
        number = station.batches.pop().number
        station.play(StoreFailed(number, OSError("disk full")))
        with pytest.raises(StoreError):
            station.enqueue()
        assert len(sent(station.play(call(1)))) == 1
        station.holds = False
        station.play(StoreBack())
        station.answer("id-2")
        assert len(sent(station.enqueue())) == 1

    def test_that_hangs_is_reported_and_holds_no_call(self, station):
        station.enqueue("DataTransfer")
        station.holds = True
        station.answer("id-1")
        station.enqueue("DataTransfer")
        station.play(StartCall(1, "Heartbeat", {}))
        assert sent(station.log)[1:] == []
        station.wait(20.0)
        assert [action for _, _, action, _ in sent(station.log)[1:]] == ["Heartbeat"]
        assert OutboxReportKind.STORE_LATE in [each.kind for each in station.effects if isinstance(each, OutboxReport)]
        station.answer(sent(station.log)[-1][1])
        station.holds = False
        station.commit()
        assert sent(station.log)[-1][2] == "DataTransfer"

    def test_a_full_outbox_refuses(self):
        station = Station(client={"offline_queue_size": 1})
        station.enqueue(urgent=True)
        with pytest.raises(CallDroppedError):
            station.enqueue()


class TestOtherInputs:
    def test_reach_the_outbox(self, station):
        station.enqueue(key="a")
        station.answer("id-1")
        station.play(Acknowledge(100))
        assert station.disk.outcomes == {}
        station.play(SetClock(500.0), ReconfigureOutbox(OutboxConfig(attempts=1, gate="open")))
        station.enqueue()
        assert next(iter(station.engine.outbox.records)).accepted_at == pytest.approx(500.0 + station.now)
        assert [effect.ticket for effect in station.effects if isinstance(effect, TicketAccepted)] == [100, 101]

    def test_another_size_applies_to_calls_and_to_messages(self):
        station = Station(client={"offline_queue": True})
        station.enqueue(urgent=True)
        station.play(Reconfigure(replace(station.engine.config, offline_queue_size=1)))
        with pytest.raises(CallDroppedError):
            station.enqueue()
        station.play(call(1))
        assert list(settled(station.play(call(2)))) == [1]

    def test_a_message_expires_without_a_connection(self):
        station = Station()
        station.enqueue(ttl=5.0)
        station.wait(5.0)
        assert station.outcomes == {100: MessageNotSent(NotSentReason.EXPIRED)}
