"""Configuration keys of 1.6 (§5.4, §5.8) and variables of 2.x (Part 2 B05 to B08)."""

import pytest

from ocpp_apps.station import UnknownSettingError
from tests.apps.station.laboratory import SECOND_GENERATION, VERSIONS, Lab


class TestKeys:
    @pytest.fixture
    def lab(self):
        return Lab()

    def test_all_are_told_where_none_is_named(self, lab):
        answer = lab.ask("GetConfiguration")
        names = [item["key"] for item in answer["configurationKey"]]
        assert {"HeartbeatInterval", "MeterValueSampleInterval", "SupportedFeatureProfiles"} < set(names)
        assert answer["unknownKey"] == []
        assert len(names) == len(lab.station.configuration)

    def test_some_are_told_in_any_spelling_and_the_unknown_ones_named(self, lab):
        answer = lab.ask("GetConfiguration", {"key": ["heartbeatinterval", "Colour"]})
        assert answer == {
            "configurationKey": [{"key": "HeartbeatInterval", "readonly": False, "value": "300"}],
            "unknownKey": ["Colour"],
        }

    @pytest.mark.parametrize(
        ("key", "value", "status"),
        [
            ("HeartbeatInterval", "60", "Accepted"),
            ("HeartbeatInterval", "0", "Rejected"),
            ("HeartbeatInterval", "soon", "Rejected"),
            ("HeartbeatInterval", "-5", "Rejected"),
            ("LocalPreAuthorize", "TRUE", "Accepted"),
            ("LocalPreAuthorize", "yes", "Rejected"),
            ("MeterValuesSampledData", "Voltage,Power.Active.Import", "Accepted"),
            ("MeterValuesSampledData", "", "Accepted"),
            ("MeterValuesSampledData", "RPM", "Rejected"),
            ("NumberOfConnectors", "5", "Rejected"),
            ("Colour", "red", "NotSupported"),
        ],
    )
    def test_are_changed_where_that_makes_sense(self, lab, key, value, status):
        before = value_of(lab, key)
        assert lab.status_of("ChangeConfiguration", {"key": key, "value": value}) == status
        assert value_of(lab, key) == (value.lower() if value == "TRUE" else value if status == "Accepted" else before)


def value_of(lab, name):
    """Give the value of a key, None if there is none."""
    return {setting.name: setting.value for setting in lab.station.configuration}.get(name)


@pytest.mark.parametrize("protocol", SECOND_GENERATION)
class TestVariables:
    def get(self, lab, name, component, **further):
        item = {"component": {"name": component}, "variable": {"name": name}, **further}
        (result,) = lab.ask("GetVariables", {"getVariableData": [item]})["getVariableResult"]
        return result["attributeStatus"], result.get("attributeValue")

    def set(self, lab, name, component, value, **further):
        item = {"component": {"name": component}, "variable": {"name": name}, "attributeValue": value, **further}
        (result,) = lab.ask("SetVariables", {"setVariableData": [item]})["setVariableResult"]
        return result["attributeStatus"]

    def test_are_read(self, protocol):
        lab = Lab(protocol)
        assert self.get(lab, "HeartbeatInterval", "OCPPCommCtrlr") == ("Accepted", "300")
        assert self.get(lab, "heartbeatinterval", "ocppcommctrlr") == ("Accepted", "300")
        assert self.get(lab, "Colour", "OCPPCommCtrlr") == ("UnknownVariable", None)
        assert self.get(lab, "Colour", "Paint") == ("UnknownComponent", None)
        wrong = self.get(lab, "HeartbeatInterval", "OCPPCommCtrlr", attributeType="Target")
        assert wrong == ("NotSupportedAttributeType", None)

    def test_are_changed(self, protocol):
        lab = Lab(protocol)
        assert self.set(lab, "TxUpdatedInterval", "SampledDataCtrlr", "5") == "Accepted"
        assert self.get(lab, "TxUpdatedInterval", "SampledDataCtrlr") == ("Accepted", "5")
        assert self.set(lab, "TxUpdatedInterval", "SampledDataCtrlr", "soon") == "Rejected"
        assert self.set(lab, "Model", "ChargingStation", "Other") == "Rejected"
        assert self.set(lab, "Colour", "ChargingStation", "red") == "UnknownVariable"
        assert self.set(lab, "Colour", "Paint", "red") == "UnknownComponent"
        wrong = self.set(lab, "TxUpdatedInterval", "SampledDataCtrlr", "5", attributeType="MaxSet")
        assert wrong == "NotSupportedAttributeType"

    def test_tell_how_the_station_is_now(self, protocol):
        lab = Lab(protocol)
        place = {"component": {"name": "Connector", "evse": {"id": 1, "connectorId": 1}}}
        asked = {"getVariableData": [{**place, "variable": {"name": "AvailabilityState"}}]}
        before = lab.ask("GetVariables", asked)["getVariableResult"][0]["attributeValue"]
        lab.charge()
        after = lab.ask("GetVariables", asked)["getVariableResult"][0]["attributeValue"]
        assert (before, after) == ("Available", "Occupied")

    def test_of_several_instances_are_told_apart(self, protocol):
        lab = Lab(protocol)
        item = {
            "component": {"name": "DeviceDataCtrlr"},
            "variable": {"name": "ItemsPerMessage", "instance": "GetReport"},
        }
        (result,) = lab.ask("GetVariables", {"getVariableData": [item]})["getVariableResult"]
        assert result["attributeValue"] == "100"
        assert self.get(lab, "ItemsPerMessage", "DeviceDataCtrlr")[0] == "UnknownVariable"


