"""Strict mode: validators of the standard protocols."""

import copy
from types import MappingProxyType
from typing import Any

import pytest

from ocpp_core.config import Validator, Violation
from ocpp_core.validation import SchemaValidator, create_validator, load_validator
from ocpp_core.versions import ErrorCode
from tests.tables import each

NOW = "2025-03-30T12:00:00Z"
BOOT = {"chargePointVendor": "Example", "chargePointModel": "Wallbox 22"}


class TestChecking:
    def test_it_is_a_validator(self, v16: SchemaValidator) -> None:
        validator: Validator = v16
        assert validator.has("BootNotification")

    def test_a_payload_that_conforms_gives_none(self, v16: SchemaValidator, v21: SchemaValidator) -> None:
        assert v16.check_call("BootNotification", BOOT) is None
        assert v16.check_result("BootNotification", {"status": "Accepted", "currentTime": NOW, "interval": 300}) is None
        stream = {"id": 1, "pending": 0, "basetime": NOW, "data": [{"t": 0.5, "v": "230"}]}
        assert v21.check_send("NotifyPeriodicEventStream", stream) is None

    def test_one_that_does_not_gives_code_path_and_rule(self, v16: SchemaValidator) -> None:
        assert v16.check_call("BootNotification", {"chargePointVendor": "Example"}) == Violation(
            ErrorCode.OCCURRENCE_CONSTRAINT_VIOLATION,
            "BootNotification CALL payload violates required: chargePointModel is missing",
            *("required", "", "chargePointModel", "nothing"),
        )

    def test_call_and_result_have_schemas_of_their_own(self, v16: SchemaValidator) -> None:
        assert v16.check_call("Heartbeat", {}) is None
        assert v16.check_result("Heartbeat", {}) is not None

    def test_an_unknown_action_is_never_refused(self, v16: SchemaValidator) -> None:
        assert not v16.has("NoSuch")
        assert v16.check_call("NoSuch", {}) is None
        assert v16.check_result("NoSuch", {}) is None
        assert v16.check_send("NoSuch", {}) is None

    def test_names_are_case_sensitive(self, v16: SchemaValidator) -> None:
        """OCPP-J 1.6 table 4: the action is a case-sensitive string."""
        assert not v16.has("bootnotification")

    def test_a_call_sent_as_send_is_refused(self, v21: SchemaValidator) -> None:
        assert v21.check_send("Heartbeat", {}) == Violation(ErrorCode.FORMAT_VIOLATION, "Heartbeat has no SEND")

    def test_a_send_sent_as_call_or_answered_is_refused(self, v21: SchemaValidator) -> None:
        action = "NotifyPeriodicEventStream"
        assert v21.check_call(action, {}) == Violation(ErrorCode.FORMAT_VIOLATION, f"{action} has no CALL")
        assert v21.check_result(action, {}) == Violation(ErrorCode.FORMAT_VIOLATION, f"{action} has no CALLRESULT")

    def test_vendors_may_add_to_open_objects_only(self, v21: SchemaValidator) -> None:
        custom = {"customData": {"vendorId": "com.example", "anything": [1, {"goes": None}]}}
        assert v21.check_call("Heartbeat", custom) is None
        assert v21.check_call("Heartbeat", {"anything": 1}) is not None

    def test_the_payload_stays_as_it_is(self) -> None:
        """The schema has defaults for `offline` and `unit`; writing them would change the message."""
        validator = load_validator("ocpp2.0.1")
        payload = {
            "eventType": "Started",
            "timestamp": NOW,
            "triggerReason": "CablePluggedIn",
            "seqNo": 0,
            "transactionInfo": {"transactionId": "T1"},
            "meterValue": [{"timestamp": NOW, "sampledValue": [{"value": 1.5, "unitOfMeasure": {}}]}],
        }
        before = copy.deepcopy(payload)
        assert validator.check_call("TransactionEvent", payload) is None
        assert payload == before


