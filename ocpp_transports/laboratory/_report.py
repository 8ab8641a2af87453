"""The text of an error of a virtual event loop: the time, what each task awaits, and the next timers."""

from asyncio import AbstractEventLoop, TimerHandle
from collections.abc import Iterable, Iterator
from itertools import islice

from ._awaits import described, tasks_of

__all__ = ["report"]

_MOST_TASKS = 30
_MOST_TIMERS = 5


def report(reason: str, loop: AbstractEventLoop, timers: Iterable[TimerHandle]) -> str:
    """Return the reason, followed by the state of the loop."""
    return "\n".join([f"{reason} (virtual time {loop.time():g} s)", *_tasks(loop), *_timers(timers)])


def _tasks(loop: AbstractEventLoop) -> Iterator[str]:
    tasks = tasks_of(loop)
    yield from (f"  task {described(task)}" for task in tasks[:_MOST_TASKS])
    if len(tasks) > _MOST_TASKS:
        yield f"  and {len(tasks) - _MOST_TASKS} more tasks"


def _timers(timers: Iterable[TimerHandle]) -> Iterator[str]:
    for timer in islice(timers, _MOST_TIMERS):
        yield f"  timer at {timer.when():g} s: {timer!r}"
