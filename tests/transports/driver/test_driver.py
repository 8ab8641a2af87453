"""The effect loop, on a host with a manual clock."""

import subprocess
import sys
from math import inf
from typing import get_args

import pytest

from ocpp_core import actions
from ocpp_core.actions import (
    Abandon,
    Action,
    CloseStream,
    CloseTransport,
    Dispatch,
    OpenTransport,
    Reading,
    Report,
    ReportKind,
    SendBytes,
    SendText,
    Settle,
    StateChanged,
    Trace,
    UpgradeRequested,
    Yield,
)
from ocpp_core.errors import ClosedError
from ocpp_core.inputs import BytesReceived, CancelCall, Congested, Reply, StartCall, StreamLost, TextReceived, Tick
from ocpp_transports._driver import _driver
from ocpp_transports._driver._driver import BURST, LOOK, SPAN
from tests.transports.fake_host import Cancelled, drive


def dispatch(request):
    return Dispatch(request, "Heartbeat", {}, f"id{request}")


def start(token):
    return StartCall(token, "Heartbeat", {})


def ask(driver, make=start):
    task = driver.host.spawn(driver.ask(make))
    driver.host.run()
    return task


class TestActionsArePerformed:
    def test_every_action_has_its_performer(self):
        assert {*_driver._PERFORM, Yield} == set(get_args(Action)), "the end of a turn is the drain's own affair"

    def test_output_goes_to_the_host_in_order(self):
        outputs = [
            SendBytes(b"a"),
            SendText("b"),
            SendBytes(b"c"),
            CloseStream(),
            CloseTransport(1001, "bye", abort=True),
        ]
        driver = drive(on={BytesReceived: lambda _: outputs})
        driver.feed(BytesReceived(b"x"))
        assert driver.host.sent == [b"a", "b", b"c"]
        assert driver.host.closed == [(1000, "", False), (1001, "bye", True)]

    def test_a_dial_names_its_attempt_and_subprotocols(self):
        driver = drive(on={TextReceived: lambda _: [OpenTransport(3, ("ocpp1.6",))]})
        driver.feed(TextReceived("x"))
        assert driver.host.dialled == [(3, ("ocpp1.6",))]

    def test_news_goes_to_the_owner_in_order(self):
        report = Report(ReportKind.PING)
        trace = Trace(actions.Direction.IN, [])
        upgrade, http = UpgradeRequested("/", (), ()), actions.HttpRequest("GET", "/", ())
        news = [StateChanged("open"), report, trace, dispatch(1), Abandon(1), upgrade, http]
        driver = drive(on={BytesReceived: lambda _: news})
        driver.feed(BytesReceived(b"x"))
        assert driver.delegate.told == [
            ("state", "open"),
            ("report", report),
            ("trace", trace),
            ("dispatched", dispatch(1)),
            ("abandoned", 1),
            ("upgrade", upgrade),
            ("http", http),
        ]

    def test_the_owner_may_be_replaced_between_two_actions(self):
        driver = drive(on={BytesReceived: lambda _: [StateChanged("a"), StateChanged("b")]})
        second = type(driver.delegate)()
        driver.delegate.on["state"] = lambda _: setattr(driver, "delegate", second)
        driver.feed(BytesReceived(b"x"))
        assert driver.delegate.told == [("state", "b")]


