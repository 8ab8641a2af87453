"""Threads that wait for the loop: such a thread does not work.

A function in a thread may call `anyio.from_thread.run` or `asyncio.run_coroutine_threadsafe(...).result()`. If time
stood still while it waits, a coroutine that sleeps would never end, and neither would the thread.
"""

import sys
from collections.abc import Callable
from concurrent.futures import Future
from threading import get_ident
from types import FrameType
from typing import Any

__all__ = ["AskingThreads"]

_GIVING = "run_coroutine_threadsafe.<locals>.callback"
"""What `asyncio.run_coroutine_threadsafe`, and with it anyio, posts to the loop; its closure holds the future."""
_WAITING = {Future.result.__code__, Future.exception.__code__}
_DEEPEST = 6
"""Calls from the innermost one outwards among which the one that waits is looked for."""


class AskingThreads:
    """The coroutines that threads have given to a loop, until they are done."""

    def __init__(self) -> None:
        self._asked: dict[Future[Any], int] = {}

    def __bool__(self) -> bool:
        return bool(self._asked)

    def note(self, callback: Callable[..., object]) -> None:
        """Note what this thread posts, if it is a coroutine for which it may wait."""
        if getattr(callback, "__qualname__", "") == _GIVING:
            for cell in callback.__closure__ or ():
                if isinstance(cell.cell_contents, Future):
                    self._asked[cell.cell_contents] = get_ident()

    def waiting(self) -> int:
        """Return the number of threads that wait for such a coroutine: they go on when the loop has ended it."""
        for future in [future for future in list(self._asked) if future.done()]:
            del self._asked[future]
        frames = sys._current_frames() if self._asked else {}
        return sum(_waits(frames.get(thread), future) for future, thread in list(self._asked.items()))


def _waits(frame: FrameType | None, future: Future[Any]) -> bool:
    for _ in range(_DEEPEST):
        if frame is None:
            break
        if frame.f_code in _WAITING and frame.f_locals.get("self") is future:
            return True
        frame = frame.f_back
    return False
