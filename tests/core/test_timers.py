"""Named deadlines."""

from math import inf

import pytest

from ocpp_core.timers import GRID, Timers, coarse
from tests.tables import each


@pytest.fixture
def timers():
    return Timers()


class TestNext:
    def test_is_inf_when_nothing_is_armed(self, timers):
        assert timers.next == inf

    def test_is_the_earliest_deadline(self, timers):
        for name, at in [("b", 2.0), ("a", 1.0), ("c", 3.0)]:
            timers.set(name, at)
        assert timers.next == 1.0

    def test_forgets_a_cancelled_one(self, timers):
        timers.set("a", 1.0)
        timers.set("b", 2.0)
        timers.cancel("a")
        assert (timers.next, "a" in timers, "b" in timers, len(timers)) == (2.0, False, True, 1)

    @pytest.mark.parametrize("at", [0.5, 5.0])
    def test_follows_a_moved_one(self, timers, at):
        timers.set("a", 1.0)
        timers.set("a", at)
        assert (timers.next, len(timers)) == (at, 1)


class TestDue:
    def test_takes_out_what_is_due_in_order_of_time(self, timers):
        for name, at in [("late", 3.0), ("second", 2.0), ("first", 1.0)]:
            timers.set(name, at)
        assert list(timers.due(2.0)) == ["first", "second"]
        assert (timers.next, len(timers)) == (3.0, 1)

    def test_keeps_the_order_of_arming_at_the_same_time(self, timers):
        for name in ["b", "a", "c"]:
            timers.set(name, 1.0)
        assert list(timers.due(1.0)) == ["b", "a", "c"]

    def test_takes_out_nothing_early(self, timers):
        timers.set("a", 1.0)
        assert list(timers.due(0.999)) == []
        assert timers.next == 1.0

    def test_skips_what_is_cancelled_meanwhile(self, timers):
        timers.set("a", 1.0)
        timers.set("b", 1.0)
        due = timers.due(1.0)
        assert next(due) == "a"
        timers.cancel("b")
        assert list(due) == []


class TestDisarming:
    def test_inf_disarms(self, timers):
        timers.set("a", 1.0)
        timers.set("a", inf)
        assert ("a" in timers, timers.next) == (False, inf)

    def test_cancelling_the_unknown_is_nothing(self, timers):
        timers.cancel("a")
        assert len(timers) == 0

    def test_clear_disarms_everything(self, timers):
        timers.set("a", 1.0)
        timers.clear()
        assert (len(timers), timers.next, list(timers.due(9.0))) == (0, inf, [])


class TestMemory:
    """Stays proportional to what is armed, however often deadlines move."""

    def test_of_one_that_moves_for_ever(self, timers):
        for at in range(10_000):
            timers.set("ping", float(at))
        assert len(timers._heap) < 32

    def test_of_many_that_are_armed_and_cancelled(self, timers):
        timers.set("kept", 5.0)
        for at in range(10_000):
            timers.set(at, 10.0 + at)
            timers.cancel(at)
        assert len(timers._heap) < 32
        assert timers.next == 5.0

    @pytest.mark.parametrize("at", [1.0, 2.0])
    def test_what_is_cancelled_does_not_pile_up(self, timers, at):
        timers.set("first", 1.0)
        for number in range(1000):
            timers.set(number, at)
            timers.cancel(number)
        assert len(timers._heap) < 50


class TestCoarse:
    @each(
        ("now", "delay", "at"),
        [
            (0.0, 30.0, 30.0),
            (0.0, 30.001, 30.25),
            (100.1, 30.0, 130.25),
            (1e6 + 0.3, 22.5, 1e6 + 23.0),
            (0.0, 5.0, 5.0),
            (0.1, 5.0, 5.25),
        ],
    )
    def test_is_the_next_point_of_the_grid(self, now, delay, at):
        assert coarse(now, delay) == at
        assert now + delay <= at < now + delay + GRID

    @each(("now", "delay"), [(0.1, 4.9), (0.1, 0.05), (0.0, inf), (-inf, 30.0)])
    def test_leaves_what_is_near_or_never(self, now, delay):
        assert coarse(now, delay) == now + delay