class TestFeedingFromWithin:
    def test_is_only_handled_and_the_outer_drain_goes_on_in_order(self):
        driver = drive(
            on={BytesReceived: lambda _: [dispatch(1), SendBytes(b"later")], Reply: lambda _: [SendBytes(b"reply")]}
        )
        seen = []
        driver.delegate.on["dispatched"] = lambda action: (
            driver.feed(Reply(action.request, {})),
            seen.append(list(driver.host.sent)),
        )
        driver.feed(BytesReceived(b"x"))
        assert seen == [[]]
        assert driver.host.sent == [b"later", b"reply"]

    def test_does_not_nest(self):
        depths = []

        def again(action):
            depths.append(len(depths_of_stack()))
            if action.request < 25:
                driver.feed(BytesReceived(b"x"))

        def depths_of_stack():
            frame, found = sys._getframe(), []
            while frame:
                found.append(frame)
                frame = frame.f_back
            return found

        numbers = iter(range(30))
        driver = drive(on={BytesReceived: lambda _: [dispatch(next(numbers))]}, reactions={"dispatched": again})
        driver.feed(BytesReceived(b"x"))
        assert len(depths) == 26
        assert set(depths) == {depths[0]}

    def test_still_works_after_an_owner_that_raised(self):
        driver = drive(on={BytesReceived: lambda _: [StateChanged("a"), SendBytes(b"b")]})
        driver.delegate.on["state"] = lambda _: 1 / 0
        with pytest.raises(ZeroDivisionError):
            driver.feed(BytesReceived(b"x"))
        driver.feed(Tick())
        assert driver.host.sent == [b"b"]


class TestTheDeadline:
    def test_of_a_new_engine_is_armed_at_once(self):
        assert armed(130.0).host.armed() == [130.0]

    def test_ticks_the_engine_when_it_has_passed(self):
        driver = armed(130.0)
        driver.engine.on[Tick] = lambda _: disarm(driver)
        driver.host.advance(29.9)
        assert driver.engine.events == []
        driver.host.advance(0.1)
        assert driver.engine.handled == [(Tick(), 130.0)]
        assert driver.host.armed() == []

    def test_is_met_by_a_timer_that_rings_a_little_early(self):
        driver = armed(130.0)
        driver.engine.on[Tick] = lambda _: disarm(driver)
        driver.host.ring_early(0.0009)
        assert driver.engine.handled == [(Tick(), 130.0)]
        assert driver.host.armed() == []

    def test_is_armed_again_by_one_that_rings_much_too_early(self):
        driver = armed(130.0)
        driver.host.ring_early(0.1)
        assert driver.engine.events == []
        assert driver.host.armed() == [130.0]

    def test_that_gets_earlier_is_armed_anew(self):
        driver = armed(130.0)
        driver.engine.deadline = 110.0
        driver.feed(BytesReceived(b"x"))
        assert driver.host.armed() == [110.0]

    def test_that_gets_later_is_looked_at_when_the_old_one_rings(self):
        driver = armed(130.0)
        driver.engine.deadline = 160.0
        driver.feed(BytesReceived(b"x"))
        assert driver.host.armed() == [130.0]
        driver.host.advance(30)
        assert Tick() not in driver.engine.events
        assert driver.host.armed() == [160.0]

    def test_that_is_dropped_is_disarmed(self):
        driver = armed(130.0)
        driver.engine.deadline = inf
        driver.feed(BytesReceived(b"x"))
        assert driver.host.armed() == []

    def test_is_looked_at_again_when_output_in_the_kernel_has_moved(self):
        """Its pong may be missing because the ping lies behind a long message, on a slow line."""
        driver = armed(130.0)

        def go_on(_):
            driver.engine.deadline += 30
            return ()

        driver.engine.on[Tick] = go_on
        for flow in (0, 1000, 1000, 2000, 0, None):
            driver.host.flow = flow
            driver.host.advance(30)
        moves = Congested(on=False)
        assert driver.engine.events == [Tick(), moves, Tick(), Tick(), moves, Tick(), moves, Tick(), Tick()]


def armed(deadline):
    """Make a driver of an engine that waits for a deadline from the start."""
    driver = drive()
    driver.engine.deadline = deadline
    return type(driver)(driver.engine, driver.host, driver.delegate)


def disarm(driver):
    driver.engine.deadline = inf
    return ()


