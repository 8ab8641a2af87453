"""Inbound CALLs and SENDs, and the one answer each CALL gets."""

from itertools import count
from math import nan

import pytest

from ocpp_core.actions import Abandon, Dispatch, Report, ReportKind, Trace
from ocpp_core.config import SessionConfig, ValidationRule
from ocpp_core.errors import RPCFormationViolationError, RPCOccurrenceConstraintViolationError
from ocpp_core.inputs import Close, Decline, Fail, Reconfigure, Reply, TransportLost
from ocpp_core.session import Session
from ocpp_core.versions import OCPP16, OCPP21, OCPP201
from tests.core.player import Player, Strict, a_session, counting_ids, dispatched, of, reports, sent
from tests.kinds import mistyped
from tests.tables import each


def a_call(message_id="a", payload="{}", action="Heartbeat"):
    return f'[2,"{message_id}","{action}",{payload}]'


SEND = '[6,"s","NotifyPeriodicEventStream",{}]'


class TestCall:
    def test_is_dispatched_with_all_a_handler_needs(self):
        assert a_session().hear(a_call(payload='{"n":1}')) == [
            Dispatch(1, "Heartbeat", {"n": 1}, "a", expects_reply=True)
        ]

    def test_is_answered_by_its_id(self):
        session = a_session()
        session.hear(a_call("a"), a_call("b"))
        assert sent(session.play(Reply(2, {"n": 2}), Reply(1, {"n": 1}))) == [[3, "b", {"n": 2}], [3, "a", {"n": 1}]]

    def test_is_answered_once(self):
        session = a_session()
        session.hear(a_call())
        session.play(Reply(1, {}))
        assert session.play(Reply(1, {}), Fail(1, "InternalError"), Decline(1)) == []

    def test_may_have_an_empty_id(self):
        session = a_session()
        session.hear(a_call(""))
        assert sent(session.play(Reply(1, {}))) == [[3, "", {}]]

    def test_whose_number_is_unknown_gets_nothing(self):
        assert a_session().play(Reply(99, {}), Fail(99, "InternalError"), Decline(99)) == []


class TestError:
    @each(("version", "code"), [(OCPP16, "OccurenceConstraintViolation"), (OCPP21, "OccurrenceConstraintViolation")])
    def test_says_code_description_and_details_of_the_handler(self, version, code):
        session = a_session(version)
        session.hear(a_call())
        done = session.play(Fail(1, "OccurrenceConstraintViolation", "no ⚡", {"k": [1]}))
        assert sent(done) == [[4, "a", code, "no ⚡", {"k": [1]}]]

    def test_has_empty_details_by_default(self):
        session = a_session()
        session.hear(a_call())
        assert sent(session.play(Fail(1, "VendorError"))) == [[4, "a", "VendorError", "", {}]]

    @each("details", [{"k": nan}, {"k": object()}, {"k": "\ud800"}, ["k"]])
    def test_is_sent_without_details_that_are_no_json(self, details):
        session = a_session()
        session.hear(a_call())
        done = session.play(Fail(1, "VendorError", "why", details))
        assert sent(done) == [[4, "a", "VendorError", "why", {}]]
        assert reports(done) == [ReportKind.INVALID_REPLY]

    def test_is_sent_with_what_is_no_unicode_replaced(self):
        session = a_session()
        session.hear(a_call())
        assert sent(session.play(Fail(1, "X\ud800", "why \udfff")))[0][:4] == [4, "a", "X?", "why ?"]

    @each("misuse", [Fail(1, mistyped(None)), Fail(1, "X", mistyped(None)), Fail(1, "X", mistyped(ValueError()))])
    def test_with_a_code_or_description_that_is_no_text_raises_and_leaves_the_call_open(self, misuse):
        session = a_session()
        session.hear(a_call())
        with pytest.raises(TypeError, match="as text"):
            session.play(misuse)
        assert sent(session.play(Reply(1, {}))) == [[3, "a", {}]]


class TestOwnFault:
    """A bad handler result is our InternalError, never the peer's schema error, and tells the peer nothing more."""

    @each("payload", [None, [], "text", {"x": object()}, {"x": nan}, {"x": "\ud800"}])
    def test_a_result_that_is_no_json_object(self, payload):
        session = a_session()
        session.hear(a_call())
        done = session.play(Reply(1, payload))
        assert sent(done) == [[4, "a", "InternalError", "the receiver could not make a valid result", {}]]
        assert reports(done) == [ReportKind.INVALID_REPLY]
        assert of(Report, done)[0].detail.startswith("Heartbeat CALLRESULT: ")
        assert of(Report, done)[0].action == "Heartbeat"

    def test_a_result_that_breaks_its_schema(self):
        session = a_session(validator=Strict())
        session.hear(a_call())
        done = session.play(Reply(1, {"bad": 1}))
        assert sent(done) == [[4, "a", "InternalError", "the receiver could not make a valid result", {}]]
        report = of(Report, done)[0]
        assert report.detail == "result: bad is not allowed"
        assert isinstance(report.error, RPCFormationViolationError)


