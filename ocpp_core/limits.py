"""Limits of a rate: how often something may happen, on a clock that the caller reads."""

from math import inf, nextafter
from typing import Final

__all__ = ["TokenBucket"]

_WHOLE: Final = 1 - 1e-9
"""What counts as a token: times are rounded, and so is what they bring."""


class TokenBucket:
    """A token bucket, full at first: `burst` times at once, and `rate` times a second in the long run.

    Nothing has to be refilled: what the time since the last look has brought is added at the next one.

    Raises ValueError for a rate below 0.001 or a burst below 1.
    """

    __slots__ = ("_at", "_tokens", "burst", "rate")

    def __init__(self, rate: float, burst: float) -> None:
        if not rate >= 0.001 or not burst >= 1:
            raise ValueError(f"expected rate >= 0.001 a second and burst >= 1, got {rate!r} and {burst!r}")
        self.rate = rate
        self.burst = burst
        self._tokens = float(burst)
        self._at = -inf

    @property
    def ready_at(self) -> float:
        """The time, in seconds, from which on the next token can be taken: later than the last look, if that failed."""
        missing = 1 - self._tokens
        return self._at if missing <= 0 else max(self._at + missing / self.rate, nextafter(self._at, inf))

    def take(self, now: float) -> bool:
        """Take a token at `now`, monotonic seconds; return False, and take nothing, if there is none."""
        if now > self._at:
            self._tokens = min(self.burst, self._tokens + (now - self._at) * self.rate)
            self._at = now
        if self._tokens < _WHOLE:
            return False
        self._tokens -= 1
        return True
