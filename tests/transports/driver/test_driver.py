"""The effect loop, on a host with a manual clock."""

import subprocess
import sys
from collections import deque
from math import inf
from types import FrameType
from typing import get_args

import pytest

from ocpp_core import actions
from ocpp_core.actions import (
    Abandon,
    Action,
    CloseStream,
    CloseTransport,
    OpenTransport,
    Reading,
    Report,
    ReportKind,
    SendBytes,
    SendText,
    StateChanged,
    Trace,
    UpgradeRequested,
    Yield,
)
from ocpp_core.errors import ClosedError
from ocpp_core.inputs import BytesReceived, Congested, Reply, StreamLost, TextReceived, Tick
from ocpp_core.states import Open
from ocpp_transports._driver import _driver
from ocpp_transports._driver._driver import Driver
from ocpp_transports._driver._limits import BURST, LOOK
from tests.transports.driver.asking import ask, dispatch
from tests.transports.fake_host import FakeDelegate, FakeEngine, FakeHost, drive, drive_engine


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
        assert driver.runtime.sent == [b"a", "b", b"c"]
        assert driver.runtime.closed == [(1000, "", False), (1001, "bye", True)]

    def test_what_a_session_does_goes_to_its_delegate_in_order(self):
        report = Report(ReportKind.PING)
        trace = Trace(actions.Direction.IN, [])
        driver = drive(on={BytesReceived: lambda _: [StateChanged(Open()), report, trace, dispatch(1), Abandon(1)]})
        driver.feed(BytesReceived(b"x"))
        assert driver.session.told == [
            ("state", Open()),
            ("report", report),
            ("trace", trace),
            ("dispatched", dispatch(1)),
            ("abandoned", 1),
        ]


class TestDialling:
    def test_names_the_attempt_and_the_subprotocols(self):
        driver = drive(on={TextReceived: lambda _: [OpenTransport(3, ("ocpp1.6",))]})
        driver.feed(TextReceived("x"))
        assert driver.runtime.dialled == [(3, ("ocpp1.6",))]

    def test_replaces_the_connection_before_which_is_dropped_unless_it_is_closing(self):
        carriers = [FakeHost(), FakeHost(), FakeHost()]
        dialled = iter(carriers)
        engine = FakeEngine({TextReceived: lambda _: [OpenTransport(1, ()), SendBytes(b"to the new one")]})
        driver = Driver(engine, FakeHost(), FakeDelegate(), dialer=lambda *_: next(dialled))
        driver.feed(TextReceived("x"))
        driver.feed(TextReceived("x"))
        carriers[1].is_closing = True
        driver.feed(TextReceived("x"))
        assert [carrier.closed for carrier in carriers] == [[(1000, "", True)], [], []]
        assert [carrier.sent for carrier in carriers] == [[b"to the new one"]] * 3

    def test_comes_before_any_output_which_is_ignored_until_then(self):
        output = [SendBytes(b"a"), SendText("b"), CloseStream(), CloseTransport(1000, ""), Reading(on=False), Yield()]
        engine, host = FakeEngine({BytesReceived: lambda _: output}), FakeHost()
        Driver(engine, host, FakeDelegate()).feed(BytesReceived(b"x"))
        host.advance(LOOK)
        assert engine.actions == deque()

    def test_is_not_for_an_accepted_connection(self):
        host = FakeHost()
        driver = Driver(FakeEngine({TextReceived: lambda _: [OpenTransport(3, ())]}), host, connection=host)
        with pytest.raises(RuntimeError, match="attempt 3: this connection was accepted"):
            driver.feed(TextReceived("x"))


