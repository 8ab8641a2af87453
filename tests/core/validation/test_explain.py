"""Which rule is broken, at which path, and which error code answers it."""

import re
from decimal import Decimal
from typing import Any

import pytest

from ocpp_core.validation._explain import describe_violation, resolve
from ocpp_core.versions import ErrorCode
from tests.tables import each

FORMAT = ErrorCode.FORMAT_VIOLATION
OCCURRENCE = ErrorCode.OCCURRENCE_CONSTRAINT_VIOLATION
PROPERTY = ErrorCode.PROPERTY_CONSTRAINT_VIOLATION
TYPE = ErrorCode.TYPE_CONSTRAINT_VIOLATION


def describe(schema: dict[str, Any], payload: object, *, formats: bool = True) -> tuple[ErrorCode, str]:
    violation = describe_violation(schema, payload, formats=formats)
    return violation.code, violation.description


class TestEveryKeywordHasItsCode:
    @each(
        ("schema", "value", "code", "rule"),
        [
            ({"type": "string"}, 1, TYPE, "type: string"),
            ({"type": ["string", "null"]}, 1, TYPE, "type: string, null"),
            ({"required": ["a", "b"]}, {"a": 1}, OCCURRENCE, "required: b is missing"),
            ({"minItems": 1}, [], OCCURRENCE, "minItems: 1"),
            ({"maxItems": 1}, [1, 2], OCCURRENCE, "maxItems: 1"),
            ({"enum": ["Hard", "Soft"]}, "Tepid", PROPERTY, "enum: Hard, Soft"),
            ({"const": "x"}, "y", PROPERTY, "const: x"),
            ({"format": "date-time"}, "today", PROPERTY, "format: date-time"),
            ({"format": "uri"}, "here", PROPERTY, "format: uri"),
            ({"pattern": "^[a-z]+$"}, "A", PROPERTY, "pattern: ^[a-z]+$"),
            ({"minLength": 2}, "x", PROPERTY, "minLength: 2"),
            ({"maxLength": 2}, "xyz", PROPERTY, "maxLength: 2"),
            ({"minimum": 0}, -1, PROPERTY, "minimum: 0"),
            ({"maximum": 1.5}, 1.6, PROPERTY, "maximum: 1.5"),
            ({"exclusiveMinimum": 0}, 0, PROPERTY, "exclusiveMinimum: 0"),
            ({"exclusiveMaximum": 1}, 1, PROPERTY, "exclusiveMaximum: 1"),
            ({"multipleOf": 0.1}, 0.25, PROPERTY, "multipleOf: 0.1"),
            ({"additionalProperties": False}, {"a": 1}, FORMAT, "additionalProperties: a is unknown"),
        ],
    )
    def test_code_and_rule(self, schema: dict[str, Any], value: object, code: ErrorCode, rule: str) -> None:
        assert describe(schema, value) == (code, f"payload violates {rule}")

    @each("keyword", ["anyOf", "oneOf"])
    def test_a_keyword_that_cannot_be_named_is_structural(self, keyword: str) -> None:
        assert describe({keyword: [{"type": "string"}]}, 1) == (FORMAT, "payload violates its schema")


class TestThePath:
    def test_leads_through_objects_arrays_and_definitions(self) -> None:
        schema = {
            "properties": {"rows": {"items": {"$ref": "#/definitions/Row"}}},
            "definitions": {"Row": {"properties": {"unit": {"enum": ["Wh"]}}}},
        }
        payload = {"rows": [{"unit": "Wh"}, {"unit": "W"}]}
        assert describe(schema, payload) == (PROPERTY, "payload.rows[1].unit violates enum: Wh")

    def test_leads_through_arrays_whose_items_differ(self) -> None:
        schema = {"items": [{"type": "string"}, {"type": "integer"}]}
        assert describe(schema, ["a", "b", "c"]) == (TYPE, "payload[1] violates type: integer")

    def test_leads_through_properties_without_a_name_in_the_schema(self) -> None:
        schema = {"properties": {"a": {}}, "additionalProperties": {"type": "string"}}
        assert describe(schema, {"a": 1, "b": 2}) == (TYPE, "payload.b violates type: string")

    def test_leads_into_all_of(self) -> None:
        schema = {"allOf": [{"type": "object"}, {"properties": {"a": {"maximum": 1}}}]}
        assert describe(schema, {"a": 2}) == (PROPERTY, "payload.a violates maximum: 1")

    def test_passes_what_says_nothing_about_a_value(self) -> None:
        schema = {
            "properties": {
                "a": True,
                "list": {"items": {}},
                "b": {"enum": [None]},
                "c": {"additionalProperties": {}},
                "d": {"minimum": 2},
            }
        }
        payload = {"a": 1, "list": [1], "b": None, "c": {"x": 1}, "d": 1}
        assert describe(schema, payload) == (PROPERTY, "payload.d violates minimum: 2")

    def test_does_not_call_a_property_unknown_that_a_pattern_may_allow(self) -> None:
        schema = {"patternProperties": {"^x": {"type": "string"}}, "additionalProperties": False}
        assert describe(schema, {"x1": 1}) == (FORMAT, "payload violates its schema")

    def test_is_cut_at_its_beginning_when_it_is_long(self) -> None:
        schema: dict[str, Any] = {"type": "string"}
        payload: object = 1
        for number in range(40):
            schema = {"properties": {f"level{number}": schema}}
            payload = {f"level{number}": payload}
        _, description = describe(schema, payload)
        assert description.startswith("...")
        assert description.endswith(".level1.level0 violates type: string")


