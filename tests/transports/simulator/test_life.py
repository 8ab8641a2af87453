"""Power-up, registration, heartbeats, resets, power-off (2.0.1 Part 2 B; 1.6 §4.2, §4.6, §5.14)."""

from itertools import pairwise

import pytest

from ocpp_core.errors import ConnectionFailedError, RPCInternalError
from ocpp_transports.station import NotRegisteredError, StationError
from tests.transports.simulator.laboratory import ACCEPTED, LATENCY, SECOND_GENERATION, VERSIONS, Lab, no_answer


def boots(*statuses, interval=60):
    """Answer one BootNotification after the other, the last of these ever after."""
    left = list(statuses)
    return lambda _: {**ACCEPTED, "interval": interval, "status": left.pop(0) if len(left) > 1 else left[0]}


@pytest.fixture(params=VERSIONS)
def lab(request):
    return Lab(request.param, is_on=False)


class TestPowerUp:
    def test_it_connects_boots_and_reports_every_status(self, lab):
        assert lab.run(lab.station.start()) == lab.protocol
        places = [0, 1, 2] if lab.is_16 else [1, 2]
        guards = [] if lab.is_16 else ["SecurityEventNotification"]
        assert lab.sent() == ["BootNotification", *["StatusNotification"] * len(places), *guards]
        assert lab.statuses() == [(place, "Available") for place in places]
        assert lab.station.boot_status == "Accepted"

    def test_it_says_what_it_is(self, lab):
        lab.run(lab.station.start())
        (boot,) = lab.sent("BootNotification")
        if lab.is_16:
            assert (boot["chargePointVendor"], boot["chargePointSerialNumber"]) == ("Example", "SIM-0001")
        else:
            assert (boot["reason"], boot["chargingStation"]["vendorName"]) == ("PowerUp", "Example")

    @pytest.mark.parametrize("protocol", SECOND_GENERATION)
    def test_2_tells_the_guards_of_it(self, protocol):
        """2.0.1 Part 2 A04, and the appendix of security events."""
        lab = Lab(protocol, is_on=False)
        lab.run(lab.station.start())
        lab.ask("Reset", {"type": "Immediate"})
        lab.run_for(5)
        told = [event["type"] for event in lab.sent("SecurityEventNotification")]
        assert told == ["StartupOfTheDevice", "ResetOrReboot"]

    def test_it_raises_what_connecting_raises_and_may_be_tried_again(self, lab):
        lab.client.refusals = [ConnectionFailedError("nobody there")]
        with pytest.raises(ConnectionFailedError):
            lab.run(lab.station.start())
        assert lab.run(lab.station.start()) == lab.protocol

    def test_it_is_done_once(self, lab):
        lab.run(lab.station.start())
        with pytest.raises(StationError, match="runs already"):
            lab.run(lab.station.start())

    def test_a_version_that_it_does_not_speak_is_refused(self, lab):
        lab.client.speaks = "ocpp9"
        with pytest.raises(StationError, match="ocpp9"):
            lab.run(lab.station.start())


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
        lab.pace.spawn(lab.station.start())
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
        lab.pace.spawn(lab.station.start())
        lab.run_for(1)
        lab.client.cut()
        lab.run_for(100)
        assert len(lab.sent("BootNotification")) == 1
        lab.client.restore()
        lab.run_for(1)
        assert lab.station.boot_status == "Accepted"

    def test_a_connection_that_is_closed_for_good_ends_it(self, lab):
        lab.client.answers["BootNotification"] = boots("Pending")
        task = lab.pace.spawn(lab.station.start())
        lab.run_for(1)
        lab.client.cut()
        lab.run_for(100)
        lab.client.give_up()
        with pytest.raises(StationError, match="closed for good"):
            lab.run_for(0)
        assert task.is_over

    def test_it_ends_when_the_station_is_switched_off(self, lab):
        lab.client.answers["BootNotification"] = boots("Pending", interval=3600)
        lab.pace.spawn(lab.station.start())
        lab.run_for(1)
        lab.pace.spawn(lab.station.stop())
        with pytest.raises(StationError, match="switched off"):
            lab.run_for(0)
        lab.client.answers["BootNotification"] = ACCEPTED
        assert lab.run(lab.station.start()) == lab.protocol

    def test_a_start_that_was_broken_off_does_not_end_the_next_one(self, lab):
        lab.client.answers["BootNotification"] = boots("Pending", "Accepted", interval=60)
        first = lab.pace.spawn(lab.station.start())
        lab.run_for(1)

        async def again():
            await lab.station.stop()
            await lab.station.start()

        lab.pace.spawn(again())
        with pytest.raises(StationError, match="switched off"):
            lab.run_for(200)
        lab.run_for(200)
        assert first.is_over
        assert lab.station.boot_status == "Accepted"

    def test_cancelled_it_leaves_nothing_behind(self, lab):
        lab.client.answers["BootNotification"] = boots("Pending")
        start = lab.pace.spawn(lab.station.start())
        lab.run_for(1)
        start.cancel()
        lab.run_for(1)
        assert lab.pace.alive == []
        assert lab.station.boot_status == ""
        assert lab.client.state.name == "CLOSED"

    def test_commands_before_it_are_a_breach_of_security(self, lab):
        lab.client.answers["BootNotification"] = boots("Rejected")
        lab.pace.spawn(lab.station.start())
        lab.run_for(1)
        with pytest.raises(Exception, match="SecurityError"):
            lab.ask("ClearCache")

    def test_pending_it_obeys_but_starts_nothing(self, lab):
        lab.client.answers["BootNotification"] = boots("Pending")
        lab.pace.spawn(lab.station.start())
        lab.run_for(1)
        assert lab.status_of("ClearCache") == "Accepted"
        assert lab.status_of(*remote_start(lab)) == "Rejected"

    def test_pending_it_sends_what_is_asked_for_and_nothing_else(self, lab):
        """2.0.1 B02: until it makes up its mind, a CSMS may look at a station."""
        lab.client.answers["BootNotification"] = boots("Pending")
        lab.pace.spawn(lab.station.start())
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
        lab.pace.spawn(lab.station.start())
        lab.run_for(1)
        assert lab.status_of("TriggerMessage", {"requestedMessage": "BootNotification"}) == "Accepted"
        lab.run_for(1)
        assert lab.station.boot_status == "Accepted"
        assert "StatusNotification" in lab.sent()


