"""Outbound CALLs: the window, the time-outs, the answers (OCPP-J §4.1.1, all versions)."""

from math import inf, nan

import pytest

from ocpp_core.actions import ReportKind
from ocpp_core.config import SessionConfig
from ocpp_core.errors import (
    CallDroppedError,
    OCPPError,
    RPCError,
    RPCFrameworkError,
    TimeoutError,
)
from ocpp_core.inputs import Reconfigure, StartCall, Tick
from ocpp_core.session import Open
from ocpp_core.versions import OCPP16, OCPP21, OCPP201
from tests.core.player import a_session, call, reports, sent, settled
from tests.tables import each


class TestCall:
    def test_is_written_at_once_when_the_window_is_free(self):
        session = a_session()
        assert sent(session.play(StartCall(1, "BootNotification", {"chargePointModel": "⚡"}))) == [
            [2, "id-1", "BootNotification", {"chargePointModel": "⚡"}]
        ]

    def test_settles_with_the_payload_of_its_answer(self):
        session = a_session()
        session.play(call(1))
        assert settled(session.hear('[3,"id-1",{"currentTime":"now"}]')) == {1: {"currentTime": "now"}}

    def test_travels_under_the_id_that_its_caller_chose(self):
        session = a_session()
        assert sent(session.play(call(1, message_id="mine"))) == [[2, "mine", "Heartbeat", {}]]

    def test_is_sent_as_it_was_when_it_was_made(self):
        session = a_session()
        payload = {"n": 1}
        session.play(call(1), StartCall(2, "Reset", payload))
        payload["n"] = 2
        assert sent(session.hear('[3,"id-1",{}]')) == [[2, "id-2", "Reset", {"n": 1}]]

    @each(
        ("misuse", "error", "expected"),
        [
            ({"action": ""}, TypeError, "action name"),
            ({"action": 5}, TypeError, "action name"),
            ({"action": "\ud800"}, TypeError, "action name"),
            ({"payload": None}, TypeError, "dict as payload"),
            ({"payload": []}, TypeError, "dict as payload"),
            ({"payload": {"a": object()}}, TypeError, "JSON values in the payload, got a object at payload.a"),
            ({"payload": {"a": nan}}, ValueError, "got nan at payload.a"),
            ({"message_id": ""}, ValueError, "1 to 36 characters"),
            ({"message_id": "i" * 37}, ValueError, "1 to 36 characters"),
            ({"message_id": "\ud800"}, ValueError, "1 to 36 characters"),
            ({"message_id": 5}, ValueError, "1 to 36 characters"),
            ({"timeout": 0}, ValueError, "timeout > 0 seconds"),
            ({"timeout": nan}, ValueError, "timeout > 0 seconds"),
            ({"timeout": 10**400}, ValueError, "timeout > 0 seconds"),
            ({"timeout": "5"}, ValueError, "timeout > 0 seconds"),
            ({"ttl": -1}, ValueError, "ttl > 0 seconds"),
            ({"protocol": "ocpp2.1"}, ValueError, "a call for ocpp1.6, got one for ocpp2.1"),
            ({"message_id": "in flight"}, ValueError, "expected an unused message id"),
            ({"message_id": "waits"}, ValueError, "expected an unused message id"),
        ],
    )
    def test_that_can_not_be_made_raises_and_changes_nothing(self, misuse, error, expected):
        session = a_session()
        session.play(call(1, message_id="in flight"), call(2, message_id="waits"))
        with pytest.raises(error, match=expected):
            session.play(StartCall(**{"token": 3, "action": "Reset", "payload": {}, **misuse}))
        assert (session.engine.calls.pending, session.engine.calls.waiting) == (1, 1)
        assert session.drain() == []

    def test_of_an_action_that_is_a_send_raises(self):
        with pytest.raises(ValueError, match="use notify instead"):
            a_session(OCPP21).play(StartCall(1, "NotifyPeriodicEventStream", {}))

    def test_may_use_an_id_again_once_it_was_answered(self):
        session = a_session()
        session.play(call(1, message_id="mine"))
        session.hear('[3,"mine",{}]')
        session.play(call(2, message_id="mine"))
        assert settled(session.hear('[3,"mine",{"n":2}]')) == {2: {"n": 2}}

    def test_whose_new_id_is_in_flight_already_settles_instead_of_hiding_the_other(self):
        """The id factory is the host's; one that makes what a caller chose must cost no call its settlement."""
        session = a_session(call_concurrency=2)
        session.play(call(1, message_id="id-1"))
        assert isinstance(settled(session.play(call(2)))[2], OCPPError)
        assert settled(session.hear('[3,"id-1",{"n":1}]')) == {1: {"n": 1}}