class TestTheMessage:
    def test_is_named_before_the_path(self) -> None:
        violation = describe_violation({"type": "array"}, {}, formats=True, message="Reset CALL")
        assert violation.description == "Reset CALL payload violates type: array"

    def test_stays_in_front_of_a_long_path_and_is_cut_itself(self) -> None:
        schema: dict[str, Any] = {"additionalProperties": {"$ref": "#"}, "type": "object"}
        payload: Any = 1
        for _ in range(40):
            payload = {"member": payload}
        description = describe_violation(schema, payload, formats=True, message="A" * 100).description
        assert re.fullmatch(r"A{60} \.\.\.[a-z.]+\.member violates type: object", description)


class TestNothingOfThePayloadIsRepeated:
    def test_no_value(self) -> None:
        schema = {"properties": {"password": {"maxLength": 4}}}
        assert "hunter2" not in describe(schema, {"password": "hunter2"})[1]

    @each("name", ["x" * 51, "line\nbreak", "a b", "<script>", "ü", "", 7])
    def test_no_property_name_but_a_short_and_plain_one(self, name: object) -> None:
        assert describe({"additionalProperties": False}, {name: 1})[1].endswith("additionalProperties: ? is unknown")
        below = {"additionalProperties": {"type": "string"}}
        assert describe(below, {name: 1})[1] == "payload.? violates type: string"

    def test_at_most_255_characters(self) -> None:
        code, description = describe({"enum": [f"Value{number}" for number in range(100)]}, "x")
        assert code is PROPERTY
        assert len(description) == 255
        assert description.endswith("...")


class TestNumbers:
    @each("value", [0.3, 0.7, 6, 16.1, -0.1, 10**20])
    def test_multiples_are_decimal(self, value: float) -> None:
        """Binary floats would deny a third of them. Where no rule is broken, none can be named."""
        assert describe({"multipleOf": 0.1}, value) == (FORMAT, "payload violates its schema")

    @each("value", [1e308, 10**400, 10**5000])
    def test_beyond_the_range_of_a_float_nothing_is_a_multiple(self, value: float) -> None:
        assert describe({"type": "number", "multipleOf": 0.1}, value) == (PROPERTY, "payload violates multipleOf: 0.1")

    @each("value", [float("nan"), float("inf"), Decimal("0.1"), True])
    def test_what_json_does_not_write_as_a_number_is_none(self, value: object) -> None:
        assert describe({"type": "number", "multipleOf": 0.1}, value) == (TYPE, "payload violates type: number")

    @each("value", [float("nan"), float("inf"), 1.5, True, Decimal(1)])
    @each("draft", ["draft-04", "draft-06"])
    def test_nor_an_integer(self, draft: str, value: object) -> None:
        schema = {"$schema": f"http://json-schema.org/{draft}/schema#", "type": "integer"}
        assert describe(schema, value) == (TYPE, "payload violates type: integer")

    @each(("keyword", "value"), [("enum", True), ("enum", 0), ("const", True), ("const", 0)])
    def test_true_is_not_one(self, keyword: str, value: object) -> None:
        schema = {keyword: [1, False] if keyword == "enum" else 1}
        assert describe(schema, value)[0] is PROPERTY


