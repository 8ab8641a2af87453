"""Who may charge once the cable is plugged in, and what takes that back (1.6 §5.2, §5.11; 2.0.1 Part 2 F, G)."""

import pytest

from ocpp_core.errors import RPCInternalError
from tests.apps.station.laboratory import VERSIONS, Lab

PERIODS = {"chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 1000.0}]}


@pytest.fixture(params=VERSIONS)
def lab(request):
    return Lab(request.param)


def profile(lab, number, purpose, level=0):
    about = {"stackLevel": level, "chargingProfilePurpose": purpose, "chargingProfileKind": "Relative"}
    if lab.is_16:
        return {**about, "chargingProfileId": number, "chargingSchedule": PERIODS}
    return {**about, "id": number, "chargingSchedule": [{"id": 1, **PERIODS}]}


def start_remotely(lab):
    """Start at connector 1, with a profile that allows 1000 W."""
    limited = {"chargingProfile": profile(lab, 99, "TxProfile")}
    if lab.is_16:
        return lab.status_of("RemoteStartTransaction", {"idTag": "A", "connectorId": 1, **limited})
    who = {"idToken": {"idToken": "A", "type": "Central"}, "remoteStartId": 1}
    return lab.status_of("RequestStartTransaction", {**who, "evseId": 1, **limited})


def reset(lab):
    lab.ask("Reset", {"type": "Soft" if lab.is_16 else "Immediate"})
    lab.run_for(10)


def fail(lab):
    lab.run(lab.station.fault(1, "GroundFailure"))
    lab.run(lab.station.clear_fault(1))


def switch_off_and_on(lab):
    lab.run(lab.station.stop())
    lab.run(lab.station.start())


def take_out_of_service(lab):
    for kind in ("Inoperative", "Operative"):
        lab.ask(
            "ChangeAvailability",
            {"connectorId": 1, "type": kind} if lab.is_16 else {"evse": {"id": 1}, "operationalStatus": kind},
        )


@pytest.mark.parametrize("event", [reset, fail, switch_off_and_on, take_out_of_service])
class TestAPermission:
    def test_ends(self, lab, event):
        lab.run(lab.station.begin(1))
        event(lab)
        lab.run(lab.station.plug_in(1))
        assert lab.station.connectors[0].transaction is None

    def test_takes_its_charging_profile_along(self, lab, event):
        assert start_remotely(lab) == "Accepted"
        event(lab)
        assert lab.charge().power_w == 11_000


class TestAProfileOfARemoteStart:
    def test_limits_the_transaction(self, lab):
        start_remotely(lab)
        lab.run(lab.station.plug_in(1))
        assert lab.station.connectors[0].transaction.power_w == 1000

    def test_goes_when_the_start_fails(self, lab):
        name, component = ("AuthorizeRemoteTxRequests", "") if lab.is_16 else ("AuthorizeRemoteStart", "AuthCtrlr")
        lab.station.configure(name, "true", component=component)
        answer = lab.client.answers["Authorize"]
        lab.client.answers["Authorize"] = RPCInternalError(remote=True)
        assert start_remotely(lab) == "Accepted"
        lab.client.answers["Authorize"] = answer
        assert lab.charge().power_w == 11_000

    def test_is_rejected_with_the_start_where_there_are_too_many(self, lab):
        for number in range(50):
            place = {"connectorId" if lab.is_16 else "evseId": number // 20}
            message = profile(lab, number, "TxDefaultProfile", level=number % 20)
            name = "csChargingProfiles" if lab.is_16 else "chargingProfile"
            assert lab.status_of("SetChargingProfile", {**place, name: message}) == "Accepted"
        assert start_remotely(lab) == "Rejected"
