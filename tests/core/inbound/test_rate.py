"""`inbound_rate`: CALLs beyond it wait for their turn, and more than `inbound_burst` at once are refused."""

from math import inf
from typing import Any

import pytest

from ocpp_core.actions import Abandon, Dispatch, Reading, ReportKind, Trace
from ocpp_core.config import SessionConfig
from ocpp_core.inputs import Close, Reconfigure, Reply, TransportLost
from ocpp_core.versions import OCPP16, OCPP21, OCPP201
from tests.core.player import Player, Strict, a_session, call, dispatched, of, reports, sent, settled
from tests.tables import each

HELD, REFUSED = ReportKind.CALL_HELD, ReportKind.RATE_EXCEEDED


def a_call(message_id: object, payload: str = "{}") -> str:
    return f'[2,"{message_id}","Heartbeat",{payload}]'


def a_limited_session(version: Any = OCPP16, **settings: Any) -> Player:
    """One CALL a second, two at once."""
    return a_session(version, **{"inbound_rate": 1, "inbound_burst": 2, **settings})


class TestCallsBeyondTheRate:
    def test_wait_for_their_turn_and_none_is_lost(self) -> None:
        session = a_limited_session()
        done = session.hear(*map(a_call, range(1, 5)))
        assert (dispatched(done), sent(done), reports(done)) == ([1, 2], [], [HELD, HELD])
        assert [dispatched(session.wait(0.5)) for _ in range(4)] == [[], [3], [], [4]]
        assert session.engine.deadline == inf

    def test_slow_down_a_station_that_waits_for_each_answer(self) -> None:
        session = a_limited_session(inbound_burst=1)
        times = []
        for number in range(1, 6):
            done = session.hear(a_call(number))
            if not of(Dispatch, done):
                session.wait(session.engine.deadline - session.now)
            times.append(session.now)
            session.play(Reply(number, {}))
            session.wait(0.1)
        assert times == pytest.approx([0, 1, 2, 3, 4])
        assert [frame[0] for frame in sent(session.log)] == [3] * 5

    @each("version", [OCPP16, OCPP201, OCPP21])
    def test_are_refused_when_as_many_wait_as_may_come_at_once(self, version: Any) -> None:
        session = a_limited_session(version)
        done = session.hear(*map(a_call, range(1, 7)))
        assert [frame[:4] for frame in sent(done)] == [
            [4, number, "GenericError", "too many CALLs a second, try again later"] for number in ("5", "6")
        ]
        assert reports(done) == [HELD, HELD, REFUSED, REFUSED]

    def test_leave_the_answers_to_our_own_calls_alone(self) -> None:
        session = a_limited_session()
        session.play(call(7))
        done = session.hear(*map(a_call, range(1, 10)), '[3,"id-1",{}]')
        assert list(settled(done)) == [7]
        assert of(Reading, done) == []

    @each("settings", [{"max_held_bytes": 100}, {"max_held": 1}])
    def test_leave_reading_alone_however_large_they_are(self, settings: dict[str, Any]) -> None:
        """The turn of a large one may be minutes away: until then the pongs and the answers must be read."""
        session = a_limited_session(inbound_rate=0.01, **settings)
        session.play(call(7))
        large = '{"data":"%s"}' % ("x" * 200)
        done = session.hear(a_call(1), a_call(2), a_call(3, large), a_call(4), '[3,"id-1",{}]')
        assert reports(done) == [HELD, REFUSED]
        assert (list(settled(done)), of(Reading, done)) == ([7], [])
        session.play(Reply(1, {}), Reply(2, {}))
        assert dispatched(session.wait(100)) == [3]

    def test_do_not_keep_reading_off_when_there_is_a_place_again(self) -> None:
        session = a_limited_session(max_inbound=1, max_held=2, inbound_burst=1)
        assert of(Reading, session.hear(*map(a_call, range(1, 4)))) == [Reading(on=False)]
        assert of(Reading, session.play(Reply(1, {}))) == [Reading(on=True)]
        assert session.engine.requests.held == 2

    def test_wait_for_a_place_too_where_too_many_are_in_progress(self) -> None:
        session = a_limited_session(max_inbound=1)
        assert dispatched(session.hear(a_call(1), a_call(2), a_call(3))) == [1]
        assert dispatched(session.wait(10)) == []
        assert dispatched(session.play(Reply(1, {}))) == [2]
        assert dispatched(session.play(Reply(2, {}))) == [3]

    def test_have_no_turn_before_their_time_though_a_place_is_free(self) -> None:
        session = a_limited_session(max_inbound=1)
        session.hear(a_call(1), a_call(2), a_call(3))
        assert dispatched(session.play(Reply(1, {}))) == [2]
        assert dispatched(session.play(Reply(2, {}))) == []
        assert dispatched(session.wait(1)) == [3]

    def test_may_be_refused_for_want_of_a_place_as_without_a_rate(self) -> None:
        session = a_limited_session(max_inbound=1, refuse_when_busy=True)
        assert reports(session.hear(a_call(1), a_call(2))) == [ReportKind.OVERLOAD]

    def test_end_with_the_connection(self) -> None:
        session = a_limited_session()
        session.hear(*map(a_call, range(1, 5)))
        done = session.play(TransportLost())
        assert (of(Abandon, done), reports(done)) == ([Abandon(1), Abandon(2)], [ReportKind.OVERLOAD])
        assert session.engine.deadline == inf
        assert session.wait(10) == []

    def test_are_served_while_a_close_waits_for_an_answer(self) -> None:
        session = a_limited_session()
        session.play(call(7))
        session.hear(*map(a_call, range(1, 4)))
        session.play(Close())
        assert dispatched(session.wait(1)) == [3]

    def test_are_traced_when_they_arrive(self) -> None:
        session = a_limited_session(trace=True)
        assert len(of(Trace, session.hear(*map(a_call, range(1, 5))))) == 4


