"""Bursts: what is held while the application is busy, and when reading stops."""

from ocpp_core.actions import Abandon, CloseTransport, Reading, Report, ReportKind, StateChanged
from ocpp_core.config import SessionConfig
from ocpp_core.inputs import Close, Decline, Fail, Reconfigure, Reply, TextReceived, Tick, TransportLost
from ocpp_core.session import Closed, Closing
from ocpp_core.versions import OCPP16, OCPP21
from tests.core.player import Strict, a_session, call, dispatched, kinds, of, reports, sent, settled, states
from tests.kinds import mistyped
from tests.tables import each

OFF, ON = Reading(on=False), Reading(on=True)


def a_call(message_id, payload="{}"):
    return f'[2,"{message_id}","Heartbeat",{payload}]'


def a_send(number):
    return f'[6,"s{number}","NotifyPeriodicEventStream",{{"n":{number}}}]'


def texts(count):
    """CALLs and SENDs by turns; request n has message id n or sn."""
    return [a_send(n) if n % 2 else a_call(n) for n in range(1, count + 1)]


def a_full_session(**settings):
    """One request dispatched, two held, and no room for more."""
    session = a_session(OCPP21, **{"max_inbound": 1, "max_held": 2, **settings})
    assert session.hear(a_call(1), a_call(2), a_call(3))[-1] == OFF
    return session


class TestABurst:
    def test_is_held_and_dispatched_in_order_as_others_are_answered(self):
        session = a_session(OCPP21, max_inbound=2)
        done = session.hear(*texts(6))
        assert (dispatched(done), sent(done), reports(done)) == ([1, 2], [], [])
        assert session.engine.requests.held == 4
        served = []
        for number in range(1, 7):
            served += dispatched(session.play(Reply(number, {})))
        assert served == [3, 4, 5, 6]
        assert (session.engine.requests.held, len(session.engine.requests)) == (0, 0)
        assert [frame[1] for frame in sent(session.log)] == ["2", "4", "6"]

    def test_of_sends_loses_none(self):
        session = a_session(OCPP21)
        session.hear(*map(a_send, range(1000)))
        for number in range(1, 1001):
            session.play(Reply(number, {}))
        assert dispatched(session.log) == list(range(1, 1001))
        assert reports(session.log) == []

    def test_of_large_ones_is_bounded_by_their_size_and_one_is_always_at_work(self):
        session = a_session(max_inbound_bytes=1000)
        large = '{"data":"%s"}' % ("x" * 600)
        session.hear(*(a_call(number, large) for number in range(1, 5)))
        assert dispatched(session.log) == [1, 2]
        session.play(Decline(1))
        assert dispatched(session.log) == [1, 2], "the size of a declined one counts"
        session.play(Decline(2))
        assert dispatched(session.log) == [1, 2, 3], "but does not hold up all others"
        for number in (1, 2, 3):
            session.play(Reply(number, {}))
        assert dispatched(session.log) == [1, 2, 3, 4]

    @each(
        "end",
        [
            Reply(1, {}),
            Reply(1, mistyped(None)),
            Fail(1, "InternalError"),
            Decline(1),
            Fail(1, "X", "", {"no": object()}),
        ],
    )
    def test_goes_on_after_any_end_of_a_request(self, end):
        session = a_session(max_inbound=1)
        session.hear(a_call(1), a_call(2))
        assert dispatched(session.play(end)) == [2]

    @each("end", [Reply(1, {}), Fail(1, "InternalError"), Decline(1)])
    def test_goes_on_after_any_end_of_a_send(self, end):
        session = a_session(OCPP21, max_inbound=1)
        session.hear(a_send(1), a_send(2))
        assert dispatched(session.play(end)) == [2]

    def test_goes_on_when_the_oldest_declined_one_is_given_up(self):
        session = a_session(max_inbound=1, max_declined=0)
        session.hear(a_call(1), a_call(2))
        assert kinds(session.play(Decline(1))) == ["Abandon", "Dispatch"]

    def test_is_answered_before_the_next_one_is_dispatched(self):
        session = a_session(max_inbound=1)
        session.hear(a_call(1), a_call(2))
        assert kinds(session.play(Reply(1, {}))) == ["SendText", "Dispatch"]

    def test_goes_on_with_more_room(self):
        session = a_session(max_inbound=1)
        session.hear(a_call(1), a_call(2), a_call(3))
        assert dispatched(session.play(Reconfigure(SessionConfig(max_inbound=3)))) == [2, 3]

    def test_counts_its_latency_from_when_it_arrived(self):
        session = a_session(max_inbound=1)
        session.hear(a_call(1), a_call(2))
        session.wait(5)
        (_, request) = session.play(Reply(1, {}))
        assert request.received_at == 0

    def test_lets_the_answers_to_our_own_calls_pass(self):
        session = a_session(max_inbound=1)
        session.play(call(1))
        assert settled(session.hear(a_call(1), a_call(2), '[3,"id-1",{"n":1}]')) == {1: {"n": 1}}

    def test_is_checked_as_it_comes(self):
        session = a_session(max_inbound=1, validator=Strict())
        done = session.hear(a_call(1), a_call(2, '{"bad":1}'))
        assert [frame[:2] for frame in sent(done)] == [[4, "2"]]
        assert session.engine.requests.held == 0

    @each(
        ("again", "kind"),
        [(a_call(2), ReportKind.REPEATED_CALL), (a_call(2, '{"other":1}'), ReportKind.DUPLICATE_ID)],
    )
    def test_knows_the_ids_of_what_is_held(self, again, kind):
        session = a_session(max_inbound=1)
        session.hear(a_call(1), a_call(2))
        assert reports(session.hear(again)) == [kind]
        assert session.engine.requests.held == 1
        session.play(Reply(1, {}), Reply(2, {}))
        assert dispatched(session.hear(a_call(2))) == [3]

    def test_of_sends_occupies_no_id(self):
        session = a_session(OCPP21, max_inbound=1)
        session.hear(a_send(1), a_send(1), a_send(1), '[2,"s1","Heartbeat",{}]')
        assert session.engine.requests.held == 3