@pytest.mark.parametrize("protocol", SECOND_GENERATION)
class TestReports:
    def reported(self, lab):
        parts = lab.sent("NotifyReport")
        assert [part["seqNo"] for part in parts] == list(range(len(parts)))
        assert [part["tbc"] for part in parts] == [True] * (len(parts) - 1) + [False]
        return [item for part in parts for item in part["reportData"]]

    def base(self, lab, kind):
        assert lab.status_of("GetBaseReport", {"requestId": 3, "reportBase": kind}) == "Accepted"
        lab.run_for(1)
        assert {part["requestId"] for part in lab.sent("NotifyReport")} == {3}
        return self.reported(lab)

    def test_full_they_have_every_variable_once(self, protocol):
        lab = Lab(protocol)
        items = self.base(lab, "FullInventory")
        assert len(items) == len(lab.station.configuration)
        assert len(lab.sent("NotifyReport")) > 1

    def test_of_the_configuration_they_have_what_can_be_changed(self, protocol):
        items = self.base(Lab(protocol), "ConfigurationInventory")
        assert {item["variableAttribute"][0]["mutability"] for item in items} == {"ReadWrite"}

    def test_of_the_summary_they_have_the_state(self, protocol):
        items = self.base(Lab(protocol), "SummaryInventory")
        assert {item["variable"]["name"] for item in items} == {"AvailabilityState", "Available", "Problem"}

    def test_may_be_about_a_component(self, protocol):
        lab = Lab(protocol)
        places = [{"component": {"name": "EVSE", "evse": {"id": 2}}}]
        assert lab.status_of("GetReport", {"requestId": 4, "componentVariable": places}) == "Accepted"
        lab.run_for(1)
        assert {item["component"]["name"] for item in self.reported(lab)} == {"EVSE"}
        assert {item["component"]["evse"]["id"] for item in self.reported(lab)} == {2}

    def test_may_be_about_problems(self, protocol):
        lab = Lab(protocol)
        asked = {"requestId": 4, "componentCriteria": ["Problem"]}
        assert lab.status_of("GetReport", asked) == "EmptyResultSet"
        lab.run(lab.station.fault(1, "GroundFailure"))
        assert lab.status_of("GetReport", asked) == "Accepted"
        lab.run_for(1)
        assert {item["component"]["name"] for item in self.reported(lab)} == {"EVSE", "Connector"}

    def test_about_nothing_are_none(self, protocol):
        places = [{"component": {"name": "Paint"}}]
        assert Lab(protocol).status_of("GetReport", {"requestId": 4, "componentVariable": places}) == "EmptyResultSet"


@pytest.mark.parametrize("protocol", VERSIONS)
class TestATechnician:
    def test_reads_settings(self, protocol):
        lab = Lab(protocol)
        found = {(setting.component, setting.name): setting for setting in lab.station.configuration}
        heartbeat = found["" if lab.is_16 else "OCPPCommCtrlr", "HeartbeatInterval"]
        assert (heartbeat.value, heartbeat.is_read_only, heartbeat.unit) == ("300", False, "s")

    def test_changes_them_and_whoever_watches_is_told(self, protocol):
        lab = Lab(protocol)
        changes = []
        lab.station.watch(lambda: changes.append(1))
        lab.station.configure("HeartbeatInterval", "9", component="" if lab.is_16 else "OCPPCommCtrlr")
        assert changes

    @pytest.mark.parametrize(
        ("name", "value", "problem"),
        [
            ("Colour", "red", "is not a setting of this station"),
            ("HeartbeatInterval", "soon", "does not accept 'soon'"),
            ("ResetRetries", "1", "read-only"),
        ],
    )
    def test_is_told_what_is_wrong(self, protocol, name, value, problem):
        lab = Lab(protocol)
        with pytest.raises(UnknownSettingError, match=problem):
            lab.station.configure(name, value, component="" if lab.is_16 else "OCPPCommCtrlr")
