"""The accept check: says yes to most of what conforms, and never to anything else.

That it is never wider than the full check is shown message by message in `tests/contracts/test_schema_bundles.py`.
"""

from ocpp_core.validation import load_validator
from ocpp_core.validation._bundles import BUNDLED
from ocpp_core.validation._closures import compile_accept
from tests.tables import each


def accept(schema, value, *, formats=True):
    """What the accept check of a schema says; it may raise TypeError, which means no."""
    check = compile_accept(schema, formats=formats)
    assert check is not None
    try:
        return bool(check(value))
    except (TypeError, KeyError):
        return False


class TestWhatItSaysYesTo:
    @each(
        ("schema", "value"),
        [
            ({"type": "string", "maxLength": 2}, "äé"),
            ({"type": "string", "minLength": 1}, "a"),
            ({"type": "string", "enum": ["A", "B"]}, "B"),
            ({"type": "string", "format": "date-time"}, "2026-01-01T00:00:00Z"),
            ({"type": "integer", "minimum": 0, "maximum": 9}, 9),
            ({"type": "number", "minimum": 0}, 0.5),
            ({"type": "number"}, 3),
            ({"type": "boolean"}, True),
            ({"type": "array", "items": {"type": "integer"}, "minItems": 1}, [1, 2]),
            ({"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False}, {"a": "x"}),
            ({"type": "object", "properties": {"a": {"type": "string"}}}, {"b": 1}),
            ({"description": "anything"}, [None]),
        ],
    )
    def test_a_value_of_the_plain_type(self, schema, value):
        assert accept(schema, value)

    def test_a_definition_that_leads_back_to_itself(self):
        node = {"type": "object", "properties": {"next": {"$ref": "#/definitions/node"}}, "additionalProperties": False}
        schema = {"$ref": "#/definitions/node", "definitions": {"node": node}}
        assert accept(schema, {"next": {"next": {}}})
        assert not accept(schema, {"next": {"next": {"other": 1}}})

    def test_formats_only_where_they_are_wanted(self):
        schema = {"type": "string", "format": "date-time"}
        assert not accept(schema, "yesterday")
        assert accept(schema, "yesterday", formats=False)


class TestWhatItLeavesToTheFullCheck:
    @each(
        ("schema", "value"),
        [
            ({"type": "integer"}, 1.0),
            ({"type": "integer"}, True),
            ({"type": "number"}, False),
            ({"type": "number"}, float("nan")),
            ({"type": "number"}, float("inf")),
            ({"type": "array", "items": {"type": "integer"}}, (1, 2)),
            ({"type": "string"}, type("Text", (str,), {})("a")),
            ({"type": "object"}, type("Payload", (dict,), {})()),
            ({"type": "string", "enum": ["A"]}, ["A"]),
            ({"type": "object", "required": ["a"]}, {}),
        ],
    )
    def test_a_value_that_may_conform_in_another_way_or_does_not(self, schema, value):
        assert not accept(schema, value)


class TestWhatHasNoAcceptCheck:
    @each(
        "schema",
        [
            {"type": "number", "multipleOf": 0.1},
            {"type": ["string", "null"]},
            {"type": "string", "pattern": "^a"},
            {"type": "string", "format": "email"},
            {"type": "string", "enum": ["a"], "maxLength": 1},
            {"type": "string", "enum": ["a", 1]},
            {"type": "object", "additionalProperties": {"type": "string"}},
            {"type": "array", "items": [{"type": "string"}]},
            {"properties": {}},
            {"const": 1},
            {"$ref": "#/definitions/missing"},
            {"$ref": "#/definitions/a", "maxLength": 1, "definitions": {"a": {"type": "string"}}},
        ],
    )
    def test_a_schema_with_a_keyword_that_is_not_known_to_the_letter(self, schema):
        assert compile_accept(schema, formats=True) is None

    def test_of_the_standard_messages_only_those_with_a_multiple(self):
        without = {
            (protocol, action, kind)
            for protocol in BUNDLED
            for action, kinds in load_validator(protocol)._messages.items()
            for kind, message in kinds.items()
            if compile_accept(message.document(), formats=True) is None
        }
        assert without == {
            ("ocpp1.6", "GetCompositeSchedule", "result"),
            ("ocpp1.6", "RemoteStartTransaction", "call"),
            ("ocpp1.6", "SetChargingProfile", "call"),
        }
