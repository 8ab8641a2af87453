"""BootNotification until the CSMS accepts, and what a station may do before (1.6 §4.2; 2.0.1 Part 2 B01 to B03)."""

from itertools import pairwise

import pytest

from ocpp_apps.station import NotRegisteredError, StationError
from ocpp_core.actions import Direction
from ocpp_core.errors import RPCInternalError
from ocpp_core.messages import MessageType
from ocpp_transports.events import MessageEvent
from tests.apps.station.laboratory import ACCEPTED, LATENCY, VERSIONS, Lab, boots, no_answer, remote_start


@pytest.fixture(params=VERSIONS)
def lab(request):
    return Lab(request.param, is_on=False)


class TestRegistration:
    @pytest.mark.parametrize("status", ["Pending", "Rejected"])
    def test_it_boots_again_after_the_interval_until_it_is_accepted(self, lab, status):
        lab.client.answers["BootNotification"] = boots(status, status, "Accepted", interval=60)
        lab.run(lab.station.start())
        first, second, third = lab.client.times[:3]
        assert second - first == pytest.approx(60 + LATENCY)
        assert third - second == pytest.approx(60 + LATENCY)
        assert lab.sent()[:4] == ["BootNotification"] * 3 + ["StatusNotification"]

    @pytest.mark.parametrize("status", ["Pending", "Rejected"])
    def test_it_tells_how_it_stands(self, lab, status):
        lab.client.answers["BootNotification"] = boots(status)
        lab.clock.spawn(lab.station.start())
        lab.run_for(1)
        assert lab.station.boot_status == status

    def test_its_own_interval_counts_where_the_csms_names_none(self, lab):
        lab.client.answers["BootNotification"] = boots("Pending", "Accepted", interval=0)
        lab.run(lab.station.start())
        assert lab.client.times[1] - lab.client.times[0] == pytest.approx(300 + LATENCY)

    @pytest.mark.parametrize("trouble", [no_answer(), RPCInternalError(remote=True)])
    def test_a_boot_without_an_answer_is_repeated(self, lab, trouble):
        answers = [trouble, ACCEPTED]
        lab.client.answers["BootNotification"] = lambda _: answers.pop(0)
        lab.run(lab.station.start())
        assert lab.sent("BootNotification") == [lab.sent("BootNotification")[0]] * 2

    @pytest.mark.parametrize("trouble", [no_answer(), RPCInternalError(remote=True), {"interval": "soon"}])
    def test_a_boot_without_an_answer_is_repeated_at_the_interval_that_the_csms_named_last(self, lab, trouble):
        """1.6 §4.2; 2.0.1 Part 2 B02.FR.04: not before the interval of the last answer."""
        answers = [{**ACCEPTED, "status": "Pending", "interval": 20}, trouble, trouble, ACCEPTED]
        lab.client.answers["BootNotification"] = lambda _: answers.pop(0)
        lab.run(lab.station.start())
        begun = lab.client.times[:4]
        assert [later - sooner for sooner, later in pairwise(begun)] == pytest.approx([20 + LATENCY] * 3, abs=LATENCY)

    @pytest.mark.parametrize("trouble", [no_answer(), RPCInternalError(remote=True)])
    def test_a_boot_without_an_answer_is_repeated_at_its_own_interval_if_the_csms_named_none(self, lab, trouble):
        answers = [{**ACCEPTED, "status": "Pending", "interval": 0}, trouble, ACCEPTED]
        lab.client.answers["BootNotification"] = lambda _: answers.pop(0)
        lab.run(lab.station.start())
        assert lab.client.times[2] - lab.client.times[1] == pytest.approx(300, abs=LATENCY)

    @pytest.mark.parametrize("interval", [10**400, 1e300, -1, "300", True, None, [], {}])
    def test_an_interval_that_is_none_does_no_harm(self, lab, interval):
        lab.client.answers["BootNotification"] = {**ACCEPTED, "interval": interval}
        lab.run(lab.station.start())
        (setting,) = [one for one in lab.station.configuration if one.name == "HeartbeatInterval"]
        assert 1 <= int(setting.value) <= 31_536_000

    def test_an_answer_of_another_shape_is_no_acceptance(self, lab):
        answers = [{"interval": "soon"}, ACCEPTED]
        lab.client.answers["BootNotification"] = lambda _: answers.pop(0)
        lab.run(lab.station.start())
        assert len(lab.sent("BootNotification")) == 2

    def test_nobody_charges_before(self, lab):
        with pytest.raises(NotRegisteredError):
            lab.run(lab.station.begin(1))

    def test_a_connection_that_is_lost_meanwhile_is_waited_for(self, lab):
        lab.client.answers["BootNotification"] = boots("Pending", "Accepted")
        lab.clock.spawn(lab.station.start())
        lab.run_for(1)
        lab.client.cut()
        lab.run_for(100)
        assert len(lab.sent("BootNotification")) == 1
        lab.client.restore()
        lab.run_for(1)
        assert lab.station.boot_status == "Accepted"

    def test_a_connection_that_is_closed_for_good_ends_it(self, lab):
        lab.client.answers["BootNotification"] = boots("Pending")
        task = lab.clock.spawn(lab.station.start())
        lab.run_for(1)
        lab.client.cut()
        lab.run_for(100)
        lab.client.give_up()
        with pytest.raises(StationError, match="closed for good"):
            lab.run_for(0)
        assert task.is_over

    def test_it_ends_when_the_station_is_switched_off(self, lab):
        lab.client.answers["BootNotification"] = boots("Pending", interval=3600)
        lab.clock.spawn(lab.station.start())
        lab.run_for(1)
        lab.clock.spawn(lab.station.stop())
        with pytest.raises(StationError, match="switched off"):
            lab.run_for(0)
        lab.client.answers["BootNotification"] = ACCEPTED
        assert lab.run(lab.station.start()) == lab.protocol

    def test_a_start_that_was_broken_off_does_not_end_the_next_one(self, lab):
        lab.client.answers["BootNotification"] = boots("Pending", "Accepted", interval=60)
        first = lab.clock.spawn(lab.station.start())
        lab.run_for(1)

        async def again():
            await lab.station.stop()
            await lab.station.start()

        lab.clock.spawn(again())
        with pytest.raises(StationError, match="switched off"):
            lab.run_for(200)
        lab.run_for(200)
        assert first.is_over
        assert lab.station.boot_status == "Accepted"

    def test_cancelled_it_leaves_nothing_behind(self, lab):
        lab.client.answers["BootNotification"] = boots("Pending")
        start = lab.clock.spawn(lab.station.start())
        lab.run_for(1)
        start.cancel()
        lab.run_for(1)
        assert lab.clock.alive == []
        assert lab.station.boot_status == ""
        assert lab.client.state.name == "CLOSED"

    def test_commands_before_it_are_a_breach_of_security(self, lab):
        lab.client.answers["BootNotification"] = boots("Rejected")
        lab.clock.spawn(lab.station.start())
        lab.run_for(1)
        with pytest.raises(Exception, match="SecurityError"):
            lab.ask("ClearCache")

    def test_pending_it_obeys_but_starts_nothing(self, lab):
        lab.client.answers["BootNotification"] = boots("Pending")
        lab.clock.spawn(lab.station.start())
        lab.run_for(1)
        assert lab.status_of("ClearCache") == "Accepted"
        assert lab.status_of(*remote_start(lab)) == "Rejected"

    def test_pending_it_sends_what_is_asked_for_and_nothing_else(self, lab):
        """2.0.1 B02: until it makes up its mind, a CSMS may look at a station."""
        lab.client.answers["BootNotification"] = boots("Pending")
        lab.clock.spawn(lab.station.start())
        lab.run_for(1)
        lab.run(lab.station.plug_in(1))
        lab.forget()
        place = {"connectorId": 2} if lab.is_16 else {"evse": {"id": 2, "connectorId": 1}}
        asked = {"requestedMessage": "StatusNotification", **place}
        assert lab.status_of("TriggerMessage", asked) == "Accepted"
        assert (lab.sent(), lab.statuses()) == (["StatusNotification"], [(2, "Available")])
        if not lab.is_16:
            assert lab.status_of("GetBaseReport", {"requestId": 1, "reportBase": "SummaryInventory"}) == "Accepted"
            assert "NotifyReport" in lab.sent()

    def test_pending_again_it_stops_nothing_that_the_csms_wants_stopped(self, lab):
        """1.6 §4.2; 2.0.1 Part 2 B02.FR.05."""
        lab.run(lab.station.start())
        transaction = lab.charge()
        lab.client.answers["BootNotification"] = boots("Pending", interval=3600)
        lab.run(lab.station._life.boot_again())
        action = "RemoteStopTransaction" if lab.is_16 else "RequestStopTransaction"
        assert lab.status_of(action, {"transactionId": transaction.id}) == "Rejected"
        assert lab.station.connectors[0].transaction is transaction

    def test_pending_it_may_be_asked_to_boot_at_once(self, lab):
        lab.client.answers["BootNotification"] = boots("Pending", "Accepted", interval=3600)
        lab.clock.spawn(lab.station.start())
        lab.run_for(1)
        assert lab.status_of("TriggerMessage", {"requestedMessage": "BootNotification"}) == "Accepted"
        lab.run_for(1)
        assert lab.station.boot_status == "Accepted"
        assert "StatusNotification" in lab.sent()


@pytest.mark.parametrize("protocol", VERSIONS)
def test_a_command_right_behind_the_answer_to_the_boot_is_obeyed(protocol):
    """Both may come in one segment: the command is dispatched before whoever called goes on."""
    lab = Lab(protocol, is_on=False)
    answers = []

    def command(event):
        if event.action == "BootNotification" and event.type is MessageType.CALLRESULT:
            with pytest.raises(StopIteration) as returned:
                lab.client.ask("ClearCache", {}).send(None)
            answers.append(returned.value.value)

    lab.client.on("message", command)
    lab.run(lab.station.start())
    assert answers == [{"status": "Accepted"}]


def test_an_answer_to_the_boot_that_comes_too_late_counts_no_longer():
    lab = Lab(is_on=False)
    lab.run(lab.station.start())
    lab.run(lab.station.stop())
    lab.client.tell("message", MessageEvent(Direction.IN, [3, "id-1", ACCEPTED], "BootNotification", None))
    assert lab.station.boot_status == ""
