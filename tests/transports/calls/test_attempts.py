"""The attempts of one call: pauses, limits, message IDs and the error of the call, without a connection."""

from itertools import count
from math import inf
from random import Random

import pytest

from ocpp_core.errors import CallDroppedError, ClosedError, ConnectionLostError, RPCSecurityError, TimeoutError
from ocpp_transports._calls._attempts import Attempts
from ocpp_transports._calls._call_options import CallOptions


def attempts(**options):
    ids = (f"id-{number}" for number in count(1))
    made = CallOptions(**{"retries": 2, "deadline": 100.0, "retry_delay": 0.0, **options})
    return Attempts(made, ids=lambda: next(ids), random=lambda: Random(1), now=1000.0)


def timeout(*, sent=True):
    return TimeoutError("no response", sent=sent)


def lost(*, sent=True):
    return ConnectionLostError("lost", sent=sent)


class TestTheMessageId:
    @pytest.mark.parametrize(("error", "is_same"), [(timeout(), False), (lost(), True)])
    def test_is_new_after_a_timeout_and_the_same_after_a_loss(self, error, is_same):
        call = attempts(retry_lost=True)
        first = call.next(1000.0).message_id
        call.pause_after(error, 1001.0)
        assert (call.next(1002.0).message_id == first) is is_same

    def test_is_always_the_one_of_the_caller(self):
        call = attempts(message_id="mine")
        call.pause_after(timeout(), 1001.0)
        assert call.next(1002.0).message_id == "mine"

    def test_is_left_to_the_session_if_nothing_needs_it(self):
        assert attempts(deadline=None).next(1000.0).message_id is None


class TestARepetition:
    @pytest.mark.parametrize(
        "error", [RPCSecurityError(), timeout(sent=False), lost(), CallDroppedError("full"), ClosedError("closed")]
    )
    def test_does_not_follow_other_failures(self, error):
        with pytest.raises(type(error)):
            attempts().pause_after(error, 1001.0)

    def test_follows_a_lost_connection_by_option_as_often_as_retries_say(self):
        call = attempts(retry_lost=True)
        for _ in "ab":
            call.pause_after(lost(sent=False), 1001.0)
        with pytest.raises(ConnectionLostError):
            call.pause_after(lost(sent=False), 1001.0)

    @pytest.mark.parametrize("limit", [{"ttl": 5.0}, {"deadline": 5.0}])
    def test_does_not_begin_after_its_limit(self, limit):
        call = attempts(**limit)
        assert call.pause_after(timeout(), 1004.0) == 0.0
        with pytest.raises(TimeoutError, match="no response"):
            call.next(1005.0)  # the pause took longer than it should
        with pytest.raises(TimeoutError, match="no response"):
            attempts(**limit).pause_after(timeout(), 1005.0)

    def test_has_the_rest_of_the_time_to_live(self):
        call = attempts(ttl=5.0)
        call.pause_after(timeout(), 1003.0)
        assert call.next(1003.0).ttl == 2.0


class TestTheError:
    @pytest.mark.parametrize("last", [timeout(sent=False), CallDroppedError("full"), ClosedError("closed")])
    def test_is_that_of_an_attempt_that_may_have_arrived_if_a_later_one_was_not_sent(self, last):
        call, first = attempts(), timeout()
        call.pause_after(first, 1001.0)
        assert call.final(last) is first
        assert (first.sent, first.__cause__) == (True, last)

    @pytest.mark.parametrize(("before", "sent"), [([], False), ([timeout()], True), ([lost(sent=False)], False)])
    def test_of_the_deadline_says_if_any_attempt_was_sent(self, before, sent):
        call = attempts(retry_lost=True)
        for error in before:
            call.pause_after(error, 1001.0)
        overdue = call.overdue("Heartbeat", sent=False)
        assert (type(overdue), overdue.sent) == (TimeoutError, sent)
        with pytest.raises(TimeoutError, match="within its deadline of 100 s"):
            call.pause_after(overdue, 1099.9)  # a timer may be early: no attempt follows


class TestOptions:
    @pytest.mark.parametrize(
        ("options", "error"),
        [
            ({"deadline": 0}, ValueError),
            ({"retry_lost": 1}, TypeError),
            ({"retry_lost": True, "retries": 1}, ValueError),
            ({"retry_lost": True, "retries": 1, "deadline": inf}, ValueError),
            ({"retry_lost": True, "deadline": 1}, ValueError),
        ],
    )
    def test_are_checked(self, options, error):
        with pytest.raises(error, match="expected"):
            CallOptions(**options)
