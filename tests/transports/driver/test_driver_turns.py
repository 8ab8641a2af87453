"""How much a driver does for its connection at a time, and where the rest waits."""

import pytest

from ocpp_core.actions import TURN, CloseStream, SendBytes, Yield
from ocpp_core.inputs import BytesReceived, StreamLost, Tick
from ocpp_transports._driver._limits import BURST, SPAN
from tests.transports.driver.asking import dispatch
from tests.transports.fake_host import drive


class TestABurst:
    def test_of_requests_yields_to_the_loop_and_goes_on_in_order(self):
        count = 3 * BURST + 1
        driver = drive(on={BytesReceived: lambda _: [dispatch(n) for n in range(count)]})
        driver.feed(BytesReceived(b"x"))
        assert len(driver.session.told) == BURST
        assert driver.runtime.armed() == [driver.runtime.now()]
        driver.runtime.run()
        assert [action.request for _, action in driver.session.told] == list(range(count))

    @pytest.mark.parametrize("seconds", [0.6 * SPAN, 1.5 * SPAN])
    def test_of_slow_requests_yields_after_two_and_goes_on_in_order(self, seconds):
        driver = drive(on={BytesReceived: lambda _: [dispatch(n) for n in range(5)]})
        driver.session.on["dispatched"] = lambda _: driver.runtime.work(seconds)
        driver.feed(BytesReceived(b"x"))
        for served in (2, 4, 5):
            assert [action.request for _, action in driver.session.told] == list(range(served))
            driver.runtime.turn()

    def test_that_is_interrupted_by_an_input_keeps_the_order(self):
        driver = drive(
            on={BytesReceived: lambda _: [dispatch(n) for n in range(2 * BURST)], Tick: lambda _: [SendBytes(b"last")]}
        )
        driver.feed(BytesReceived(b"x"))
        driver.feed(Tick())
        assert len(driver.session.told) == BURST
        driver.runtime.run()
        assert len(driver.session.told) == 2 * BURST
        assert driver.runtime.sent == [b"last"]


class TestATurn:
    """What is not worked off is not read, so that nothing a peer sends piles up on this side."""

    def test_ends_where_the_engine_says_so_and_goes_on_in_the_next(self):
        driver = drive(on={BytesReceived: lambda _: [SendBytes(b"1"), Yield(), SendBytes(b"2")]})
        driver.feed(BytesReceived(b"x"))
        assert (driver.runtime.sent, driver.runtime.reads) == ([b"1"], [False])
        driver.runtime.run()
        assert (driver.runtime.sent, driver.runtime.reads) == ([b"1", b"2"], [False, True])

    def test_after_turn_nothing_is_read_in_between(self):
        driver = drive(on={BytesReceived: lambda _: [Yield(), SendBytes(b"1"), Yield(), SendBytes(b"2")]})
        driver.feed(BytesReceived(b"x"))
        driver.runtime.run()
        assert (driver.runtime.sent, driver.runtime.reads) == ([b"1", b"2"], [False, True])

    def test_keeps_its_place_in_the_queue_for_what_is_read_next(self):
        """A peer that floods is served in its turns only, never on top of them."""
        batches = iter([[Yield(), SendBytes(b"1")], [SendBytes(b"2")], [SendBytes(b"3")]])
        driver = drive(on={BytesReceived: lambda _: next(batches)})
        host = driver.runtime
        driver.feed(BytesReceived(b"x"))
        host.turn()
        assert (host.sent, host.reads) == ([b"1"], [False, True])
        driver.feed(BytesReceived(b"x"))
        assert (host.sent, host.reads) == ([b"1"], [False, True, False]), "one chunk waits, and no more are read"
        host.turn()
        assert (host.sent, host.reads[-1]) == ([b"1", b"2"], True)
        host.turn()
        driver.feed(BytesReceived(b"x"))
        assert host.sent == [b"1", b"2", b"3"], "nothing came in its turn, so it has left the queue"

    def test_is_charged_for_work_only(self):
        driver = drive(on={BytesReceived: lambda _: [Yield(), SendBytes(b"1"), Yield(), SendBytes(b"2")]})
        work = []
        driver.runtime.next_turn = lambda fn: work.append(fn) or driver.runtime.call_at(driver.runtime.now() + 9, fn)
        driver.feed(BytesReceived(b"x"))
        assert [work.pop()() for _ in range(3)] == [TURN, TURN, 0]
        assert not work

    def test_does_not_go_on_for_a_peer_that_is_gone(self):
        def lose(_):
            driver.engine.actions.clear()
            return [CloseStream()]

        driver = drive(on={BytesReceived: lambda _: [Yield(), SendBytes(b"for nobody")], StreamLost: lose})
        driver.feed(BytesReceived(b"x"))
        driver.runtime.breaks = StreamLost()
        driver.runtime.run()
        assert driver.runtime.sent == []
        assert driver.runtime.closed

    def test_that_is_put_off_is_called_off_by_a_stop(self):
        driver = drive(on={BytesReceived: lambda _: [Yield(), SendBytes(b"1")]})
        driver.feed(BytesReceived(b"x"))
        driver.stop()
        driver.runtime.run()
        assert driver.runtime.sent == []
