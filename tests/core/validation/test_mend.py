"""Payloads that break their schema: each broken rule is shown once, and forgiven or repaired or not."""

import copy
from typing import Any

from ocpp_core.config import BrokenRule, Effect, Remedy
from ocpp_core.validation import create_validator, load_validator
from ocpp_core.validation._mend import mended_payload
from tests.tables import each

DROP, KEEP = Remedy(Effect.DROP), Remedy(Effect.KEEP)
TEXT = {"type": "string"}
ITEM = {"type": "object", "properties": {"a": TEXT, "n": {"type": ["string", "null"]}}, "additionalProperties": False}


def without_null(broken: BrokenRule) -> Remedy | None:
    return DROP if broken.value is None else None


@each(
    ("schema", "payload", "read"),
    [
        ({"properties": {"a": TEXT}}, {"a": None, "b": None}, {"b": None}),
        ({"properties": {"a": {"type": "object"}}}, {"a": None}, {}),
        ({"properties": {"a": {"enum": ["x"]}}}, {"a": None}, {}),
        ({"properties": {"a": {"enum": ["x", None]}}}, {"a": None}, {"a": None}),
        ({"properties": {"a": {"type": ["string", "null"]}}}, {"a": None}, {"a": None}),
        ({"properties": {"a": {}}}, {"a": None}, {"a": None}),
        ({"additionalProperties": False}, {"a": None}, {}),
        ({"additionalProperties": TEXT}, {"a": None}, {}),
        ({"patternProperties": {"^a": TEXT}, "additionalProperties": False}, {"a": None}, {"a": None}),
        ({"items": ITEM}, [{"a": None}, {"n": None}], [{}, {"n": None}]),
        ({"items": TEXT}, [None], None),
        ({"type": "object"}, None, None),
        ({"properties": {"a": TEXT}}, {"a": 1}, None),
        ({"items": [ITEM]}, [{"a": None}, {"a": None}], [{}, {"a": None}]),
        ({"items": [ITEM, ITEM]}, [{"a": None}], [{}]),
        ({"properties": {"a": {"$ref": "#/definitions/I"}}, "definitions": {"I": ITEM}}, {"a": {"a": None}}, {"a": {}}),
        ({"properties": {"a": {"$ref": "#/definitions/I"}}, "definitions": {"I": ITEM}}, {"a": None}, {}),
        ({"allOf": [{"properties": {"a": TEXT}}, {"properties": {"b": TEXT}}]}, {"a": None, "b": None}, {}),
        ({"properties": {"a": TEXT}}, {"a": "x"}, {"a": "x"}),
        (True, {"a": None}, {"a": None}),
    ],
)
def test_nulls_are_left_out_where_the_schema_does_not_allow_them(schema: Any, payload: Any, read: Any) -> None:
    document = schema if isinstance(schema, dict) else {"properties": {"p": schema}}
    before = copy.deepcopy(payload)
    assert mended_payload(document, payload, without_null, formats=True) == (None if read is None else (read, False))
    assert payload == before


def test_what_is_nested_too_deep_stays_refused() -> None:
    payload: Any = {"a": None}
    for _ in range(100_000):
        payload = {"a": payload}
    assert mended_payload({"properties": {"a": {"$ref": "#"}}}, payload, without_null, formats=True) is None


CLOSED = {"type": "object", "properties": {"n": {"type": "integer", "maximum": 9}}, "additionalProperties": False}
LISTS = {"type": "object", "properties": {"list": {"type": "array", "items": {**CLOSED, "required": ["n"]}}}}


@each(
    ("payload", "broken"),
    [
        ({"list": [{"n": "5"}]}, BrokenRule(("list", 0, "n"), "type", "integer", "5")),
        ({"list": [{"n": 1}, {"n": 10}]}, BrokenRule(("list", 1, "n"), "maximum", 9, 10)),
        ({"list": [{}]}, BrokenRule(("list", 0, "n"), "required", "n", {})),
        ({"list": [{"n": 1, "x": "v"}]}, BrokenRule(("list", 0, "x"), "additionalProperties", False, "v")),
        ({"list": 5}, BrokenRule(("list",), "type", "array", 5)),
    ],
)
def test_a_broken_rule_is_shown_with_the_steps_to_it(payload: Any, broken: BrokenRule) -> None:
    shown: list[BrokenRule] = []

    def keep(rule: BrokenRule) -> Remedy:
        shown.append(rule)
        return KEEP

    assert mended_payload(LISTS, payload, keep, formats=True) == (payload, True)
    assert shown == [broken]


def test_a_replaced_value_is_checked_in_turn() -> None:
    def read(rule: BrokenRule) -> Remedy | None:
        return Remedy(Effect.REPLACE, int(rule.value)) if rule.keyword == "type" else None

    assert mended_payload(CLOSED, {"n": "5"}, read, formats=True) == ({"n": 5}, False)
    assert mended_payload(CLOSED, {"n": "10"}, read, formats=True) is None


def test_repairs_that_never_end_are_refused() -> None:
    assert mended_payload(CLOSED, {"n": "5"}, lambda rule: Remedy(Effect.REPLACE, "5"), formats=True) is None


STATUS = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}


class TestTheValidator:
    def test_reads_a_message_along_its_schema(self) -> None:
        v16 = load_validator("ocpp1.6")
        payload = {**STATUS, "info": None, "vendorId": None, "timestamp": None}
        assert v16.check_call("StatusNotification", payload) is not None
        assert v16.mend("call", "StatusNotification", payload, without_null) == STATUS

    def test_leaves_a_required_member_out_as_well_so_that_it_is_missing(self) -> None:
        payload = {**STATUS, "status": None}
        assert load_validator("ocpp1.6").mend("call", "StatusNotification", payload, without_null) is None

    def test_keeps_the_data_of_vendors(self) -> None:
        v201 = load_validator("ocpp2.0.1")
        payload = {"vendorId": "v", "messageId": None, "data": {"x": None}, "customData": {"vendorId": "v", "y": None}}
        read = v201.mend("call", "DataTransfer", payload, without_null)
        assert read == {"vendorId": "v", "data": {"x": None}, "customData": {"vendorId": "v", "y": None}}

    @each(("kind", "action"), [("call", "NoSuch"), ("send", "Heartbeat")])
    def test_refuses_what_has_no_schema(self, kind: Any, action: str) -> None:
        assert load_validator("ocpp1.6").mend(kind, action, {"a": None}, without_null) is None

    def test_forgives_nothing_that_the_copier_cannot_judge(self) -> None:
        either = {"properties": {"n": {"type": "integer"}}, "anyOf": [{"required": ["n"]}, {"required": ["m"]}]}
        validator = create_validator("vendor", {"X": {"send": either}})
        assert validator.mend("send", "X", {"n": None}, without_null) is None
        assert validator.mend("send", "X", {"n": None, "m": 1}, without_null) == {"m": 1}
        assert validator.mend("send", "X", {"n": "5"}, lambda rule: KEEP) is None
