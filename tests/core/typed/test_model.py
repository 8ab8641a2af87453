"""The models: attributes for every member, payloads read and written without loss."""

import copy
import dataclasses
import keyword
import pickle
import re
from typing import Any

import pytest

from ocpp_core import v16, v21, v201
from ocpp_core.errors import RPCError, RPCOccurrenceConstraintViolationError, RPCTypeConstraintViolationError
from ocpp_core.typed.model import Model, RequestModel, member
from tests.core.typed.bundles import BUNDLES, MODULES, complete, payloads
from tests.tables import each

BOOT = v16.models.BootNotificationRequest
MANDATORY: dict[str, Any] = {"chargePointVendor": "Acme", "chargePointModel": "One"}

EVENT = v201.models.TransactionEventRequest
MEASURED: dict[str, Any] = {"timestamp": "t", "sampledValue": [{"value": 1}, {"value": 2, "measurand": "Voltage"}]}
ENDED: dict[str, Any] = {
    "eventType": "Ended", "timestamp": "t", "triggerReason": "Deauthorized", "seqNo": 1, "offline": False,
    "transactionInfo": {"transactionId": "1"}, "meterValue": [MEASURED],
}  # fmt: skip

every_version = pytest.mark.parametrize("protocol", MODULES)


def models(protocol: str) -> list[type[Model[Any]]]:
    module = MODULES[protocol].models
    return [getattr(module, name) for name in module.__all__]


class TestNames:
    @pytest.mark.parametrize(("protocol", "count"), [("ocpp1.6", 96), ("ocpp2.0.1", 244), ("ocpp2.1", 555)])
    def test_every_name_of_the_wire_has_one_attribute_in_its_object_and_is_found_again(self, protocol, count) -> None:
        names: set[str] = set()
        for model in models(protocol):
            table = {each.wire: each.attribute for each in model._members}
            assert tuple(table.values()) == model.__slots__
            assert len(set(table.values())) == len(table) == len(model._members)
            names |= table.keys()
        assert len(names) == count

    @every_version
    def test_an_attribute_is_snake_case_and_no_keyword(self, protocol: str) -> None:
        attributes = {each.attribute for model in models(protocol) for each in model._members}
        assert [name for name in attributes if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name)] == []
        assert [name for name in attributes if keyword.iskeyword(name)] == []

    @each(
        ("model", "wire", "attribute"),
        [
            (v21.models.BatteryDataType, "soC", "soc"),
            (v21.models.BatteryDataType, "soH", "soh"),
            (v21.models.LimitAtSoCType, "soc", "soc"),
            (v21.models.DCChargingParametersType, "fullSoC", "full_soc"),
            (v21.models.ReportDERControlRequest, "fixedPFAbsorb", "fixed_pf_absorb"),
            (v21.models.ChargingSchedulePeriodType, "limit_L2", "limit_l2"),
            (v21.models.NotifyDERStartStopRequest, "supersededIds", "superseded_ids"),
            (v21.models.AuthorizeRequest, "iso15118CertificateHashData", "iso15118_certificate_hash_data"),
            (v21.models.Get15118EVCertificateRequest, "prioritizedEMAIDs", "prioritized_emaids"),
            (v21.models.V2XChargingParametersType, "evMaxV2XEnergyRequest", "ev_max_v2x_energy_request"),
            (v21.models.DERChargingParametersType, "evDurationLevel1DCInjection", "ev_duration_level1_dc_injection"),
            (v201.models.NetworkConnectionProfileType, "ocppCsmsUrl", "ocpp_csms_url"),
            (v201.models.EVSEType, "connectorId", "connector_id"),
        ],
    )  # fmt: skip
    def test_abbreviations_are_words(self, model, wire, attribute) -> None:
        assert {each.wire: each.attribute for each in model._members}[wire] == attribute


