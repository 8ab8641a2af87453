"""The wheel: one timer of the event loop for everything that is due at the same point of the grid."""

import logging
from contextvars import copy_context

import pytest

from ocpp_core.timers import GRID
from ocpp_transports._logging._log import LOGGER, Log
from ocpp_transports._runtime._shared_timers import SharedTimers
from tests.transports.fake_host import FakeHost


@pytest.fixture
def host():
    return FakeHost()


@pytest.fixture
def wheel(host):
    return SharedTimers(host.call_at, copy_context(), Log(LOGGER, "test").failed)


class TestAWheel:
    def test_has_one_timer_for_what_is_due_at_the_same_point_of_the_grid(self, host, wheel):
        rung = []
        for name in "abc":
            wheel.call_at(130.25, lambda name=name: rung.append(name))
        wheel.call_at(130.5, lambda: rung.append("d"))
        assert host.armed() == [130.25, 130.5]
        host.advance(30.25)
        assert rung == ["a", "b", "c"]
        host.advance(GRID)
        assert rung == ["a", "b", "c", "d"]
        assert len(wheel) == 0

    def test_has_a_timer_for_each_that_is_due_between(self, host, wheel):
        for _ in range(2):
            wheel.call_at(101.1, lambda: None)
        assert host.armed() == [101.1, 101.1]
        assert len(wheel) == 0

    def test_does_not_call_what_was_called_off(self, host, wheel):
        rung = []
        gone = wheel.call_at(130.0, lambda: rung.append("gone"))
        wheel.call_at(130.0, lambda: rung.append("here"))
        gone.cancel()
        gone.cancel()
        host.advance(30)
        assert rung == ["here"]

    def test_keeps_no_timer_when_the_last_one_is_called_off(self, host, wheel):
        handles = [wheel.call_at(130.0, lambda: None) for _ in range(2)]
        for handle in handles:
            handle.cancel()
        assert host.armed() == []
        assert len(wheel) == 0

    def test_lets_one_call_off_another_of_the_same_moment_and_start_a_new_one(self, host, wheel):
        rung = []

        def first():
            second.cancel()
            wheel.call_at(130.0, lambda: rung.append("again"))

        wheel.call_at(130.0, first)
        second = wheel.call_at(130.0, lambda: rung.append("second"))
        host.advance(30)
        assert rung == ["again"]

    def test_may_be_used_for_the_same_moment_by_what_rings_on_it(self, host, wheel):
        """A clock that counts milliseconds does not move on meanwhile: two slots of one moment must not be mixed up."""
        rung = []

        def first():
            wheel.call_at(130.0, lambda: rung.append("anew"))
            second.cancel()

        wheel.call_at(130.0, first)
        second = wheel.call_at(130.0, lambda: rung.append("second"))
        host.advance(30)
        assert rung == ["anew"]
        assert len(wheel) == 0

    def test_keeps_nothing_of_what_was_called_off(self, wheel):
        wheel.call_at(130.0, lambda: None)
        for _ in range(100):
            wheel.call_at(130.0, lambda: None).cancel()
        (bucket,) = wheel._buckets.values()
        assert len(bucket.entries) == 1

    def test_goes_on_when_one_of_them_fails(self, host, wheel, caplog):
        rung = []
        wheel.call_at(130.0, lambda: 1 / 0)
        wheel.call_at(130.0, lambda: rung.append("next"))
        with caplog.at_level(logging.ERROR):
            host.advance(30)
        assert rung == ["next"]
        assert [record.getMessage() for record in caplog.records] == ["test: a timer failed"]