def remote_start(lab):
    if lab.is_16:
        return "RemoteStartTransaction", {"idTag": "T"}
    return "RequestStartTransaction", {"idToken": {"idToken": "T", "type": "Central"}, "remoteStartId": 1}


class TestHeartbeats:
    def test_they_come_at_the_interval_of_the_csms(self, lab):
        lab.client.answers["BootNotification"] = boots("Accepted", interval=30)
        lab.run(lab.station.start())
        lab.forget()
        lab.run_for(100)
        assert lab.sent() == ["Heartbeat"] * 3

    def test_the_csms_may_change_it(self, lab):
        lab.run(lab.station.start())
        lab.forget()
        component = "" if lab.is_16 else "OCPPCommCtrlr"
        lab.station.configure("HeartbeatInterval", "10", component=component)
        lab.run_for(35)
        assert lab.sent() == ["Heartbeat"] * 3

    def test_none_is_sent_without_a_connection(self, lab):
        lab.run(lab.station.start())
        lab.client.cut()
        lab.forget()
        lab.run_for(1000)
        assert lab.sent() == []


class TestAfterAnOutage:
    def test_it_does_not_boot_again(self, lab):
        lab.run(lab.station.start())
        lab.forget()
        lab.client.cut()
        lab.run_for(10)
        lab.client.restore()
        lab.run_for(1)
        assert lab.sent() == []
        assert lab.station.reconnects == 1

    def test_it_reports_what_has_changed(self, lab):
        lab.run(lab.station.start())
        lab.forget()
        lab.client.cut()
        lab.run(lab.station.fault(2, "GroundFailure"))
        lab.run_for(10)
        lab.client.restore()
        lab.run_for(1)
        assert lab.statuses() == [(2, "Faulted")]

    @pytest.mark.parametrize("protocol", SECOND_GENERATION)
    def test_after_a_long_one_2_reports_all(self, protocol):
        lab = Lab(protocol)
        lab.client.cut()
        lab.run_for(61)
        lab.client.restore()
        lab.run_for(1)
        assert lab.statuses() == [(1, "Available"), (2, "Available")]

    def test_a_client_that_gives_up_switches_it_off(self, lab):
        lab.run(lab.station.start())
        lab.client.give_up()
        lab.run_for(1)
        assert lab.station.boot_status == ""
        assert lab.pace.alive == []


