"""What each task awaits, as text: `test > expect (station.py:12) > Event.wait (locks.py:213)`."""

import asyncio
from collections.abc import Iterator
from pathlib import PurePath
from types import FrameType
from typing import Any

__all__ = ["described", "tasks_of"]

_DEEPEST = 40
"""Awaits that the text of one task names at most."""


def tasks_of(loop: asyncio.AbstractEventLoop) -> list["asyncio.Task[Any]"]:
    """Return the tasks of a loop that are not done, in the order in which they were made."""
    return sorted(asyncio.all_tasks(loop), key=hash)


def described(task: "asyncio.Task[Any]") -> str:
    """Return the name of a task and its chain of awaits, outermost first."""
    return f"{task.get_name()}: {' > '.join(_chain(task.get_coro()))}"


def _chain(awaited: Any) -> Iterator[str]:
    for _ in range(_DEEPEST):
        if awaited is None:
            return
        frame, inner = _inside(awaited)
        if frame is not None:
            yield f"{frame.f_code.co_qualname} ({PurePath(frame.f_code.co_filename).name}:{frame.f_lineno})"
        elif isinstance(awaited, asyncio.Task):
            yield f"task {awaited.get_name()}"
        awaited = inner
    yield "..."


def _inside(awaited: Any) -> tuple[FrameType | None, Any]:
    """Return the frame of a coroutine or generator, and what it awaits itself."""
    for frame, inner in (("cr_frame", "cr_await"), ("gi_frame", "gi_yieldfrom"), ("ag_frame", "ag_await")):
        if hasattr(awaited, frame):
            return getattr(awaited, frame), getattr(awaited, inner)
    return None, None
