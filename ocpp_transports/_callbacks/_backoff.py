"""Contains a reconnect policy of the application, so that a client always reconnects."""

from collections.abc import Callable
from math import inf
from random import Random
from typing import Final

from ocpp_core.backoff import Backoff

__all__ = ["ContainedBackoff"]

_LONGEST: Final = 365 * 24 * 3600.0
"""Seconds; a client that waits for longer than a year never reconnects."""


class ContainedBackoff:
    """Asks `policy`; if it raises or returns an invalid time, `default` applies and `failed` is called."""

    def __init__(self, policy: Backoff, default: Backoff, failed: Callable[[str, BaseException], None]) -> None:
        self._policy = policy
        self._default = default
        self._failed = failed

    @property
    def reset_after(self) -> float:
        """Seconds a connection must last before the attempt counter restarts at 1."""
        return self._asked(lambda: self._policy.reset_after, lambda: self._default.reset_after, inf)

    def delay(self, attempt: int, random: Random) -> float:
        """Return the seconds to wait before `attempt` (1, 2, …); finite, or a client would never reconnect."""
        return self._asked(
            lambda: self._policy.delay(attempt, random), lambda: self._default.delay(attempt, random), _LONGEST
        )

    def _asked(self, ask: Callable[[], float], default: Callable[[], float], most: float) -> float:
        try:
            seconds = _checked(ask(), most)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # an application's policy may raise anything
            self._failed("backoff failed, the default one is used instead", error)
            return default()
        return seconds


def _checked(seconds: float, most: float) -> float:
    if not 0 <= seconds <= most:
        raise ValueError(f"expected 0 to {most:.15g} seconds, got {seconds!r}")
    return seconds