class TestReset:
    KINDS = ("Soft", "Hard")

    @pytest.mark.parametrize("kind", KINDS)
    def test_1_6_ends_transactions_disconnects_comes_back_and_boots(self, kind):
        lab = Lab()
        lab.charge()
        lab.forget()
        assert lab.status_of("Reset", {"type": kind}) == "Accepted"
        lab.run_for(5)
        assert lab.sent("StopTransaction")[0]["reason"] == f"{kind}Reset"
        assert lab.client.connects == 2
        after = lab.sent()[lab.sent().index("BootNotification") :]
        assert after == ["BootNotification", *["StatusNotification"] * 3]

    @pytest.mark.parametrize("protocol", VERSIONS)
    def test_one_that_comes_while_the_first_statuses_are_reported_does_not_end_the_start(self, protocol):
        lab, protocols = Lab(protocol, is_on=False), []

        async def start():
            protocols.append(await lab.station.start())

        lab.pace.spawn(start())
        lab.run_for(LATENCY * 2.5)
        assert lab.sent() == ["BootNotification", "StatusNotification"]
        assert lab.status_of("Reset", {"type": "Hard" if lab.is_16 else "Immediate"}) == "Accepted"
        lab.run_for(10)
        assert protocols == [protocol]
        assert lab.client.connects == 2
        assert len(lab.sent("BootNotification")) == 2
        assert (lab.station.boot_status, lab.station.queued) == ("Accepted", 0)
        assert lab.charge() is not None

    @pytest.mark.parametrize("protocol", SECOND_GENERATION)
    def test_2_immediate_ends_them_too(self, protocol):
        lab = Lab(protocol)
        lab.charge()
        lab.forget()
        assert lab.status_of("Reset", {"type": "Immediate"}) == "Accepted"
        lab.run_for(5)
        ended = lab.sent("TransactionEvent")[-1]
        assert (ended["eventType"], ended["triggerReason"]) == ("Ended", "ResetCommand")
        assert ended["transactionInfo"]["stoppedReason"] == "ImmediateReset"
        assert lab.sent("BootNotification")[0]["reason"] == "RemoteReset"

    @pytest.mark.parametrize("protocol", SECOND_GENERATION)
    def test_2_on_idle_waits_for_their_end(self, protocol):
        lab = Lab(protocol)
        lab.charge()
        lab.forget()
        assert lab.status_of("Reset", {"type": "OnIdle"}) == "Scheduled"
        lab.run_for(100)
        assert lab.sent("BootNotification") == []
        lab.run(lab.station.end(1))
        lab.run_for(10)
        assert lab.sent("BootNotification")[0]["reason"] == "ScheduledReset"

    @pytest.mark.parametrize("protocol", SECOND_GENERATION)
    def test_2_a_single_evse_cannot_be_reset(self, protocol):
        assert Lab(protocol).status_of("Reset", {"type": "Immediate", "evseId": 1}) == "Rejected"

    def test_2_1_may_resume_them(self):
        lab = Lab("ocpp2.1")
        transaction = lab.charge()
        lab.forget()
        assert lab.status_of("Reset", {"type": "ImmediateAndResume"}) == "Accepted"
        lab.run_for(5)
        assert lab.events() == ["Updated TxResumed"]
        assert lab.station.connectors[0].transaction is transaction
        lab.run_for(60)
        assert lab.events()[-1] == "Updated MeterValuePeriodic"

    def test_one_at_a_time(self, lab):
        lab.run(lab.station.start())
        lab.charge()
        kind = {"type": "Soft" if lab.is_16 else "Immediate"}
        answers = [lab.run(lab.client.ask("Reset", kind))["status"] for _ in range(2)]
        assert answers == ["Accepted", "Rejected"]

    @pytest.mark.parametrize("protocol", SECOND_GENERATION)
    def test_an_immediate_one_takes_the_place_of_a_scheduled_one(self, protocol):
        lab = Lab(protocol)
        lab.charge()
        assert lab.status_of("Reset", {"type": "OnIdle"}) == "Scheduled"
        lab.ask("Reset", {"type": "Immediate"})
        lab.run_for(60)
        assert [boot["reason"] for boot in lab.sent("BootNotification")] == ["RemoteReset"]

    def test_it_comes_back_however_often_that_fails(self, lab):
        lab.run(lab.station.start())
        lab.client.refusals = [ConnectionFailedError("not yet") for _ in range(5)]
        lab.ask("Reset", {"type": "Soft" if lab.is_16 else "Immediate"})
        lab.run_for(60)
        assert lab.station.boot_status == "Accepted"
        assert sum(entry.kind == "NOTE" for entry in lab.station.log) == 5

    def test_a_cable_that_stays_in_is_seen_afterwards(self, lab):
        lab.run(lab.station.start())
        lab.charge()
        lab.ask("Reset", {"type": "Soft" if lab.is_16 else "Immediate"})
        lab.run_for(5)
        assert lab.station.connectors[0].status == ("Preparing" if lab.is_16 else "Occupied")


