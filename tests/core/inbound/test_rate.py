"""`inbound_rate` and `action_rates`: what happens to CALLs and SENDs beyond them, in each mode of `inbound_limit`."""

from math import inf, nan
from typing import Any

import pytest

from ocpp_core.actions import Abandon, CloseTransport, Dispatch, Reading, ReportKind, Trace
from ocpp_core.config import SessionConfig
from ocpp_core.inputs import Close, Reconfigure, Reply, TransportLost
from ocpp_core.limits import SharedBuckets
from ocpp_core.versions import OCPP16, OCPP21, OCPP201
from ocpp_core.websocket.close import POLICY_VIOLATION
from tests.core.player import Player, Strict, a_session, call, dispatched, of, reports, sent, settled
from tests.tables import each

HELD, REFUSED = ReportKind.CALL_HELD, ReportKind.RATE_EXCEEDED
SEND = "NotifyPeriodicEventStream"


def a_call(message_id: object, payload: str = "{}") -> str:
    return f'[2,"{message_id}","Heartbeat",{payload}]'


def a_limited_session(version: Any = OCPP16, **settings: Any) -> Player:
    """One CALL a second, two at once, and two that wait."""
    return a_session(version, **{"inbound_rate": 1, "inbound_burst": 2, "max_delayed": 2, **settings})


def a_send(number: object) -> str:
    return f'[6,"s{number}","{SEND}",{{}}]'


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
    def test_are_refused_when_as_many_wait_as_may(self, version: Any) -> None:
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

    @each("settings", [{"max_held_bytes": 100}, {"max_delayed": 1}])
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

    def test_are_not_among_those_for_which_reading_stops(self) -> None:
        session = a_limited_session(max_inbound=1, max_held=1, inbound_burst=1)
        assert of(Reading, session.hear(*map(a_call, range(1, 4)))) == []
        assert session.engine.requests.held == 2
        assert of(Reading, session.wait(1)) == [Reading(on=False)], "its turn has come, but there is no place"
        assert dispatched(session.play(Reply(1, {}))) == [2]

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


class TestCopies:
    def test_have_the_outcome_of_the_one_that_waits(self) -> None:
        session = a_limited_session()
        done = session.hear(a_call(1), a_call(2), a_call(3), a_call(3), a_call(3))
        assert reports(done) == [HELD, ReportKind.REPEATED_CALL, ReportKind.REPEATED_CALL]
        assert dispatched(session.wait(1)) == [3]

    def test_do_so_when_none_is_in_progress(self) -> None:
        session = a_limited_session()
        session.hear(a_call(1), a_call(2))
        session.play(Reply(1, {}), Reply(2, {}))
        done = session.hear(a_call(3), a_call(3), a_call(3, '{"other":1}'))
        assert reports(done) == [HELD, ReportKind.REPEATED_CALL, ReportKind.DUPLICATE_ID]
        assert dispatched(session.wait(10)) == [3]


class TestWhatDoesNotCount:
    def test_an_answer(self) -> None:
        """Its loss would make this side's call fail, and a station that repeats what it lost sends more than before."""
        session = a_limited_session(call_concurrency=5)
        session.play(*map(call, range(5)))
        session.hear(*(f'[3,"id-{number}",{{}}]' for number in range(1, 6)))
        assert dispatched(session.hear(a_call(1), a_call(2))) == [1, 2]


class TestWhatCountsToo:
    def test_a_call_that_breaks_its_schema(self) -> None:
        session = a_limited_session(validator=Strict())
        done = session.hear(a_call(1, '{"bad":1}'), a_call(2, '{"bad":1}'), a_call(3), a_call(4, '{"bad":1}'))
        assert reports(done) == [*[ReportKind.INVALID_CALL] * 2, HELD, ReportKind.INVALID_CALL]
        assert [frame[:2] for frame in sent(done)] == [[4, "1"], [4, "2"], [4, "4"]], "an error is never late"

    def test_a_send(self) -> None:
        session = a_limited_session(OCPP21)
        done = session.hear(a_call(1), a_send(2), a_send(3), a_call(4), a_send(5))
        assert (dispatched(done), reports(done)) == ([1, 2], [HELD, HELD, REFUSED])
        assert sent(done) == [], "nobody may answer a SEND"
        assert [dispatched(session.wait(1)) for _ in range(3)] == [[3], [4], []]

    def test_a_send_that_is_rejected_is_lost(self) -> None:
        session = a_limited_session(OCPP21, inbound_limit="reject", inbound_burst=1)
        done = session.hear(a_call(1), a_send(2), a_send(3))
        assert (dispatched(done), reports(done), sent(done)) == ([1], [REFUSED, REFUSED], [])
        assert dispatched(session.wait(10)) == []


