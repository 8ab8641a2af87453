"""Schemas that would be misread, or never come to an end, are refused when their validator is made."""

from typing import Any

import pytest

from ocpp_core.validation import create_validator
from tests.tables import each

DRAFT_04 = {"$schema": "http://json-schema.org/draft-04/schema#"}


def check(schema: dict[str, Any], payload: object) -> bool:
    validator = create_validator("v1", {"Say": {"send": schema}})
    return validator.check_send("Say", payload) is None


class TestAReferenceWithoutEnd:
    @each(
        "schema",
        [
            {"$ref": "#"},
            {"allOf": [{"$ref": "#"}]},
            {"properties": {"a": {"not": {"$ref": "#/properties/a"}}}},
            {"if": {"$ref": "#/definitions/A"}, "definitions": {"A": {"anyOf": [{"type": "string"}, {"$ref": "#"}]}}},
            {"items": {"$ref": "#/definitions/A"}, "definitions": {"A": {"$ref": "#/definitions/A"}}},
        ],
    )
    def test_is_refused(self, schema: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match=r"the schema of v1 Say SEND: expected \$ref to a schema of a part"):
            create_validator("v1", {"Say": {"send": schema}})

    def test_is_none_with_a_step_into_the_value(self) -> None:
        schema = {"properties": {"a": {"allOf": [{"$ref": "#"}, {"$ref": "#"}]}, "n": {"type": "integer"}}}
        assert check(schema, {"a": {"a": {"n": 1}}})
        assert not check(schema, {"a": {"a": {"n": "1"}}})


class TestABoundOfAnotherDraft:
    @each("name", ["exclusiveMinimum", "exclusiveMaximum"])
    def test_is_refused(self, name: str) -> None:
        wrong: list[tuple[dict[str, Any], str]] = [
            ({name: True, "minimum": 1, "maximum": 1}, "number"),
            ({**DRAFT_04, name: 1}, "boolean"),
        ]
        for schema, form in wrong:
            with pytest.raises(ValueError, match=f"expected {name} as a {form} in this draft, got (True|1)$"):
                create_validator("v1", {"Say": {"send": {"properties": {"a": schema}, **schema}}})

    def test_is_read_in_the_form_of_its_own(self) -> None:
        assert check({"exclusiveMinimum": 1}, 2)
        assert not check({"exclusiveMinimum": 1}, 1)
        assert not check({**DRAFT_04, "minimum": 1, "exclusiveMinimum": True}, 1)

    def test_is_none_where_it_is_the_name_of_a_property(self) -> None:
        assert check({"properties": {"exclusiveMinimum": {"const": True}, "multipleOf": {"const": 0}}}, {})

    @each("factor", [0, -1, "2", None])
    def test_a_factor_is_more_than_0(self, factor: object) -> None:
        with pytest.raises(ValueError, match="expected multipleOf > 0, got"):
            create_validator("v1", {"Say": {"send": {"items": {"multipleOf": factor}}}})


def test_schemas_that_are_nested_too_deep_are_refused() -> None:
    schema: dict[str, Any] = {}
    for _ in range(5000):
        schema = {"items": schema}
    with pytest.raises(ValueError, match="expected schemas of v1 that are nested less deep"):
        create_validator("v1", {"Say": {"send": schema}})


@each("name", [7, "", None])
def test_an_action_has_a_name(name: Any) -> None:
    with pytest.raises(TypeError, match="expected schemas by the names of actions"):
        create_validator("v1", {name: {"send": {}}})
