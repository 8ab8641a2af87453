"""The token buckets against one that counts tokens in exact numbers, for any history."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from ocpp_core.limits import SharedBuckets, TokenBucket
from tests.core.buckets import take


class CountingBucket:
    """The textbook's: a number of tokens, refilled for the time that went by."""

    def __init__(self, rate: Fraction, burst: int) -> None:
        self.rate = rate
        self.burst = burst
        self.tokens = Fraction(burst)
        self.at: Fraction | None = None

    def take(self, now: Fraction) -> bool:
        if self.at is not None:
            self.tokens = min(Fraction(self.burst), self.tokens + (now - self.at) * self.rate)
        self.at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


# Powers of two: with them the floats of the bucket are exact too.
RATES = st.sampled_from([Fraction(1, 256), Fraction(1, 4), Fraction(1), Fraction(8), Fraction(128)])
PAUSES = st.lists(st.integers(0, 4096).map(lambda ticks: Fraction(ticks, 1024)), max_size=200)


@given(RATES, st.integers(1, 40), PAUSES, st.integers(0, 1 << 20))
def test_it_decides_as_counting_does(rate: Fraction, burst: int, pauses: list[Fraction], start: int) -> None:
    bucket, counting = TokenBucket(float(rate), burst), CountingBucket(rate, burst)
    shared = SharedBuckets(float(rate), burst).of("one")
    now = Fraction(start)
    for pause in pauses:
        now += pause
        is_there = counting.take(now)
        assert (take(bucket, float(now)), take(shared, float(now))) == (is_there, is_there)


@given(st.floats(0.001, 1e6), st.integers(1, 1000), st.lists(st.floats(0, 100), max_size=200))
def test_in_no_time_more_than_the_burst_and_the_rate_come_through(rate: float, burst: int, pauses: list[float]) -> None:
    bucket, now, taken = TokenBucket(rate, burst), 0.0, 0
    for pause in pauses:
        now += pause
        taken += take(bucket, now)
        assert taken <= burst + now * rate * (1 + 1e-9) + 1e-6


@given(st.floats(0.001, 1000), st.integers(1, 1000), st.floats(0, 1e8))
def test_a_full_one_gives_its_burst_at_any_time_and_no_more(rate: float, burst: int, now: float) -> None:
    bucket = TokenBucket(rate, burst)
    assert all(take(bucket, now) for _ in range(burst))
    assert not take(bucket, now)
    assert take(bucket, now + 1.001 / rate + 1e-6)
