"""Reading, writing and validating messages, and the errors."""

import asyncio
import json
from dataclasses import dataclass
from decimal import Decimal
from importlib.resources import files
from types import SimpleNamespace

import pytest

from ocpp_transports.compat import exceptions, messages
from ocpp_transports.compat.messages import Call, CallError, CallResult, MessageType, pack, unpack
from ocpp_transports.compat.v16 import datatypes
from tests.kinds import mistyped
from tests.tables import each


class TestUnpack:
    @each(
        "text, kind, fields",
        [
            ('[2,"1","Reset",{"a":1}]', Call, {"unique_id": "1", "action": "Reset", "payload": {"a": 1}}),
            ('[2,5,"Reset",[]]', Call, {"unique_id": 5, "action": "Reset", "payload": []}),
            ('[3,1.5,{"a":21.4}]', CallResult, {"unique_id": 1.5, "payload": {"a": 21.4}, "action": None}),
            (b'[4,"1","a","b",{"c":1}]', CallError, {"error_code": "a", "error_description": "b"}),
            ('[4,"1","a","b"]', CallError, {"error_details": {}}),
            ('[4,1,"a","b",null]', CallError, {"error_details": {}}),
            (f'[2,"{"x" * 50}","Reset",{{}}]', Call, {"unique_id": "x" * 50}),
        ],
    )
    def test_a_message(self, text, kind, fields):
        message = unpack(text)
        assert type(message) is kind
        assert {name: getattr(message, name) for name in fields} == fields
        assert json.loads(pack(message))[0] == message.message_type_id

    @each(
        "text, error",
        [
            ("nope", exceptions.FormatViolationError),
            (b"\xff", exceptions.FormatViolationError),
            ("[" * 100_000, exceptions.FormatViolationError),
            ('[2,7,"Reset",' + "[" * 200 + "]" * 200 + "]", exceptions.FormatViolationError),
            ("{}", exceptions.ProtocolError),
            ("null", exceptions.ProtocolError),
            ("[]", exceptions.ProtocolError),
            ('[2,"1","Reset"]', exceptions.ProtocolError),
            ('[2,"1","Reset",{},5]', exceptions.ProtocolError),
            ('[2,"1",{"a":1},{}]', exceptions.ProtocolError),
            ('[2,true,"Reset",{}]', exceptions.ProtocolError),
            ('[2,1e999,"Reset",{}]', exceptions.ProtocolError),
            ('[3,{},"Reset"]', exceptions.ProtocolError),
            ('[5,"1","a","b",{}]', exceptions.PropertyConstraintViolationError),
            ('["2","1","Reset",{}]', exceptions.PropertyConstraintViolationError),
            ('[[],"1","Reset",{}]', exceptions.PropertyConstraintViolationError),
        ],
    )
    def test_what_is_no_message(self, text, error):
        with pytest.raises(error):
            unpack(text)


class TestAMessage:
    def test_its_text_is_compact_ascii_and_decimals_have_one_digit(self):
        @dataclass
        class Thing:
            some_field: object

        thing = SimpleNamespace(to_json=lambda: "text")
        assert Call("1", "Réset", Thing([Decimal("21.44"), thing])).to_json() == (
            '[2,"1","R\\u00e9set",{"some_field":[21.4,"text"]}]'
        )
        with pytest.raises(ValueError, match="not JSON compliant"):
            CallResult("1", {"a": float("nan")}).to_json()
        with pytest.raises(TypeError, match="object is not JSON serializable"):
            CallError("1", "a", "b", {"c": object()}).to_json()

    def test_its_answers(self):
        request = Call(5, "Reset", {})
        assert repr(request) == "<Call - unique_id=5, action=Reset, payload={}>"
        assert (
            repr(request.create_call_result({"a": 1})) == "<CallResult - unique_id=5, action=Reset, payload={'a': 1}>"
        )
        error = request.create_call_error(exceptions.SecurityError("no", {"a": 1}))
        assert repr(error) == (
            "<CallError - unique_id=5, error_code=SecurityError, error_description=no, error_details={'a': 1}>"
        )
        assert request.create_call_error(ValueError("secret")).to_json() == (
            '[4,5,"InternalError","An unexpected error occurred.",{}]'
        )
        assert (MessageType.Call, MessageType.CallResult, MessageType.CallError) == (2, 3, 4)