class TestAnAcceptedConnection:
    """Its handshake is one delegate's, its session another's; in between nobody serves what it dispatches."""

    NEWS = (StateChanged(Open()), Report(ReportKind.PING), UpgradeRequested("/", {}, ()))
    HTTP = actions.HttpRequest("GET", "/", {})
    SESSION = (dispatch(1), Abandon(1), Trace(actions.Direction.IN, []))

    def accept(self, *batches):
        host, handshake, remaining = FakeHost(), FakeDelegate(), iter(batches)
        engine = FakeEngine({BytesReceived: lambda _: next(remaining)})
        return Driver(engine, host, handshake=handshake, connection=host), handshake

    def test_begins_with_its_handshake(self):
        driver, handshake = self.accept([*self.NEWS, self.HTTP, *self.SESSION])
        driver.feed(BytesReceived(b"x"))
        assert [kind for kind, _ in handshake.told] == ["state", "report", "upgrade", "http"]

    def test_is_handed_over_to_a_session_between_two_actions(self):
        driver, handshake = self.accept([*self.NEWS, StateChanged(Open()), Report(ReportKind.PONG), *self.SESSION])
        session = FakeDelegate()
        handshake.on["upgrade"] = lambda _: driver.serve(session)
        driver.feed(BytesReceived(b"x"))
        assert [kind for kind, _ in handshake.told] == ["state", "report", "upgrade"]
        assert [kind for kind, _ in session.told] == ["state", "report", "dispatched", "abandoned", "trace"]


class TestFeedingFromWithin:
    def test_is_only_handled_and_the_outer_drain_goes_on_in_order(self):
        driver = drive(
            on={BytesReceived: lambda _: [dispatch(1), SendBytes(b"later")], Reply: lambda _: [SendBytes(b"reply")]}
        )
        seen = []
        driver.session.on["dispatched"] = lambda action: (
            driver.feed(Reply(action.request, {})),
            seen.append(list(driver.runtime.sent)),
        )
        driver.feed(BytesReceived(b"x"))
        assert seen == [[]]
        assert driver.runtime.sent == [b"later", b"reply"]

    def test_does_not_nest(self):
        depths = []

        def again(action):
            depths.append(len(depths_of_stack()))
            if action.request < BURST - 2:
                driver.feed(BytesReceived(b"x"))

        def depths_of_stack():
            found: list[FrameType] = []
            frame: FrameType | None = sys._getframe()
            while frame is not None:
                found.append(frame)
                frame = frame.f_back
            return found

        numbers = iter(range(BURST))
        driver = drive(on={BytesReceived: lambda _: [dispatch(next(numbers))]}, reactions={"dispatched": again})
        driver.feed(BytesReceived(b"x"))
        assert len(depths) == BURST - 1
        assert set(depths) == {depths[0]}

    def test_still_works_after_an_owner_that_raised(self):
        driver = drive(on={BytesReceived: lambda _: [StateChanged(Open()), SendBytes(b"b")]})
        driver.session.on["state"] = lambda _: 1 / 0
        with pytest.raises(ZeroDivisionError):
            driver.feed(BytesReceived(b"x"))
        driver.feed(Tick())
        assert driver.runtime.sent == [b"b"]