class TestTheModes:
    def test_reject_refuses_at_once_and_takes_no_token_for_it(self) -> None:
        session = a_limited_session(inbound_limit="reject")
        done = session.hear(*map(a_call, range(1, 7)))
        assert (dispatched(done), reports(done)) == ([1, 2], [REFUSED] * 4)
        assert [frame[:3] for frame in sent(done)] == [[4, str(number), "GenericError"] for number in range(3, 7)]
        assert session.engine.deadline == inf
        session.wait(1)
        assert dispatched(session.hear(a_call(7), a_call(8))) == [3]

    @each("excess", [a_call(3), a_send(3), a_call(3, '{"bad":1}')])
    def test_disconnect_closes_and_serves_nothing_more(self, excess: str) -> None:
        session = a_limited_session(OCPP21, inbound_limit="disconnect", validator=Strict())
        done = session.hear(a_call(1), a_call(2), excess, a_call(4))
        assert [action.code for action in of(CloseTransport, done)] == [POLICY_VIOLATION]
        assert (dispatched(done), of(Abandon, done)) == ([1, 2], [Abandon(1), Abandon(2)])
        assert ReportKind.TOO_FAST in reports(done)
        assert session.wait(3) == []

    def test_disconnect_closes_for_a_flood_of_copies(self) -> None:
        session = a_limited_session(inbound_limit="disconnect")
        assert of(CloseTransport, session.hear(a_call(1), a_call(1))) == []
        assert [action.code for action in of(CloseTransport, session.hear(a_call(1)))] == [POLICY_VIOLATION]

    def test_disconnect_while_a_close_waits_ends_the_wait(self) -> None:
        session = a_limited_session(inbound_limit="disconnect", inbound_burst=1)
        session.play(call(7), Close())
        done = session.hear(a_call(1), a_call(2))
        assert len(of(CloseTransport, done)) == 1
        assert list(settled(done)) == [7]

    @each("mode", ["delay", "reject", "disconnect"])
    def test_never_starve_the_calls_of_this_side(self, mode: Any) -> None:
        """A station that floods answers them between its own CALLs; as long as the connection lasts, each is settled at
        once.
        """
        session = a_limited_session(inbound_limit=mode, inbound_rate=10, inbound_burst=100, max_delayed=8)
        most = 100 if mode == "disconnect" else 1000
        for number in range(1, most, 10):
            session.play(call(number))
            flood = [a_call(number + more) for more in range(10)]
            done = session.hear(*flood[:5], f'[3,"id-{number // 10 + 1}",{{}}]', *flood[5:])
            assert list(settled(done)) == [number]
            assert of(Reading, done) == []
            session.play(*(Reply(request, {}) for request in dispatched(done)))
            session.wait(0.01)
        assert session.engine.requests.held <= 8

    @each("mode", ["ignore", None, 5])
    def test_are_three(self, mode: Any) -> None:
        with pytest.raises(ValueError, match="expected inbound_limit as delay, reject or disconnect"):
            SessionConfig(inbound_limit=mode)


def a_meter_value(message_id: object) -> str:
    return f'[2,"{message_id}","MeterValues",{{}}]'


class TestARateOfAnAction:
    def test_leaves_the_others_alone(self) -> None:
        session = a_session(action_rates={"MeterValues": (1, 2)})
        done = session.hear(*map(a_meter_value, range(1, 4)), *map(a_call, range(4, 30)))
        assert (len(dispatched(done)), reports(done)) == (28, [HELD])
        assert dispatched(session.wait(1)) == [3]

    def test_has_the_burst_of_all_unless_it_names_its_own(self) -> None:
        session = a_session(action_rates={"MeterValues": 1}, inbound_burst=3)
        assert len(dispatched(session.hear(*map(a_meter_value, range(5))))) == 3

    def test_applies_besides_the_one_of_all(self) -> None:
        session = a_limited_session(action_rates={"MeterValues": (0.1, 1)}, max_delayed=3)
        done = session.hear(a_meter_value(1), a_meter_value(2), a_call(3))
        assert (dispatched(done), reports(done)) == ([1], [HELD, HELD]), "the second has its token of all in advance"
        assert [dispatched(session.wait(1)), dispatched(session.wait(9))] == [[3], [2]]

    def test_keeps_the_order_within_an_action(self) -> None:
        session = a_session(action_rates={"MeterValues": (1, 1)})
        session.hear(*map(a_meter_value, range(1, 6)))
        assert [dispatched(session.wait(1)) for _ in range(4)] == [[2], [3], [4], [5]]

    @each("rates", [{"A": 0}, {"A": (1, 0)}, {"A": (1, 1.5)}, {"A": "1"}, {"A": True}, {"A": (1,)}, {"A": nan}])
    def test_is_refused_where_it_makes_no_sense(self, rates: Any) -> None:
        with pytest.raises(ValueError, match=r"expected action_rates\['A'\] as rate >= 0.001 or \(rate, burst >= 1\)"):
            SessionConfig(action_rates=rates)

    @each("rates", [[("A", 1)], {1: 1}])
    def test_is_refused_with_a_wrong_type(self, rates: Any) -> None:
        with pytest.raises(TypeError, match="action"):
            SessionConfig(action_rates=rates)


