"""A clock on which minutes of charging pass in moments."""

from anyio.abc import TaskGroup

from ocpp_apps.station.anyio_clock import AnyioClock

__all__ = ["TimeLapse"]


class TimeLapse(AnyioClock):
    """The clock of anyio; what is measured and slept on it may pass faster. The time of day is the true one.

    What sleeps already when the speed changes is not woken earlier or later by that.
    """

    def __init__(self, tasks: TaskGroup) -> None:
        super().__init__(tasks)
        self._speed = 1.0
        self._since = super().monotonic()
        self._shown = self._since

    @property
    def speed(self) -> float:
        """How many seconds pass in one; above 0."""
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        self._shown, self._since = self.monotonic(), super().monotonic()
        self._speed = speed

    def monotonic(self) -> float:
        """Return the seconds since some moment."""
        return self._shown + (super().monotonic() - self._since) * self._speed

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await super().sleep(seconds / self._speed)
