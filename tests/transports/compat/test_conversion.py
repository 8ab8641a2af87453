"""Names and payloads: the public functions, and what messages do with the properties of the schemas."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

import pytest

from ocpp_transports.compat import charge_point, v21, v201
from ocpp_transports.compat._conversion import _rules
from ocpp_transports.compat.charge_point import (
    camel_to_snake_case,
    extract_charge_point_id,
    remove_nones,
    serialize_as_dict,
    snake_to_camel_case,
)
from ocpp_transports.compat.routing import on
from tests.tables import each
from tests.transports.compat.wire import Wire


class TestTheFunctions:
    @each(
        "camel, snake",
        [
            ("transactionId", "transaction_id"),
            ("ocppCSMSURL", "ocpp_csms_url"),
            ("CSMSRootCertificate", "csms_root_certificate"),
            ("evseID", "evse_id"),
            ("signV2GCertificate", "sign_v2g_certificate"),
            ("stateOfCharge", "state_of_charge"),
            ("prioritizedEMAIDs", "prioritized_emai_ds"),
        ],
    )
    def test_down(self, camel, snake):
        assert camel_to_snake_case([{camel: {camel: ["aB"]}}]) == [{snake: {snake: ["aB"]}}]

    @each(
        "snake, camel",
        [
            ("transaction_id", "transactionId"),
            ("soc_limit_reached", "SoCLimitReached"),
            ("association_id", "asSoCiationId"),
            ("socket_type", "SoCketType"),
            ("single_socket_charger", "singleSocketCharger"),
            ("call_url_list", "callURLList"),
            ("ocpp_csms_url", "ocppCsmsUrl"),
            ("csms_root", "CSMSRoot"),
            ("sign_v2g_certificate", "signV2GCertificate"),
            ("alreadyCamel", "alreadyCamel"),
        ],
    )
    def test_up(self, snake, camel):
        assert snake_to_camel_case({snake: [{snake: "a_b"}]}) == {camel: [{camel: "a_b"}]}

    def test_they_agree_with_those_of_the_package_on_every_property_and_field(self):
        theirs = pytest.importorskip("ocpp.charge_point")
        rules = [_rules.rules_of(version) for version in ("1.6", "2.0.1", "2.1")]
        names = {name for each in rules for table in tables(each) for name in (*table._fields, *table._wires)}
        assert len(names) > 1000
        data = dict.fromkeys(names, 1)
        assert camel_to_snake_case(data) == theirs.camel_to_snake_case(data)
        assert snake_to_camel_case(data) == theirs.snake_to_camel_case(data)

    def test_dataclasses_become_dicts_at_any_depth_and_nones_can_be_removed(self):
        @dataclass
        class Inner:
            value: int | None

        @dataclass
        class Outer:
            inner: object
            many: list[object]

        plain = serialize_as_dict(Outer(Inner(None), [Inner(1), {"x": Inner(2)}, None]))
        assert plain == {"inner": {"value": None}, "many": [{"value": 1}, {"x": {"value": 2}}, None]}
        assert remove_nones(plain) == {"inner": {}, "many": [{"value": 1}, {"x": {"value": 2}}]}
        with pytest.raises(TypeError):
            serialize_as_dict({"a": 1})

    @each(
        "path, identity",
        [
            ("/ocpp/CP1?x=1#y", "CP1"),
            ("/CP1/", "CP1"),
            ("CP 1 ", "CP 1"),
            ("/", None),
            ("", None),
            (None, None),
            ("/?id=x", None),
        ],
    )
    def test_the_identity_in_a_path(self, path, identity):
        assert extract_charge_point_id(path) == identity


def tables(rules):
    """Every table of names of a version."""
    todo = [rules.names.of(kind, action) for kind in ("call", "result") for action in rules.actions]
    found = {}
    while todo:
        table = todo.pop()
        if table is not None and id(table) not in found:
            found[id(table)] = table
            todo.extend(inner for _, inner in table._fields.values())
    return list(found.values())


class TestTheTables:
    @pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
    def test_every_name_survives_the_round_trip(self, version):
        for table in tables(_rules.rules_of(version)):
            fields = [field for field, _ in table._fields.values()]
            assert len(set(fields)) == len(fields)
            for wire, (field, _) in table._fields.items():
                assert [table.wire(name)[0] for name in (field, wire)] == [wire, wire]

    def test_unknown_actions_are_not_kept(self):
        names = _rules.rules_of("2.1").names
        before = len(names._kept)
        assert names.of("call", "Fly") is names.of("result", "Swim")
        assert len(names._kept) == before


class Station21(v21.ChargePoint):
    """Keeps the arguments of its handlers, and answers with what its test sets."""

    seen: Any
    answer: Any

    @on("Get15118EVCertificate", skip_schema_validation=True)
    def on_certificate(self, iso_15118_schema_version, prioritized_emaids, **kwargs):
        self.seen = iso_15118_schema_version, prioritized_emaids
        return {"status": "Accepted"}

    @on("Authorize", skip_schema_validation=True)
    def on_authorize(self, iso15118_certificate_hash_data, **kwargs):
        self.seen = iso15118_certificate_hash_data, kwargs
        return {}

    @on("DataTransfer", skip_schema_validation=True)
    def on_data(self, **kwargs):
        self.seen = kwargs
        return self.answer


@pytest.fixture
def cp():
    return Station21("CP1", Wire())


def handle(cp, action, payload):
    asyncio.run(cp.route_message(json.dumps([2, "1", action, payload])))
    return cp._connection.sent.pop()[2]


def sent(cp, payload):
    """Return the payload of a call that gets no answer."""
    cp._response_timeout = 0
    with pytest.raises(asyncio.TimeoutError):
        asyncio.run(cp.call(payload, skip_schema_validation=True))
    return cp._connection.sent.pop()[3]


class TestTheNamesOf21:
    def test_both_names_soc_are_right_in_their_objects(self, cp):
        period = v21.datatypes.ChargingSchedulePeriodType(start_period=0, setpoint=1)
        schedule = {"id": 1, "limit_at_soc": {"soc": 80, "limit": 5.0}, "charging_schedule_period": [period]}
        assert sent(cp, v21.call.NotifyEVChargingSchedule(schedule, 1, "now"))["chargingSchedule"] == {
            "id": 1,
            "limitAtSoC": {"soc": 80, "limit": 5.0},
            "chargingSchedulePeriod": [{"startPeriod": 0, "setpoint": 1}],
        }
        battery = v21.datatypes.BatteryDataType(evse_id=1, serial_number="s", soc=50, soh=99)
        assert sent(cp, v21.call.BatterySwap([battery], "BatteryIn", {"id_token": "x", "type": "Local"}, 1)) == {
            "batteryData": [{"evseId": 1, "serialNumber": "s", "soC": 50, "soH": 99}],
            "eventType": "BatteryIn",
            "idToken": {"idToken": "x", "type": "Local"},
            "requestId": 1,
        }

    def test_a_handler_gets_the_name_of_the_field_or_the_converted_one_if_it_names_that(self, cp):
        payload = {"iso15118SchemaVersion": "2", "prioritizedEMAIDs": ["A"], "action": "Install", "exiRequest": "x"}
        handle(cp, "Get15118EVCertificate", payload)
        assert cp.seen == ("2", ["A"])
        handle(cp, "Authorize", {"idToken": {"idToken": "x"}, "iso15118CertificateHashData": []})
        assert cp.seen == ([], {"id_token": {"id_token": "x"}})


DATA = {"fooUrl": [{"socKet": None}], "MyKey": 1, "x_y": {"a_b": 2}}


class TestTheBodiesOfVendors:
    def test_they_are_not_converted(self, cp):
        cp.answer = v21.call_result.DataTransfer("Accepted", data=DATA, custom_data={"vendorId": "v", "a_b": None})
        answer = handle(cp, "DataTransfer", {"vendorId": "v", "data": DATA, "customData": {"vendorId": "v", "aB": 1}})
        assert cp.seen == {"vendor_id": "v", "data": DATA, "custom_data": {"vendorId": "v", "aB": 1}}
        assert answer == {"status": "Accepted", "data": DATA, "customData": {"vendorId": "v", "a_b": None}}
        assert sent(cp, v21.call.DataTransfer("v", data=[DATA, None])) == {"vendorId": "v", "data": [DATA, None]}

    def test_a_dataclass_has_fields_and_is_converted(self, cp):
        custom = v21.datatypes.CustomDataType(vendor_id="v")
        assert sent(cp, v21.call.Heartbeat(custom_data=custom)) == {"customData": {"vendorId": "v"}}
        component = v201.datatypes.ComponentType(name="c", instance=None)
        assert sent(cp, v21.call.DataTransfer("v", data={"my_key": [component]})) == {
            "vendorId": "v",
            "data": {"my_key": [{"name": "c"}]},
        }

    def test_the_switch_converts_them_in_both_directions(self, cp, monkeypatch):
        monkeypatch.setattr(charge_point.ChargePoint, "convert_custom_data", True)
        cp.answer = {"status": "Accepted", "data": {"my_key": None, "x_y": 1}, "custom_data": {"vendor_id": "v"}}
        answer = handle(cp, "DataTransfer", {"vendorId": "v", "data": DATA, "customData": {"vendorId": "v"}})
        assert cp.seen["data"] == {"foo_url": [{"soc_ket": None}], "my_key": 1, "x_y": {"a_b": 2}}
        assert cp.seen["custom_data"] == {"vendor_id": "v"}
        assert answer == {"status": "Accepted", "data": {"xY": 1}, "customData": {"vendorId": "v"}}
        assert v21.ChargePoint("CP1", Wire(), convert_custom_data=False).convert_custom_data is False
