"""What each task awaits, as text: `test > expect (station.py:12) > Event.wait (locks.py:213)`."""

import asyncio
from collections.abc import Iterable, Iterator
from pathlib import PurePath
from types import FrameType
from typing import Any

__all__ = ["described", "name_of", "tasks_of"]

_DEEPEST = 40
"""Awaits that the text of one task names at most."""


def tasks_of(loop: asyncio.AbstractEventLoop) -> list["asyncio.Task[Any]"]:
    """Return the tasks of a loop that are not done, in the order in which they were made."""
    return sorted(asyncio.all_tasks(loop), key=hash)


def described(task: "asyncio.Task[Any]") -> str:
    """Return the name of a task and its chain of awaits, outermost first."""
    return f"{task.get_name()}: {' > '.join(_chain(task.get_coro()))}"


def name_of(handle: asyncio.Handle) -> str:
    """Return what a callback does: the step of a task with its chain of awaits, or the function and whom it wakes."""
    if handle.cancelled():  # it no longer has its function and arguments
        return "a callback that cancelled itself"
    callback: Any = handle._callback  # type: ignore[attr-defined]  # private, as its arguments, and for a text only
    owner = getattr(callback, "__self__", None)
    if isinstance(owner, asyncio.Task):
        return f"task {described(owner)}"
    function = getattr(callback, "__qualname__", None) or repr(callback)
    woken = _woken([owner, *handle._args])
    return f"{function}, for task {woken.get_name()}" if woken else function


def _woken(objects: Iterable[Any]) -> "asyncio.Task[Any] | None":
    """Return the task that waits for one of these: a future, or the time limit of asyncio or anyio."""
    for it in objects:
        callbacks = [callback for callback, _ in getattr(it, "_callbacks", None) or ()]
        waiting = [getattr(callback, "__self__", None) for callback in callbacks]
        for task in (*waiting, getattr(it, "_task", None), getattr(it, "_host_task", None)):
            if isinstance(task, asyncio.Task):
                return task
    return None


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