class TestASharedBucket:
    def test_counts_the_requests_of_all_its_connections(self) -> None:
        shared = SharedBuckets(1, 3).of("192.0.2.1")
        one, other = a_session(shared=shared), a_session(shared=shared)
        assert len(dispatched(one.hear(a_call(1), a_call(2)))) == 2
        assert len(dispatched(other.hear(a_call(1), a_call(2)))) == 1
        assert [len(dispatched(session.wait(1))) for session in (one, other)] == [0, 1]

    def test_serves_its_connections_in_the_order_of_arrival(self) -> None:
        """A neighbour that floods does not take the turn of a station that waits."""
        shared = SharedBuckets(1, 1).of("192.0.2.1")
        greedy, station = a_session(shared=shared, inbound_limit="reject"), a_session(shared=shared)
        assert len(dispatched(greedy.hear(a_call(0)))) == 1
        session_held = station.hear(a_call(1))
        assert reports(session_held) == [HELD]
        for number in range(1, 20):
            greedy.wait(0.1)
            assert dispatched(greedy.hear(a_call(number))) == []
            station.wait(0.1)
        assert len(dispatched(station.log)) == 1

    def test_is_not_charged_again_for_those_that_wait_by_another_config(self) -> None:
        session = a_session(shared=SharedBuckets(1, 1).of("192.0.2.1"))
        assert dispatched(session.hear(a_call(1), a_call(2))) == [1]
        for rate in range(5, 15):
            assert dispatched(session.play(Reconfigure(SessionConfig(inbound_rate=rate)))) == []
        assert dispatched(session.wait(1)) == [2]
        assert session.engine.deadline == inf

    def test_never_ends_a_connection_for_what_its_neighbours_did(self) -> None:
        shared = SharedBuckets(1, 1).of("192.0.2.1")
        session = a_session(shared=shared, inbound_limit="disconnect", inbound_rate=1, inbound_burst=3)
        shared.take(0.0)
        done = session.hear(a_call(1), a_call(2))
        assert (reports(done), of(CloseTransport, done)) == ([REFUSED, REFUSED], [])

    def test_refuses_what_would_wait_for_too_many_others(self) -> None:
        """Its stations would wait for longer than they do."""
        buckets = SharedBuckets(1, 2)
        sessions = [a_session(shared=buckets.of("192.0.2.1")) for _ in range(6)]
        assert [[*dispatched(done), *reports(done)] for done in (each.hear(a_call(1)) for each in sessions)] == [
            *[[1]] * 2,
            *[[HELD]] * 2,
            *[[REFUSED]] * 2,
        ]

    def test_outlives_another_config(self) -> None:
        session = a_session(shared=SharedBuckets(1, 1).of("192.0.2.1"))
        session.play(Reconfigure(SessionConfig(inbound_rate=5)))
        session.play(Reconfigure(SessionConfig()))
        assert len(dispatched(session.hear(a_call(1), a_call(2)))) == 1


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
        changed = SessionConfig(inbound_rate=1, inbound_burst=2, inbound_limit="reject", trace=True)
        done = session.play(Reconfigure(changed))
        assert dispatched(done) == []
        assert dispatched(session.wait(1)) == [3]

    def test_gives_those_that_wait_a_new_turn(self) -> None:
        session = a_limited_session(inbound_rate=0.001)
        session.hear(*map(a_call, range(1, 5)))
        session.play(Reconfigure(SessionConfig(inbound_rate=1, inbound_burst=1)))
        assert dispatched(session.log) == [1, 2, 3]
        assert dispatched(session.wait(1)) == [4]

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
            {"max_delayed": -1},
        ],
    )
    def test_is_refused_where_it_makes_no_sense(self, settings: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match=r"expected (inbound_rate|inbound_burst|max_delayed) >="):
            SessionConfig(**settings)


def test_a_call_before_the_registration_counts_too() -> None:
    session = a_limited_session(inbound_limit="disconnect", require_registration=True)
    done = session.hear(*map(a_call, range(1, 5)))
    assert [frame[2] for frame in sent(done)] == ["SecurityError"] * 3
    assert len(of(CloseTransport, done)) == 1