class TestABurst:
    def test_of_requests_yields_to_the_loop_and_goes_on_in_order(self):
        count = 3 * BURST + 1
        driver = drive(on={BytesReceived: lambda _: [dispatch(n) for n in range(count)]})
        driver.feed(BytesReceived(b"x"))
        assert len(driver.delegate.told) == BURST
        assert driver.host.armed() == [driver.host.now()]
        driver.host.run()
        assert [action.request for _, action in driver.delegate.told] == list(range(count))

    @pytest.mark.parametrize("seconds", [0.6 * SPAN, 1.5 * SPAN])
    def test_of_slow_requests_yields_after_two_and_goes_on_in_order(self, seconds):
        driver = drive(on={BytesReceived: lambda _: [dispatch(n) for n in range(5)]})
        driver.delegate.on["dispatched"] = lambda _: driver.host.work(seconds)
        driver.feed(BytesReceived(b"x"))
        for served in (2, 4, 5):
            assert [action.request for _, action in driver.delegate.told] == list(range(served))
            driver.host.turn()

    def test_that_is_interrupted_by_an_input_keeps_the_order(self):
        driver = drive(
            on={BytesReceived: lambda _: [dispatch(n) for n in range(2 * BURST)], Tick: lambda _: [SendBytes(b"last")]}
        )
        driver.feed(BytesReceived(b"x"))
        driver.feed(Tick())
        assert len(driver.delegate.told) == BURST
        driver.host.run()
        assert len(driver.delegate.told) == 2 * BURST
        assert driver.host.sent == [b"last"]


class TestATurn:
    """What is not worked off is not read, so that nothing a peer sends piles up on this side."""

    def test_ends_where_the_engine_says_so_and_goes_on_in_the_next(self):
        driver = drive(on={BytesReceived: lambda _: [SendBytes(b"1"), Yield(), SendBytes(b"2")]})
        driver.feed(BytesReceived(b"x"))
        assert (driver.host.sent, driver.host.reads) == ([b"1"], [False])
        driver.host.run()
        assert (driver.host.sent, driver.host.reads) == ([b"1", b"2"], [False, True])

    def test_after_turn_nothing_is_read_in_between(self):
        driver = drive(on={BytesReceived: lambda _: [Yield(), SendBytes(b"1"), Yield(), SendBytes(b"2")]})
        driver.feed(BytesReceived(b"x"))
        driver.host.run()
        assert (driver.host.sent, driver.host.reads) == ([b"1", b"2"], [False, True])

    def test_does_not_go_on_for_a_peer_that_is_gone(self):
        driver = drive(
            on={
                BytesReceived: lambda _: [Yield(), SendBytes(b"for nobody")],
                StreamLost: lambda _: (driver.engine.actions.clear(), [CloseStream()])[1],
            }
        )
        driver.feed(BytesReceived(b"x"))
        driver.host.breaks = StreamLost()
        driver.host.run()
        assert driver.host.sent == []
        assert driver.host.closed

    def test_that_is_put_off_is_called_off_by_a_stop(self):
        driver = drive(on={BytesReceived: lambda _: [Yield(), SendBytes(b"1")]})
        driver.feed(BytesReceived(b"x"))
        driver.stop()
        driver.host.run()
        assert driver.host.sent == []


class TestAnEngineWithoutRoom:
    def test_is_not_read_for_until_it_has_some(self):
        driver = drive(on={Tick: lambda _: [Reading(on=True)], BytesReceived: lambda _: [Reading(on=False)]})
        driver.feed(BytesReceived(b"x"))
        driver.host.advance(60)
        assert driver.host.reads == [False]
        driver.feed(Tick())
        assert driver.host.reads == [False, True]
        assert driver.host.armed() == []

    def test_is_told_of_a_loss_that_nobody_reads(self):
        driver = drive(on={BytesReceived: lambda _: [Reading(on=False)]})
        driver.feed(BytesReceived(b"x"))
        driver.host.breaks = StreamLost()
        driver.host.advance(LOOK)
        assert driver.engine.events[-1] == StreamLost()
        assert driver.host.armed() == []

    def test_has_it_again_on_a_new_connection(self):
        driver = drive(on={BytesReceived: lambda _: [Reading(on=False)], Tick: lambda _: [OpenTransport(2, ())]})
        driver.feed(BytesReceived(b"x"))
        driver.feed(Tick())
        driver.feed(BytesReceived(b"x"))
        assert driver.host.reads == [False, False], "the new connection is read from, until it brings too much"

    def test_holds_nothing_after_a_stop(self):
        driver = drive(on={BytesReceived: lambda _: [Reading(on=False)]})
        driver.feed(BytesReceived(b"x"))
        driver.stop()
        assert driver.host.armed() == []


