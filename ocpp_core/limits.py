"""Rate limits, on a clock that the caller reads."""

from math import inf, nextafter
from typing import Final

__all__ = ["TokenBucket"]

_WHOLE: Final = 1 - 1e-9
"""The part of a token that counts as a whole one, because times and hence tokens are rounded."""


class TokenBucket:
    """A token bucket, full at first: `burst` tokens at once, and `rate` tokens a second on average.

    It needs no timer: each `take` first adds the tokens for the time since the previous one. Raises ValueError for a
    rate below 0.001 or a burst below 1.
    """

    __slots__ = ("_at", "_tokens", "burst", "rate")

    def __init__(self, rate: float, burst: float) -> None:
        if not rate >= 0.001 or not burst >= 1:
            raise ValueError(f"expected rate >= 0.001 a second and burst >= 1, got {rate!r} and {burst!r}")
        self.rate: float = rate
        self.burst: float = burst
        self._tokens = float(burst)
        self._at = -inf

    @property
    def ready_at(self) -> float:
        """Time in seconds at which the next token is available; after a failed `take`, later than that."""
        missing = 1 - self._tokens
        return self._at if missing <= 0 else max(self._at + missing / self.rate, nextafter(self._at, inf))

    def take(self, now: float) -> bool:
        """Take a token at `now`, in monotonic seconds; return False if there is none."""
        if now > self._at:
            self._tokens = min(self.burst, self._tokens + (now - self._at) * self.rate)
            self._at = now
        if self._tokens < _WHOLE:
            return False
        self._tokens -= 1
        return True