class TestAPayload:
    @every_version
    def test_is_the_same_after_it_was_a_model(self, protocol: str) -> None:
        for name, schema in payloads(protocol):
            payload = complete(protocol, schema)
            model = getattr(MODULES[protocol].models, name).from_wire(payload)
            assert model.to_wire() == payload

    def test_has_models_for_its_objects(self) -> None:
        sampled = {"value": "1.5", "unit": "kWh"}
        request = v16.models.MeterValuesRequest.from_wire(
            {"connectorId": 1, "meterValue": [{"timestamp": "2026-01-01T00:00:00Z", "sampledValue": [sampled]}]}
        )
        assert request.meter_value[0].sampled_value[0].unit == "kWh"
        assert request.transaction_id is None

    def test_has_only_what_is_not_none(self) -> None:
        assert BOOT(charge_point_vendor="Acme", charge_point_model="One", iccid=None).to_wire() == MANDATORY

    def test_may_have_a_value_that_its_enumeration_does_not_list(self) -> None:
        assert v16.models.ResetRequest.from_wire({"type": "Warm"}).to_wire() == {"type": "Warm"}

    def test_may_have_null_for_what_is_optional(self) -> None:
        assert BOOT.from_wire({**MANDATORY, "iccid": None}).to_wire() == MANDATORY

    def test_keeps_what_its_schema_does_not_have(self) -> None:
        payload = {**MANDATORY, "vendorMember": {"a": [1]}}
        request = BOOT.from_wire(payload)
        assert request.extra == {"vendorMember": {"a": [1]}}
        assert request.to_wire() == payload
        assert BOOT.from_wire({**MANDATORY, "iccid": None}).extra is None

    def test_keeps_the_data_of_vendors_as_it_is(self) -> None:
        custom = {"vendorId": "Acme", "camelCase": {"snake_case": None}}
        assert v201.models.HeartbeatRequest.from_wire({"customData": custom}).custom_data is custom

    def test_a_whole_float_is_an_integer(self) -> None:
        heard = v16.models.BootNotificationResponse.from_wire(
            {"currentTime": "t", "interval": 5.0, "status": "Accepted"}
        )
        assert type(heard.interval) is int


class TestAPayloadThatDoesNotConform:
    @each(
        ("change", "error", "description"),
        [
            ({"seqNo": None}, RPCOccurrenceConstraintViolationError, "payload.seqNo: expected a value, got none"),
            ({"seqNo": "1"}, RPCTypeConstraintViolationError, "payload.seqNo: expected an integer, got a string"),
            ({"seqNo": 1.5}, RPCTypeConstraintViolationError, "payload.seqNo: expected an integer, got a number"),
            ({"seqNo": True}, RPCTypeConstraintViolationError, "payload.seqNo: expected an integer, got a boolean"),
            ({"offline": 0}, RPCTypeConstraintViolationError, "payload.offline: expected a boolean, got a number"),
            ({"timestamp": 5}, RPCTypeConstraintViolationError, "payload.timestamp: expected a string, got a number"),
            (
                {"transactionInfo": []},
                RPCTypeConstraintViolationError,
                "payload.transactionInfo: expected an object, got an array",
            ),
            (
                {"transactionInfo": {}},
                RPCOccurrenceConstraintViolationError,
                "payload.transactionInfo.transactionId: expected a value, got none",
            ),
            (
                {"meterValue": MEASURED},
                RPCTypeConstraintViolationError,
                "payload.meterValue: expected an array, got an object",
            ),
            (
                {"meterValue": [MEASURED, {**MEASURED, "sampledValue": [{"value": 1}, {"value": "x"}]}]},
                RPCTypeConstraintViolationError,
                "payload.meterValue[1].sampledValue[1].value: expected a number, got a string",
            ),
            (
                {"customData": "x"},
                RPCTypeConstraintViolationError,
                "payload.customData: expected an object, got a string",
            ),
            (
                {"offline": {1}},
                RPCTypeConstraintViolationError,
                "payload.offline: expected a boolean, got a value that JSON does not have",
            ),
        ],
    )
    def test_raises_the_error_that_tells_the_peer(self, change, error, description) -> None:
        assert EVENT.from_wire(ENDED).to_wire() == ENDED
        with pytest.raises(error) as caught:
            EVENT.from_wire({**ENDED, **change})
        assert (caught.value.description, caught.value.remote) == (description, False)
        assert caught.value.__suppress_context__  # a traceback in a log shows no value either

    @every_version
    def test_is_a_list_where_an_object_belongs_in_every_message(self, protocol: str) -> None:
        for name, _ in payloads(protocol):
            with pytest.raises(RPCError, match="payload: expected an object, got an array"):
                getattr(MODULES[protocol].models, name).from_wire([])


