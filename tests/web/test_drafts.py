"""Verdicts of the editor on a text."""

import json

import pytest

from web.station.page import drafts


class TestThePayloadOfAnAction:
    def test_one_that_conforms_becomes_a_call(self) -> None:
        verdict = drafts.read_payload("ocpp1.6", "Authorize", '{"idTag": "A1"}')
        assert verdict.is_good
        assert verdict.words == "Conforms to the schema."
        assert verdict.draft is not None
        assert verdict.draft.frame[0] == 2
        assert (verdict.draft.action, verdict.draft.payload) == ("Authorize", {"idTag": "A1"})

    def test_one_that_is_never_answered_becomes_a_send(self) -> None:
        text = drafts.payload_skeleton("ocpp2.1", "NotifyPeriodicEventStream")
        verdict = drafts.read_payload("ocpp2.1", "NotifyPeriodicEventStream", text)
        assert verdict.is_good
        assert verdict.draft is not None
        assert (verdict.draft.frame[0], verdict.draft.kind) == (6, "send")

    def test_what_breaks_the_schema_is_named(self) -> None:
        verdict = drafts.read_payload("ocpp1.6", "Authorize", "{}")
        assert not verdict.is_good
        assert verdict.draft is not None
        assert (
            verdict.words == "OccurrenceConstraintViolation: Authorize CALL payload violates required: idTag is missing"
        )

    def test_what_is_no_json_is_told_by_line_and_column(self) -> None:
        verdict = drafts.read_payload("ocpp1.6", "Authorize", '{\n  "idTag": A1}')
        assert verdict.draft is None
        assert verdict.words == "Malformed JSON: Expecting value at line 2, column 12."

    def test_text_can_be_wrapped_as_it_is(self) -> None:
        assert json.loads(drafts.wrapped("ocpp1.6", "Authorize", "[1]"))[2:] == ["Authorize", [1]]
        assert drafts.wrapped("ocpp1.6", "Authorize", "{oops").endswith(',"Authorize",{oops]')


class TestAWholeFrame:
    def test_the_skeleton_of_every_action_is_good(self) -> None:
        for protocol, action in (("ocpp1.6", "BootNotification"), ("ocpp2.1", "NotifyPeriodicEventStream")):
            verdict = drafts.read_frame(protocol, drafts.frame_skeleton(protocol, action))
            assert verdict.is_good
            assert verdict.draft is not None
            assert verdict.draft.frame[0] == (2 if protocol == "ocpp1.6" else 6)

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("{", "Malformed JSON"),
            ("{}", "an array that begins with"),
            ("[]", "an array that begins with"),
            ('[7, "1"]', "an array that begins with"),
            ('[2, "1", "Heartbeat"]', "has 4 elements, not 3"),
            ('[2, "", "Heartbeat", {}]', "1 to 36 characters"),
            ('[2, 1, "Heartbeat", {}]', "1 to 36 characters"),
            ('[2, "1", 5, {}]', "third element is a text"),
            ('[2, "1", "Heartbeat", []]', "last element is an object"),
            ('[[], "1"]', "an array that begins with"),
            ('[2.0, "1", "Heartbeat", {}]', "an array that begins with"),
            ('[2, "1", "Heartbeat", NaN]', "Malformed JSON"),
            ('[2, "1", "\\ud800", {}]', "Malformed JSON"),
            ("[" * 100_000, "nested more than 128 levels deep"),
        ],
    )
    def test_what_is_no_message_is_told(self, text: str, words: str) -> None:
        verdict = drafts.read_frame("ocpp1.6", text)
        assert verdict.draft is None
        assert words in verdict.words

    @pytest.mark.parametrize("text", ['[2, "1", "Heartbeat", {"a": 1}]', '[2, "1", "Brew", {}]', '[3, "1", {}]'])
    def test_is_a_message_whatever_it_says(self, text: str) -> None:
        assert drafts.is_message("ocpp1.6", text)

    @pytest.mark.parametrize(
        "text", ["{oops", "[[]]", '[2, "1", "Heartbeat", []]', '[6, "1", "Heartbeat", {}]', "[" * 9999]
    )
    def test_is_no_message_where_the_client_would_not_list_it_as_one(self, text: str) -> None:
        assert not drafts.is_message("ocpp1.6", text)

    @pytest.mark.parametrize("text", ['[3, "1", {}]', '[4, "1", "GenericError", "", {}]'])
    def test_of_an_answer_only_the_form_is_checked(self, text: str) -> None:
        verdict = drafts.read_frame("ocpp1.6", text)
        assert verdict.is_good
        assert "only its form" in verdict.words

    def test_an_unknown_action_has_no_schema(self) -> None:
        verdict = drafts.read_frame("ocpp1.6", '[2, "1", "Brew", {}]')
        assert verdict.is_good
        assert verdict.words == "Brew is not an action of ocpp1.6, so there is no schema to check."

    def test_a_call_is_no_send(self) -> None:
        assert drafts.read_frame("ocpp2.1", '[6, "1", "Heartbeat", {}]').words == "Heartbeat is not a SEND in ocpp2.1."
