"""What a session counts: each CALL once, in the direction of its CALL, as answered or as unanswered."""

import json
from math import inf
from random import Random
from typing import Any

import pytest

from ocpp_core.actions import ReportKind, Trace
from ocpp_core.config import SessionConfig
from ocpp_core.errors import (
    CallCancelledError,
    CallDroppedError,
    ClosedError,
    ConnectionLostError,
    RPCFrameworkError,
    RPCOccurrenceConstraintViolationError,
    TimeoutError,
)
from ocpp_core.inputs import CancelCall, Close, Decline, Fail, Notify, Reconfigure, Reply, StartCall, TransportLost
from ocpp_core.versions import OCPP21
from tests.core.player import Strict, a_session, of, reports, settled
from tests.tables import each


class OneDirection:
    def __init__(self):
        self.seen = []

    def result(self, action, seconds, /):
        self.seen.append((action, "result", seconds))

    def error(self, action, seconds, /):
        self.seen.append((action, "error", seconds))

    def send(self, action, /):
        self.seen.append((action, "send", None))

    def unanswered(self, action, error, /):
        self.seen.append((action, type(error), getattr(error, "sent", None)))


class Counting:
    def __init__(self):
        self.inbound, self.outbound = OneDirection(), OneDirection()


@pytest.fixture
def meter():
    return Counting()


def a_call(message_id="a", action="Heartbeat", payload=None):
    return json.dumps([2, message_id, action, payload or {}])


class TestCallsOfThePeer:
    def test_count_with_the_time_until_the_response(self, meter):
        session = a_session(meter=meter)
        session.hear(a_call("a"), a_call("b", "Authorize"))
        session.now = 1.5
        session.play(Reply(1, {}))
        session.now = 4.0
        session.play(Fail(2, "GenericError"))
        assert meter.inbound.seen == [("Heartbeat", "result", 1.5), ("Authorize", "error", 4.0)]
        assert meter.outbound.seen == []

    def test_that_the_session_refuses_count_as_errors(self, meter):
        session = a_session(meter=meter, validator=Strict(), max_inbound=1, refuse_when_busy=True)
        session.hear(a_call("a", payload={"bad": 1}), a_call("b"), a_call("c"))
        session.now = 2.0
        session.play(Reply(1, {"bad": 1}))  # a result that must not be sent
        assert meter.inbound.seen == [
            ("Heartbeat", "error", 0.0),
            ("Heartbeat", "error", 0.0),
            ("Heartbeat", "error", 2.0),
        ]

    def test_that_cannot_be_read_do_not_count(self, meter):
        a_session(meter=meter).hear('[2,"a"', '[2,"a",5,{}]')
        assert meter.inbound.seen == []

    def test_of_which_there_is_a_copy_count_once(self, meter):
        session = a_session(meter=meter)
        session.hear(a_call(), a_call())
        session.play(Reply(1, {}))
        assert [kind for _, kind, _ in meter.inbound.seen] == ["result"]

    @each("ending", [TransportLost(), Close(drain=False)])
    def test_count_as_unanswered_if_the_connection_ends_first(self, ending):
        meter = Counting()
        session = a_session(meter=meter, max_inbound=1)
        session.hear(a_call("a"), a_call("b", "Authorize"))  # the second one is held
        session.play(ending, Reply(1, {}))
        lost = (ConnectionLostError, False)
        assert meter.inbound.seen == [("Heartbeat", *lost), ("Authorize", *lost)]

    def test_count_as_unanswered_if_too_many_were_declined(self, meter):
        session = a_session(meter=meter, max_declined=1)
        session.hear(a_call("a"), a_call("b", "Authorize"))
        session.play(Decline(1), Decline(2))
        assert meter.inbound.seen == [("Heartbeat", CallDroppedError, False)]


