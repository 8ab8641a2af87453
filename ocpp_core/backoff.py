"""Policies for the time to wait before the next attempt."""

from math import inf, isfinite
from random import Random
from typing import Protocol

from ._dataclasses import dataclass

__all__ = ["Backoff", "ExponentialBackoff", "OCPPBackoff", "retry_after_delay", "retry_delay"]


class Backoff(Protocol):
    """A reconnect policy."""

    @property
    def reset_after(self) -> float:
        """Seconds a connection must last before the attempt counter starts again at 1."""

    def delay(self, attempt: int, random: Random) -> float:
        """Return the seconds to wait before `attempt` = 1, 2, … of an outage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExponentialBackoff:
    """A delay that doubles from `minimum` to `maximum` seconds, with jitter.

    It is `min(maximum, minimum * 2**(attempt-1)) * U(0.5, 1)`. The jitter is applied after the cap, so that a fleet
    never reconnects in step. The counter resets after `reset_after` seconds online, not when the connection opens:
    otherwise a server that accepts and then drops every connection would get attempts without a growing delay.
    Raises ValueError unless 0 < minimum <= maximum < inf and reset_after >= 0.
    """

    minimum: float = 1.0
    """Seconds to wait before the first attempt, before jitter; > 0."""
    maximum: float = 30.0
    """Most seconds to wait; at least `minimum`, and finite."""
    reset_after: float = 10.0
    """Seconds online after which the attempt counter starts again at 1; >= 0."""

    def __post_init__(self) -> None:
        if not 0 < self.minimum <= self.maximum or not isfinite(self.maximum):
            raise ValueError(
                f"expected 0 < minimum <= maximum < inf seconds, got minimum={self.minimum}, maximum={self.maximum}"
            )
        if not self.reset_after >= 0:
            raise ValueError(f"expected reset_after >= 0 seconds, got {self.reset_after}")

    def delay(self, attempt: int, random: Random) -> float:
        """Return the seconds to wait before `attempt` (1, 2, …)."""
        return _doubled(self.minimum, attempt - 1, self.maximum) * random.uniform(0.5, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class OCPPBackoff:
    """The backoff of OCPP 2.x: `W * 2**min(attempt-1, N) + U(0, R)` seconds.

    Source: Part 4 §5.3, §8.1 to §8.3. It starts again at W after a successful connection (2.0.1 errata 2025-09
    §4.12). Raises ValueError for a negative or infinite value, or wait_minimum = 0.
    """

    wait_minimum: float = 30.0
    """RetryBackOffWaitMinimum (W): seconds to wait before the first attempt; > 0."""
    random_range: float = 10.0
    """RetryBackOffRandomRange (R): most seconds that are added at random; >= 0."""
    repeat_times: int = 3
    """RetryBackOffRepeatTimes (N): attempts for which the wait doubles; >= 0."""

    @property
    def reset_after(self) -> float:
        """0 seconds: the counter resets when a connection opens."""
        return 0.0

    def __post_init__(self) -> None:
        if not (0 < self.wait_minimum < inf and 0 <= self.random_range < inf and self.repeat_times >= 0):
            raise ValueError("expected wait_minimum > 0, random_range >= 0 (finite seconds) and repeat_times >= 0")

    def delay(self, attempt: int, random: Random) -> float:
        """Return the seconds to wait before `attempt` (1, 2, …)."""
        doublings = min(attempt - 1, self.repeat_times)
        return _doubled(self.wait_minimum, doublings, inf) + random.uniform(0.0, self.random_range)


def retry_delay(attempt: int, base: float, maximum: float, random: Random) -> float:
    """Return the seconds to wait before repeating a call that timed out.

    `attempt` is 1, 2, …. The wait has full jitter: it is between 0 and `base` doubled, at most `maximum`.
    """
    return random.uniform(0.0, _doubled(base, attempt - 1, maximum))


def retry_after_delay(asked: float, longest: float, random: Random) -> float:
    """Return the seconds to wait for a Retry-After of `asked` seconds (RFC 9110 §10.2.3).

    The jitter keeps stations that were refused together from reconnecting together. The wait is up to a quarter longer
    than `asked`. If `asked` exceeds `longest`, the wait is up to a quarter shorter than `longest` instead.
    """
    if asked > longest:
        return longest * random.uniform(0.75, 1.0)
    return asked * random.uniform(1.0, 1.25)


def _doubled(base: float, doublings: int, maximum: float) -> float:
    """Return `base` doubled `doublings` times, at most `maximum`, without overflow."""
    return min(maximum, base * 2.0 ** min(doublings, 512))