class TestRepeatedCall:
    """A sender may repeat a CALL under its id (2.0.1 edition 3 errata 4.6): one id has one outcome."""

    @each("version", [OCPP16, OCPP201, OCPP21])
    @each("again", [a_call(payload='{"n":1,"m":2}'), ' [2,"a","Heartbeat",{"m":2, "n":1}]'])
    def test_joins_the_first_one_however_often_it_comes(self, version, again):
        session = a_session(version)
        session.hear(a_call(payload='{"n":1,"m":2}'))
        for _ in range(2):
            done = session.hear(again)
            assert (sent(done), dispatched(done), reports(done)) == ([], [], [ReportKind.REPEATED_CALL])
        assert sent(session.play(Reply(1, {"n": 1}))) == [[3, "a", {"n": 1}]]

    @each("answer", [Fail(1, "VendorError"), Reply(1, {"n": nan})])
    def test_shares_an_error_too(self, answer):
        session = a_session()
        session.hear(a_call(), a_call())
        assert len(sent(session.play(answer))) == 1
        assert dispatched(session.hear(a_call())) == [2], "after an error it is tried again"

    def test_joins_whatever_the_handler_did_to_its_payload(self):
        session = a_session()
        (request,) = session.hear(a_call(payload='{"n":1}'))
        request.payload.clear()
        assert reports(session.hear(a_call(payload='{"n":1}'))) == [ReportKind.REPEATED_CALL]


class TestDuplicateId:
    """OCPP-J 1.6 §4.2.3: another CALL whose id is still in progress is refused."""

    @each(
        ("version", "code"), [(OCPP16, "GenericError"), (OCPP201, "RpcFrameworkError"), (OCPP21, "RpcFrameworkError")]
    )
    @each("other", [a_call(payload='{"other":1}'), a_call(action="Reset")])
    def test_is_refused_however_often_it_comes_and_the_first_goes_on(self, version, code, other):
        session = a_session(version)
        session.hear(a_call())
        for _ in range(2):
            done = session.hear(other)
            assert [frame[:3] for frame in sent(done)] == [[4, "a", code]]
            assert (dispatched(done), reports(done)) == ([], [ReportKind.DUPLICATE_ID])
        assert sent(session.play(Reply(1, {"n": 1}))) == [[3, "a", {"n": 1}]]

    def test_may_be_used_again_after_the_answer(self):
        session = a_session()
        session.hear(a_call())
        session.play(Reply(1, {}))
        assert dispatched(session.hear(a_call())) == [2]

    def test_of_a_call_of_ours_is_another_id(self):
        """Each sender has its own ids (OCPP-J §4.1.4)."""
        session = a_session()
        session.hear(a_call("id-1"))
        assert sent(session.play(Reply(1, {}))) == [[3, "id-1", {}]]


class TestNoReply:
    """`Decline`: nothing is sent, the id stays in flight, one answer is possible later."""

    def test_keeps_the_id_in_flight(self):
        session = a_session()
        session.hear(a_call())
        assert session.play(Decline(1), Decline(1)) == []
        assert reports(session.hear(a_call())) == [ReportKind.REPEATED_CALL]
        assert reports(session.hear(a_call(action="Reset"))) == [ReportKind.DUPLICATE_ID]

    @each(
        ("answer", "frame"),
        [(Reply(1, {"n": 1}), [3, "a", {"n": 1}]), (Fail(1, "VendorError"), [4, "a", "VendorError", "", {}])],
    )
    def test_allows_one_answer_later(self, answer, frame):
        session = a_session()
        session.hear(a_call())
        session.play(Decline(1))
        session.wait(3600)
        assert sent(session.play(answer)) == [frame]
        assert session.play(answer) == []

    def test_allows_none_after_the_connection(self):
        session = a_session()
        session.hear(a_call())
        session.play(Decline(1))
        assert of(Abandon, session.play(TransportLost())) == [Abandon(1)]
        assert session.play(Reply(1, {})) == []

    def test_is_bounded_and_gives_up_the_oldest(self):
        session = a_session(max_declined=2)
        session.hear(a_call("a"), a_call("b"), a_call("c"))
        assert session.play(Decline(1), Decline(2)) == []
        assert session.play(Decline(3)) == [Abandon(1)]
        assert session.play(Reply(1, {})) == []
        assert dispatched(session.hear(a_call("a"))) == [4]

    def test_does_not_count_as_in_progress(self):
        session = a_session(max_inbound=1)
        session.hear(a_call("a"))
        session.play(Decline(1))
        assert dispatched(session.hear(a_call("b"))) == [2]


