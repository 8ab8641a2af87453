"""The five OCPP-J messages and their JSON text (OCPP-J 1.6 §4.2, OCPP 2.x Part 4 §4.2)."""

import json
from math import inf, nan

import pytest

from ocpp_core.messages import (
    MAX_DEPTH,
    Fault,
    Leniency,
    Malformed,
    MessageType,
    decode,
    encode_error,
    encode_message,
    encode_payload,
    encode_result,
    is_unicode,
)
from ocpp_core.versions import OCPP16, OCPP21
from tests.kinds import an
from tests.tables import each

CLASSIC, ALL = OCPP16.message_types, OCPP21.message_types
LONG = "i" * 37


def deep(levels: int) -> str:
    return "[" * levels + "]" * levels


class TestWhatIsAMessage:
    @each(
        "text",
        [
            '[2,"a","Heartbeat",{}]',
            '[3,"a",{"status":"Accepted"}]',
            '[4,"a","GenericError","why",{"k":1}]',
            '[5,"a","FormatViolation","",{}]',
            '[6,"a","NotifyPeriodicEventStream",{"id":1}]',
            ' \r\n[ 2 , "a" , "Heartbeat" , { } ]\t',
            '[2,"","Heartbeat",{}]',
            '[2,"' + "i" * 36 + '","Heartbeat",{}]',
            '[3,"' + LONG + '",{}]',
            '[2,"a","Ünïcode ⚡ \\ud83d\\ude00",{"\\n":"\\u0000"}]',
            '[2,"a","DataTransfer",{"data":"[[[[{{{{"}]',
        ],
    )
    def test_is_read_as_the_json_array_that_it_is(self, text):
        assert decode(text, ALL) == json.loads(text)

    @each(
        ("rest", "description", "details"),
        [
            ("", "", {}),
            (',""', "", {}),
            (",null", "", {}),
            (',"",null', "", {}),
            (',"why",""', "why", {}),
            (',"why"', "why", {}),
            (',"why","more"', "why", {"details": "more"}),
            (',"","more"', "more", {"details": "more"}),
            (',null,"more"', "more", {"details": "more"}),
            (',"why",["more"]', "why", {"details": ["more"]}),
            (',"why",7', "why", {"details": 7}),
            (',{"k":1}', "", {"k": 1}),
            (',{"k":1},{}', "", {"k": 1}),
            (',{"k":1},{"l":2}', '{"k":1}', {"l": 2}),
            (',7,["more"]', "7", {"details": ["more"]}),
            (',["why"]', '["why"]', {}),
        ],
    )
    @each("kind", [4, 5])
    def test_an_error_keeps_its_code_and_all_that_it_says(self, kind, rest, description, details):
        assert decode(f'[{kind},"a","Bogus"{rest}]', ALL) == [kind, "a", "Bogus", description, details]


def message(text, versions=ALL, **limits):
    return an(list, decode(text, versions, **limits))


def malformed(text, versions=ALL, **limits):
    return an(Malformed, decode(text, versions, **limits))


