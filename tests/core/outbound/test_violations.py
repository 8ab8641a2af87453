"""Payloads that break their schema, by direction, message type, mode and version: refused, reported, or not checked."""

import json
from itertools import product
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocpp_core.actions import Direction, InvalidPayload, Report, ReportKind
from ocpp_core.config import FindRemedy, Kind, SessionConfig, ValidationMode, ValidationRule, Violation
from ocpp_core.errors import RPCError, RPCNotImplementedError
from ocpp_core.inputs import Notify, Reconfigure, Reply, StartCall
from ocpp_core.tolerance import DropMembers, QuirkBook, QuirkProfile, StationFacts, StationQuirks
from ocpp_core.versions import OCPP16, OCPP21, OCPP201, ErrorCode
from tests.core.player import (
    Strict,
    a_client,
    a_session,
    an_online_client,
    call,
    come_back,
    dispatched,
    lose,
    of,
    reports,
    sent,
    settled,
)
from tests.tables import each

SEND = "NotifyPeriodicEventStream"
BAD = {"bad": 1}
REPORT = ValidationRule("report")
MODES = get_args(ValidationMode)


# What each message with a bad payload does: True if it passed. The CALLs around a bad result are good.


def received_call(session):
    return dispatched(session.hear('[2,"a","Heartbeat",{"bad":1}]')) == [1]


def received_send(session):
    return dispatched(session.hear(f'[6,"a","{SEND}",{{"bad":1}}]')) == [1]


def received_result(session):
    session.play(call(1))
    return settled(session.hear('[3,"id-1",{"bad":1}]')) == {1: BAD}


def sent_call(session):
    return sent(session.play(StartCall(1, "Heartbeat", BAD))) == [[2, "id-1", "Heartbeat", BAD]]


def sent_send(session):
    return sent(session.play(Notify(1, SEND, BAD))) == [[6, "id-1", SEND, BAD]]


def sent_result(session):
    session.hear('[2,"a","Heartbeat",{}]')
    return sent(session.play(Reply(1, BAD))) == [[3, "a", BAD]]


MESSAGES: dict[tuple[Direction, Kind], Any] = {
    (Direction.IN, "call"): received_call,
    (Direction.IN, "send"): received_send,
    (Direction.IN, "result"): received_result,
    (Direction.OUT, "call"): sent_call,
    (Direction.OUT, "send"): sent_send,
    (Direction.OUT, "result"): sent_result,
}
REFUSED = {
    (Direction.IN, "call"): ReportKind.INVALID_CALL,
    (Direction.IN, "send"): ReportKind.INVALID_CALL,
    (Direction.IN, "result"): ReportKind.INVALID_RESULT,
    (Direction.OUT, "call"): ReportKind.INVALID_REQUEST,
    (Direction.OUT, "send"): ReportKind.INVALID_REQUEST,
    (Direction.OUT, "result"): ReportKind.INVALID_REPLY,
}
CASES = [
    (version, message, mode)
    for version, message, mode in product((OCPP16, OCPP201, OCPP21), MESSAGES, MODES)
    if message[1] != "send" or version is OCPP21
]


def invalid_in(session) -> list[InvalidPayload]:
    return [report.invalid for report in of(Report, session.log) if report.invalid is not None]


