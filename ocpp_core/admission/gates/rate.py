"""The rate of handshakes of each address: `handshake_rate` and `handshake_burst`."""

from typing import Final

__all__ = ["MAX_OWNERS", "HandshakeRate"]

MAX_OWNERS: Final = 100_000
"""Owners of addresses that are remembered; about 12 MB with their names."""
_SLACK: Final = 1e-9
"""Seconds by which a request may be early, because times are rounded."""


class HandshakeRate:
    """A token bucket for each owner of addresses: `burst` handshakes at once, and `rate` a second on average.

    Of each owner it stores one number: the time at which its bucket will be full again. That decides exactly as a count
    of tokens does. There are two dicts, and entries that are used move to the newer one. The older one is dropped once
    all of its buckets are full, so no owner is forgotten early and no timer is needed. With more than `MAX_OWNERS`
    owners at a time the older one is dropped earlier, and some owners get a full bucket: memory is bounded, and a flood
    from many addresses does not lock out the others.

    Raises ValueError for a rate that is not positive or a burst below 1.
    """

    __slots__ = ("_interval", "_newer", "_older", "_turn_at", "burst", "rate")

    def __init__(self, rate: float, burst: float) -> None:
        if not rate > 0 or not burst >= 1:
            raise ValueError(f"expected rate > 0 a second and burst >= 1, got {rate!r} and {burst!r}")
        self.rate: float = rate
        self.burst: float = burst
        self._interval = 1 / rate
        self._newer: dict[str, float] = {}
        self._older: dict[str, float] = {}
        self._turn_at = 0.0

    def __len__(self) -> int:
        """Return the number of entries stored."""
        return len(self._newer) + len(self._older)

    def take(self, owner: str, now: float) -> float:
        """Take a token of an owner at `now`, in monotonic seconds.

        Returns 0 if there was one, otherwise the seconds until there will be one.
        """
        if now >= self._turn_at or len(self._newer) >= MAX_OWNERS // 2:
            self._turn(now)
        full_at = self._newer.get(owner) or self._older.get(owner, 0.0)
        after = max(full_at, now) + self._interval
        too_early = after - now - self.burst * self._interval
        is_refused = too_early > _SLACK
        self._newer[owner] = full_at if is_refused else after
        return too_early if is_refused else 0.0

    def _turn(self, now: float) -> None:
        """Forget the older entries; those of the dict before are full by now, unless there are too many owners."""
        span = self.burst * self._interval
        is_over = now >= self._turn_at + span
        self._older, self._newer = {} if is_over else self._newer, {}
        self._turn_at = now + span
