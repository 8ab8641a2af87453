"""Outbound CALLs that end otherwise: cancelled, raw, with the connection."""

from math import inf

import pytest

from ocpp_core.actions import ReportKind, SendText
from ocpp_core.errors import (
    CallCancelledError,
    ClosedError,
    ConnectionLostError,
    TimeoutError,
)
from ocpp_core.inputs import CancelCall, Close, SendRaw, TextReceived, Tick, TransportLost
from tests.core.player import Strict, a_session, call, of, reports, sent, settled
from tests.tables import each


class TestCancel:
    def test_of_a_call_that_waits_means_that_it_is_never_sent(self):
        session = a_session()
        session.play(call(1), call(2), call(3))
        error = settled(session.play(CancelCall(2)))[2]
        assert isinstance(error, CallCancelledError)
        assert error.sent is False
        assert sent(session.hear('[3,"id-1",{}]')) == [[2, "id-2", "Heartbeat", {}]]
        assert settled(session.hear('[3,"id-2",{"n":3}]')) == {3: {"n": 3}}

    def test_of_a_call_that_was_sent_keeps_its_window_slot_until_the_answer(self):
        session = a_session()
        session.play(call(1), call(2))
        done = session.play(CancelCall(1))
        assert isinstance(settled(done)[1], CallCancelledError)
        assert settled(done)[1].sent is True
        assert sent(done) == []
        done = session.hear('[3,"id-1",{}]')
        assert (settled(done), reports(done)) == ({}, [ReportKind.CANCELLED_ANSWER])
        assert sent(done) == [[2, "id-2", "Heartbeat", {}]]

    def test_of_a_call_that_was_sent_keeps_its_window_slot_until_the_time_out(self):
        session = a_session(call_timeout=30)
        session.play(call(1), call(2), CancelCall(1))
        done = session.wait(30)
        assert (settled(done), sent(done)) == ({}, [[2, "id-2", "Heartbeat", {}]])
        assert reports(session.hear('[3,"id-1",{}]')) == [ReportKind.LATE_ANSWER]

    def test_of_a_settled_or_unknown_call_is_nothing(self):
        session = a_session()
        session.play(call(1))
        session.hear('[3,"id-1",{}]')
        assert session.play(CancelCall(1), CancelCall(99)) == []

    def test_twice_settles_once(self):
        session = a_session()
        session.play(call(1))
        assert list(settled(session.play(CancelCall(1), CancelCall(1)))) == [1]


class TestRawCall:
    """`send_raw(text, expect_reply=True)`: a CALL as the caller wrote it."""

    RAW = '[2, "raw", "Heartbeat", {}]'

    def test_takes_a_window_slot_and_settles_with_the_answer(self):
        session = a_session()
        assert of(SendText, session.play(call(1), SendRaw(self.RAW, token=2))) == [
            SendText('[2,"id-1","Heartbeat",{}]')
        ]
        assert of(SendText, session.hear('[3,"id-1",{}]')) == [SendText(self.RAW)]
        assert settled(session.hear('[3,"raw",{"n":2}]')) == {2: {"n": 2}}

    def test_may_have_an_empty_id(self):
        session = a_session()
        session.play(SendRaw('[2,"","Heartbeat",{}]', token=1))
        assert settled(session.hear('[3,"",{}]')) == {1: {}}

    def test_times_out_like_any_other(self):
        session = a_session()
        session.play(SendRaw(self.RAW, token=1, timeout=5))
        assert isinstance(settled(session.wait(5))[1], TimeoutError)

    def test_is_not_checked_in_strict_mode(self):
        session = a_session(validator=Strict())
        session.play(SendRaw('[2,"raw","Vendor",{"bad":1}]', token=1))
        assert settled(session.hear('[3,"raw",{"bad":1}]')) == {1: {"bad": 1}}

    @each("text", ["", "hello", '[3,"raw",{}]', '[2,5,"Heartbeat",{}]', '[2,"' + "i" * 37 + '","X",{}]'])
    def test_that_is_no_call_raises_because_no_answer_could_come(self, text):
        with pytest.raises(ValueError, match="expected the text of a CALL"):
            a_session().play(SendRaw(text, token=1))

    def test_with_an_id_in_flight_raises(self):
        session = a_session()
        session.play(SendRaw(self.RAW, token=1))
        with pytest.raises(ValueError, match="expected an unused message id"):
            session.play(SendRaw(self.RAW, token=2))


class TestEndOfTheConnection:
    def test_leaves_the_outcome_of_sent_calls_unknown_and_of_others_certain(self):
        session = a_session()
        session.play(call(1), call(2))
        done = settled(session.play(TransportLost(1001, "going away")))
        assert all(isinstance(error, ConnectionLostError) for error in done.values())
        assert {token: (error.sent, error.close_code) for token, error in done.items()} == {
            1: (True, 1001),
            2: (False, 1001),
        }
        assert str(done[1]).endswith("the connection ended (1001: going away) before Heartbeat was answered")

    def test_frees_everything(self):
        session = a_session()
        session.play(call(1, timeout=5), call(2, ttl=5), TransportLost())
        assert (session.engine.deadline, session.engine.calls.pending, session.engine.calls.waiting) == (inf, 0, 0)

    def test_settles_later_calls_as_not_sent(self):
        session = a_session()
        session.play(TransportLost(1001))
        error = settled(session.play(call(1)))[1]
        assert isinstance(error, ConnectionLostError)
        assert (error.sent, error.close_code) == (False, 1001)

    def test_that_is_known_already_lets_nothing_more_be_sent(self):
        """A host may tell the loss before the answers that came before it were read, or while a handler calls."""
        session = a_session()
        session.play(call(1), call(2))
        session.engine.handle(TextReceived('[3,"id-1",{}]'), 0)
        session.engine.handle(TransportLost(), 0)
        session.engine.handle(call(3), 0)
        done = session.drain()
        assert sent(done) == []
        assert {token: getattr(outcome, "sent", None) for token, outcome in settled(done).items()} == {
            1: None,
            2: False,
            3: False,
        }

    def test_by_our_own_hand_is_a_closed_error(self):
        session = a_session()
        session.play(call(1), call(2))
        done = settled(session.play(Close(drain=False)))
        assert all(isinstance(error, ClosedError) for error in done.values())
        assert {token: error.sent for token, error in done.items()} == {1: True, 2: False}

    def test_leaves_unsent_calls_to_who_wants_to_keep_them(self):
        session = a_session(keep_unsent=True)
        session.play(call(1), call(2, ttl=5), call(3))
        assert list(settled(session.play(TransportLost()))) == [1]
        assert [*session.wait(60), *session.play(Tick())] == [], "what is kept must neither expire nor be written here"
        assert [unsent.token for unsent in session.engine.take_unsent()] == [2, 3]
        assert session.engine.deadline == inf