class TestWhatIsNone:
    """Each fault tells who has to be told: the peer, a caller of ours, or nobody."""

    @each("text", ["", " ", "\r\n\t"])
    def test_empty_text(self, text):
        assert malformed(text).fault is Fault.EMPTY

    @each(
        "text",
        [
            "null",
            "{}",
            '"[2]"',
            "[]",
            "[null]",
            '["2","a","Heartbeat",{}]',
            '[2.0,"a","Heartbeat",{}]',
            '[true,"a","Heartbeat",{}]',
            "[2]",
            '[2,5,"Heartbeat",{}]',
            '[2,null,"Heartbeat",{}]',
            '[2,["a"],"Heartbeat",{}]',
            "[2,",
            '[2,"a',
            '[2,"' + LONG + '","Heart',
            '[2,"\\u0061","Heart',
            '\ufeff[2,"a","Heartbeat",{}]',
            "NaN",
        ],
    )
    def test_no_type_or_no_id_of_a_call(self, text):
        found = malformed(text)
        assert (found.fault, found.message_id) == (Fault.UNREADABLE, None)

    @each(
        "text",
        [
            '[2,"a"]',
            '[2,"a","Heartbeat"]',
            '[2,"a","Heartbeat",{},{}]',
            '[2,"a","Heartbeat",null]',
            '[2,"a","Heartbeat",[]]',
            '[2,"a","Heartbeat","{}"]',
            '[2,"a","",{}]',
            '[2,"a",5,{}]',
            '[2,"a","Heartbeat",{"x":}]',
            '[2,"a","Heartbeat",{"x":NaN}]',
            '[2,"a","Heartbeat",{"x":-Infinity}]',
            '[2,"a","Heartbeat",{"x":1e999}]',
            '[2,"a","Heartbeat",{"x":"\\ud800"}]',
            '[2,"a","Heartbeat",{"x":"\ud800"}]',
            '[2,"a","Heartbeat",{}]]',
            '[2,"a","Heartbeat",{"x":' + "9" * 5000 + "}]",
            '[2,"a","Heartbeat",{"x":' + deep(MAX_DEPTH) + "}]",
            '[2,"a","Heartbeat",{"x":' + deep(10_000) + "}]",
        ],
    )
    def test_a_call_with_a_readable_id(self, text):
        found = malformed(text)
        assert (found.fault, found.message_id) == (Fault.CALL, "a")

    def test_a_call_whose_id_is_too_long(self):
        found = malformed(f'[2,"{LONG}","Heartbeat",{{}}]')
        assert (found.fault, found.message_id) == (Fault.ID_TOO_LONG, LONG)

    @each(
        ("text", "fault", "message_id"),
        [
            ('[3,"a"]', Fault.RESULT, "a"),
            ('[3,"a",null]', Fault.RESULT, "a"),
            ('[3,"a",{},{}]', Fault.RESULT, "a"),
            ("[3,5,{}]", Fault.RESULT, None),
            ('[3,"a",{"x":', Fault.RESULT, "a"),
            ("[3,", Fault.RESULT, None),
            ('[4,"a"]', Fault.ERROR, "a"),
            ('[4,"a",500,"",{}]', Fault.ERROR, "a"),
            ('[4,"a","GenericError","",{},0]', Fault.ERROR, "a"),
            ('[4,"a","GenericError","', Fault.ERROR, "a"),
            ('[4,"a",500]', Fault.ERROR, "a"),
            ('[5,"a"]', Fault.RESULT_ERROR, "a"),
            ('[5,"a","FormatViolation', Fault.RESULT_ERROR, "a"),
            ('[6,"a","NotifyPeriodicEventStream",null]', Fault.SEND, "a"),
            ('[6,"a","NotifyPeriodicEventStream",{', Fault.SEND, "a"),
            ("[6,", Fault.SEND, None),
        ],
    )
    def test_what_is_never_answered_says_whose_call_it_ends(self, text, fault, message_id):
        found = malformed(text)
        assert (found.fault, found.message_id) == (fault, message_id)

    @each(
        ("text", "message_id"),
        [('[9,"a"]', "a"), ("[9]", None), ("[1,5]", None), ('[6,"a","X",{}]', "a"), ("[5]", None)],
    )
    def test_a_type_that_the_version_does_not_know(self, text, message_id):
        found = malformed(text, CLASSIC)
        assert (found.fault, found.message_id) == (Fault.UNKNOWN_TYPE, message_id)

    def test_nesting_up_to_the_limit_is_read(self):
        assert message(f'[2,"a","Heartbeat",{{"x":{deep(MAX_DEPTH - 2)}}}]')[1] == "a"

    def test_brackets_inside_texts_do_not_nest(self):
        assert message('[2,"a","X",{"x":"\\"' + "[" * 1000 + '"}]')[1] == "a"

    @each("items", [6, 100_000])
    def test_more_elements_than_allowed_are_not_parsed(self, items):
        text = f'[2,"a","X",{{"x":[{",".join(["{}"] * items)}]}}]'
        assert message(text, max_elements=5 + 2 * items)[1] == "a"
        found = malformed(text, max_elements=4 + 2 * items)
        assert (found.fault, found.message_id) == (Fault.CALL, "a")
        assert found.reason == f"expected a message of at most {4 + 2 * items} elements"

    def test_the_reason_says_what_was_expected_and_repeats_nothing_of_the_text(self):
        reason = malformed('[2,"a","Secret",["password"]]').reason
        assert reason == "expected a JSON object as payload"


