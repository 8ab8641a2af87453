"""Transactions survive a lost connection (2.0.1 Part 2 E04, E12, E13; 1.6 §3.7, §4.8)."""

import pytest

from ocpp_apps.station import NotAuthorizedError
from ocpp_core.errors import RPCInternalError
from ocpp_core.outbox.commands import Enqueue
from tests.apps.station.laboratory import SECOND_GENERATION, VERSIONS, Lab, no_answer


@pytest.fixture(params=VERSIONS)
def lab(request):
    return Lab(request.param)


def back(lab):
    lab.client.restore()
    lab.run_for(5)


def break_store(lab, *, is_known):
    """Let the store fail; the queue knows it at once, or after the next message."""
    lab.client.outbox.fails = True
    if is_known:
        lab.client.outbox.engine.enqueue(Enqueue(action="Heartbeat", payload={}), lab.clock.monotonic())
        lab.client.outbox._go_on()


class TestATransactionThatGoesOn:
    def test_its_messages_are_kept_and_sent_in_order(self, lab):
        lab.charge()
        lab.client.cut()
        lab.forget()
        lab.run_for(180)
        lab.run(lab.station.end(1))
        assert lab.sent() == []
        assert lab.station.queued == 4
        back(lab)
        if lab.is_16:
            assert lab.events() == ["MeterValues"] * 3 + ["StopTransaction"]
        else:
            assert lab.events() == ["Updated MeterValuePeriodic"] * 3 + ["Ended StopAuthorized"]
        assert lab.station.queued == 0

    @pytest.mark.parametrize("protocol", SECOND_GENERATION)
    def test_2_tells_that_they_come_late(self, protocol):
        lab = Lab(protocol)
        lab.charge()
        lab.client.cut()
        lab.run_for(60)
        back(lab)
        lab.run_for(60)
        assert [event.get("offline", False) for event in lab.sent("TransactionEvent")] == [False, True, False]

    def test_they_keep_the_time_at_which_it_happened(self, lab):
        lab.charge()
        lab.client.cut()
        lab.forget()
        lab.run_for(60)
        lab.run_for(3000)
        back(lab)
        action = "MeterValues" if lab.is_16 else "TransactionEvent"
        assert lab.sent(action)[0]["meterValue"][0]["timestamp"].startswith("2026-01-01T00:01:0")


class TestATransactionThatBeginsWithoutAConnection:
    def test_is_reported_when_it_is_back(self, lab):
        lab.client.cut()
        lab.run(lab.station.plug_in(1))
        transaction = lab.run(lab.station.begin(1))
        lab.run_for(30)
        lab.run(lab.station.end(1))
        assert (transaction.id is None) is lab.is_16
        back(lab)
        if lab.is_16:
            assert lab.sent("StartTransaction")[0]["timestamp"].startswith("2026-01-01T00:00:00.")
            assert lab.sent("StopTransaction")[0]["transactionId"] == 7
        else:
            assert lab.events() == ["Started Authorized", "Ended StopAuthorized"]
            assert all(event["offline"] for event in lab.sent("TransactionEvent"))

    def test_asks_nobody(self, lab):
        lab.client.cut()
        lab.charge()
        back(lab)
        assert "Authorize" not in lab.sent()

    def test_is_refused_for_an_unknown_token_where_the_csms_wants_that(self, lab):
        name, component = (
            ("AllowOfflineTxForUnknownId", "") if lab.is_16 else ("OfflineTxForUnknownIdEnabled", "AuthCtrlr")
        )
        lab.station.configure(name, "false", component=component)
        lab.client.cut()
        with pytest.raises(NotAuthorizedError):
            lab.charge()

    def test_is_allowed_then_for_one_that_the_csms_has_accepted_before(self, lab):
        lab.charge()
        lab.run(lab.station.end(1))
        name, component = (
            ("AllowOfflineTxForUnknownId", "") if lab.is_16 else ("OfflineTxForUnknownIdEnabled", "AuthCtrlr")
        )
        lab.station.configure(name, "false", component=component)
        lab.client.cut()
        assert lab.run(lab.station.begin(1)) is not None


