"""Validators of custom protocols, and of actions that a vendor adds to a standard one."""

import copy
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest

from ocpp_core.config import Violation
from ocpp_core.validation import SchemaValidator, create_validator
from ocpp_core.versions import ErrorCode
from tests.tables import each


class TestCustomProtocols:
    def test_calls_results_and_sends(self) -> None:
        amount = {"type": "object", "properties": {"amount": {"maximum": 10}}}
        validator = create_validator("pay1.0", {"Pay": {"call": amount, "result": {}}, "Paid": {"send": amount}})
        assert validator.protocol == "pay1.0"
        assert validator.actions == ("Pay", "Paid")
        assert validator.check_call("Pay", {"amount": 10}) is None
        assert validator.check_call("Pay", {"amount": 11}) is not None
        assert validator.check_result("Pay", {"amount": 11}) is None
        assert validator.check_send("Paid", {"amount": 11}) is not None

    @each(
        ("schema", "accepted"),
        [
            ({"$schema": "http://json-schema.org/draft-04/schema#"}, False),
            ({"$schema": "http://json-schema.org/draft-06/schema#"}, True),
            ({"$schema": "http://json-schema.org/draft-07/schema#"}, True),
            ({}, True),
        ],
    )
    def test_the_draft_is_07_unless_a_schema_names_one(self, schema: dict[str, Any], accepted: bool) -> None:
        validator = create_validator("v1", {"Count": {"send": {**schema, "type": "integer"}}})
        assert (validator.check_send("Count", 1.0) is None) is accepted

    @each("draft", ["2019-09", "2020-12"])
    def test_another_draft_is_refused_because_it_would_be_misread(self, draft: str) -> None:
        schema = {"$schema": f"https://json-schema.org/draft/{draft}/schema", "prefixItems": [{"type": "string"}]}
        with pytest.raises(ValueError, match="expected \\$schema of draft-04, draft-06, draft-07 or none, got 'https:"):
            create_validator("v1", {"Say": {"send": schema}})

    @each("schema", [{"type": "strnig"}, {"pattern": "["}, {"minimum": "1"}, {"allOf": 1}, {"const": 1, "allOf": 2}])
    def test_a_schema_that_cannot_be_compiled_is_refused_when_the_validator_is_made(
        self, schema: dict[str, Any], v16: SchemaValidator
    ) -> None:
        nested = {"Say": {"send": {"properties": {"a": schema}}}}
        with pytest.raises(ValueError, match="the schema of v1 Say SEND cannot be compiled: "):
            create_validator("v1", nested)
        with pytest.raises(ValueError, match=r"the schema of ocpp1\.6 Say SEND cannot be compiled: "):
            v16.extend(nested)

    def test_schemas_share_definitions_and_may_have_their_own(self) -> None:
        shared = {"Word": {"type": "string"}, "Words": {"items": {"$ref": "#/definitions/Word"}}}
        own: dict[str, Any] = {"$ref": "#/definitions/Words", "definitions": {"Word": {"type": "integer"}}}
        schemas = {"Say": {"send": {"$ref": "#/definitions/Words"}}, "Count": {"send": own}}
        validator = create_validator("v1", schemas, definitions=shared)
        assert validator.check_send("Say", ["a"]) is None
        assert validator.check_send("Say", [1]) == Violation(
            ErrorCode.TYPE_CONSTRAINT_VIOLATION,
            "Say SEND payload[0] violates type: string",
            "type",
            "/0",
            "string",
            "integer",
        )
        assert validator.check_send("Count", [1]) is None

    def test_schemas_are_copied_and_never_written_to(self) -> None:
        schema: dict[str, Any] = {"$id": "https://example.com/x", "properties": {"a": {"$ref": "#/definitions/A"}}}
        schema["definitions"] = {"A": {"type": "string"}}
        before = copy.deepcopy(schema)
        validator = create_validator("v1", {"Say": {"send": schema}})
        validator.warm_up()
        assert schema == before
        schema["definitions"]["A"]["type"] = "integer"
        assert validator.check_send("Say", {"a": 1}) is not None

    def test_any_mapping_will_do(self) -> None:
        frozen = MappingProxyType({"Say": MappingProxyType({"send": MappingProxyType({"enum": ("a", "b")})})})
        assert create_validator("v1", frozen).check_send("Say", "b") is None

    @each("kinds", [{}, {"call": {}}, {"result": {}}, {"call": {}, "send": {}}, {"Call": {}, "result": {}}])
    def test_an_action_needs_call_and_result_or_send_alone(self, kinds: Mapping[str, Any]) -> None:
        with pytest.raises(ValueError, match="v1 Say: expected schemas as call and result, or as send alone, got"):
            create_validator("v1", {"Say": kinds})

    @each("kinds", [None, [], {"send": "schema"}, {"call": {}, "result": True}])
    def test_a_schema_is_a_mapping(self, kinds: Any) -> None:
        with pytest.raises(TypeError, match="v1 Say: expected a mapping of schemas, each one a mapping"):
            create_validator("v1", {"Say": kinds})

    def test_schemas_are_a_mapping(self) -> None:
        with pytest.raises(TypeError, match="expected schemas as a mapping of actions, got list"):
            create_validator("v1", [])  # type: ignore[arg-type]  # on purpose

    @each("ref", ["https://example.com/schema.json", "other.json#/A", "#/definitions/Nowhere"])
    def test_a_reference_stays_inside(self, ref: str) -> None:
        """The compiler would fetch it from wherever it leads."""
        with pytest.raises(
            ValueError, match=r"the schema of v1 Say SEND: expected \$ref as a pointer into the same schema"
        ):
            create_validator("v1", {"Say": {"send": {"properties": {"a": {"$ref": ref}}}}})

    @each("name", ["$id", "id"])
    def test_a_reference_below_an_inner_id_is_refused(self, name: str) -> None:
        """It is relative to that id, which the quick checks do not know."""
        inner = {name: "https://example.com/inner", "items": [{"$ref": "#/definitions/A"}], "definitions": {"A": {}}}
        with pytest.raises(ValueError, match=r"expected \$id only at the root of a schema"):
            create_validator("v1", {"Say": {"send": {"allOf": [inner], "definitions": {"A": {"type": "string"}}}}})

    @each(
        "inner", [{"$id": "#name", "$ref": "#"}, {"$id": "#name", "items": {"$ref": "#"}}, {"$id": "x:y", "enum": [1]}]
    )
    def test_other_inner_ids_change_nothing(self, inner: dict[str, Any]) -> None:
        schema = {"properties": {"a": inner, "$id": {"items": {"$ref": "#"}}}}
        assert create_validator("v1", {"Say": {"send": schema}}).check_send("Say", {"$id": [{}]}) is None