class TestLeniency:
    """Each tolerance is off by default; see the faults above."""

    @each(
        ("name", "text", "read"),
        [
            ("null_payload", '[2,"a","Heartbeat",null]', [2, "a", "Heartbeat", {}]),
            ("null_payload", '[3,"a",null]', [3, "a", {}]),
            ("null_payload", '[6,"a","X",null]', [6, "a", "X", {}]),
            ("numeric_ids", '[2,5,"Heartbeat",{}]', [2, "5", "Heartbeat", {}]),
            ("numeric_ids", "[3,-5,{}]", [3, "-5", {}]),
            ("long_ids", f'[2,"{LONG}","Heartbeat",{{}}]', [2, LONG, "Heartbeat", {}]),
            ("trailing_elements", '[2,"a","Heartbeat",{},1,2]', [2, "a", "Heartbeat", {}]),
            ("trailing_elements", '[3,"a",{},{}]', [3, "a", {}]),
            ("trailing_elements", '[4,"a","X","",{},{}]', [4, "a", "X", "", {}]),
            ("control_characters", '[2,"a","X",{"x":"1\n2\t\x003"}]', [2, "a", "X", {"x": "1\n2\t\x003"}]),
            ("control_characters", ' [3,"a",{"x\x1f":"\\u00e9"}] ', [3, "a", {"x\x1f": "é"}]),
        ],
    )
    def test_a_named_tolerance_reads_what_is_malformed_without_it(self, name, text, read):
        assert isinstance(decode(text, ALL), Malformed)
        assert decode(text, ALL, Leniency(**{name: True})) == read

    @each(
        ("name", "text"),
        [
            ("null_payload", '[2,"a","Heartbeat",[]]'),
            ("null_payload", '[2,"a","Heartbeat"]'),
            ("numeric_ids", '[2,5.0,"Heartbeat",{}]'),
            ("numeric_ids", '[2,true,"Heartbeat",{}]'),
            ("trailing_elements", '[2,"a","Heartbeat"]'),
            ("trailing_elements", '[3,"a"]'),
            ("control_characters", '[2,"a","X",{"x":"\n\\ud800"}]'),
            ("control_characters", '[2,"a","X",{"x":"\n\ud800"}]'),
            ("control_characters", '[2,"a","X",{"x":"\n","y":NaN}]'),
            ("control_characters", '[2,"a","X",{"x":"\n","y":1e999}]'),
            ("control_characters", '[2,"a","X",{"x":"\n"}'),
            ("control_characters", '[2,"a","X",{"x":"\n"}]]'),
            ("control_characters", '[2,"a","X",{"x":"\n","y":' + deep(MAX_DEPTH) + "}]"),
        ],
    )
    def test_it_reads_no_more_than_its_name_says(self, name, text):
        assert isinstance(decode(text, ALL, Leniency(**{name: True})), Malformed)


class TestWriting:
    def test_messages_are_compact_json_with_text_as_it_is(self):
        payload = encode_payload({"a": [1, None, True], "ü": "⚡"})
        assert encode_message(MessageType.CALL, "i", "Ä", payload) == '[2,"i","Ä",{"a":[1,null,true],"ü":"⚡"}]'
        assert encode_result("i", {}) == '[3,"i",{}]'
        assert encode_error(4, "i", "GenericError", "why", {"k": 1}) == '[4,"i","GenericError","why",{"k":1}]'

    def test_a_description_is_cut_to_255_characters(self):
        """OCPP 2.0.1 Part 4 table 7."""
        assert json.loads(encode_error(4, "i", "GenericError", "⚡" * 300, {}))[3] == "⚡" * 255

    @each("payload", [None, [], "text", 5, (("a", 1),), {"a": object()}, {"a": {1, 2}}, {(1, 2): 3}])
    def test_a_payload_that_is_no_json_object_is_a_type_error(self, payload):
        with pytest.raises(TypeError):
            encode_payload(payload)

    @each("payload", [{"a": nan}, {"a": [inf]}, {"a": "\ud800"}, {"\udfff": 1}])
    def test_what_json_text_can_not_hold_is_a_value_error(self, payload):
        with pytest.raises(ValueError, match=r"expected JSON values in the payload, got (nan|inf|text|a key)"):
            encode_payload(payload)

    @each("levels", [MAX_DEPTH, 10_000])
    def test_a_payload_deeper_than_the_peer_may_read_is_a_value_error(self, levels):
        payload: dict[str, object] = {}
        for _ in range(levels - 1):
            payload = {"a": payload}
        with pytest.raises(ValueError, match=f"less than {MAX_DEPTH} levels"):
            encode_payload(payload)

    def test_a_payload_that_holds_itself_is_a_value_error(self):
        payload: dict[str, object] = {}
        payload["a"] = payload
        with pytest.raises(ValueError, match="nested less than 128"):
            encode_payload(payload)

    def test_the_deepest_payload_that_is_written_is_read(self):
        text = encode_message(2, "i", "X", encode_payload({"x": json.loads(deep(MAX_DEPTH - 2))}))
        assert isinstance(decode(text, ALL), list)

    @each(("text", "is_text"), [("", True), ("a⚡\U0001f600", True), ("\ud800", False), ("a\udfff", False)])
    def test_lone_surrogates_are_no_unicode(self, text, is_text):
        assert is_unicode(text) is is_text