class TestAMessageThatIsLost:
    def test_on_the_way_is_sent_again_after_the_outage(self, lab):
        action = "StartTransaction" if lab.is_16 else "TransactionEvent"
        lab.run(lab.station.plug_in(1))
        lab.clock.spawn(lab.station.begin(1))
        while not lab.sent(action):
            lab.run_for(0.001)
        lab.client.cut()
        back(lab)
        assert len(lab.sent(action)) == 2
        assert lab.sent(action)[0] == lab.sent(action)[1]
        assert lab.station.queued == 0

    @pytest.mark.parametrize("trouble", [no_answer(), RPCInternalError(remote=True)])
    def test_without_an_answer_is_tried_again_as_often_as_the_csms_wants(self, lab, trouble):
        action = "StopTransaction" if lab.is_16 else "TransactionEvent"
        lab.charge()
        lab.client.answers[action] = trouble
        lab.forget()
        lab.run(lab.station.end(1))
        lab.run_for(100)
        first, second, third = [
            at for at, (name, _) in zip(lab.client.times, lab.client.calls, strict=True) if name == action
        ]
        assert (round(second - first), round(third - second)) == (10, 20)
        assert lab.station.queued == 0

    def test_is_tried_again_as_the_csms_configures_meanwhile(self, lab):
        names = ["TransactionMessageRetryInterval", "TransactionMessageAttempts"]
        where = {}
        if not lab.is_16:
            names = ["MessageAttemptInterval", "MessageAttempts"]
            where = {"component": "OCPPCommCtrlr", "instance": "TransactionEvent"}
        action = "StopTransaction" if lab.is_16 else "TransactionEvent"
        lab.charge()
        lab.client.answers[action] = no_answer()
        lab.forget()
        lab.clock.spawn(lab.station.end(1))
        lab.run_for(1)
        lab.station.configure(names[0], "3", **where)
        lab.run_for(3)
        assert len(lab.sent(action)) == 2
        lab.station.configure(names[1], "1", **where)
        lab.run_for(30)
        assert len(lab.sent(action)) == 2
        assert lab.station.queued == 0

    @pytest.mark.parametrize("is_rejected_at_once", [True, False])
    def test_because_the_queue_does_not_take_it_is_noted(self, lab, is_rejected_at_once):
        lab.charge()
        break_store(lab, is_known=is_rejected_at_once)
        lab.run(lab.station.end(1))
        action = "StopTransaction" if lab.is_16 else "TransactionEvent"
        assert [entry.action for entry in lab.station.log if entry.kind == "NOTE"] == [action]
        assert lab.station.queued == 0

    @pytest.mark.parametrize("is_rejected_at_once", [True, False])
    def test_because_the_queue_does_not_take_it_leaves_the_transaction_without_a_start(self, is_rejected_at_once):
        lab = Lab()
        break_store(lab, is_known=is_rejected_at_once)
        lab.charge()
        lab.client.outbox.fails = False
        lab.client.outbox.engine.store_back()
        lab.run_for(70)
        lab.run(lab.station.end(1))
        notes = [entry.action for entry in lab.station.log if entry.kind == "NOTE"]
        rest = ["MeterValues", "StopTransaction"]
        assert notes == (["StartTransaction"] if is_rejected_at_once else ["StartTransaction", *rest])
        sent = [(action, params["transactionId"]) for action, params in lab.client.calls if action in rest]
        assert sent == ([(action, -1) for action in rest] if is_rejected_at_once else [])

    def test_1_6_says_1_below_0_for_the_number_if_it_was_the_start(self):
        """1.6 errata sheet 3.18."""
        lab = Lab()
        lab.client.answers["StartTransaction"] = no_answer()
        lab.charge()
        lab.run_for(300)
        lab.run(lab.station.end(1))
        numbers = [one["transactionId"] for action in ("MeterValues", "StopTransaction") for one in lab.sent(action)]
        assert len(numbers) > 1
        assert set(numbers) == {-1}

    def test_does_not_hold_up_the_driver(self, lab):
        action = "StopTransaction" if lab.is_16 else "TransactionEvent"
        lab.charge()
        lab.client.answers[action] = no_answer()
        before = lab.clock.monotonic()
        lab.run(lab.station.end(1))
        assert lab.clock.monotonic() - before < 11

    def test_does_not_hold_up_the_next_driver_either(self, lab):
        numbers = iter([7, 8])
        if lab.is_16:
            about = {"idTagInfo": {"status": "Accepted"}}
            lab.client.answers["StartTransaction"] = lambda _: {**about, "transactionId": next(numbers)}
        lab.charge(1)
        lab.run(lab.station.plug_in(2))
        answer = lab.client.answers.get("TransactionEvent", {})
        action = "StopTransaction" if lab.is_16 else "TransactionEvent"
        lab.client.answers[action] = no_answer()
        lab.run(lab.station.end(1))
        before = lab.clock.monotonic()
        transaction = lab.run(lab.station.begin(2))
        assert lab.clock.monotonic() - before < 11
        assert lab.statuses()[-1] == (2, "Charging" if lab.is_16 else "Occupied")
        lab.client.answers[action] = answer
        lab.run_for(45)
        assert lab.station.queued == 0
        assert transaction.id is not None

    @pytest.mark.parametrize("protocol", SECOND_GENERATION)
    def test_2_may_be_asked_about(self, protocol):
        lab = Lab(protocol)
        transaction = lab.charge()
        asked = {"transactionId": transaction.id}
        assert lab.ask("GetTransactionStatus", asked) == {"ongoingIndicator": True, "messagesInQueue": False}
        lab.client.answers["TransactionEvent"] = no_answer()
        lab.run(lab.station.end(1))
        assert lab.ask("GetTransactionStatus", asked) == {"ongoingIndicator": False, "messagesInQueue": True}
        assert lab.ask("GetTransactionStatus") == {"messagesInQueue": True}


class TestAStationThatIsSwitchedOffMeanwhile:
    def test_sends_everything_once_when_it_is_on_again(self, lab):
        lab.charge()
        lab.client.cut()
        lab.forget()
        lab.run_for(60)
        lab.run(lab.station.end(1))
        lab.run(lab.station.stop())
        lab.run(lab.station.start())
        lab.run_for(60)
        expected = ["MeterValues", "StopTransaction"]
        assert lab.events() == (expected if lab.is_16 else ["Updated MeterValuePeriodic", "Ended StopAuthorized"])

    def test_while_it_sends_loses_and_repeats_nothing(self, lab):
        action = "StopTransaction" if lab.is_16 else "TransactionEvent"
        lab.charge()
        lab.forget()
        lab.clock.spawn(lab.station.end(1))
        while not lab.sent(action):
            lab.run_for(0.001)
        lab.run(lab.station.stop())
        lab.forget()
        lab.run(lab.station.start())
        lab.run_for(60)
        assert len(lab.sent(action)) == 1
        assert lab.station.queued == 0
