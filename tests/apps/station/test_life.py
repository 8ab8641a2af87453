"""Power-up, heartbeats, resets, power-off (2.0.1 Part 2 B; 1.6 §4.2, §4.6, §5.14)."""

import pytest

from ocpp_apps.station import StationError
from ocpp_core.errors import ConnectionFailedError
from tests.apps.station.laboratory import LATENCY, SECOND_GENERATION, VERSIONS, Lab, boots, remote_start


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
        assert lab.station.is_on
        lab.client.give_up()
        lab.run_for(1)
        assert lab.station.boot_status == ""
        assert not lab.station.is_on
        assert lab.clock.alive == []


class TestReset:
    KINDS = ("Soft", "Hard")

    @pytest.mark.parametrize("kind", KINDS)
    def test_1_6_ends_transactions_disconnects_comes_back_and_boots(self, kind):
        lab = Lab()
        lab.charge()
        lab.forget()
        assert lab.status_of("Reset", {"type": kind}) == "Accepted"
        lab.run_for(1)
        assert (lab.station.is_on, lab.client.state.name) == (True, "CLOSED")
        lab.run_for(4)
        assert lab.sent("StopTransaction")[0]["reason"] == f"{kind}Reset"
        assert lab.client.connects == 2
        after = lab.sent()[lab.sent().index("BootNotification") :]
        assert after == ["BootNotification", *["StatusNotification"] * 3]

    @pytest.mark.parametrize("protocol", VERSIONS)
    def test_one_that_comes_while_the_first_statuses_are_reported_does_not_end_the_start(self, protocol):
        lab, protocols = Lab(protocol, is_on=False), []

        async def start():
            protocols.append(await lab.station.start())

        lab.clock.spawn(start())
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
        assert lab.clock.alive == []
        assert lab.client.state.name == "CLOSED"

    def test_a_transaction_that_the_csms_begins_while_it_is_switched_on_goes_on(self, lab):
        async def switch_on():
            await lab.station.start()

        lab.run(lab.station.plug_in(1))
        lab.clock.spawn(switch_on())
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
