"""The wall clock of virtual time, for applications that call `datetime.now` themselves."""

import datetime as dt
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["WallClock", "refuse_freezegun"]


def refuse_freezegun() -> None:
    """Raise RuntimeError if freezegun is active: its clock never follows the loop, and it stops `perf_counter` too."""
    if "freezegun" in sys.modules and dt.datetime.__name__ == "FakeDatetime":
        raise RuntimeError(
            "cannot run virtual time: freezegun is active, whose clock does not follow the event loop; use `WallClock`"
        )


class WallClock:
    """A wall clock that shows a start and the virtual time since then.

    Args:
        time: The virtual time in seconds, as the method `time` of an event loop.
        start: What the clock shows at 0 seconds, with a time zone.

    Raises:
        ValueError: `start` has no time zone.
    """

    def __init__(self, time: Callable[[], float], start: dt.datetime) -> None:
        if start.tzinfo is None:
            raise ValueError(f"expected a start with a time zone, got {start!r}")
        self._time = time
        self._start = start

    def now(self) -> dt.datetime:
        """Return the date and time in UTC."""
        return self._start.astimezone(dt.UTC) + dt.timedelta(seconds=self._time())

    def step(self, seconds: float) -> None:
        """Set the clock forward or, with a negative number, back; virtual time is not changed."""
        self._start += dt.timedelta(seconds=seconds)

    @contextmanager
    def patched(self) -> Iterator[None]:
        """Let `datetime.now`, `time.time`, log records and all threads show this clock, within a block.

        It needs the package time-machine, which the extra `test` installs. `time.monotonic` and `time.perf_counter`
        remain real.

        Raises:
            ModuleNotFoundError: time-machine is not installed.
        """
        try:
            import time_machine
        except ModuleNotFoundError:
            raise ModuleNotFoundError(
                "cannot set the wall clock: time-machine is not installed; install ocpp-ws-io[test]"
            ) from None
        with time_machine.travel(0, tick=False) as traveller:
            # It asks this clock at each call, instead of being moved whenever the clock moves.
            traveller.time_ns = self._nanoseconds  # type: ignore[method-assign,unused-ignore]  # optional package
            yield

    def _nanoseconds(self) -> int:
        since = self.now() - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
        return since // dt.timedelta(microseconds=1) * 1000
