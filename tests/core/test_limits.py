"""The token bucket; `tests/properties/test_limits.py` compares it with one that counts its tokens."""

from math import inf, nan
from typing import Any

import pytest

from ocpp_core.limits import TokenBucket
from tests.tables import each


class TestTokenBucket:
    def test_gives_its_burst_at_once_and_then_its_rate(self) -> None:
        bucket = TokenBucket(2, 3)
        assert [bucket.take(10.0) for _ in range(4)] == [True, True, True, False]
        assert bucket.ready_at == 10.5
        assert [bucket.take(at) for at in (10.25, 10.5, 10.75, 11.0)] == [False, True, False, True]

    def test_is_full_again_after_a_quiet_time_and_never_more_than_full(self) -> None:
        bucket = TokenBucket(1, 2)
        assert [bucket.take(0.0) for _ in range(3)] == [True, True, False]
        assert [bucket.take(1e6) for _ in range(3)] == [True, True, False]

    @each(("rate", "start"), [(3, 0.1), (0.7, 1e6), (999.9, 0.3), (0.001, 12345.678), (777777.7, 1e9)])
    def test_has_a_token_at_the_time_it_names(self, rate: float, start: float) -> None:
        """A host that wakes up then finds one: otherwise it would be woken again at once."""
        bucket, at = TokenBucket(rate, 1), start
        for _ in range(1000):
            assert bucket.take(at)
            assert not bucket.take(at)
            later = bucket.ready_at
            assert later > at
            at = later

    def test_a_token_that_was_not_there_costs_nothing(self) -> None:
        bucket = TokenBucket(1, 1)
        assert bucket.take(0.0)
        assert not any(bucket.take(0.5) for _ in range(100))
        assert bucket.take(1.0)

    def test_a_burst_without_limit_never_refuses(self) -> None:
        bucket = TokenBucket(0.001, inf)
        assert all(bucket.take(0.0) for _ in range(1000))

    @each(("rate", "burst"), [(0, 1), (0.0001, 1), (-1, 1), (nan, 1), (1, 0), (1, 0.5), (1, nan)])
    def test_refuses_what_would_let_nothing_pass(self, rate: Any, burst: Any) -> None:
        with pytest.raises(ValueError, match=r"expected rate >= 0\.001 a second and burst >= 1"):
            TokenBucket(rate, burst)