class TestABadPayload:
    @each(("version", "message", "mode"), CASES)
    def test_is_refused_reported_or_not_checked_as_its_rule_says(self, version, message, mode):
        direction, kind = message
        rules = [ValidationRule(mode, direction=direction.value, kind=kind), ValidationRule("off")]
        session = a_session(version, validator=Strict(), validation_rules=rules)
        assert MESSAGES[message](session) is (mode != "strict")
        expected = {"strict": [REFUSED[message]], "report": [ReportKind.TOLERATED], "off": []}
        assert reports(session.log) == expected[mode]
        for invalid in invalid_in(session):
            assert (invalid.direction, invalid.kind, invalid.payload) == (direction, kind, BAD)

    @each(("version", "message", "mode"), CASES)
    def test_of_another_direction_or_type_is_not_the_rule_s(self, version, message, mode):
        direction, kind = message
        others = [
            ValidationRule("off", direction="out" if direction == "in" else "in"),
            *(ValidationRule("off", kind=other) for other in get_args(Kind) if other != kind),
            ValidationRule(mode),
        ]
        session = a_session(version, validator=Strict(), validation_rules=others)
        assert MESSAGES[message](session) is (mode != "strict")

    @each("message", MESSAGES)
    def test_that_is_reported_is_described(self, message):
        session = a_session(OCPP21, validator=Strict(), validation_rules=[REPORT])
        MESSAGES[message](session)
        (report,) = of(Report, session.log)
        assert isinstance(report.error, RPCError)
        assert "bad is not allowed" in report.detail == report.invalid.violation.description
        assert report.action == report.invalid.action == (SEND if message[1] == "send" else "Heartbeat")
        assert report.message_id == report.invalid.message_id

    def test_of_a_response_is_reported_without_a_callresulterror(self):
        session = a_session(OCPP21, validator=Strict(), validation_rules=[REPORT])
        session.play(call(1))
        assert sent(session.hear('[3,"id-1",{"bad":1}]')) == []

    def test_that_is_forgiven_is_not_reported(self):
        nulls = StationQuirks(QuirkBook([QuirkProfile(name="p", quirks=(DropMembers(),))]), StationFacts())
        session = a_session(OCPP21, validator=Strict(), validation_rules=[REPORT], tolerance=nulls)
        assert dispatched(session.hear('[2,"a","Heartbeat",{"bad":null}]')) == [1]
        assert reports(session.log) == []

    def test_is_reported_once_when_its_call_waits_for_another_connection(self):
        session = SessionConfig(validator=Strict(), validation_rules=[REPORT])
        client = an_online_client(session=session, offline_queue=True)
        client.play(call(1), StartCall(2, "Heartbeat", BAD))
        lose(client)
        assert sent(come_back(client)) == [[2, "id-2", "Heartbeat", BAD]]
        assert reports(client.log).count(ReportKind.TOLERATED) == 1
        client.hear('[3,"id-2",{"bad":1}]', attempt=client.engine.state.attempt)
        assert reports(client.log).count(ReportKind.TOLERATED) == 2  # the response is another message


class TestAnActionWithoutASchema:
    @each(("mode", "is_sent", "reported"), [("strict", 0, 1), ("report", 1, 1), ("off", 1, 0)])
    def test_is_a_violation_when_it_is_called(self, mode, is_sent, reported):
        session = a_session(validator=Strict(), validation_rules=[ValidationRule(mode)])
        done = session.play(StartCall(1, "Vendor", {}))
        assert (len(sent(done)), len(invalid_in(session))) == (is_sent, reported)
        if mode == "strict":
            error = settled(done)[1]
            assert isinstance(error, RPCNotImplementedError)
            assert error.description.startswith("cannot send 'Vendor': ocpp1.6 has no schema for 'Vendor'; ")


class TestGoodPayloads:
    @each(("version", "mode"), product((OCPP16, OCPP201, OCPP21), MODES))
    def test_are_never_reported(self, version, mode):
        session = a_session(version, validator=Strict(), validation_rules=[ValidationRule(mode)])
        session.hear('[2,"a","Heartbeat",{}]')
        session.play(Reply(1, {}), call(1))
        assert settled(session.hear('[3,"id-1",{}]')) == {1: {}}
        assert reports(session.log) == []


