"""The lag of an event loop: how late its timers fire, measured while something watches it.

A timer fires late by the time that the loop spends on other things: turns with too much to do, or code that blocks. One
timer serves all watchers of a runtime, and without a watcher there is none. A sample shows the rest of a turn from the
instant at which the timer was due, so it is half a turn on average.
"""

from collections.abc import Callable
from typing import Final

from ocpp_transports._driver._interfaces import CallAt, Handle

__all__ = ["LAG_INTERVAL", "LagProbe"]

LAG_INTERVAL: Final = 0.25
"""Seconds between two samples of the event loop's lag. Sampling takes less than a thousandth of a core."""


class LagProbe:
    """Measures the lag of an event loop.

    `now` is the loop's clock, and `start_timer` starts one of its own timers: those that connections share are coarse.
    """

    __slots__ = ("_due", "_now", "_start_timer", "_timer", "_watchers", "seconds")

    def __init__(self, now: Callable[[], float], start_timer: CallAt) -> None:
        self.seconds: float = 0.0
        """The newest sample: seconds by which the timer was late. 0 without a watcher."""
        self._now = now
        self._start_timer = start_timer
        self._due = 0.0
        self._timer: Handle | None = None
        self._watchers: dict[_Watcher, None] = {}

    def watch(self, sampled: Callable[[float], None], /) -> Handle:
        """Call `sampled` with the lag in seconds every `LAG_INTERVAL`, until the returned handle is cancelled.

        It must not raise.
        """
        watcher = _Watcher(self, sampled)
        self._watchers[watcher] = None
        if self._timer is None:
            self._arm()
        return watcher

    def stop(self) -> None:
        """Drop all watchers."""
        self._watchers.clear()
        self._disarm()

    def drop(self, watcher: "_Watcher") -> None:
        """Drop one watcher; the last one stops the timer. Idempotent."""
        self._watchers.pop(watcher, None)
        if not self._watchers:
            self._disarm()

    def _arm(self) -> None:
        self._due = self._now() + LAG_INTERVAL
        self._timer = self._start_timer(self._due, self._ring)

    def _disarm(self) -> None:
        self.seconds = 0.0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ring(self) -> None:
        self._timer = None
        self.seconds = max(0.0, self._now() - self._due)
        self._arm()
        for watcher in tuple(self._watchers):
            if watcher in self._watchers:
                watcher.sampled(self.seconds)


class _Watcher:
    """One function that receives the samples, and the handle that drops it."""

    __slots__ = ("_probe", "sampled")

    def __init__(self, probe: LagProbe, sampled: Callable[[float], None]) -> None:
        self._probe = probe
        self.sampled: Callable[[float], None] = sampled

    def cancel(self) -> None:
        self._probe.drop(self)