class TestConst:
    """fastjsonschema cannot compile it as we use that; the values are as JSON has them, where 1 is not true."""

    @each(
        ("schema", "good", "bad"),
        [
            ({"const": "a"}, "a", "b"),
            ({"const": None}, None, 0),
            ({"const": True}, True, 1),
            ({"const": 1}, 1.0, True),
            ({"const": {"const": [0]}}, {"const": [0]}, {"const": [False]}),
            ({"const": "a", "enum": ["a", "b"]}, "a", "b"),
            ({"const": "a", "allOf": [{"maxLength": 1}]}, "a", "b"),
            ({"properties": {"const": {"type": "string"}}}, {"const": "a"}, {"const": 1}),
            ({"properties": {"a": {"const": {"$ref": "x"}}}}, {"a": {"$ref": "x"}}, {"a": {"$ref": "y"}}),
            ({"items": {"$ref": "#/definitions/One"}}, [1], [2]),
            ({"$schema": "http://json-schema.org/draft-06/schema#", "const": 1}, 1, 2),
        ],
    )
    def test_it_is_checked_wherever_it_stands(self, schema: dict[str, Any], good: object, bad: object) -> None:
        validator = create_validator("v1", {"Say": {"send": schema}}, definitions={"One": {"const": 1}})
        assert validator.check_send("Say", good) is None
        violation = validator.check_send("Say", bad)
        assert violation is not None
        assert violation.code is not ErrorCode.INTERNAL_ERROR

    def test_it_is_named(self) -> None:
        validator = create_validator("v1", {"Say": {"send": {"properties": {"a": {"const": "x"}}}}})
        assert validator.check_send("Say", {"a": 1}) == Violation(
            ErrorCode.PROPERTY_CONSTRAINT_VIOLATION,
            "Say SEND payload.a violates const: x",
            "const",
            "/a",
            "x",
            "integer",
        )

    def test_draft_04_does_not_know_it(self) -> None:
        schema = {"$schema": "http://json-schema.org/draft-04/schema#", "const": 1}
        assert create_validator("v1", {"Say": {"send": schema}}).check_send("Say", 2) is None


class TestVendorActions:
    PING = MappingProxyType({"VendorPing": {"call": {"required": ["token"]}, "result": {}}})

    def test_come_on_top_of_a_standard_protocol(self, v16: SchemaValidator) -> None:
        vendor = v16.extend(self.PING)
        assert vendor.protocol == "ocpp1.6"
        assert vendor.check_call("BootNotification", {}) is not None
        assert vendor.check_call("VendorPing", {}) is not None
        assert vendor.check_call("VendorPing", {"token": 1}) is None

    def test_leave_the_original_alone(self, v16: SchemaValidator) -> None:
        v16.extend(self.PING)
        assert not v16.has("VendorPing")

    def test_may_use_the_standard_definitions(self, v21: SchemaValidator) -> None:
        vendor = v21.extend({"VendorToken": {"send": {"properties": {"token": {"$ref": "#/definitions/IdTokenType"}}}}})
        assert vendor.check_send("VendorToken", {"token": {"idToken": "04A1", "type": "ISO14443"}}) is None
        assert vendor.check_send("VendorToken", {"token": {"idToken": "04A1"}}) is not None

    def test_may_bring_definitions_which_change_no_standard_action(self, v21: SchemaValidator) -> None:
        anything: dict[str, Any] = {"VendorToken": {"send": {"$ref": "#/definitions/IdTokenType"}}}
        vendor = v21.extend(anything, definitions={"IdTokenType": {}})
        assert vendor.check_send("VendorToken", "anything") is None
        assert vendor.check_call("Authorize", {"idToken": "anything"}) is not None

    def test_may_replace_a_standard_action(self, v16: SchemaValidator) -> None:
        relaxed = v16.extend({"StatusNotification": {"call": {}, "result": {}}})
        assert relaxed.check_call("StatusNotification", {"errorCode": "Error"}) is None
        assert v16.check_call("StatusNotification", {"errorCode": "Error"}) is not None
