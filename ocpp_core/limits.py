"""Rate limits, on a clock that the caller reads."""

from collections.abc import Mapping
from math import inf, nextafter
from typing import Final, Protocol, TypeAlias

__all__ = ["MAX_KEYS", "Bucket", "Rate", "SharedBucket", "SharedBuckets", "TokenBucket", "buckets_of", "expect_rates"]

Rate: TypeAlias = float | tuple[float, int]
"""Messages a second on average, or these and how many of them may arrive together after a pause."""

_WHOLE: Final = 1 - 1e-9
"""The part of a token that counts as a whole one, because times and hence tokens are rounded."""
_SLACK: Final = 1e-6
"""Seconds by which a token of a shared bucket may be early, because times are rounded."""
MAX_KEYS: Final = 100_000
"""Owners of shared buckets that are remembered; about 6 MB besides their names."""


class Bucket(Protocol):
    """A token bucket. Whatever waits for a token takes it in advance, so that nothing later takes it first."""

    def ready_at(self, now: float) -> float:
        """Return the time in seconds from which the next token is available, `now` or earlier if it is.

        `inf` if so many tokens are taken in advance that no further one may be.
        """

    def take(self, now: float) -> None:
        """Take the next token at `now`, in monotonic seconds, also in advance."""


def _expect_limit(rate: float, burst: float) -> None:
    if not rate >= 0.001 or not burst >= 1:
        raise ValueError(f"expected rate >= 0.001 a second and burst >= 1, got {rate!r} and {burst!r}")


class TokenBucket:
    """A token bucket, full at first: `burst` tokens at once, and `rate` tokens a second on average.

    It needs no timer: each call first adds the tokens for the time since the previous one. Raises ValueError for a rate
    below 0.001 or a burst below 1.
    """

    __slots__ = ("_at", "_burst", "_rate", "_tokens")

    def __init__(self, rate: float, burst: float) -> None:
        _expect_limit(rate, burst)
        self._rate = rate
        self._burst = burst
        self._tokens = float(burst)
        self._at = -inf

    def ready_at(self, now: float) -> float:
        """Return the time from which the next token is available; see `Bucket`."""
        if now > self._at:
            self._refill(now)
        if self._tokens >= _WHOLE:
            return self._at
        return max(self._at + (1 - self._tokens) / self._rate, nextafter(self._at, inf))

    def take(self, now: float) -> None:
        """Take the next token, also in advance; see `Bucket`."""
        if now > self._at:
            self._refill(now)
        self._tokens -= 1

    def _refill(self, now: float) -> None:
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now


def buckets_of(rates: Mapping[str, Rate], burst: int) -> dict[str, TokenBucket]:
    """Return a bucket for each name; `burst` is that of rates without one."""
    return {
        name: TokenBucket(*rate) if isinstance(rate, tuple) else TokenBucket(rate, burst)
        for name, rate in rates.items()
    }


def expect_rates(rates: object) -> None:
    """Raise TypeError unless it is a mapping of names, ValueError for a rate or burst out of range."""
    if not isinstance(rates, Mapping):
        raise TypeError(f"expected action_rates as a mapping from action to rate, got {type(rates).__name__}")
    for action, given in rates.items():
        if not isinstance(action, str):
            raise TypeError(f"expected an action in action_rates, got {action!r}")
        rate, burst = given if isinstance(given, tuple) and len(given) == 2 else (given, 1)
        if not _is_number(rate) or not isinstance(burst, int) or not _is_number(burst) or rate < 0.001 or burst < 1:
            raise ValueError(f"expected action_rates[{action!r}] as rate >= 0.001 or (rate, burst >= 1), got {given!r}")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value == value  # not NaN


class SharedBuckets:
    """The token buckets of many owners by their keys, for example of addresses, in bounded memory.

    Of each owner it stores one number: the time at which its bucket will be full again. There are two dicts, and
    entries that are used move to the newer one. The older one is dropped once all of its buckets are full, so no owner
    is forgotten early and no timer is needed. Beyond `MAX_KEYS` owners at a time the older one is dropped earlier, and
    its owners get a full bucket: memory is bounded, and a flood from many addresses does not lock out the others.

    Raises ValueError for a rate below 0.001 or a burst below 1.
    """

    __slots__ = ("_interval", "_newer", "_older", "_turn_at", "burst", "rate")

    def __init__(self, rate: float, burst: float) -> None:
        _expect_limit(rate, burst)
        self.rate: float = rate
        """Tokens a second, on average."""
        self.burst: float = burst
        """Tokens that may be taken together after a pause."""
        self._interval = 1 / rate
        self._newer: dict[str, float] = {}
        self._older: dict[str, float] = {}
        self._turn_at = -inf

    def __len__(self) -> int:
        """Return the number of entries stored."""
        return len(self._newer) + len(self._older)

    def of(self, key: str) -> "SharedBucket":
        """Return the bucket of an owner."""
        return SharedBucket(self, key)

    def ready_at(self, key: str, now: float) -> float:
        """Return the time from which an owner has a token; `inf` if a whole burst is taken in advance."""
        full_at = self._full_at(key)
        ready_at = full_at - (self.burst - 1) * self._interval - _SLACK
        return inf if ready_at > now + self.burst * self._interval else ready_at

    def take(self, key: str, now: float) -> None:
        """Take the next token of an owner, also in advance."""
        full_at = max(self._full_at(key), now)
        if now >= self._turn_at or len(self._newer) >= MAX_KEYS // 2:
            self._turn(now)
        self._newer[key] = full_at + self._interval

    def _full_at(self, key: str) -> float:
        full_at = self._newer.get(key)
        if full_at is None and (full_at := self._older.pop(key, None)) is not None:
            self._newer[key] = full_at  # who asks again and again is not forgotten, even if refused each time
        return -inf if full_at is None else full_at

    def _turn(self, now: float) -> None:
        """Forget the older entries, whose buckets are full by now unless there are too many owners.

        A bucket is full after two bursts at the latest, because no more than one is taken in advance.
        """
        span = 2 * self.burst * self._interval
        is_over = now >= self._turn_at + span
        self._older, self._newer = {} if is_over else self._newer, {}
        self._turn_at = now + span


class SharedBucket:
    """The token bucket of one owner, for one of those that share it; see `Bucket`."""

    __slots__ = ("_all", "_key")

    def __init__(self, buckets: SharedBuckets, key: str) -> None:
        self._all = buckets
        self._key = key

    def ready_at(self, now: float) -> float:
        """Return the time from which the next token is available; see `Bucket`."""
        return self._all.ready_at(self._key, now)

    def take(self, now: float) -> None:
        """Take the next token, also in advance; see `Bucket`."""
        self._all.take(self._key, now)