class TestTheDraftOfEachMessage:
    def test_an_integral_float_is_no_integer_in_the_core_of_16(self, v16: SchemaValidator) -> None:
        assert v16.check_call("CancelReservation", {"reservationId": 1}) is None
        assert v16.check_call("CancelReservation", {"reservationId": 1.0}) is not None

    def test_it_is_one_in_the_security_extension_of_16_and_in_2x(
        self, v16: SchemaValidator, v21: SchemaValidator
    ) -> None:
        firmware = {
            "location": "https://example.com/",
            "retrieveDateTime": NOW,
            "signingCertificate": "",
            "signature": "",
        }
        assert v16.check_call("SignedUpdateFirmware", {"requestId": 1.0, "firmware": firmware}) is None
        assert v21.check_call("CancelReservation", {"reservationId": 1.0}) is None
        assert v21.check_call("CancelReservation", {"reservationId": 1.5}) is not None

    @each("number", [True, "1", None])
    def test_nothing_else_is_an_integer(self, v16: SchemaValidator, v21: SchemaValidator, number: object) -> None:
        for validator in (v16, v21):
            violation = validator.check_call("CancelReservation", {"reservationId": number})
            assert violation is not None
            assert violation.code is ErrorCode.TYPE_CONSTRAINT_VIOLATION


class TestFormats:
    BOOTED = MappingProxyType({"status": "Accepted", "currentTime": "2025-03-30T12:00:00", "interval": 300})

    def test_they_are_checked(self, v16: SchemaValidator) -> None:
        assert v16.check_result("BootNotification", dict(self.BOOTED)) == Violation(
            ErrorCode.PROPERTY_CONSTRAINT_VIOLATION,
            "BootNotification CALLRESULT payload.currentTime violates format: date-time",
            *("format", "/currentTime", "date-time", "string of 19 characters"),
        )

    def test_unless_they_are_turned_off_and_then_all_else_still_is(self) -> None:
        lenient = load_validator("ocpp1.6", formats=False)
        assert lenient.check_result("BootNotification", dict(self.BOOTED)) is None
        violation = lenient.check_result("BootNotification", {**self.BOOTED, "interval": "300"})
        assert violation == Violation(
            ErrorCode.TYPE_CONSTRAINT_VIOLATION,
            "BootNotification CALLRESULT payload.interval violates type: integer",
            *("type", "/interval", "integer", "string of 3 characters"),
        )

    def test_they_stay_off_in_an_extension(self) -> None:
        vendor = load_validator("ocpp1.6", formats=False).extend(
            {"V": {"send": {"properties": {"at": {"format": "date-time"}}}}}
        )
        assert vendor.check_send("V", {"at": "noon"}) is None


class TestNothingAPeerSendsIsRaised:
    LIMIT = staticmethod(
        lambda limit: {
            "status": "Accepted",
            "chargingSchedule": {
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}],
            },
        }
    )

    @each("limit", [0.1, 0.3, 16, 16.0, 9999.9, 10**20])
    def test_multiples_of_a_tenth_are_accepted(self, v16: SchemaValidator, limit: float) -> None:
        assert v16.check_result("GetCompositeSchedule", self.LIMIT(limit)) is None

    @each(
        "limit",
        [
            0.25,
            1e308,
            5e-324,
            float("inf"),
            float("nan"),
            True,
            10**400,
            10**5000,
        ],
    )
    def test_every_other_number_is_refused_by_name(self, v16: SchemaValidator, limit: float) -> None:
        violation = v16.check_result("GetCompositeSchedule", self.LIMIT(limit))
        assert violation is not None
        assert " payload.chargingSchedule.chargingSchedulePeriod[0].limit violates " in violation.description

    def test_deep_nesting_where_anything_goes_is_accepted(self, v21: SchemaValidator) -> None:
        data: object = 1
        for _ in range(10_000):
            data = {"a": [data]}
        assert v21.check_call("DataTransfer", {"vendorId": "v", "data": data}) is None

    def test_deep_nesting_along_a_recursive_schema_is_refused(self) -> None:
        tree = {"properties": {"child": {"$ref": "#"}}}
        validator = create_validator("trees1.0", {"Plant": {"send": tree}})
        payload: dict[str, Any] = {}
        for _ in range(100_000):
            payload = {"child": payload}
        assert validator.check_send("Plant", {"child": {}}) is None
        assert validator.check_send("Plant", payload) == Violation(
            ErrorCode.FORMAT_VIOLATION, "Plant SEND payload violates its schema"
        )

    @each("payload", [None, [], "text", 1, {1: 2}, {"idTag": "\ud800" * 21}, {"idTag": b"bytes"}])
    def test_what_is_no_payload_at_all_is_refused(self, v16: SchemaValidator, payload: object) -> None:
        assert v16.check_call("Authorize", payload) is not None


