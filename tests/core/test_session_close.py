"""How a conversation ends: closed by either side, or lost."""

from math import inf

from ocpp_core.actions import (
    Abandon,
    CloseTransport,
    StateChanged,
)
from ocpp_core.errors import ClosedError
from ocpp_core.inputs import (
    CancelCall,
    Close,
    Decline,
    Fail,
    Reply,
    TextReceived,
    TransportLost,
)
from ocpp_core.session import Closed, Closing, Draining
from ocpp_core.versions import OCPP21
from tests.core.player import a_session, call, dispatched, kinds, of, sent, settled, states
from tests.tables import each

HEARTBEAT = '[2,"a","Heartbeat",{}]'


class TestClose:
    def test_without_calls_closes_at_once(self):
        session = a_session(close_timeout=5)
        done = session.play(Close(1001, "bye"))
        assert done == [StateChanged(Closing(5, 1001, "bye")), CloseTransport(1001, "bye")]
        assert states(session.play(TransportLost(1001, "bye"))) == [Closed(1001, "bye")]
        assert session.engine.deadline == inf

    def test_drains_the_calls_in_flight_first(self):
        session = a_session(drain_timeout=20, close_timeout=5)
        session.play(call(1), call(2))
        done = session.play(Close(1001, "bye"))
        assert isinstance(settled(done)[2], ClosedError), "what was not sent will not be"
        assert states(done) == [Draining(20, 1001, "bye")]
        done = session.hear('[3,"id-1",{"n":1}]')
        assert settled(done) == {1: {"n": 1}}
        assert of(CloseTransport, done) == [CloseTransport(1001, "bye")]

    def test_drains_no_longer_than_a_call_may_take(self):
        session = a_session(call_timeout=10, drain_timeout=20)
        session.play(call(1), Close())
        assert of(CloseTransport, session.wait(10)) == [CloseTransport(1000, "")]

    def test_drains_no_longer_than_the_drain_time_out(self):
        session = a_session(call_timeout=60, drain_timeout=20)
        session.play(call(1), Close())
        done = session.wait(20)
        assert isinstance(settled(done)[1], ClosedError)
        assert settled(done)[1].sent is True
        assert of(CloseTransport, done) == [CloseTransport(1000, "")]

    def test_does_not_drain_for_calls_that_nobody_waits_for(self):
        session = a_session()
        session.play(call(1), CancelCall(1))
        assert of(CloseTransport, session.play(Close())) == [CloseTransport(1000, "")]

    def test_ends_draining_when_the_last_caller_gives_up(self):
        session = a_session()
        session.play(call(1), Close())
        assert of(CloseTransport, session.play(CancelCall(1))) == [CloseTransport(1000, "")]

    def test_serves_the_peer_while_it_drains(self):
        session = a_session()
        session.play(call(1), Close())
        assert dispatched(session.hear(HEARTBEAT)) == [1]
        assert sent(session.play(Reply(1, {}))) == [[3, "a", {}]]

    @each("answer", [Reply(1, {}), Fail(1, "InternalError"), Reply(1, {"not": object()})])
    def test_waits_until_a_handler_has_answered(self, answer):
        session = a_session(drain_timeout=20, close_timeout=5)
        session.hear(HEARTBEAT)
        assert session.play(Close(1001, "bye")) == [StateChanged(Draining(20, 1001, "bye"))]
        session.wait(7)
        done = session.play(answer)
        assert [text[1] for text in sent(done)] == ["a"]
        assert kinds(done)[-2:] == ["StateChanged", "CloseTransport"]
        assert states(done) == [Closing(12, 1001, "bye")]

    def test_waits_until_the_handler_of_a_send_is_done(self):
        session = a_session(version=OCPP21)
        session.hear('[6,"a","NotifyPeriodicEventStream",{}]')
        session.play(Close())
        assert kinds(session.play(Reply(1, {}))) == ["StateChanged", "CloseTransport"]

    def test_waits_for_both_sides_in_either_order(self):
        for last in ("call", "handler"):
            session = a_session()
            session.play(call(1))
            session.hear(HEARTBEAT)
            session.play(Close())
            answers = [lambda s=session: s.hear('[3,"id-1",{}]'), lambda s=session: s.play(Reply(1, {}))]
            first, second = answers if last == "handler" else reversed(answers)
            assert of(CloseTransport, first()) == []
            assert of(CloseTransport, second()) == [CloseTransport(1000, "")]

    def test_waits_for_held_requests_that_are_dispatched_meanwhile(self):
        session = a_session(max_inbound=1)
        session.hear(HEARTBEAT)
        session.hear('[2,"b","Heartbeat",{}]')
        session.play(Close())
        assert kinds(session.play(Reply(1, {}))) == ["SendText", "Dispatch"]
        assert kinds(session.play(Reply(2, {}))) == ["SendText", "StateChanged", "CloseTransport"]

    def test_waits_no_longer_than_the_drain_time_out_for_a_handler(self):
        session = a_session(drain_timeout=20)
        session.hear(HEARTBEAT)
        session.play(Close())
        done = session.wait(20)
        assert kinds(done) == ["Abandon", "StateChanged", "CloseTransport"]
        assert session.play(Reply(1, {})) == [], "too late"

    def test_does_not_wait_for_a_request_without_an_answer(self):
        session = a_session()
        session.hear(HEARTBEAT)
        session.play(Decline(1))
        assert kinds(session.play(Close())) == ["Abandon", "StateChanged", "CloseTransport"]

    def test_does_not_wait_for_a_call_that_the_rate_holds_back(self):
        session = a_session(inbound_rate=1, inbound_burst=1)
        session.hear(HEARTBEAT)
        session.hear('[2,"b","Heartbeat",{}]')
        session.play(Close())
        assert kinds(session.play(Reply(1, {})))[-1] == "CloseTransport"

    def test_does_not_wait_for_a_handler_that_waits_for_the_close(self):
        session = a_session()
        session.hear(HEARTBEAT)
        assert kinds(session.play(Close(besides=(1,)))) == ["Abandon", "StateChanged", "CloseTransport"]

    def test_stops_waiting_for_a_handler_that_asks_for_the_close_again(self):
        session = a_session()
        session.hear(HEARTBEAT)
        session.hear('[2,"b","Heartbeat",{}]')
        assert kinds(session.play(Close(besides=(1,)))) == ["StateChanged"]
        assert kinds(session.play(Close(besides=(2,)))) == ["Abandon", "Abandon", "StateChanged", "CloseTransport"]

    def test_without_drain_settles_everything_at_once(self):
        session = a_session()
        session.play(call(1))
        session.hear(HEARTBEAT)
        done = session.play(Close(drain=False))
        assert kinds(done) == ["Settle", "Abandon", "StateChanged", "CloseTransport"]

    def test_by_force_drops_the_transport(self):
        assert of(CloseTransport, a_session().play(Close(force=True))) == [CloseTransport(1000, "", abort=True)]

    @each("second", [Close(drain=False), Close(force=True)])
    def test_can_be_hastened(self, second):
        session = a_session()
        session.play(call(1), Close())
        done = session.play(second)
        assert isinstance(settled(done)[1], ClosedError)
        assert of(CloseTransport, done) == [CloseTransport(1000, "", abort=second.force)]

    def test_can_be_forced_when_the_handshake_hangs(self):
        session = a_session()
        session.play(Close())
        assert session.play(Close(), Close(drain=False)) == []
        assert session.play(Close(force=True)) == [CloseTransport(1000, "", abort=True)]

    def test_ends_even_if_the_peer_says_nothing(self):
        session = a_session(close_timeout=5)
        session.play(Close(1001, "bye"))
        done = session.wait(5)
        assert of(CloseTransport, done) == [CloseTransport(1001, "bye", abort=True)]
        assert isinstance(session.engine.state, Closed)
        assert session.engine.deadline == inf
        assert session.play(TransportLost()) == []

    @each("close", [Close(), Close(drain=False), Close(force=True)])
    def test_after_the_end_is_nothing(self, close):
        session = a_session()
        session.play(TransportLost())
        assert session.play(close) == []

    def test_refuses_later_calls(self):
        session = a_session()
        session.play(Close())
        error = settled(session.play(call(1)))[1]
        assert isinstance(error, ClosedError)
        assert error.sent is False

    def test_reads_nothing_more(self):
        session = a_session()
        session.engine.handle(TextReceived(HEARTBEAT), 0)
        session.play(Close(drain=False))
        assert session.hear(HEARTBEAT) == []
        assert states(session.play(TransportLost(1000))) == [Closed(1000, "")]


class TestLoss:
    def test_closes_without_more_ado(self):
        session = a_session()
        session.hear(HEARTBEAT)
        done = session.play(TransportLost(1006, "gone"))
        assert done == [Abandon(1), StateChanged(Closed(1006, "gone"))]

    def test_while_draining_keeps_nothing(self):
        session = a_session(keep_unsent=True)
        session.play(call(1), call(2), Close())
        assert list(settled(session.play(TransportLost()))) == [1]
        assert session.engine.take_unsent() == []

    def test_twice_is_once(self):
        session = a_session()
        session.play(TransportLost(1001))
        assert session.play(TransportLost(1006)) == []
        assert session.engine.state == Closed(1001, "")
