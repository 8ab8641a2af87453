"""Outbound CALLs whose payload, or whose answer's, breaks a rule."""

from math import nan

import pytest

from ocpp_core.actions import Direction, Report, ReportKind, Trace
from ocpp_core.config import ValidationRule
from ocpp_core.errors import (
    RPCError,
    RPCFormatViolationError,
    RPCNotImplementedError,
    RPCOccurrenceConstraintViolationError,
)
from ocpp_core.inputs import RefuseResult, StartCall
from ocpp_core.tolerance import DropMembers, QuirkBook, QuirkProfile, StationFacts, StationQuirks
from ocpp_core.versions import OCPP16, OCPP21, OCPP201
from tests.core.player import Strict, a_session, call, of, reports, sent, settled
from tests.kinds import mistyped
from tests.tables import each


class TestUnusableResults:
    """OCPP 2.1 Part 4 §4.2.3: CALLRESULTERROR; before 2.1 nothing may be sent about a CALLRESULT."""

    @each(("version", "answers"), [(OCPP16, []), (OCPP201, []), (OCPP21, ["FormatViolation"])])
    @each("text", ['[3,"id-1",null]', '[3,"id-1",{"bad":1}]', '[3,"id-1",{'])
    def test_fail_the_call_and_are_named_to_the_peer_where_the_version_can(self, version, answers, text):
        session = a_session(version, validator=Strict())
        session.play(call(1))
        done = session.hear(text)
        assert isinstance(settled(done)[1], RPCError)
        assert [frame[:3] for frame in sent(done)] == [[5, "id-1", code] for code in answers]

    def test_are_not_named_if_so_configured(self):
        session = a_session(OCPP21, validator=Strict(), answer_bad_results=False)
        session.play(call(1))
        assert sent(session.hear('[3,"id-1",{"bad":1}]')) == []

    def test_malformed_errors_are_never_answered(self):
        session = a_session(OCPP21)
        session.play(call(1))
        assert sent(session.hear('[4,"id-1"]')) == []


class TestStrictMode:
    def test_never_sends_what_breaks_the_schema(self):
        session = a_session(OCPP16, validator=Strict())
        done = session.play(StartCall(1, "Heartbeat", {"bad": 1}))
        error = settled(done)[1]
        assert isinstance(error, RPCOccurrenceConstraintViolationError)
        assert (error.code, error.description, error.remote) == (
            "OccurenceConstraintViolation",
            "call: bad is not allowed",
            False,
        )
        assert (sent(done), reports(done)) == ([], [ReportKind.INVALID_REQUEST])

    def test_is_loud_about_an_action_without_a_schema(self):
        error = settled(a_session(validator=Strict()).play(StartCall(1, "Vendor", {})))[1]
        assert isinstance(error, RPCNotImplementedError)
        assert "validate=False" in error.description

    def test_refuses_a_result_that_breaks_the_schema(self):
        session = a_session(OCPP16, validator=Strict())
        session.play(call(1))
        done = session.hear('[3,"id-1",{"bad":1}]')
        error = settled(done)[1]
        assert isinstance(error, RPCFormatViolationError)
        assert (error.code, error.remote) == ("FormationViolation", False)
        assert reports(done) == [ReportKind.INVALID_RESULT]
        assert of(Report, done)[0].action == "Heartbeat"

    def test_sends_no_null_that_it_would_tolerate(self):
        nulls = StationQuirks(QuirkBook([QuirkProfile(name="p", quirks=(DropMembers(),))]), StationFacts())
        session = a_session(OCPP16, validator=Strict(), tolerance=nulls)
        done = session.play(StartCall(1, "Heartbeat", {"bad": None}))
        assert (sent(done), reports(done)) == ([], [ReportKind.INVALID_REQUEST])
        assert of(Report, done)[0].action == "Heartbeat"

    @each("action", ["Heartbeat", "Vendor"])
    def test_can_be_skipped_for_one_call_in_both_directions(self, action):
        session = a_session(validator=Strict())
        session.play(StartCall(1, action, {"bad": 1}, validate=False))
        assert settled(session.hear('[3,"id-1",{"bad":2}]')) == {1: {"bad": 2}}

    def test_can_be_meant_for_some_actions_only(self):
        rules = [ValidationRule("strict", actions=["Reset"]), ValidationRule("off")]
        session = a_session(validator=Strict(), validation_rules=rules, call_concurrency=9)
        done = session.play(StartCall(1, "Heartbeat", {"bad": 1}), StartCall(2, "Reset", {"bad": 1}))
        assert list(settled(done)) == [2]


def test_a_report_carries_the_payload_that_was_refused():
    session = a_session(validator=Strict())
    report = of(Report, session.play(StartCall(1, "Heartbeat", {"bad": 1})))[0]
    assert (report.message, report.detail) == ({"bad": 1}, "call: bad is not allowed")


class TestRefusedResults:
    """`RefuseResult`: the application could not use a CALLRESULT (2.1 Part 4 §4.2.3)."""

    REFUSAL = RefuseResult("id-1", "FormationViolation", "no such tariff", {"k": 1}, "GetTariffs")

    @each(("version", "frames"), [(OCPP16, 0), (OCPP201, 0), (OCPP21, 1)])
    def test_are_named_to_the_peer_where_the_version_can(self, version, frames):
        session = a_session(version, trace=True)
        done = session.play(self.REFUSAL)
        assert sent(done) == [[5, "id-1", "FormatViolation", "no such tariff", {"k": 1}]] * frames
        assert [(trace.direction, trace.action) for trace in of(Trace, done)] == [
            (Direction.OUT, "GetTariffs")
        ] * frames

    @each(
        "misuse",
        [
            RefuseResult("", "X"),
            RefuseResult("i" * 37, "X"),
            RefuseResult("a", mistyped(None)),
            RefuseResult("a", "X", mistyped(None)),
            RefuseResult("a", "X", "", mistyped(["k"])),
            RefuseResult("a", "X", "", {"k": nan}),
            RefuseResult("a", "X", "\ud800"),
        ],
    )
    def test_of_what_can_not_be_sent_raise(self, misuse):
        session = a_session(OCPP21)
        with pytest.raises((TypeError, ValueError)):
            session.play(misuse)
        assert session.drain() == []
