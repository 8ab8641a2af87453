"""Limits of a rate: how often something may happen, on a clock that the caller reads."""

__all__ = ["TokenBucket"]


class TokenBucket:
    """A token bucket, full at first: `burst` times at once, and `rate` times a second in the long run.

    One number is its whole state: the time at which it would be full again if nothing more was taken. That decides
    exactly as counting tokens does, and nothing has to be refilled.

    Raises ValueError for a rate below 0.001 or a burst below 1.
    """

    __slots__ = ("_full_at", "_interval", "_slack", "burst", "rate")

    def __init__(self, rate: float, burst: float) -> None:
        if not rate >= 0.001 or not burst >= 1:
            raise ValueError(f"expected rate >= 0.001 a second and burst >= 1, got {rate!r} and {burst!r}")
        self.rate = rate
        self.burst = burst
        self._interval = 1 / rate
        self._slack = (burst - 1) * self._interval
        self._full_at = float("-inf")

    @property
    def ready_at(self) -> float:
        """The time, in seconds, from which on the next token can be taken."""
        return self._full_at - self._slack

    def take(self, now: float) -> bool:
        """Take a token at `now`, monotonic seconds; return False, and take nothing, if there is none."""
        if now < self._full_at - self._slack:
            return False
        self._full_at = max(self._full_at, now) + self._interval
        return True
