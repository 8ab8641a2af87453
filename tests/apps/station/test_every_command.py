"""Every command of every version, with the least and with the most that its schema allows.

The laboratory holds what is asked, answered and sent against the schemas, and fails a test where anything breaks one.
"""

import pytest

from ocpp_core.errors import RPCError
from ocpp_core.validation._bundles import read_bundle
from tests.apps.station.laboratory import VERSIONS, Lab
from tests.contracts.instances import Instances

EXPECTED = {
    "ocpp1.6": {
        "CancelReservation", "CertificateSigned", "ChangeAvailability", "ChangeConfiguration", "ClearCache",
        "ClearChargingProfile", "DataTransfer", "DeleteCertificate", "ExtendedTriggerMessage", "GetCompositeSchedule",
        "GetConfiguration", "GetDiagnostics", "GetInstalledCertificateIds", "GetLocalListVersion", "GetLog",
        "InstallCertificate", "RemoteStartTransaction", "RemoteStopTransaction", "ReserveNow", "Reset",
        "SendLocalList", "SetChargingProfile", "SignedUpdateFirmware", "TriggerMessage", "UnlockConnector",
        "UpdateFirmware",
    },
    "ocpp2.0.1": {
        "CancelReservation", "ChangeAvailability", "ClearCache", "ClearChargingProfile", "DataTransfer",
        "GetBaseReport", "GetChargingProfiles", "GetCompositeSchedule", "GetLocalListVersion", "GetLog", "GetReport",
        "GetTransactionStatus", "GetVariables", "RequestStartTransaction", "RequestStopTransaction", "ReserveNow",
        "Reset", "SendLocalList", "SetChargingProfile", "SetNetworkProfile", "SetVariables", "TriggerMessage",
        "UnlockConnector", "UpdateFirmware",
    },
}  # fmt: skip
EXPECTED["ocpp2.1"] = EXPECTED["ocpp2.0.1"]
COMMANDS = [(protocol, action) for protocol in VERSIONS for action in sorted(EXPECTED[protocol])]


def instances_of(protocol, action):
    bundle = read_bundle(protocol)
    schema = bundle["actions"][action]["call"]
    definitions = {**bundle["definitions"], **schema.get("definitions", {})}
    return Instances({"$schema": "http://json-schema.org/draft-07/schema#", **schema, "definitions": definitions})


@pytest.mark.parametrize("protocol", VERSIONS)
def test_these_are_understood_and_no_others(protocol):
    assert Lab(protocol).client.actions() == EXPECTED[protocol]


@pytest.mark.parametrize(("protocol", "action"), COMMANDS)
class TestEachCommand:
    @pytest.mark.parametrize("is_full", [False, True])
    @pytest.mark.parametrize("is_charging", [False, True])
    def test_has_an_answer_and_what_follows_conforms(self, protocol, action, is_full, is_charging):
        lab = Lab(protocol)
        if is_charging:
            lab.charge()
        instances = instances_of(protocol, action)
        lab.ask(action, instances.full() if is_full else instances.minimal())
        lab.run_for(600)
        assert lab.station.boot_status == "Accepted"

    def test_is_refused_where_it_breaks_its_schema(self, protocol, action):
        lab = Lab(protocol)
        with pytest.raises(RPCError, match="Violation"):
            lab.ask(action, {"unknownProperty": 1}, is_valid=False)


@pytest.mark.parametrize("protocol", VERSIONS)
def test_what_the_station_sends_by_itself_conforms_in_every_word(protocol):
    """A day with everything: the laboratory checks it all."""
    lab = Lab(protocol)
    component = {"AlignedDataCtrlr": "Interval"} if not lab.is_16 else {"": "ClockAlignedDataInterval"}
    for place, name in component.items():
        lab.station.configure(name, "900", component=place)
    lab.charge()
    lab.run_for(2000)
    lab.run(lab.station.set_power(1, 0))
    lab.run_for(100)
    lab.run(lab.station.fault(1, "GroundFailure"))
    lab.run(lab.station.clear_fault(1))
    lab.run(lab.station.unplug(1))
    lab.run_for(86_400)
    assert [entry.problem for entry in lab.station.log if entry.problem] == []
    assert len(lab.sent()) > 300