def validated(message, version="1.6"):
    asyncio.run(messages.validate_payload(message, version))
    return message.payload


def without(node, names):
    """Return a schema without what states nothing about a payload."""
    if not isinstance(node, dict):
        return node
    return {key: without(value, names) for key, value in node.items() if key not in names}


class TestValidation:
    @each(
        "version, action, payload, error",
        [
            ("1.6", "Reset", {"type": 1}, exceptions.TypeConstraintViolationError),
            ("1.6", "Reset", {"type": "H"}, exceptions.FormatViolationError),
            ("1.6", "Reset", {}, exceptions.ProtocolError),
            ("1.6", "Reset", {"x": 1}, exceptions.FormatViolationError),
            ("1.6", "Reset", {"x": 1, "type": 1}, exceptions.TypeConstraintViolationError),
            ("1.6", "GetLog", {"x": 1, "logType": 1}, exceptions.FormatViolationError),
            ("1.6", "CertificateSigned", {"x": 1, "certificateChain": 1}, exceptions.TypeConstraintViolationError),
            ("1.6", "Authorize", {"idTag": "x" * 21}, exceptions.TypeConstraintViolationError),
            ("1.6", "Fly", {}, exceptions.NotImplementedError),
            ("2.0.1", "Reset", {"x": 1, "type": 1}, exceptions.FormatViolationError),
            ("2.0.1", "Reset", {"type": 1}, exceptions.TypeConstraintViolationError),
            ("2.0.1", "SetVariables", {"setVariableData": []}, exceptions.FormatViolationError),
            (
                "2.0.1",
                "SetVariables",
                {"setVariableData": [{"attributeValue": "1", "component": {"name": "c"}}]},
                exceptions.ProtocolError,
            ),
        ],
    )
    def test_a_wrong_request(self, version, action, payload, error):
        with pytest.raises(error) as caught:
            validated(Call("1", action, payload), version)
        assert type(caught.value) is error
        assert caught.value.details["cause"]
        assert ("ocpp_message" in caught.value.details) is (
            error.code in {"TypeConstraintViolation", "FormatViolation"}
        )

    def test_the_last_value_of_a_very_large_one(self):
        entries = [{"idTag": "x"}] * 6000 + [{"idTag": 5}]
        payload = {"listVersion": 1, "updateType": "Full", "localAuthorizationList": entries}
        with pytest.raises(exceptions.FormatViolationError) as caught:
            validated(Call("1", "SendLocalList", payload))
        assert caught.value.details["cause"] == "payload violates its schema"

    @each("limit, is_valid", [(21.4, True), (21, True), (Decimal("21.4"), True), (21.44, False), (0.3, True)])
    def test_the_numbers_of_profiles(self, limit, is_valid):
        schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}]}
        answer = CallResult("1", {"status": "Accepted", "chargingSchedule": schedule}, "GetCompositeSchedule")
        if not is_valid:
            with pytest.raises(exceptions.FormatViolationError):
                validated(answer)
            return
        [period] = validated(answer)["chargingSchedule"]["chargingSchedulePeriod"]
        assert period["limit"] == Decimal(str(limit))
        assert type(period["limit"]) is (int if limit == 21 else Decimal)

    def test_misuse(self):
        with pytest.raises(exceptions.ValidationError):
            validated(CallError("1", "a", "b"))
        with pytest.raises(exceptions.NotImplementedError):
            validated(CallResult("1", {}))
        with pytest.raises(ValueError, match="expected an OCPP version of"):
            validated(Call("1", "Reset", {}), "1.5")

    def test_a_validator_is_kept(self):
        validator = messages.get_validator(MessageType.Call, "Reset", "1.6")
        assert validator is messages.get_validator(2, "Reset", "1.6", parse_float=Decimal)
        assert messages._validators["Reset_1.6"] is validator
        assert validator.schema["required"] == ["type"]
        assert validator.is_valid({"type": "Soft"})
        with pytest.raises(exceptions.ValidationError, match="violates enum"):
            validator.validate({"type": "x"})
        answer = messages.get_validator(3, "Reset", "2.0.1")
        assert messages._validators["ResetResponse_2.0.1"] is answer
        with pytest.raises(OSError, match=r"expected a message of OCPP 1\.6"):
            messages.get_validator(2, "Fly", "1.6")

    def test_the_schemas_of_1_6_are_those_of_the_oca_s_files(self):
        corrected = {"GetInstalledCertificateIdsResponse"}  # see schemas/README.md
        folder = files("ocpp.v16").joinpath("schemas")
        names = {path.name.removesuffix(".json") for path in folder.iterdir()} - corrected
        assert len(names) == 77
        for name in names:
            published = json.loads(folder.joinpath(f"{name}.json").read_text(encoding="utf-8"))
            prose = {"$id", "id", "comment"}
            kind = 3 if name.endswith("Response") else 2
            schema = messages.get_validator(kind, name.removesuffix("Response"), "1.6").schema
            assert without(schema, prose) == without(published, prose), name

    def test_certificates_of_2_0_1_may_be_as_long_as_in_the_package(self):
        answer = {"status": "Accepted", "exiResponse": "x" * 7500}
        validated(CallResult("1", answer, "Get15118EVCertificate"), "2.0.1")
        with pytest.raises(exceptions.TypeConstraintViolationError):
            validated(CallResult("1", {**answer, "exiResponse": "x" * 7501}, "Get15118EVCertificate"), "2.0.1")

    def test_the_switch_for_threads_may_be_set(self, monkeypatch):
        monkeypatch.setattr(messages, "ASYNC_VALIDATION", False)
        assert validated(Call("1", "Heartbeat", {})) == {}


