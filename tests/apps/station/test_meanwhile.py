"""What happens while a station resets, boots, or updates itself."""

from itertools import count

import pytest

from ocpp_apps.station import StationError
from tests.apps.station.laboratory import ACCEPTED, SECOND_GENERATION, VERSIONS, Lab

EARLIER, LATER = "2025-01-01T00:00:00Z", "2027-01-01T00:00:00Z"


@pytest.fixture(params=VERSIONS)
def lab(request):
    return Lab(request.param)


def begin_reset(lab):
    """Reset, and stop where the end of the first transaction is told."""
    lab.run(lab.client.ask("Reset", {"type": "Soft" if lab.is_16 else "Immediate"}))
    wait_for(lab, "StopTransaction" if lab.is_16 else "TransactionEvent")


def wait_for(lab, action):
    while not lab.sent(action):
        lab.run_for(0.001)


def boot_answers(lab, status):
    lab.client.answers["BootNotification"] = {**ACCEPTED, "status": status, "interval": 10}


def update(lab, moment):
    location = "ftp://csms.example/fw-2.0.0.bin"
    if lab.is_16:
        lab.ask("UpdateFirmware", {"location": location, "retrieveDate": moment})
    else:
        lab.ask("UpdateFirmware", {"requestId": 5, "firmware": {"location": location, "retrieveDateTime": moment}})


class TestAReset:
    def test_is_not_stopped_by_a_driver_who_leaves(self, lab):
        numbers, about = count(7), {"idTagInfo": {"status": "Accepted"}}
        if lab.is_16:
            lab.client.answers["StartTransaction"] = lambda _: {**about, "transactionId": next(numbers)}
        lab.charge(1)
        lab.charge(2)
        lab.forget()
        begin_reset(lab)
        lab.run(lab.station.unplug(2))
        lab.run_for(10)
        assert len(lab.sent("BootNotification")) == 1
        assert lab.station.boot_status == "Accepted"
        assert [entry for entry in lab.station.log if entry.kind == "NOTE"] == []

    def test_lets_nobody_begin_any_more(self, lab):
        lab.charge(1)
        lab.run(lab.station.plug_in(2))
        lab.forget()
        begin_reset(lab)
        with pytest.raises(StationError, match="about to restart"):
            lab.run(lab.station.begin(2))

    def test_of_a_pending_station_has_it_boot_once_at_a_time(self, lab):
        lab = Lab(lab.protocol, is_on=False)
        boot_answers(lab, "Pending")
        lab.clock.spawn(lab.station.start())
        lab.run_for(1)
        lab.ask("Reset", {"type": "Soft" if lab.is_16 else "Immediate"})
        lab.run_for(2)
        lab.forget()
        lab.run_for(59)
        assert len(lab.sent("BootNotification")) == 5
        boot_answers(lab, "Accepted")
        lab.run_for(10)
        assert lab.station.boot_status == "Accepted"


class TestAnUpdateThatTakesThePlaceOfAnother:
    def test_does_not_keep_the_station_from_coming_back(self, lab):
        boot_answers(lab, "Pending")
        update(lab, EARLIER)
        wait_for(lab, "BootNotification")
        lab.run_for(1)
        update(lab, LATER)
        boot_answers(lab, "Accepted")
        lab.run_for(20)
        assert lab.station.boot_status == "Accepted"
        assert lab.sent("StatusNotification")


class TestATriggeredBoot:
    """1.6 §5.17 and §4.2: an accepted station may be asked as well, and the answer counts."""

    @pytest.mark.parametrize("status", ["Pending", "Rejected"])
    def test_that_is_not_accepted_is_repeated_and_nothing_else_is_sent(self, status):
        lab = Lab()
        lab.station.configure("ClockAlignedDataInterval", "5")
        boot_answers(lab, status)
        lab.ask("TriggerMessage", {"requestedMessage": "BootNotification"})
        lab.run_for(9)
        assert lab.sent() == ["BootNotification"]
        boot_answers(lab, "Accepted")
        lab.forget()
        lab.run_for(25)
        assert lab.sent()[:4] == ["BootNotification", *["StatusNotification"] * 3]
        assert lab.sent().count("BootNotification") == 1
        assert lab.sent("Heartbeat")

    @pytest.mark.parametrize("protocol", SECOND_GENERATION)
    def test_2_that_takes_acceptance_back_resumes_no_transaction(self, protocol):
        """2.x is asked only while it is pending, but may have been accepted when it obeys."""
        lab = Lab(protocol, is_on=False)
        boot_answers(lab, "Pending")
        lab.clock.spawn(lab.station.start())
        lab.run_for(1)
        lab.station.faults.arm("delay", action="BootNotification", seconds=20)
        lab.run(lab.client.ask("TriggerMessage", {"requestedMessage": "BootNotification"}))
        answers = iter(["Accepted", "Pending", "Accepted"])
        lab.client.answers["BootNotification"] = lambda _: {**ACCEPTED, "status": next(answers), "interval": 10}
        lab.run_for(15)
        lab.charge()
        lab.run_for(25)
        assert next(answers, None) is None
        assert lab.events() == ["Started Authorized"]
        assert lab.station.boot_status == "Accepted"

    def test_that_is_accepted_changes_nothing(self):
        lab = Lab()
        lab.ask("TriggerMessage", {"requestedMessage": "BootNotification"})
        lab.run_for(9)
        assert lab.sent() == ["BootNotification"]


class TestPowerThatIsBack:
    def test_the_transaction_ended_before_the_station_says_anything(self, lab):
        lab.charge()
        lab.run(lab.station.stop())
        lab.forget()
        lab.run(lab.station.start())
        lab.run_for(1)
        statuses = [status for place, status in lab.statuses() if place == 1]
        assert statuses == ["Finishing" if lab.is_16 else "Occupied"]

    @pytest.mark.parametrize("protocol", SECOND_GENERATION)
    def test_2_tells_that_it_ended_offline(self, protocol):
        lab = Lab(protocol)
        lab.charge()
        lab.run(lab.station.stop())
        lab.run(lab.station.start())
        lab.run_for(1)
        assert lab.sent("TransactionEvent")[-1]["offline"] is True
