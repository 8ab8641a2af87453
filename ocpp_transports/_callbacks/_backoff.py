"""A reconnect policy of the application that cannot keep a client from coming back."""

from collections.abc import Callable
from math import inf
from random import Random
from typing import Final

from ocpp_core.backoff import Backoff

__all__ = ["ContainedBackoff"]

_LONGEST: Final = 365 * 24 * 3600.0
"""Seconds; a client that waits for longer than a year does not come back."""


class ContainedBackoff:
    """Asks `policy`; where it raises or answers with what is no time, `default` counts and `failed` is told."""

    def __init__(self, policy: Backoff, default: Backoff, failed: Callable[[str, BaseException], None]) -> None:
        self._policy = policy
        self._default = default
        self._failed = failed

    @property
    def reset_after(self) -> float:
        """Seconds a connection must last before the attempt counter starts again at 1."""
        return self._asked(lambda: self._policy.reset_after, lambda: self._default.reset_after, inf)

    def delay(self, attempt: int, random: Random) -> float:
        """Seconds to wait before `attempt` (1, 2, …); finite, else a client would never come back."""
        return self._asked(
            lambda: self._policy.delay(attempt, random), lambda: self._default.delay(attempt, random), _LONGEST
        )

    def _asked(self, ask: Callable[[], float], default: Callable[[], float], most: float) -> float:
        try:
            seconds = _checked(ask(), most)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # whatever an application's policy raises
            self._failed("backoff failed, the default one is used instead", error)
            return default()
        return seconds


def _checked(seconds: float, most: float) -> float:
    if not 0 <= seconds <= most:
        raise ValueError(f"expected 0 to {most:.15g} seconds, got {seconds!r}")
    return seconds