class TestPowerOff:
    def test_nothing_runs_on(self, lab):
        lab.run(lab.station.start())
        lab.charge()
        lab.run(lab.station.stop())
        lab.run_for(1)
        assert lab.pace.alive == []
        assert lab.client.state.name == "CLOSED"

    def test_a_transaction_that_the_csms_begins_while_it_is_switched_on_goes_on(self, lab):
        async def switch_on():
            await lab.station.start()

        lab.run(lab.station.plug_in(1))
        lab.pace.spawn(switch_on())
        while not lab.station.boot_status:  # its first reports are still to come
            lab.run_for(LATENCY / 2)
        assert lab.status_of(*remote_start(lab)) == "Accepted"
        lab.run_for(60)
        assert lab.station.connectors[0].transaction is not None

    def test_a_transaction_ends_when_it_is_switched_on_again(self, lab):
        lab.run(lab.station.start())
        lab.charge()
        lab.run_for(3600)
        lab.run(lab.station.stop())
        energy = lab.station.connectors[0].energy_wh
        lab.run_for(3600)
        lab.forget()
        lab.run(lab.station.start())
        assert lab.station.connectors[0].energy_wh == energy
        assert lab.station.connectors[0].transaction is None
        if lab.is_16:
            assert lab.sent("StopTransaction")[0]["reason"] == "PowerLoss"
        else:
            assert lab.sent("TransactionEvent")[-1]["transactionInfo"]["stoppedReason"] == "PowerLoss"


class TestWhoWatches:
    def test_is_told_of_changes_until_that_ends(self, lab):
        changes = []
        cancel = lab.station.watch(lambda: changes.append(lab.station.boot_status))
        lab.run(lab.station.start())
        assert changes[-1] == "Accepted"
        cancel()
        cancel()
        count = len(changes)
        lab.run(lab.station.plug_in(1))
        assert len(changes) == count
