"""The rate of handshakes of each address: exact, bounded, and without a timer."""

from random import Random

import pytest

from ocpp_core.admission.gates import rate as rates
from ocpp_core.admission.gates.rate import HandshakeRate
from ocpp_core.limits import TokenBucket


class TestTheRate:
    def test_admits_a_burst_and_then_one_at_each_interval(self):
        rate = HandshakeRate(2, 3)
        assert [rate.take("a", 100) for _ in range(4)] == [0, 0, 0, pytest.approx(0.5)]
        assert rate.take("a", 100.3) == pytest.approx(0.2), "a refused request costs no token"
        assert rate.take("a", 100.5) == 0

    def test_is_that_of_each_owner_alone(self):
        rate = HandshakeRate(1, 1)
        assert [rate.take(owner, 100) for owner in ("a", "b", "a", "b")] == [0, 0, 1, 1]

    @pytest.mark.parametrize("burst", [1, 4, 7.5])
    def test_decides_as_a_bucket_of_tokens_for_each_owner_does(self, burst):
        random, now = Random(burst), 100.0
        rate, buckets = HandshakeRate(2, burst), {owner: TokenBucket(2, burst) for owner in "abcd"}
        for _ in range(3000):
            owner = random.choice("aaab" + "cd")
            assert (rate.take(owner, now) == 0) is buckets[owner].take(now)
            now += random.expovariate(3)

    @pytest.mark.parametrize(("rate", "burst"), [(0, 1), (-1, 1), (1, 0.5), (float("nan"), 1)])
    def test_must_be_positive(self, rate, burst):
        with pytest.raises(ValueError, match="expected rate > 0 a second and burst >= 1"):
            HandshakeRate(rate, burst)


class TestTheMemory:
    def test_forgets_owners_whose_bucket_is_full_again(self):
        rate = HandshakeRate(1, 5)
        for number in range(1000):
            rate.take(str(number), 100 + number)
        assert len(rate) <= 15

    def test_is_bounded_and_keeps_those_who_ask_again_and_again(self, monkeypatch):
        monkeypatch.setattr(rates, "MAX_OWNERS", 100)
        rate = HandshakeRate(1, 2)
        admitted = 0
        for number in range(10_000):  # a flood from everywhere, within one second
            rate.take(str(number), 100 + number / 10_000)
            admitted += rate.take("greedy", 100 + number / 10_000) == 0
            assert len(rate) <= 101
        assert admitted == 2