class TestWindow:
    """A sender must not send a CALL until its earlier CALLs were answered or timed out."""

    def test_holds_one_call_and_lets_the_next_go_when_it_is_answered(self):
        session = a_session()
        assert sent(session.play(call(1), call(2), call(3))) == [[2, "id-1", "Heartbeat", {}]]
        assert sent(session.hear('[3,"id-1",{}]')) == [[2, "id-2", "Heartbeat", {}]]
        assert sent(session.hear('[4,"id-2","GenericError","",{}]')) == [[2, "id-3", "Heartbeat", {}]]

    def test_is_as_wide_as_configured(self):
        session = a_session(call_concurrency=2)
        assert len(sent(session.play(call(1), call(2), call(3)))) == 2
        assert (session.engine.calls.pending, session.engine.calls.waiting) == (2, 1)

    def test_widens_when_reconfigured(self):
        session = a_session()
        session.play(call(1), call(2), call(3))
        assert len(sent(session.play(Reconfigure(SessionConfig(call_concurrency=3))))) == 2

    def test_does_not_wait_for_an_inbound_call(self):
        session = a_session()
        session.hear('[2,"theirs","Reset",{}]')
        assert len(sent(session.play(call(1)))) == 1

    def test_takes_answers_in_any_order(self):
        session = a_session(call_concurrency=2)
        session.play(call(1), call(2))
        assert settled(session.hear('[3,"id-2",{"n":2}]', '[3,"id-1",{"n":1}]')) == {2: {"n": 2}, 1: {"n": 1}}

    def test_has_a_bounded_queue_before_it(self):
        session = a_session(max_queued=1)
        session.play(call(1), call(2))
        assert isinstance(settled(session.play(call(3)))[3], CallDroppedError)
        assert session.engine.calls.waiting == 1

    def test_has_a_queue_bounded_in_bytes(self):
        session = a_session(max_queued_bytes=97)
        session.play(call(1), *(StartCall(token, "X", {"a": "é" * 20}) for token in (2, 3)))
        error = settled(session.play(call(4)))[4]
        assert isinstance(error, CallDroppedError)
        assert str(error) == "the queue is full: expected calls of at most 97 bytes together"
        session.hear('[3,"id-1",{}]')
        assert settled(session.play(call(5))) == {}

    def test_is_reached_first_by_urgent_calls_in_their_order(self):
        session = a_session()
        session.play(call(1), call(2), call(3, urgent=True), call(4, urgent=True), call(5))
        for message_id in ("id-1", "id-2", "id-3", "id-4", "id-5"):
            session.hear(f'[3,"{message_id}",{{}}]')
        assert list(settled(session.log)) == [1, 3, 4, 2, 5]


class TestTimeout:
    """Runs from the write (§4.1.1: "since the message was sent")."""

    def test_settles_the_call_and_frees_the_window(self):
        session = a_session(call_timeout=30)
        session.play(call(1), call(2))
        assert session.engine.deadline == 30
        done = session.wait(30)
        error = settled(done)[1]
        assert isinstance(error, TimeoutError)
        assert (str(error), error.sent, error.message_id) == ("no response to Heartbeat within 30 s", True, "id-1")
        assert sent(done) == [[2, "id-2", "Heartbeat", {}]]

    def test_of_a_call_that_waited_starts_when_it_is_written(self):
        session = a_session(call_timeout=30)
        session.play(call(1), call(2))
        session.wait(20)
        session.hear('[3,"id-1",{}]')
        assert session.engine.deadline == 50

    def test_can_be_chosen_for_a_call(self):
        session = a_session(call_timeout=30)
        session.play(call(1, timeout=5))
        assert session.engine.deadline == 5

    def test_of_inf_never_comes(self):
        session = a_session()
        session.play(call(1, timeout=inf))
        assert session.engine.deadline == inf

    def test_is_not_hastened_by_early_ticks(self):
        session = a_session(call_timeout=30)
        session.play(call(1), Tick(), Tick())
        session.now = 29.9
        assert session.play(Tick()) == []
        assert session.engine.deadline == 30

    def test_lets_a_late_answer_be_a_report_and_no_more(self):
        session = a_session(call_timeout=30, max_bad_messages=1)
        session.play(call(1))
        session.wait(30)
        assert reports(session.hear('[3,"id-1",{}]')) == [ReportKind.LATE_ANSWER]

    def test_lets_a_late_answer_come_as_often_as_it_likes(self):
        session = a_session(call_timeout=30, max_bad_messages=1)
        session.play(call(1))
        session.wait(30)
        done = session.hear('[3,"id-1",{}]', '[3,"id-1",{}]', '[4,"id-1","GenericError","",{}]')
        assert reports(done) == [ReportKind.LATE_ANSWER] * 3

    def test_is_remembered_of_so_many_calls(self):
        session = a_session(call_timeout=30, call_concurrency=100)
        session.play(*(call(n) for n in range(1, 66)))
        session.wait(30)
        done = session.hear('[3,"id-1",{}]', '[3,"id-2",{}]')
        assert reports(done) == [ReportKind.UNMATCHED_ANSWER, ReportKind.LATE_ANSWER]