class TestStrictMode:
    @each(("version", "code"), [(OCPP16, "OccurenceConstraintViolation"), (OCPP201, "OccurrenceConstraintViolation")])
    def test_refuses_a_call_that_breaks_its_schema_and_the_handler_never_sees_it(self, version, code):
        session = a_session(version, validator=Strict())
        done = session.hear(a_call(payload='{"bad":1}'))
        assert sent(done) == [[4, "a", code, "call: bad is not allowed", {}]]
        assert (dispatched(done), reports(done)) == ([], [ReportKind.INVALID_CALL])
        error = of(Report, done)[0].error
        assert isinstance(error, RPCOccurrenceConstraintViolationError)
        assert (error.code, error.description) == (code, "call: bad is not allowed")
        assert of(Report, done)[0].action == "Heartbeat"

    def test_checks_only_the_actions_it_is_meant_for(self):
        rules = [ValidationRule("strict", actions=["Reset"]), ValidationRule("off")]
        session = a_session(validator=Strict(), validation_rules=rules)
        assert dispatched(session.hear(a_call(payload='{"bad":1}'))) == [1]
        assert sent(session.play(Reply(1, {"bad": 1}))) == [[3, "a", {"bad": 1}]]

    def test_can_be_switched_on_and_off(self):
        session = a_session()
        session.play(Reconfigure(SessionConfig(validator=Strict())))
        assert dispatched(session.hear(a_call(payload='{"bad":1}'))) == []
        session.play(Reconfigure(SessionConfig()))
        assert dispatched(session.hear(a_call(payload='{"bad":1}'))) == [1]


class TestSend:
    """OCPP 2.1 Part 4 §4.2.4: a SEND is never answered, whatever is wrong with it."""

    def test_is_dispatched_as_a_message_without_answer(self):
        session = a_session(OCPP21)
        assert session.hear(SEND) == [Dispatch(1, "NotifyPeriodicEventStream", {}, "s", expects_reply=False)]

    @each("end", [Reply(1, {}), Reply(1, mistyped(None)), Fail(1, "InternalError"), Decline(1)])
    def test_ends_without_an_answer(self, end):
        session = a_session(OCPP21)
        session.hear(SEND)
        assert session.play(end) == []
        assert len(session.engine.requests) == 0

    @each(
        "text",
        [
            '[6,"s","Heartbeat",{}]',
            '[6,"s","NotifyPeriodicEventStream",null]',
            '[6,"s","NotifyPeriodicEventStream"]',
            '[6,"s","NotifyPeriodicEventStream",{',
            '[6,5,"NotifyPeriodicEventStream",{}]',
        ],
    )
    def test_that_is_malformed_is_a_bad_message_without_an_answer(self, text):
        done = a_session(OCPP21, validator=Strict()).hear(text)
        assert (sent(done), dispatched(done), reports(done)) == ([], [], [ReportKind.BAD_MESSAGE])

    def test_does_not_occupy_an_id(self):
        session = a_session(OCPP21)
        assert dispatched(session.hear(SEND, SEND, a_call("s"))) == [1, 2, 3]


class TestEndOfTheConnection:
    @each("end", [TransportLost(), Close(drain=False), Close(force=True)])
    def test_abandons_what_runs_and_takes_no_answer_any_more(self, end):
        session = a_session()
        session.hear(a_call("a"), a_call("b"))
        session.play(Decline(2))
        assert of(Abandon, session.play(end)) == [Abandon(1), Abandon(2)]
        assert session.play(Reply(1, {}), Fail(2, "InternalError")) == []
        assert len(session.engine.requests) == 0

    def test_makes_numbers_that_no_other_connection_has(self):
        """Reply ids never cross connections: a late answer finds no request of that number."""
        numbers = count(1)
        first, second = (
            Player(Session(SessionConfig(), OCPP16, ids=counting_ids(), numbers=numbers)) for _ in range(2)
        )
        assert dispatched(first.hear(a_call())) == [1]
        assert dispatched(second.hear(a_call())) == [2]
        first.play(TransportLost())
        assert second.play(Reply(1, {"late": True})) == []
        assert sent(second.play(Reply(2, {}))) == [[3, "a", {}]]


class TestTrace:
    """Every answer names its action and how long it took."""

    @each("answer", [Reply(1, {}), Reply(1, {"x": nan}), Fail(1, "VendorError")])
    def test_of_an_answer(self, answer):
        session = a_session(trace=True)
        session.hear(a_call())
        session.wait(2)
        trace = of(Trace, session.play(answer))[0]
        assert (trace.direction.value, trace.action, trace.latency) == ("out", "Heartbeat", 2)

    def test_of_a_refusal(self):
        session = a_session(trace=True, max_inbound=1, refuse_when_busy=True)
        session.hear(a_call("a"))
        traces = of(Trace, session.hear(a_call("a", '{"other":1}'), a_call("b")))
        assert [(trace.direction.value, trace.action) for trace in traces] == [
            ("in", "Heartbeat"),
            ("out", "Heartbeat"),
        ] * 2

    def test_is_off_by_default(self):
        session = a_session()
        session.hear(a_call())
        session.play(Reply(1, {}))
        assert of(Trace, session.log) == []