class TestRules:
    @each(("version", "passes", "reported"), [(OCPP16, True, 1), (OCPP201, True, 0), (OCPP21, False, 1)])
    def test_are_of_the_negotiated_subprotocol(self, version, passes, reported):
        rules = [ValidationRule("report", protocols=["ocpp1.6"]), ValidationRule("off", protocols=["ocpp2.0.1"])]
        session = a_session(version, validator=Strict(), validation_rules=rules)
        assert (received_call(session), len(reports(session.log))) == (passes, reported)

    def test_are_of_the_subprotocol_of_each_connection_of_a_client(self):
        session = SessionConfig(validation_rules=[ValidationRule("report", protocols=["ocpp1.6"])])
        validators = {"ocpp1.6": Strict(), "ocpp2.1": Strict()}
        for subprotocol, is_sent in (("ocpp1.6", 1), ("ocpp2.1", 0)):
            client = an_online_client(subprotocol, session=session, validators=validators)
            assert len(sent(client.play(StartCall(1, "Heartbeat", BAD)))) == is_sent

    def test_can_be_changed_during_a_connection(self):
        session = a_session(validator=Strict())
        assert not received_call(session)
        rules = [ValidationRule("report", protocols=["ocpp1.6"])]
        session.play(Reconfigure(SessionConfig(validator=Strict(), validation_rules=rules)))
        assert received_call(session)

    def test_of_an_offline_call_are_those_of_its_connection(self):
        session = SessionConfig(validator=Strict(), validation_rules=[REPORT])
        client = a_client(session=session, offline_queue=True)
        client.play(StartCall(1, "Heartbeat", BAD))
        assert reports(client.log).count(ReportKind.TOLERATED) == 0


ACTIONS = st.sampled_from(["Heartbeat", "Reset", "BootNotification"])
NAMES = st.none() | st.lists(ACTIONS, min_size=1, max_size=2)
RULES = st.lists(
    st.builds(
        ValidationRule,
        st.sampled_from(MODES),
        actions=NAMES,
        protocols=st.none() | st.lists(st.sampled_from(["ocpp1.6", "ocpp2.1"]), min_size=1, max_size=2),
        direction=st.none() | st.sampled_from(["in", "out"]),
        kind=st.none() | st.sampled_from(get_args(Kind)),
    ),
    max_size=5,
)


class Refusing:
    """A validator that refuses every payload."""

    def has(self, action: str) -> bool:
        return True

    def check_call(self, action: str, payload: object) -> Violation | None:
        return Violation(ErrorCode.FORMAT_VIOLATION, json.dumps(payload))

    check_result = check_send = check_call

    def mend(self, kind: Kind, action: str, payload: object, find: FindRemedy) -> Any:
        return None


def first_match(rules, protocol, direction, kind, action):
    """Search the rules as their documentation says."""
    for rule in rules:
        conditions = (
            (rule.actions, action),
            (rule.protocols, protocol),
            (rule.direction and [rule.direction], direction),
            (rule.kind and [rule.kind], kind),
        )
        if all(allowed is None or value in allowed for allowed, value in conditions):
            return rule.mode
    return "strict"


@pytest.mark.parametrize("name", ["actions", "protocols"])
def test_a_rule_that_could_match_nothing_is_refused(name):
    with pytest.raises(ValueError, match=rf"expected {name} as a list of at least one name, or None for all, got \[\]"):
        ValidationRule("off", **dict[str, Any]({name: []}))


@given(RULES, st.sampled_from(["ocpp1.6", "ocpp2.1"]), st.sampled_from(list(MESSAGES)), ACTIONS | st.just("Invented"))
def test_what_a_config_makes_of_its_rules_is_what_the_first_that_matches_says(rules, protocol, message, action):
    direction, kind = message
    config = SessionConfig(validator=Refusing(), validation_rules=rules).in_protocol(protocol)
    expected = first_match(rules, protocol, direction.value, kind, action)
    assert config.validation_mode(direction.value, kind, action) == expected
    check = getattr(config, f"check_{'received' if direction is Direction.IN else 'sent'}_{kind}")
    assert (check is not None and check(action, {}) is not None) is (expected != "off")
