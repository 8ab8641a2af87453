"""The lag of an event loop, by a clock that the test moves."""

import pytest

from ocpp_transports._runtime._lag import LAG_INTERVAL, LagProbe
from tests.transports.fake_host import FakeHost


@pytest.fixture
def clock():
    return FakeHost()


@pytest.fixture
def probe(clock):
    return LagProbe(clock.now, clock.call_at)


class TestALagProbe:
    def test_reports_by_how_much_the_loop_is_late(self, clock, probe):
        samples: list[float] = []
        probe.watch(samples.append)
        clock.advance(LAG_INTERVAL)
        clock.work(LAG_INTERVAL + 0.5)
        clock.run()
        assert samples == pytest.approx([0, 0.5])
        assert probe.seconds == pytest.approx(0.5)

    def test_has_one_timer_for_all_watchers_and_none_without(self, clock, probe):
        assert clock.armed() == []
        first, second = probe.watch(lambda _: None), probe.watch(lambda _: None)
        assert len(clock.armed()) == 1
        first.cancel()
        first.cancel()
        assert len(clock.armed()) == 1
        second.cancel()
        assert clock.armed() == []

    def test_a_watcher_may_leave_or_join_while_it_is_called(self, clock, probe):
        seen = []

        def once(_):
            seen.append("once")
            leaving.cancel()
            probe.watch(lambda _: seen.append("next"))

        leaving = probe.watch(once)
        clock.advance(2 * LAG_INTERVAL)
        assert seen == ["once", "next"]
        assert len(clock.armed()) == 1

    def test_forgets_its_last_sample_with_its_last_watcher(self, clock, probe):
        watching = probe.watch(lambda _: None)
        clock.work(1)
        clock.run()
        watching.cancel()
        assert probe.seconds == 0
        probe.watch(lambda _: None)
        probe.stop()
        assert clock.armed() == []
