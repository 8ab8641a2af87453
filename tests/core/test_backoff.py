"""How long to wait before the next attempt."""

from math import inf, nan
from random import Random

import pytest

from ocpp_core.backoff import ExponentialBackoff, OCPPBackoff, retry_delay
from tests.tables import each


class Extreme(Random):
    """Always draws the lower or the upper end."""

    def __init__(self, end: int) -> None:
        super().__init__(0)
        self.end = end

    def uniform(self, a: float, b: float) -> float:
        return (a, b)[self.end]


LOW, HIGH = Extreme(0), Extreme(1)


class TestExponential:
    """`d = min(maximum, minimum * 2**(k-1))`, then `d * U(0.5, 1)`: the jitter comes after the cap."""

    @each(
        ("attempt", "least", "most"),
        [(1, 0.5, 1), (2, 1, 2), (3, 2, 4), (4, 4, 8), (5, 8, 16), (6, 15, 30), (7, 15, 30), (10**9, 15, 30)],
    )
    def test_doubles_to_the_cap_and_never_loses_its_jitter(self, attempt, least, most):
        backoff = ExponentialBackoff()
        assert (backoff.delay(attempt, LOW), backoff.delay(attempt, HIGH)) == (least, most)

    def test_draws_from_the_given_source(self):
        backoff = ExponentialBackoff()
        drawn = [backoff.delay(3, Random(7)) for _ in range(2)]
        assert drawn[0] == drawn[1]
        assert 2 < drawn[0] < 4

    def test_resets_after_ten_seconds_online(self):
        assert ExponentialBackoff().reset_after == 10

    @each(
        "settings",
        [
            {"minimum": 0},
            {"minimum": -1},
            {"minimum": 31},
            {"maximum": inf},
            {"minimum": nan},
            {"maximum": nan},
            {"reset_after": -1},
        ],
    )
    def test_refuses_what_is_no_range(self, settings):
        with pytest.raises(ValueError, match="expected"):
            ExponentialBackoff(**settings)


class TestOcpp2:
    """OCPP 2.0.1 Part 4 §5.3: W + U(0, R) first, then doubled N times, then for ever the same."""

    @each(("attempt", "base"), [(1, 30), (2, 60), (3, 120), (4, 240), (5, 240), (1000, 240)])
    def test_doubles_as_often_as_configured_with_fresh_randomness_each_time(self, attempt, base):
        backoff = OCPPBackoff(wait_minimum=30, random_range=10, repeat_times=3)
        assert (backoff.delay(attempt, LOW), backoff.delay(attempt, HIGH)) == (base, base + 10)

    def test_follows_the_certification_case(self):
        """Part 6 TC_B_57_CS: N = 2, R = 0 gives W after a clean loss, then 2W."""
        backoff = OCPPBackoff(wait_minimum=5, random_range=0, repeat_times=2)
        assert [backoff.delay(attempt, HIGH) for attempt in (1, 2, 3, 4)] == [5, 10, 20, 20]

    def test_does_not_overflow(self):
        assert OCPPBackoff(repeat_times=10**6).delay(10**6, HIGH) < inf

    def test_resets_at_open(self):
        assert OCPPBackoff().reset_after == 0

    @each("settings", [{"wait_minimum": 0}, {"wait_minimum": inf}, {"random_range": -1}, {"repeat_times": -1}])
    def test_refuses_what_is_no_policy(self, settings):
        with pytest.raises(ValueError, match="expected"):
            OCPPBackoff(**settings)


class TestRetries:
    """Full jitter below a doubling cap."""

    @each(("attempt", "most"), [(1, 1), (2, 2), (3, 4), (9, 30), (10**9, 30)])
    def test_spread_over_the_whole_range(self, attempt, most):
        assert (retry_delay(attempt, 1, 30, LOW), retry_delay(attempt, 1, 30, HIGH)) == (0, most)