class TestNothingIsRaised:
    def test_for_a_payload_nested_deeper_than_the_interpreter_goes(self) -> None:
        payload: object = 1
        for _ in range(100_000):
            payload = [payload]
        assert describe({"items": {"$ref": "#"}}, payload) == (FORMAT, "payload violates its schema")

    def test_for_a_payload_too_large_to_be_searched(self) -> None:
        schema = {"items": {"type": "integer"}}
        assert describe(schema, [1] * 4000 + ["x"]) == (TYPE, "payload[4000] violates type: integer")
        assert describe(schema, [1] * 5000 + ["x"]) == (FORMAT, "payload violates its schema")

    def test_for_a_value_that_cannot_be_compared(self) -> None:
        class Touchy:
            __hash__ = None  # type: ignore[assignment]  # on purpose

            def __eq__(self, other: object) -> bool:
                raise RuntimeError

        assert describe({"enum": [1]}, Touchy()) == (FORMAT, "payload violates its schema")

    def test_for_formats_that_are_turned_off(self) -> None:
        assert describe({"format": "uri"}, "x", formats=False) == (FORMAT, "payload violates its schema")


DOCUMENT = {"definitions": {"a/b": {"items": [{"type": "string"}]}, "c~d": {}, "e f": {"x": 1}}}


class TestResolving:
    @each(
        ("ref", "found"),
        [
            ("#", DOCUMENT),
            ("#/definitions/a~1b/items/0", {"type": "string"}),
            ("#/definitions/c~0d", {}),
            ("#/definitions/e%20f", {"x": 1}),
        ],
    )
    def test_pointers(self, ref: str, found: object) -> None:
        assert resolve(DOCUMENT, ref) == found

    @each("ref", ["", "#name", "other.json", "https://example.com/#/a", "#/nowhere", "#/definitions/a~1b/items/x"])
    def test_anything_else_is_refused(self, ref: str) -> None:
        with pytest.raises(ValueError, match=r"expected \$ref as a pointer"):
            resolve(DOCUMENT, ref)


NESTED = {"properties": {"values": {"items": {"properties": {"a/b~c": {"maxLength": 2}}}}}}


class TestTheParts:
    """What a program reads of a violation: keyword, pointer (RFC 6901), what the schema expects, and what it got."""

    @each(
        ("schema", "payload", "parts"),
        [
            ({"type": "object"}, [1, 2], ("type", "", "object", "array of 2 items")),
            ({"required": ["idTag"]}, {}, ("required", "", "idTag", "nothing")),
            (
                NESTED,
                {"values": [{}, {"a/b~c": "xyz"}]},
                ("maxLength", "/values/1/a~1b~0c", "2", "string of 3 characters"),
            ),
            ({"properties": {"n": {"minimum": 0}}}, {"n": -1}, ("minimum", "/n", "0", "integer")),
            ({"properties": {"n": {"maximum": 1}}}, {"n": 1.5}, ("maximum", "/n", "1", "number")),
            ({"properties": {"n": {"type": "string"}}}, {"n": None}, ("type", "/n", "string", "null")),
            ({"properties": {"n": {"type": "string"}}}, {"n": True}, ("type", "/n", "string", "boolean")),
            ({"properties": {"n": {"enum": ["A", "B"]}}}, {"n": {}}, ("enum", "/n", "A, B", "object")),
            ({"additionalProperties": False}, {"more": 1}, ("additionalProperties", "", "false", "more")),
            ({"additionalProperties": False}, {"to\nken": 1}, ("additionalProperties", "", "false", "?")),
            ({"additionalProperties": {"type": "string"}}, {"to\nken": 1}, ("type", "/?", "string", "integer")),
        ],
    )
    def test_have_no_value_of_the_payload(self, schema, payload, parts):
        violation = describe_violation(schema, payload, formats=True)
        assert (violation.keyword, violation.pointer, violation.expected, violation.got) == parts

    def test_are_short(self):
        deep: dict[str, Any] = {"enum": ["long" * 9] * 99}
        payload: Any = "short"
        for _ in range(40):
            deep, payload = {"properties": {"member": deep}}, {"member": payload}
        violation = describe_violation(deep, payload, formats=True)
        assert len(violation.pointer) == len(violation.expected) == 120
        assert (violation.pointer[:3], violation.expected[-3:]) == ("...", "...")