class TestOwnCalls:
    def test_count_with_the_time_since_they_were_written(self, meter):
        session = a_session(meter=meter)
        session.play(StartCall(1, "Reset", {}), StartCall(2, "ClearCache", {}))
        session.now = 1.0
        session.hear('[3,"id-1",{}]')  # the second one is written now
        session.now = 1.25
        session.hear('[4,"id-2","GenericError","",{}]')
        assert meter.outbound.seen == [("Reset", "result", 1.0), ("ClearCache", "error", 0.25)]
        assert meter.inbound.seen == []

    def test_count_as_answered_by_a_result_that_breaks_its_schema(self, meter):
        session = a_session(meter=meter, validator=Strict())
        session.play(StartCall(1, "Reset", {}))
        session.hear('[3,"id-1",{"bad":1}]')
        assert meter.outbound.seen == [("Reset", "result", 0.0)]

    @each(
        ("happenings", "reason", "sent"),
        [
            ([CancelCall(1)], CallCancelledError, True),
            ([TransportLost()], ConnectionLostError, True),
            ([Close(drain=False)], ClosedError, True),
            (['[3,"id-1"]'], RPCFrameworkError, None),
            ([30.0], TimeoutError, True),
        ],
    )
    def test_count_once_as_unanswered(self, happenings, reason, sent):
        meter = Counting()
        session = a_session(meter=meter)
        session.play(StartCall(1, "Reset", {}))
        for each_one in happenings:
            if isinstance(each_one, float):
                session.wait(each_one)
            elif isinstance(each_one, str):
                session.hear(each_one)
            else:
                session.play(each_one)
        session.hear('[3,"id-1",{}]')  # too late
        session.play(TransportLost())
        assert meter.outbound.seen == [("Reset", reason, sent)]

    def test_that_are_never_written_count_as_unanswered(self, meter):
        session = a_session(meter=meter, validator=Strict(), max_queued=1)
        session.play(
            StartCall(1, "Reset", {"bad": 1}),
            StartCall(2, "Reset", {}),
            StartCall(3, "Reset", {}, ttl=5),
            StartCall(4, "Reset", {}),
        )
        session.wait(5)
        assert meter.outbound.seen == [
            ("Reset", RPCOccurrenceConstraintViolationError, None),
            ("Reset", CallDroppedError, False),
            ("Reset", TimeoutError, False),
        ]


class TestSends:
    def test_count_in_both_directions_and_have_no_response(self, meter):
        session = a_session(OCPP21, meter=meter)
        session.play(Notify(1, "NotifyPeriodicEventStream", {}))
        session.hear('[6,"s","NotifyPeriodicEventStream",{}]')
        session.play(TransportLost())
        sent = [("NotifyPeriodicEventStream", "send", None)]
        assert (meter.inbound.seen, meter.outbound.seen) == (sent, sent)


class TestTheSums:
    @each("seed", range(10))
    @each("mode", ["delay", "reject"])
    def test_are_those_of_a_count_of_ones_own(self, seed, mode):
        """Whatever happens to a CALL, it is counted once: with its response, or as unanswered."""
        random, meter = Random(seed), Counting()
        limits: Any = {"max_inbound": 3, "max_declined": 1, "max_queued": 3, "call_concurrency": 2, "call_timeout": 2}
        rates: Any = {"inbound_rate": 5, "inbound_burst": 3, "max_delayed": 2, "inbound_limit": mode}
        session = a_session(meter=meter, validator=Strict(), refuse_when_busy=seed % 2 == 0, **limits, **rates)
        started = heard = 0
        for number in range(300):
            payload = {"bad": 1} if random.random() < 0.1 else {}
            some, step = max(1, number - random.randrange(20)), random.randrange(8)
            if step < 2:
                heard += 1
                session.hear(a_call(str(some), random.choice(("Heartbeat", "Reset")), payload))
            elif step < 4:
                request = next(iter(session.engine.requests._open), 0)
                session.play(random.choice((Reply(request, payload), Fail(request, "GenericError"), Decline(request))))
            elif step == 4:
                started += 1
                session.play(StartCall(started, "Reset", payload, ttl=random.choice((0.5, inf))))
            elif step == 5:
                session.hear(f'[3,"id-{random.randrange(max(1, started - 4), started + 2)}",{{}}]')
            elif step == 6:
                session.play(CancelCall(random.randrange(started + 1)))
            else:
                session.wait(random.random() / 2)
        session.play(TransportLost())
        copies = [kind for kind in reports(session.log) if kind is ReportKind.REPEATED_CALL]
        assert len(meter.outbound.seen) == len(settled(session.log)) == started
        assert len(meter.inbound.seen) == heard - len(copies)


class TestAMeter:
    def test_and_a_trace_do_not_exclude_each_other(self, meter):
        session = a_session(meter=meter, trace=True)
        session.hear(a_call())
        assert len(of(Trace, session.play(Reply(1, {})))) == 1
        session.play(Reconfigure(SessionConfig(meter=meter)))
        session.hear(a_call("b"))
        assert of(Trace, session.play(Reply(2, {}))) == []
        assert len(meter.inbound.seen) == 2

    def test_of_a_new_config_counts_from_then_on(self, meter):
        session = a_session()
        session.hear(a_call())
        session.play(Reconfigure(SessionConfig(meter=meter)), Reply(1, {}))
        assert meter.inbound.seen == [("Heartbeat", "result", 0.0)]