class TestAsking:
    def test_returns_what_the_token_settles_with(self):
        driver = drive(on={StartCall: lambda call: [Settle(call.token, {"status": "Accepted"})]})
        assert ask(driver).result == {"status": "Accepted"}

    def test_raises_the_error_it_settles_with(self):
        error = ClosedError("no")
        driver = drive(on={StartCall: lambda call: [Settle(call.token, None, error)]})
        assert ask(driver).error is error

    def test_waits_until_then(self):
        driver = drive()
        task = ask(driver)
        assert not task.is_over
        token = driver.engine.events[0].token
        driver.engine.actions.append(Settle(token, "late"))
        driver.feed(Tick())
        driver.host.run()
        assert task.result == "late"

    def test_uses_a_new_token_each_time(self):
        driver = drive()
        ask(driver)
        ask(driver)
        assert len({event.token for event in driver.engine.events}) == 2

    def test_gives_up_what_its_caller_cancels(self):
        driver = drive()
        task = ask(driver)
        task.cancel()
        driver.host.run()
        assert isinstance(task.error, Cancelled)
        assert driver.engine.cancelled == [driver.engine.events[0].token]

    def test_does_not_give_up_what_was_settled_before_the_cancellation_came(self):
        driver = drive()
        task = ask(driver)
        driver.engine.actions.append(Settle(driver.engine.events[0].token, "done"))
        driver.feed(Tick())
        task.cancel()
        driver.host.run()
        assert driver.engine.cancelled == []

    def test_a_settlement_of_what_was_given_up_is_ignored(self):
        driver = drive(on={CancelCall: lambda event: [Settle(event.token, None, ClosedError("given up"))]})
        ask(driver).cancel()
        driver.host.run()
        driver.engine.actions.append(Settle(999))
        driver.feed(Tick())
        assert driver.engine.poll() is None

    def test_misuse_is_raised_and_nothing_is_given_up(self):
        def refuse(_):
            raise ValueError("expected something else")

        driver = drive(on={StartCall: refuse})
        assert isinstance(ask(driver).error, ValueError)
        assert driver.engine.cancelled == []
        driver.stop()

    def test_misuse_in_feed_is_raised_too(self):
        driver = drive(on={Reply: lambda _: 1 / 0})
        with pytest.raises(ZeroDivisionError):
            driver.feed(Reply(1, {}))


class TestStopping:
    def test_disarms_and_settles_what_is_open(self):
        driver = armed(130.0)
        tasks = [ask(driver), ask(driver)]
        driver.engine.on[BytesReceived] = lambda _: [dispatch(n) for n in range(BURST)]
        driver.feed(BytesReceived(b"x"))
        driver.stop()
        assert driver.host.armed() == []
        driver.host.run()
        assert [type(task.error) for task in tasks] == [ClosedError, ClosedError]
        assert driver.engine.cancelled == []

    def test_ends_feeding_and_asking(self):
        driver = drive()
        driver.stop()
        driver.stop()
        driver.feed(BytesReceived(b"x"))
        assert driver.engine.events == []
        assert isinstance(ask(driver).error, ClosedError)

    def test_during_a_drain_arms_nothing(self):
        driver = drive(on={BytesReceived: lambda _: [dispatch(n) for n in range(2 * BURST)]})
        driver.engine.deadline = 130.0
        driver.delegate.on["dispatched"] = lambda _: driver.stop()
        driver.feed(BytesReceived(b"x"))
        assert driver.host.armed() == []


def test_driver_and_handlers_load_no_event_loop():
    """The browser uses them where there is none but its own."""
    code = "import sys, ocpp_transports._driver._driver, ocpp_transports._handlers._dispatcher; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {"asyncio", "anyio", "trio", "socket", "threading", "ssl"}.isdisjoint(loaded)
