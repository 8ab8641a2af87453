"""The text of an error of a virtual event loop: the time, what each task awaits, the next timers, slow callbacks."""

from asyncio import AbstractEventLoop, Handle, TimerHandle
from collections.abc import Iterable, Iterator
from itertools import islice

from ocpp_transports.laboratory._work._threads import lines_of_threads

from ._awaits import described, name_of, tasks_of

__all__ = ["SLOW", "SlowCallbacks", "report"]

SLOW = 0.1
"""Real seconds beyond which a callback is noted: `time.sleep` takes real time and no virtual time."""
_MOST = 30
"""Tasks, pieces of work and threads that are listed at most."""
_MOST_TIMERS = 5
_MOST_SLOW = 5


class SlowCallbacks:
    """The slowest callbacks of a run. They are no warnings: how fast a machine is must not fail a test."""

    def __init__(self) -> None:
        self._slowest: list[tuple[float, str]] = []

    def __iter__(self) -> Iterator[str]:
        """Return what each was, the slowest first."""
        return (f"{name} took {seconds:.1f} real seconds" for seconds, name in self._slowest)

    def note(self, handle: Handle, seconds: float) -> None:
        """Note a callback that took longer than `SLOW`."""
        self._slowest.append((seconds, name_of(handle)))
        self._slowest.sort(reverse=True)
        del self._slowest[_MOST_SLOW:]


def report(
    reason: str, loop: AbstractEventLoop, timers: Iterable[TimerHandle], works: list[str], slow: SlowCallbacks
) -> str:
    """Return the reason, followed by the state of the loop.

    Args:
        reason: Why the run ends.
        loop: The event loop.
        timers: Its timers, in their order.
        works: The real work that it counts; with any, the threads are listed too.
        slow: The callbacks that took real time, in which virtual time stood still.
    """
    return "\n".join(
        [
            f"{reason} (virtual time {loop.time():g} s)",
            *_lines("task", [described(task) for task in tasks_of(loop)]),
            *_lines("real work:", works),
            *_lines("thread", list(lines_of_threads()) if works else []),
            *(f"  timer at {timer.when():g} s: {name_of(timer)}" for timer in islice(timers, _MOST_TIMERS)),
            *_lines("slow:", list(slow)),
        ]
    )


def _lines(kind: str, items: list[str]) -> Iterator[str]:
    yield from (f"  {kind} {item}" for item in items[:_MOST])
    if len(items) > _MOST:
        yield f"  and {len(items) - _MOST} more"
