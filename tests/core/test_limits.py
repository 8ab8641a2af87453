"""The token bucket; `tests/properties/test_limits.py` compares it with one that counts its tokens."""

from math import inf, nan
from typing import Any

import pytest

from ocpp_core import limits
from ocpp_core.limits import SharedBuckets, TokenBucket
from tests.core.buckets import take
from tests.tables import each


class TestTokenBucket:
    def test_gives_its_burst_at_once_and_then_its_rate(self) -> None:
        bucket = TokenBucket(2, 3)
        assert [take(bucket, 10.0) for _ in range(4)] == [True, True, True, False]
        assert bucket.ready_at(10.0) == 10.5
        assert [take(bucket, at) for at in (10.25, 10.5, 10.75, 11.0)] == [False, True, False, True]

    def test_is_full_again_after_a_quiet_time_and_never_more_than_full(self) -> None:
        bucket = TokenBucket(1, 2)
        assert [take(bucket, 0.0) for _ in range(3)] == [True, True, False]
        assert [take(bucket, 1e6) for _ in range(3)] == [True, True, False]

    @each(("rate", "start"), [(3, 0.1), (0.7, 1e6), (999.9, 0.3), (0.001, 12345.678), (777777.7, 1e9)])
    def test_has_a_token_at_the_time_it_names(self, rate: float, start: float) -> None:
        """A host that wakes up then finds one: otherwise it would be woken again at once."""
        bucket, at = TokenBucket(rate, 1), start
        for _ in range(1000):
            assert take(bucket, at)
            assert not take(bucket, at)
            later = bucket.ready_at(at)
            assert later > at
            at = later

    def test_a_token_that_was_not_there_costs_nothing(self) -> None:
        bucket = TokenBucket(1, 1)
        assert take(bucket, 0.0)
        assert not any(take(bucket, 0.5) for _ in range(100))
        assert take(bucket, 1.0)

    def test_a_token_taken_in_advance_is_missing_later(self) -> None:
        bucket = TokenBucket(1, 1)
        for _ in range(3):
            bucket.take(0.0)
        assert bucket.ready_at(0.0) == 3
        assert [take(bucket, at) for at in (1.0, 2.0, 3.0, 3.5, 4.0)] == [False, False, True, False, True]

    def test_a_burst_without_limit_never_refuses(self) -> None:
        bucket = TokenBucket(0.001, inf)
        assert all(take(bucket, 0.0) for _ in range(1000))

    @each(("rate", "burst"), [(0, 1), (0.0001, 1), (-1, 1), (nan, 1), (1, 0), (1, 0.5), (1, nan)])
    def test_refuses_what_would_let_nothing_pass(self, rate: Any, burst: Any) -> None:
        with pytest.raises(ValueError, match=r"expected rate >= 0\.001 a second and burst >= 1"):
            TokenBucket(rate, burst)


class TestSharedBuckets:
    def test_count_each_owner_by_itself(self) -> None:
        buckets = SharedBuckets(2, 3)
        one, other = buckets.of("one"), buckets.of("other")
        assert [take(one, 10.0) for _ in range(4)] == [True, True, True, False]
        assert take(buckets.of("one"), 10.0) is False
        assert [take(one, at) for at in (10.25, 10.5, 10.75, 11.0)] == [False, True, False, True]
        assert take(other, 10.0)

    def test_let_no_more_than_a_burst_be_taken_in_advance(self) -> None:
        bucket = SharedBuckets(1, 2).of("one")
        taken = 0
        while bucket.ready_at(0.0) < inf:
            bucket.take(0.0)
            taken += 1
        assert taken == 4
        assert bucket.ready_at(1.0) == pytest.approx(3)

    def test_remember_an_owner_until_its_bucket_is_full(self) -> None:
        buckets = SharedBuckets(1, 3)
        bucket = buckets.of("greedy")
        assert sum(take(bucket, 0.0) for _ in range(9)) == 3
        passed = 0
        for step in range(1, 41):
            take(buckets.of(f"other {step}"), step / 4)
            passed += take(bucket, step / 4)
        assert passed == 10

    def test_forget_those_that_are_full(self) -> None:
        buckets = SharedBuckets(1, 1)
        for number in range(1000):
            take(buckets.of(str(number)), number * 0.1)
        assert len(buckets) < 100

    def test_are_bounded_and_remember_those_who_ask_again_and_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "MAX_KEYS", 100)
        buckets = SharedBuckets(1, 2)
        admitted = 0
        for number in range(10_000):  # a flood from everywhere, within one second
            now = 100 + number / 10_000
            buckets.take(str(number), now)
            admitted += take(buckets.of("greedy"), now)
            assert len(buckets) <= 101
        assert admitted == 2

    @each(("rate", "burst"), [(0, 1), (nan, 1), (1, 0)])
    def test_refuse_what_would_let_nothing_pass(self, rate: Any, burst: Any) -> None:
        with pytest.raises(ValueError, match=r"expected rate >= 0\.001 a second and burst >= 1"):
            SharedBuckets(rate, burst)
