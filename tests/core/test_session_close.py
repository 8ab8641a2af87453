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
    Reply,
    TextReceived,
    TransportLost,
)
from ocpp_core.session import Closed, Closing, Draining
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
