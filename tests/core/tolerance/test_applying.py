"""What is done for peers that break the rules: nulls for absent members, and texts mended by the application."""

import json

import pytest

from ocpp_core.actions import Dispatch, Report, ReportKind, Trace
from ocpp_core.config import SessionConfig
from ocpp_core.inputs import Reply, StartCall, TextReceived
from ocpp_core.tolerance import DropMembers, QuirkBook, QuirkProfile, StationFacts, StationQuirks
from ocpp_core.validation import create_validator
from ocpp_core.versions import OCPP21
from tests.core.player import a_session, of, reports, sent, settled
from tests.kinds import mistyped
from tests.tables import each

LIST = {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "string"}}}}
SCHEMA = {"required": ["must"], "properties": {"must": {"type": "integer"}, "info": {"type": "string"}, "list": LIST}}
VALIDATOR = create_validator(
    "vendor", {"X": {"call": SCHEMA, "result": SCHEMA}, "NotifyPeriodicEventStream": {"send": SCHEMA}}
)
NULLS_BOOK = QuirkBook([QuirkProfile(name="nulls", quirks=(DropMembers(what=("null",)),))])
NULLS = '{"must":1,"info":null,"list":[{"a":null,"b":[2]}]}'
BARE = {"must": 1, "list": [{"b": [2]}]}


def forgiving() -> StationQuirks:
    return StationQuirks(NULLS_BOOK, StationFacts())


class TestNullMembers:
    """A quirk that leaves out members that are null, in strict mode and in what is received."""

    @each("text", [f'[2,"a","X",{NULLS}]', f'[6,"a","NotifyPeriodicEventStream",{NULLS}]'])
    def test_of_a_call_and_a_send_are_absent_for_the_handler(self, text):
        done = a_session(OCPP21, validator=VALIDATOR, tolerance=forgiving(), trace=True).hear(text)
        assert of(Dispatch, done)[0].payload == BARE
        assert of(Trace, done)[0].frame == json.loads(text)
        assert reports(done) == [ReportKind.QUIRK]

    @each("text", [f'[2,"b","X",{NULLS}]', f'[6,"b","NotifyPeriodicEventStream",{NULLS}]'])
    def test_are_absent_from_what_was_held_as_well(self, text):
        session = a_session(OCPP21, validator=VALIDATOR, tolerance=forgiving(), max_inbound=1)
        session.hear('[2,"a","X",{"must":1}]', text)
        assert of(Dispatch, session.play(Reply(1, {"must": 1})))[0].payload == BARE

    def test_make_no_other_call_of_a_copy(self):
        session = a_session(validator=VALIDATOR, tolerance=forgiving())
        session.hear(f'[2,"a","X",{NULLS}]')
        assert reports(session.hear(f'[2, "a", "X", {NULLS}]')) == [ReportKind.REPEATED_CALL]

    def test_of_a_result_are_absent_for_the_caller(self):
        session = a_session(validator=VALIDATOR, tolerance=forgiving())
        session.play(StartCall(1, "X", {"must": 1}))
        assert settled(session.hear(f'[3,"id-1",{NULLS}]')) == {1: BARE}

    @each(("payload", "tolerance"), [(NULLS, None), ('{"must":null}', forgiving()), ("[null]", forgiving())])
    def test_are_refused_without_the_tolerance_and_where_they_are_needed(self, payload, tolerance):
        payload = payload if payload.startswith("{") else f'{{"must":{payload}}}'
        session = a_session(OCPP21, validator=VALIDATOR, tolerance=tolerance)
        assert sent(session.hear(f'[2,"a","X",{payload}]'))[0][2] == "TypeConstraintViolation"
        assert reports(session.hear(f'[6,"b","NotifyPeriodicEventStream",{payload}]')) == [ReportKind.INVALID_CALL]

    def test_are_kept_where_the_schema_or_nobody_minds(self):
        done = a_session(tolerance=forgiving()).hear(f'[2,"a","X",{NULLS}]')
        assert of(Dispatch, done)[0].payload == json.loads(NULLS)


def quoted(text):
    return text.replace("'", '"')


class TestMendedTexts:
    """`SessionConfig.mend_text`."""

    def test_are_parsed_in_the_place_of_what_came(self):
        done = a_session(mend_text=quoted).hear("[2,'a','X',{'n':1}]")
        assert of(Dispatch, done)[0].payload == {"n": 1}

    @each("broken", [ValueError("secret"), KeyboardInterrupt(), SystemExit(1)])
    def test_a_function_that_raises_is_reported_and_the_text_read_as_it_came(self, broken):
        def mend(text):
            raise broken

        done = a_session(mend_text=mend).hear('[2,"a","X",{}]', "[2,'b'")
        assert reports(done) == [ReportKind.MEND_FAILED, ReportKind.MEND_FAILED, ReportKind.BAD_MESSAGE]
        assert of(Report, done)[0].detail == f"mend_text raised {type(broken).__name__}"
        assert isinstance(of(Report, done)[0].error, Exception)
        assert of(Dispatch, done)[0].message_id == "a"
        assert "secret" not in str(sent(done))

    @each("wrong", [None, b"[]", 5])
    def test_what_is_no_text_is_reported_and_the_text_read_as_it_came(self, wrong):
        done = a_session(mend_text=lambda text: wrong).play(TextReceived('[2,"a","X",{}]'))
        assert reports(done) == [ReportKind.MEND_FAILED]
        assert of(Dispatch, done)[0].message_id == "a"

    def test_want_a_function(self):
        with pytest.raises(TypeError, match="mend_text as a function, got str"):
            SessionConfig(mend_text=mistyped("strip"))