class TestTheDeadline:
    def test_of_a_new_engine_is_armed_at_once(self):
        assert armed(130.0).runtime.armed() == [130.0]

    def test_ticks_the_engine_when_it_has_passed(self):
        driver = armed(130.0)
        driver.engine.on[Tick] = lambda _: disarm(driver)
        driver.runtime.advance(29.9)
        assert driver.engine.events == []
        driver.runtime.advance(0.1)
        assert driver.engine.handled == [(Tick(), 130.0)]
        assert driver.runtime.armed() == []

    def test_is_met_by_a_timer_that_rings_a_little_early(self):
        driver = armed(130.0)
        driver.engine.on[Tick] = lambda _: disarm(driver)
        driver.runtime.ring_early(0.0009)
        assert driver.engine.handled == [(Tick(), 130.0)]
        assert driver.runtime.armed() == []

    def test_is_armed_again_by_one_that_rings_much_too_early(self):
        driver = armed(130.0)
        driver.runtime.ring_early(0.1)
        assert driver.engine.events == []
        assert driver.runtime.armed() == [130.0]

    def test_that_gets_earlier_is_armed_anew(self):
        driver = armed(130.0)
        driver.engine.deadline = 110.0
        driver.feed(BytesReceived(b"x"))
        assert driver.runtime.armed() == [110.0]

    def test_that_gets_later_is_looked_at_when_the_old_one_rings(self):
        driver = armed(130.0)
        driver.engine.deadline = 160.0
        driver.feed(BytesReceived(b"x"))
        assert driver.runtime.armed() == [130.0]
        driver.runtime.advance(30)
        assert Tick() not in driver.engine.events
        assert driver.runtime.armed() == [160.0]

    def test_that_is_dropped_is_disarmed(self):
        driver = armed(130.0)
        driver.engine.deadline = inf
        driver.feed(BytesReceived(b"x"))
        assert driver.runtime.armed() == []

    def test_is_looked_at_again_when_output_in_the_kernel_has_moved(self):
        """Its pong may be missing because the ping lies behind a long message, on a slow line."""
        driver = armed(130.0)

        def go_on(_):
            driver.engine.deadline += 30
            return ()

        driver.engine.on[Tick] = go_on
        for flow in (0, 1000, 1000, 2000, 0, None):
            driver.runtime.flow = flow
            driver.runtime.advance(30)
        moves = Congested(on=False)
        assert driver.engine.events == [Tick(), moves, Tick(), Tick(), moves, Tick(), moves, Tick(), Tick()]


def armed(deadline):
    """Make a driver of an engine that waits for a deadline from the start."""
    driver = drive()
    driver.engine.deadline = deadline
    return drive_engine(driver.engine, driver.runtime, driver.session)


def disarm(driver):
    driver.engine.deadline = inf
    return ()


class TestAnEngineWithoutRoom:
    def test_is_not_read_for_until_it_has_some(self):
        driver = drive(on={Tick: lambda _: [Reading(on=True)], BytesReceived: lambda _: [Reading(on=False)]})
        driver.feed(BytesReceived(b"x"))
        driver.runtime.advance(60)
        assert driver.runtime.reads == [False]
        driver.feed(Tick())
        assert driver.runtime.reads == [False, True]
        assert driver.runtime.armed() == []

    def test_is_told_of_a_loss_that_nobody_reads(self):
        driver = drive(on={BytesReceived: lambda _: [Reading(on=False)]})
        driver.feed(BytesReceived(b"x"))
        driver.runtime.breaks = StreamLost()
        driver.runtime.advance(LOOK)
        assert driver.engine.events[-1] == StreamLost()
        assert driver.runtime.armed() == []

    def test_has_it_again_on_a_new_connection(self):
        driver = drive(on={BytesReceived: lambda _: [Reading(on=False)], Tick: lambda _: [OpenTransport(2, ())]})
        driver.feed(BytesReceived(b"x"))
        driver.feed(Tick())
        driver.feed(BytesReceived(b"x"))
        assert driver.runtime.reads == [False, False], "the new connection is read from, until it brings too much"

    def test_holds_nothing_after_a_stop(self):
        driver = drive(on={BytesReceived: lambda _: [Reading(on=False)]})
        driver.feed(BytesReceived(b"x"))
        driver.stop()
        assert driver.runtime.armed() == []


class TestStopping:
    def test_disarms_and_settles_what_is_open(self):
        driver = armed(130.0)
        tasks = [ask(driver), ask(driver)]
        driver.engine.on[BytesReceived] = lambda _: [dispatch(n) for n in range(BURST)]
        driver.feed(BytesReceived(b"x"))
        driver.stop()
        assert driver.runtime.armed() == []
        driver.runtime.run()
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
        driver.session.on["dispatched"] = lambda _: driver.stop()
        driver.feed(BytesReceived(b"x"))
        assert driver.runtime.armed() == []


def test_driver_and_handlers_load_no_event_loop():
    """The browser uses them where there is none but its own."""
    code = "import sys, ocpp_transports._driver._driver, ocpp_transports._handlers._dispatcher; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {"asyncio", "anyio", "trio", "socket", "threading", "ssl"}.isdisjoint(loaded)
