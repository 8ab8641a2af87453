"""A clock that can run faster than real time."""

from anyio.abc import TaskGroup

from ocpp_apps.station.anyio_clock import AnyioClock

__all__ = ["TimeLapse"]


class TimeLapse(AnyioClock):
    """The clock of anyio, with a speed for `monotonic` and `sleep`. `now` always returns the real time.

    A change of the speed does not affect a `sleep` that has started.
    """

    def __init__(self, tasks: TaskGroup) -> None:
        super().__init__(tasks)
        self._speed = 1.0
        self._since = super().monotonic()
        self._shown = self._since

    @property
    def speed(self) -> float:
        """Seconds on this clock per real second, above 0. The default is 1."""
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        self._shown, self._since = self.monotonic(), super().monotonic()
        self._speed = speed

    def monotonic(self) -> float:
        """Return the seconds since an arbitrary moment."""
        return self._shown + (super().monotonic() - self._since) * self._speed

    async def sleep(self, seconds: float) -> None:
        """Wait for this many seconds on this clock."""
        await super().sleep(seconds / self._speed)
