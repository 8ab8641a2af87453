"""`explain`: the rule that a text breaks, where the rule is from, and what would let the text pass."""

import json
from typing import Any

import pytest

from ocpp_core.config import AppliedQuirk
from ocpp_core.tolerance import Coerce, QuirkProfile
from ocpp_core.validation.explaining import explain
from tests.kinds import mistyped
from tests.tables import each

SERIAL = "chargePointSerialNumber"
NULL = "leniency=Leniency(null_payload=True)"
BOOT = {
    "chargePointVendor": "Schneider Electric",
    "chargePointModel": "EVlink Smart Wallbox",
    "chargePointSerialNumber": "3N123456789F2S1B1234567890",
}
JSON_SOURCE, FORMAT = "RFC 8259", "OCPP-J 1.6 §4.2"


def test_a_broken_rule_of_a_schema() -> None:
    explanation = explain(json.dumps([2, "a", "BootNotification", BOOT]))
    assert (explanation.message_type, explanation.action, explanation.message_id) == ("CALL", "BootNotification", "a")
    (mistake,) = explanation.mistakes
    violation = mistake.violation
    assert violation is not None
    assert (mistake.rule, violation.keyword, violation.pointer) == (
        "maxLength",
        "maxLength",
        "/chargePointSerialNumber",
    )
    assert (violation.expected, violation.got) == ("25", "string of 26 characters")
    assert mistake.source == "schema of BootNotification, ocpp1.6"
    assert mistake.quirks == (AppliedQuirk("schneider-evlink", "relax_length", "chargePointSerialNumber"),)
    assert explanation.is_tolerable
    assert str(explanation) == "\n".join([
        "CALL BootNotification of ocpp1.6: 1 mistake",
        "maxLength: payload.chargePointSerialNumber violates maxLength: 25, got string of 26 characters",
        "  source: schema of BootNotification, ocpp1.6",
        "  tolerated by: profile schneider-evlink, relax_length",
    ])  # fmt: skip


def test_all_mistakes_of_a_text_up_to_twenty() -> None:
    sampled = [{"value": 5}] * 30
    payload = json.dumps({"connectorId": 1, "meterValue": [{"timestamp": "now", "sampledValue": sampled}]})
    explanation = explain(f'[2,"a","MeterValues",{payload[:-1]},"transactionId":}}]')
    assert [each.rule for each in explanation.mistakes] == ["JSON", "format", *["type"] * 18]
    assert not explanation.is_tolerable


@each(
    ("text", "protocol", "rule", "source", "quirks", "options"),
    [
        ('[2,"a",', "ocpp1.6", "JSON", JSON_SOURCE, (), ()),
        ('[2,"a","Heartbeat",{"x":NaN}]', "ocpp1.6", "JSON", JSON_SOURCE, (), ()),
        (b"\xff", "ocpp1.6", "JSON", "RFC 6455 §8.1, RFC 8259 §8.1", (), ()),
        ("[[", "ocpp1.6", "JSON", JSON_SOURCE, (), ()),
        ("[" * 100_000, "ocpp1.6", "OCPP-J", FORMAT, (), ()),
        ("{}", "ocpp1.6", "OCPP-J", FORMAT, (), ()),
        ('[9,"a"]', "ocpp2.0.1", "OCPP-J", "OCPP 2.0.1 Part 4 §4.2", (), ()),
        ('[2,5,"Heartbeat",{}]', "ocpp1.6", "OCPP-J", FORMAT, (), ("leniency=Leniency(numeric_ids=True)",)),
        (
            '[2,"a","Heartbeat",null]',
            "ocpp1.6",
            "OCPP-J",
            FORMAT,
            ("nulls",),
            ("leniency=Leniency(null_payload=True)",),
        ),
        ('[2,"a","Heartbeat",{},]', "ocpp1.6", "JSON", JSON_SOURCE, ("zj-beny",), ()),
        ('[2,"a","Heartbeat",{}', "ocpp1.6", "JSON", JSON_SOURCE, ("grizzl-e",), ()),
        ('[2,"a","Heartbet",{}]', "ocpp1.6", "action", FORMAT, (), ()),
        ('[6,"a","Heartbeat",{}]', "ocpp2.1", "OCPP-J", "OCPP 2.1 Part 4 §4.1.3", (), ()),
    ],
)
def test_a_rule_and_what_tolerates_it(
    text: Any, protocol: str, rule: str, source: str, quirks: Any, options: Any
) -> None:
    mistake = explain(text, protocol).mistakes[0]
    assert (mistake.rule, mistake.source) == (rule, source)
    assert tuple(dict.fromkeys(each.profile for each in mistake.quirks)) == quirks
    assert mistake.options == options