class TestAFullSession:
    def test_says_so_once_and_again_when_half_is_dispatched(self):
        session = a_session(max_inbound=1, max_held=4)
        done = session.hear(*(a_call(n) for n in range(1, 6)))
        assert of(Reading, done) == [OFF]
        assert session.engine.requests.is_full
        assert of(Reading, session.play(Reply(1, {}))) == []
        assert kinds(session.play(Reply(2, {}))) == ["SendText", "Dispatch", "Reading"]
        assert session.log[-1] == ON
        assert not session.engine.requests.is_full

    def test_decodes_nothing_more_until_there_is_room(self):
        session = a_full_session()
        assert session.hear(a_call(4), "no message") == []
        assert session.engine.requests.held == 2
        done = session.play(Reply(1, {}))
        assert dispatched(done) == [2]
        assert (done[-1], session.engine.requests.held) == (OFF, 2), "full again by the fourth"

    @each(("size", "is_full"), [(100, True), (90, False)])
    def test_is_full_by_bytes_too_and_one_text_may_exceed_them(self, size, is_full):
        session = a_session(OCPP16, max_inbound=1, max_held_bytes=100)
        long = a_call(2, '{"x":"' + "é" * ((size - 28) // 2) + '"}')
        assert len(long.encode()) == size
        session.hear(a_call(1))
        assert (OFF in session.hear(long)) is is_full
        other = a_session(max_inbound=1, max_held_bytes=100)
        assert OFF in other.hear(a_call(1), a_call(2, '{"x":"' + "x" * 5000 + '"}'))
        assert dispatched(other.play(Reply(1, {}))) == [2]
        assert not other.engine.requests.is_full

    def test_of_one_reads_on_when_that_one_is_dispatched(self):
        session = a_session(max_inbound=1, max_held=1)
        assert session.hear(a_call(1), a_call(2))[-1] == OFF
        assert session.play(Reply(1, {}))[-1] == ON

    def test_keeps_its_time_outs(self):
        session = a_full_session(call_timeout=5)
        session.play(call(1))
        assert list(settled(session.wait(5))) == [1]

    @each("close", [Close(drain=False), Close(force=True)])
    def test_reads_on_to_hear_the_peer_s_close(self, close):
        session = a_full_session()
        session.hear(a_call(4))
        done = session.play(close)
        assert of(Abandon, done) == [Abandon(1)]
        assert of(Reading, done) == [ON]
        assert reports(done) == [ReportKind.OVERLOAD]
        assert len(of(CloseTransport, done)) == 1
        assert session.hear(a_call(5)) == []
        assert states(session.play(TransportLost(1000))) == [Closed(1000, "")]

    def test_that_drains_serves_on_and_ends_in_time(self):
        session = a_full_session(drain_timeout=20)
        session.play(call(1), Close())
        assert dispatched(session.play(Reply(1, {}))) == [2]
        assert isinstance(states(session.wait(20))[0], Closing)
        assert session.engine.requests.held == 0

    def test_ends_at_once_with_the_connection(self):
        session = a_full_session()
        session.play(call(1))
        session.hear(a_call(4), '[3,"id-1",{}]')
        done = session.play(TransportLost())
        assert kinds(done) == ["Settle", "Abandon", "Report", "Reading", "StateChanged"]
        assert of(Report, done)[0].detail == "2 held requests ended with the connection"
        assert done[-1] == StateChanged(Closed(1006, ""))
        assert session.play(Reply(1, {}), Reply(2, {}), Tick()) == []

    def test_by_what_was_left_to_read_ends_too(self):
        """The loss is known before the texts in front of it are decoded."""
        session = a_session(max_inbound=1, max_held=2)
        for n in range(1, 9):
            session.engine.handle(TextReceived(a_call(n)), 0)
        done = session.play(TransportLost())
        assert dispatched(done) == [1]
        assert states(done) == [Closed(1006, "")]

    def test_has_new_bounds_at_once(self):
        session = a_full_session()
        assert session.play(Reconfigure(SessionConfig(max_inbound=1, max_held=10))) == [ON]


class TestRefusing:
    """`refuse_when_busy`: CALLs are refused instead of held."""

    def test_refuses_calls_beyond_the_cap(self):
        session = a_session(max_inbound=2, refuse_when_busy=True)
        done = session.hear(a_call("a"), a_call("b"), a_call("c"))
        assert dispatched(done) == [1, 2]
        assert [frame[:3] for frame in sent(done)] == [[4, "c", "GenericError"]]
        assert reports(done) == [ReportKind.OVERLOAD]

    def test_has_room_again_after_an_answer(self):
        session = a_session(max_inbound=1, refuse_when_busy=True)
        session.hear(a_call("a"))
        session.play(Reply(1, {}))
        assert dispatched(session.hear(a_call("b"))) == [2]

    def test_holds_sends_all_the_same(self):
        session = a_session(OCPP21, max_inbound=1, refuse_when_busy=True)
        done = session.hear(a_call("a"), a_send(1))
        assert (dispatched(done), sent(done), reports(done)) == ([1], [], [])
        assert dispatched(session.play(Reply(1, {}))) == [2]

    def test_joins_a_copy_all_the_same(self):
        session = a_session(max_inbound=1, refuse_when_busy=True)
        assert reports(session.hear(a_call("a"), a_call("a"))) == [ReportKind.REPEATED_CALL]
