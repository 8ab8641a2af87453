"""`null` for an absent member: left out where the schema does not allow it, and only there."""

import copy
from typing import Any

from ocpp_core.validation import load_validator
from ocpp_core.validation._nulls import without_nulls
from tests.tables import each

TEXT = {"type": "string"}
ITEM = {"type": "object", "properties": {"a": TEXT, "n": {"type": ["string", "null"]}}, "additionalProperties": False}


@each(
    ("schema", "payload", "read"),
    [
        ({"properties": {"a": TEXT}}, {"a": None, "b": None}, {"b": None}),
        ({"properties": {"a": {"type": "object"}}}, {"a": None}, {}),
        ({"properties": {"a": {"enum": ["x"]}}}, {"a": None}, {}),
        ({"properties": {"a": {"enum": ["x", None]}}}, {"a": None}, {"a": None}),
        ({"properties": {"a": {"type": ["string", "null"]}}}, {"a": None}, {"a": None}),
        ({"properties": {"a": {}}}, {"a": None}, {"a": None}),
        ({"additionalProperties": False}, {"a": None, "b": 1}, {"b": 1}),
        ({"additionalProperties": TEXT}, {"a": None}, {}),
        ({"patternProperties": {"^a": TEXT}, "additionalProperties": False}, {"a": None}, {"a": None}),
        ({"items": ITEM}, [{"a": None}, None, {"n": None}], [{}, None, {"n": None}]),
        ({"items": [ITEM]}, [{"a": None}, {"a": None}], [{}, {"a": None}]),
        ({"items": [ITEM, ITEM]}, [{"a": None}], [{}]),
        ({"properties": {"a": {"$ref": "#/definitions/I"}}, "definitions": {"I": ITEM}}, {"a": {"a": None}}, {"a": {}}),
        ({"properties": {"a": {"$ref": "#/definitions/I"}}, "definitions": {"I": ITEM}}, {"a": None}, {}),
        ({"allOf": [{"properties": {"a": TEXT}}, {"properties": {"b": TEXT}}]}, {"a": None, "b": None}, {}),
        ({"properties": {"a": TEXT}}, {"a": "x"}, {"a": "x"}),
        (True, {"a": None}, {"a": None}),
    ],
)
def test_reading(schema: Any, payload: Any, read: Any) -> None:
    document = schema if isinstance(schema, dict) else {"properties": {"p": schema}}
    before = copy.deepcopy(payload)
    assert without_nulls(document, payload, formats=True) == read
    assert payload == before


def test_what_is_nested_too_deep_stays_as_it_is() -> None:
    payload: Any = {"a": None}
    for _ in range(100_000):
        payload = {"a": payload}
    assert without_nulls({"properties": {"a": {"$ref": "#"}}}, payload, formats=True) is payload


STATUS = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}


class TestTheValidator:
    def test_reads_a_message_along_its_schema(self) -> None:
        v16 = load_validator("ocpp1.6")
        payload = {**STATUS, "info": None, "vendorId": None, "timestamp": None}
        assert v16.check_call("StatusNotification", payload) is not None
        assert v16.without_nulls("call", "StatusNotification", payload) == STATUS

    def test_leaves_a_required_member_out_as_well_so_that_it_is_missing(self) -> None:
        v16 = load_validator("ocpp1.6")
        read = v16.without_nulls("call", "StatusNotification", {**STATUS, "status": None})
        violation = v16.check_call("StatusNotification", read)
        assert violation is not None
        assert violation.description.endswith("required: status is missing")

    def test_keeps_the_data_of_vendors(self) -> None:
        v201 = load_validator("ocpp2.0.1")
        payload = {"vendorId": "v", "messageId": None, "data": {"x": None}, "customData": {"vendorId": "v", "y": None}}
        read = v201.without_nulls("call", "DataTransfer", payload)
        assert read == {"vendorId": "v", "data": {"x": None}, "customData": {"vendorId": "v", "y": None}}

    @each(("kind", "action"), [("call", "NoSuch"), ("send", "Heartbeat")])
    def test_returns_what_has_no_schema(self, kind: Any, action: str) -> None:
        payload = {"a": None}
        assert load_validator("ocpp1.6").without_nulls(kind, action, payload) is payload