class TestAnError:
    def test_its_texts(self):
        error = exceptions.ProtocolError(details={"a": 1})
        assert str(error) == "ProtocolError: Payload for Action is incomplete,  {'a': 1}"
        assert repr(error) == "<ProtocolError - description=Payload for Action is incomplete,  details={'a': 1}>"
        assert exceptions.GenericError("x").details == {}

    def test_it_compares_by_value_and_has_a_hash(self):
        assert exceptions.GenericError("x", {"a": 1}) == exceptions.GenericError("x", {"a": 1})
        assert exceptions.GenericError("x") != exceptions.SecurityError("x")
        assert len({exceptions.GenericError("x", {"a": 1}), exceptions.GenericError("x", {"a": 1})}) == 1

    @each(
        "code, classes",
        [
            ("FormationViolation", ("FormationViolationError", "FormatViolationError")),
            ("FormatViolation", ("FormatViolationError", "FormationViolationError")),
            (
                "OccurenceConstraintViolation",
                ("OccurenceConstraintViolationError", "OccurrenceConstraintViolationError"),
            ),
            (
                "OccurrenceConstraintViolation",
                ("OccurrenceConstraintViolationError", "OccurenceConstraintViolationError"),
            ),
            ("NotSupported", ("NotSupportedError", "OCPPError")),
        ],
    )
    def test_a_received_code_has_its_own_class_and_is_caught_by_either_spelling(self, code, classes):
        error = CallError("1", code, "why", {"a": 1}).to_exception()
        assert error.code == code
        assert error == getattr(exceptions, classes[0])("why", {"a": 1})
        assert str(error).startswith(classes[0] + ":")
        assert all(isinstance(error, getattr(exceptions, name)) for name in classes)

    def test_a_class_of_the_program_is_found_by_its_code(self):
        class NoCoffeeError(exceptions.OCPPError):
            code = "NoCoffee"

        class Nameless(exceptions.OCPPError):
            pass

        assert type(CallError("1", "NoCoffee", "", {}).to_exception()) is NoCoffeeError
        for code in ("NoTea", mistyped(["x"])):
            with pytest.raises(exceptions.UnknownCallErrorCodeError):
                CallError("1", code, "", {}).to_exception()
        assert Nameless() != exceptions.SecurityError()


def test_a_dataclass_as_payload_keeps_the_names_of_its_fields():
    assert Call("1", "X", datatypes.IdTagInfo("Accepted")).payload["parent_id_tag"] is None