class TestAModel:
    def test_knows_its_message_and_the_model_of_the_response(self) -> None:
        for protocol, module in MODULES.items():
            for action, kinds in BUNDLES[protocol]["actions"].items():
                request: type[RequestModel[Any, Any]] = getattr(module.models, f"{action}Request")
                assert request.message_type is getattr(module, action)
                response = request.response_type
                assert (response is None) == ("send" in kinds)
                assert response is None or response.message_type is request.message_type

    @each(
        ("arguments", "message"),
        [
            ({"charge_point_vendor": "Acme"}, r"BootNotificationRequest.__init__\(\) missing .*'charge_point_model'"),
            (
                {"charge_point_vendor": "", "charge_point_model": "", "chargePointVendor": ""},
                "unexpected .*'chargePointVendor'",
            ),
        ],
    )
    def test_refuses_a_missing_and_an_unknown_argument(self, arguments, message) -> None:
        with pytest.raises(TypeError, match=message):
            BOOT(**arguments)

    def test_does_not_write_a_dict_in_the_place_of_a_model(self) -> None:
        single: Any = {"status": "Accepted"}
        with pytest.raises(TypeError, match="expected a IdTagInfo, got dict"):
            v16.models.AuthorizeResponse(id_tag_info=single).to_wire()

    def test_has_no_further_attributes(self) -> None:
        with pytest.raises(AttributeError):
            BOOT.from_wire(MANDATORY).chargePointVendor = "x"  # type: ignore[attr-defined]  # the name of the wire

    def test_is_a_dataclass(self) -> None:
        info = v16.models.IdTagInfo(status="Accepted")
        assert [field.name for field in dataclasses.fields(info)] == ["expiry_date", "parent_id_tag", "status", "extra"]
        assert dataclasses.replace(info, status="Blocked") == v16.models.IdTagInfo(status="Blocked")
        assert info.__replace__(status="Blocked") == v16.models.IdTagInfo(status="Blocked"), "of copy.replace"
        response = v16.models.AuthorizeResponse(id_tag_info=info)
        assert dataclasses.asdict(response)["id_tag_info"]["status"] == "Accepted"

    def test_equals_one_of_the_same_class_and_members(self) -> None:
        info = v16.models.IdTagInfo(status="Accepted")
        others: list[object] = [
            v16.models.IdTagInfo(status="Invalid"),
            v16.models.ResetResponse(status="Accepted"),
            "x",
        ]
        assert info == v16.models.IdTagInfo.from_wire({"status": "Accepted"})
        assert [other for other in others if other == info] == []

    def test_can_be_copied_and_pickled(self) -> None:
        request = EVENT.from_wire(ENDED)
        assert request == pickle.loads(pickle.dumps(request)) == copy.deepcopy(request)

    def test_its_representation_shows_no_secret(self) -> None:
        info = v16.models.IdTagInfo(status="Accepted", parent_id_tag="SECRET", extra={"a": "SECRET"})
        assert repr(info) == "IdTagInfo(parent_id_tag=***, status='Accepted', extra=***)"
        token = v201.models.IdTokenType(id_token="SECRET", type="Central")
        assert repr(v201.models.AuthorizeRequest(id_token=token)) == (
            "AuthorizeRequest(id_token=IdTokenType(id_token=***, type='Central'))"
        )


class VendorBoot(BOOT):
    colour: str = member("vendorColour", str)
    names: list[str] | None = member("vendorNames", [str], default=None)
    anything: Any = member("vendorThing", object, default=None)


class TestAModelOfOurs:
    def test_has_the_members_of_its_base_and_its_own(self) -> None:
        assert BOOT.from_wire(MANDATORY).to_wire() == MANDATORY  # the base is in use already
        payload = {**MANDATORY, "vendorColour": "red", "vendorNames": ["a", "b"], "vendorThing": [1]}
        request = VendorBoot.from_wire(payload)
        assert (request.charge_point_vendor, request.colour, request.names) == ("Acme", "red", ["a", "b"])
        assert request == VendorBoot(
            charge_point_vendor="Acme", charge_point_model="One", colour="red", names=["a", "b"], anything=[1]
        )
        assert request.to_wire() == payload
        assert "colour" in {field.name for field in dataclasses.fields(request)}
        assert BOOT.from_wire(payload).extra is not None

    def test_has_its_members_also_after_its_base_was_used(self) -> None:
        assert Model.from_wire({"a": 1}).to_wire() == Model(extra={"a": 1}).to_wire() == {"a": 1}

        class Dim(Model[Any]):
            level: int = member("level", int)

        assert Dim.from_wire({"level": 5}).level == Dim(level=5).level == 5

    @each("kind", [set, [], [str, int], "str", [["str"]]])
    def test_has_members_of_known_kinds_only(self, kind) -> None:
        with pytest.raises(TypeError, match="expected a kind of JSON value, a model, or a list of one of them, got"):
            member("vendorThing", kind)

    def test_has_no_default_but_none(self) -> None:
        with pytest.raises(ValueError, match="expected None as default, got 5"):
            member("vendorThing", int, default=5)

    def test_may_write_its_payload_itself(self) -> None:
        class Marked(v16.models.HeartbeatRequest):
            def to_wire(self) -> v16.HeartbeatRequest:
                return {**super().to_wire(), "marked": True}  # type: ignore[typeddict-unknown-key]  # of a vendor

        for request in (Marked(), Marked.from_wire({})):
            assert dict(request.to_wire()) == {"marked": True}

    def test_explains_what_does_not_conform(self) -> None:
        with pytest.raises(RPCTypeConstraintViolationError, match=r"payload.vendorNames\[1\]: expected a string"):
            VendorBoot.from_wire({**MANDATORY, "vendorColour": "red", "vendorNames": ["a", 1]})