class TestTimeToLive:
    """Runs from the command to the write; after it the call is never sent."""

    def test_settles_a_call_that_still_waits(self):
        session = a_session()
        session.play(call(1), call(2, ttl=5))
        error = settled(session.wait(5))[2]
        assert isinstance(error, TimeoutError)
        assert (str(error), error.sent) == ("Heartbeat was not sent within its time to live", False)
        assert sent(session.hear('[3,"id-1",{}]')) == []

    def test_ends_when_the_call_is_written(self):
        session = a_session(call_timeout=30)
        session.play(call(1, ttl=5))
        assert session.wait(29) == []

    def test_is_kept_even_if_the_tick_is_late(self):
        """The answer that frees the window may be read before the host's timer runs."""
        session = a_session()
        session.play(call(1), call(2, ttl=5), call(3))
        session.now = 6
        done = session.hear('[3,"id-1",{}]')
        assert isinstance(settled(done)[2], TimeoutError)
        assert sent(done) == [[2, "id-2", "Heartbeat", {}]]

    def test_defaults_to_the_config(self):
        session = a_session(call_ttl=5)
        session.play(call(1), call(2))
        assert list(settled(session.wait(5))) == [2]


class TestAnswers:
    @each("version", [OCPP16, OCPP201, OCPP21])
    def test_with_an_error_keep_code_description_and_details(self, version):
        session = a_session(version)
        session.play(call(1))
        error = settled(session.hear('[4,"id-1","VendorError","why ⚡",{"k":[1]}]'))[1]
        assert type(error) is RPCError
        assert (error.code, error.description, error.details, error.remote) == (
            "VendorError",
            "why ⚡",
            {"k": [1]},
            True,
        )

    @each(
        "text",
        [
            '[3,"id-1"]',
            '[3,"id-1",null]',
            '[3,"id-1",[]]',
            '[3,"id-1",{},{}]',
            '[3,"id-1",{"x":',
            '[3,"id-1",{"x":NaN}]',
            '[4,"id-1"]',
            '[4,"id-1",500,"",{}]',
            '[4,"id-1","GenericError","',
        ],
    )
    @each("version", [OCPP16, OCPP201])
    def test_that_are_malformed_settle_the_call_at_once_and_are_not_answered(self, version, text):
        session = a_session(version)
        session.play(call(1), call(2))
        done = session.hear(text)
        assert isinstance(settled(done)[1], RPCFrameworkError)
        assert reports(done) == [ReportKind.BAD_MESSAGE]
        assert sent(done) == [[2, "id-2", "Heartbeat", {}]]
        assert list(settled(session.wait(60))) == [2], "the time-out of the first one is disarmed"

    @each("text", ['[3,"zz",{}]', '[4,"zz","GenericError","",{}]', '[4,"-1","RpcFrameworkError","",{}]'])
    def test_to_no_call_of_ours_are_reported_and_dropped(self, text):
        session = a_session(OCPP21)
        session.play(call(1))
        done = session.hear(text)
        assert reports(done) == [ReportKind.UNMATCHED_ANSWER]
        assert (sent(done), settled(done), session.engine.calls.pending) == ([], {}, 1)

    @each("first", ['[3,"id-1",{"n":1}]', '[4,"id-1","GenericError","",{}]', '[3,"id-1",null]'])
    @each("second", ['[3,"id-1",{"n":2}]', '[4,"id-1","GenericError","",{}]'])
    def test_may_come_again_but_count_once_and_are_no_bad_messages(self, first, second):
        session = a_session(max_bad_messages=2)
        session.play(call(1))
        assert list(settled(session.hear(first))) == [1]
        done = session.hear(second, second)
        assert (settled(done), reports(done)) == ({}, [ReportKind.REPEATED_ANSWER] * 2)
        assert isinstance(session.engine.state, Open)

    def test_that_come_again_are_known_for_the_newest_calls(self):
        session = a_session()
        for number in range(1, 18):
            session.play(call(number))
            session.hear(f'[3,"id-{number}",{{}}]')
        done = session.hear('[3,"id-1",{}]', '[3,"id-2",{}]')
        assert reports(done) == [ReportKind.UNMATCHED_ANSWER, ReportKind.REPEATED_ANSWER]