@each(
    ("text", "arguments", "rule"),
    [
        ("", {}, "JSON"),
        ('[4,"a","FormatViolation","",{}]', {}, "error code"),
        ('[4,"a","GenericError"]', {}, "OCPP-J"),
        ('[2,"a","Reset",{"type":"Hard","type":"Soft"}]', {}, "JSON"),
        ('[2,"a","Reset",{"type":"Soft"}]', {"sender": "station"}, "action"),
    ],
)
def test_what_is_accepted_in_any_case(text: str, arguments: Any, rule: str) -> None:
    explanation = explain(text, **arguments)
    assert [(each.rule, each.is_accepted) for each in explanation.mistakes] == [(rule, True)]
    assert explanation.is_tolerable


def test_a_response_needs_the_action_of_its_call() -> None:
    text = '[3,"a",{}]'
    assert explain(text).notes == ("the payload was not checked: pass the action of the CALL",)
    assert explain(text, action="Heartbeat").mistakes[0].rule == "required"
    assert explain(text, action="Heartbeet").notes == (
        "the payload was not checked: ocpp1.6 has no schema for the action",
    )
    assert explain(text, "vendor1", action="X").notes == ("the payload was not checked: vendor1 has no validator",)


def test_only_the_given_profiles_are_tried() -> None:
    text = '[2,"a","StopTransaction",{"transactionId":"1","meterStop":5,"timestamp":"2026-03-01T12:00:00Z"}]'
    mine = QuirkProfile(name="mine", quirks=(Coerce(at="transactionId"),))
    assert [each.profile for each in explain(text, profiles=[mine]).mistakes[0].quirks] == ["mine"]
    assert explain(text, profiles=[]).mistakes[0].quirks == ()


def test_profiles_are_named_as_in_the_option() -> None:
    text = '[2,"1","Authorize",{"idTag":5}]'
    known, common = (explain(text, profiles=name).mistakes[0].quirks for name in ("known", "common"))
    assert explain(text).mistakes[0].quirks == known + common
    assert common
    with pytest.raises(FileNotFoundError, match="expected known, common or the path of a file: 'knwon'"):
        explain(text, profiles="knwon")


@each(
    ("action", "payload"),
    [
        ("MeterValues", {"connectorId": 1, "meterValue": [{}]}),  # an element is not left out for what it lacks
        ("StatusNotification", {"connectorId": 1, "errorCode": 5, "status": "Available"}),  # "5" is no errorCode
        ("StatusNotification", {"connectorId": 1, "errorCode": None, "status": "Available"}),  # it is required
        ("StopTransaction", {"transactionId": 1, "meterStop": {}, "timestamp": "2026-03-01T12:00:00Z"}),
    ],
)
def test_a_quirk_that_would_break_another_rule_tolerates_nothing(action: str, payload: Any) -> None:
    assert not explain(json.dumps([2, "a", action, payload])).is_tolerable


@each(
    "text",
    [
        '[2,"a","Authorize",{"idTag":"TOPSECRET-TOPSECRET-TOPSECRET","\\u0007secret":1}]',
        '[2,"a","\\u001b[2Jsecret",{}]',
        '[4,"a","secret","secret",{"secret":1}]',
    ],
)
def test_no_value_of_the_text_is_shown(text: str) -> None:
    explanation = explain(text)
    assert explanation.mistakes
    assert "secret" not in str(explanation).lower()


def test_an_integer_of_too_many_digits_is_not_taken_for_nan() -> None:
    (mistake,) = explain('[2,"a","Heartbeat",{"x":' + "9" * 5000 + "}]").mistakes
    assert mistake.detail == "expected integers of at most 4300 digits"


def test_an_unknown_sender_is_refused() -> None:
    with pytest.raises(ValueError, match=r"expected sender as one of station, csms, got 'server'"):
        explain("", sender=mistyped("server"))


def test_a_text_beyond_the_limit_is_not_read() -> None:
    assert explain(" " * 4_194_305).mistakes[0].detail == "expected at most 4194304 characters"
