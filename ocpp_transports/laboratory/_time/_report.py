"""What a virtual event loop reports: its state, in the text of an error, and slow callbacks, in the log."""

import logging
from asyncio import AbstractEventLoop, Handle, TimerHandle
from collections.abc import Iterable, Iterator
from itertools import islice

from ocpp_transports.laboratory._work._threads import lines_of_threads

from ._awaits import described, name_of, tasks_of

__all__ = ["SLOW", "note_slow", "report"]

SLOW = 0.1
"""Real seconds of one callback beyond which it is logged: `time.sleep` takes real time and no virtual time."""
_MOST = 30
"""Tasks, pieces of work and threads that are listed at most."""
_MOST_TIMERS = 5

_log = logging.getLogger("ocpp_transports.laboratory")


def note_slow(handle: Handle, seconds: float) -> None:
    """Log a callback that took too long. It is no warning and no error: how fast a machine is must not fail a test."""
    _log.warning("%s took %.3f real seconds, in which virtual time stood still", name_of(handle), seconds)


def report(reason: str, loop: AbstractEventLoop, timers: Iterable[TimerHandle], works: list[str]) -> str:
    """Return the reason, followed by the state of the loop.

    Args:
        reason: Why the run ends.
        loop: The event loop.
        timers: Its timers, in their order.
        works: The real work that it counts; with any, the threads are listed too.
    """
    return "\n".join(
        [
            f"{reason} (virtual time {loop.time():g} s)",
            *_lines("task", [described(task) for task in tasks_of(loop)]),
            *_lines("real work:", works),
            *_lines("thread", list(lines_of_threads()) if works else []),
            *(f"  timer at {timer.when():g} s: {name_of(timer)}" for timer in islice(timers, _MOST_TIMERS)),
        ]
    )


def _lines(kind: str, items: list[str]) -> Iterator[str]:
    yield from (f"  {kind} {item}" for item in items[:_MOST])
    if len(items) > _MOST:
        yield f"  and {len(items) - _MOST} more"