class TestCompiling:
    @pytest.fixture
    def bundled(self, monkeypatch: pytest.MonkeyPatch) -> SchemaValidator:
        """A bundle is compiled by need: only a broken one would show it."""
        actions: dict[str, Any] = {
            "Broken": {"call": {"type": "strnig"}, "result": {}},
            "Sound": {"call": {}, "result": {}},
        }
        monkeypatch.setattr(
            "ocpp_core.validation._validator.read_bundle", lambda protocol: {"actions": actions, "definitions": {}}
        )
        return load_validator("ocpp1.6")

    def test_warm_up_compiles_everything_or_what_is_named(self, bundled: SchemaValidator) -> None:
        bundled.warm_up(["Sound"])
        with pytest.raises(ValueError, match=r"the schema of ocpp1\.6 Broken CALL cannot be compiled: Unknown type"):
            bundled.warm_up()

    def test_warming_up_an_action_without_schemas_is_an_error(self, v16: SchemaValidator) -> None:
        with pytest.raises(ValueError, match=r"expected an action of ocpp1\.6 that has schemas, got 'NoSuch'"):
            v16.warm_up(["NoSuch"])

    def test_a_schema_that_cannot_be_compiled_is_our_fault_not_the_peers(self, bundled: SchemaValidator) -> None:
        assert bundled.check_call("Broken", {}) == Violation(
            ErrorCode.INTERNAL_ERROR, "the schema of Broken CALL cannot be used"
        )

    def test_what_is_compiled_serves_the_extension_too(self, v16: SchemaValidator) -> None:
        v16.warm_up(["Heartbeat"])
        extended = v16.extend({})
        assert extended._calls["Heartbeat"] is v16._calls["Heartbeat"]


class TestStandardProtocols:
    def test_another_protocol_has_no_bundle(self) -> None:
        with pytest.raises(
            ValueError, match=r"expected one of ocpp1.6, ocpp2.0.1, ocpp2.1, got 'ocpp1.5'; use create_validator"
        ):
            load_validator("ocpp1.5")

    def test_the_actions_are_listed(self, v16: SchemaValidator) -> None:
        assert len(v16.actions) == 39
        assert all(map(v16.has, v16.actions))

    def test_two_loads_share_nothing(self) -> None:
        assert load_validator("ocpp1.6") is not load_validator("ocpp1.6")

    def test_a_known_action_without_a_schema_is_loud(self, monkeypatch: pytest.MonkeyPatch) -> None:
        bundle: dict[str, Any] = {"actions": {"Heartbeat": {"call": {}}}, "definitions": {}}
        monkeypatch.setattr("ocpp_core.validation._validator.read_bundle", lambda protocol: bundle)
        with pytest.raises(ValueError, match=r"ocpp1.6 Heartbeat: expected schemas as call and result, .* got call"):
            load_validator("ocpp1.6")

    def test_repr_names_the_protocol_and_no_schema(self, v16: SchemaValidator) -> None:
        assert repr(v16) == "<SchemaValidator ocpp1.6, 39 actions>"