class TestWhatDoesNotCount:
    def test_a_copy_has_the_outcome_of_the_one_that_waits(self) -> None:
        session = a_limited_session()
        done = session.hear(a_call(1), a_call(2), a_call(3), a_call(3), a_call(3))
        assert reports(done) == [HELD, ReportKind.REPEATED_CALL, ReportKind.REPEATED_CALL]
        assert dispatched(session.wait(1)) == [3]

    def test_a_copy_does_so_when_none_is_in_progress(self) -> None:
        session = a_limited_session()
        session.hear(a_call(1), a_call(2))
        session.play(Reply(1, {}), Reply(2, {}))
        done = session.hear(a_call(3), a_call(3), a_call(3, '{"other":1}'))
        assert reports(done) == [HELD, ReportKind.REPEATED_CALL, ReportKind.DUPLICATE_ID]
        assert dispatched(session.wait(10)) == [3]

    def test_a_call_that_breaks_its_schema(self) -> None:
        session = a_limited_session(validator=Strict())
        done = session.hear(*(a_call(number, '{"bad":1}') for number in range(5)), a_call(8), a_call(9))
        assert reports(done) == [ReportKind.INVALID_CALL] * 5
        assert len(dispatched(done)) == 2

    def test_a_send(self) -> None:
        session = a_limited_session(OCPP21)
        sends = [f'[6,"s{number}","NotifyPeriodicEventStream",{{}}]' for number in range(5)]
        done = session.hear(*map(a_call, range(3)), *sends)
        assert len(dispatched(done)) == 7
        assert reports(done) == [HELD]

    def test_a_send_that_was_held_for_a_place_behind_a_call_that_waits_for_its_turn(self) -> None:
        """Nor does a later SEND pass it."""
        session = a_limited_session(OCPP21, max_inbound=1, inbound_burst=1)
        first, second = (f'[6,"s{number}","NotifyPeriodicEventStream",{{}}]' for number in (1, 2))
        assert dispatched(session.hear(a_call(1), a_call(2), first)) == [1]
        assert dispatched(session.play(Reply(1, {}))) == [3]
        session.play(Reply(3, {}))
        assert dispatched(session.hear(second)) == [4]
        session.play(Reply(4, {}))
        assert dispatched(session.wait(1)) == [2]


class TestAnotherRate:
    def test_holds_for_what_waits(self) -> None:
        session = a_limited_session()
        session.hear(*map(a_call, range(1, 5)))
        assert dispatched(session.play(Reconfigure(SessionConfig()))) == [3, 4]
        assert session.engine.deadline == inf
        assert len(dispatched(session.hear(*map(a_call, range(10, 20))))) == 10

    def test_is_not_what_other_settings_make(self) -> None:
        """Tracing is turned on and off at any time: no burst is to be had from it."""
        session = a_limited_session()
        session.hear(*map(a_call, range(1, 4)))
        done = session.play(Reconfigure(SessionConfig(inbound_rate=1, inbound_burst=2, trace=True)))
        assert dispatched(done) == []
        assert dispatched(session.wait(1)) == [3]

    def test_can_be_set_on_an_open_connection(self) -> None:
        session = a_session()
        session.hear(a_call(1))
        session.play(Reconfigure(SessionConfig(inbound_rate=1, inbound_burst=1)))
        assert dispatched(session.hear(a_call(2), a_call(3))) == [2]

    @each(
        "settings",
        [
            {"inbound_rate": 0},
            {"inbound_rate": 0.0001},
            {"inbound_rate": "1"},
            {"inbound_rate": True},
            {"inbound_burst": 0},
            {"inbound_burst": None},
        ],
    )
    def test_is_refused_where_it_makes_no_sense(self, settings: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match=r"expected inbound_(rate|burst) >="):
            SessionConfig(**settings)
