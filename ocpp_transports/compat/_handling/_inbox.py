"""Received CALLs: handled in the order of arrival, one at a time, while responses to our calls are read.

Programs feed messages one after the other, in `start` or in a loop of their own. A CALL is therefore handled in a task,
and its feeder waits for the task only as long as no call of ours waits for a response. A handler may call back, and a
slow handler does not delay the response to another call.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final, TypeAlias

__all__ = ["Inbox", "Reported"]

_MOST: Final = 100
"""CALLs in progress or waiting for their turn; beyond, the feeder waits, so that reading stops."""

Reported: TypeAlias = Callable[[BaseException], None]
"""Function that writes an exception which no caller gets to the log."""


class Inbox:
    """The received CALLs of one charge point that have no answer yet."""

    def __init__(self, report: Reported) -> None:
        self._report = report
        self._turn = asyncio.Lock()
        self._running: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._calls = 0
        self._feeders: set[asyncio.Future[None]] = set()
        self.texts: dict[object, str | bytes] = {}
        """The texts of the CALLs in progress by message ID."""

    @contextmanager
    def calling(self) -> Iterator[None]:
        """Mark the time in which a call of ours waits for its response."""
        self._calls += 1
        for feeder in self._feeders:
            _wake(feeder)
        try:
            yield
        finally:
            self._calls -= 1

    async def handle(self, unique_id: object, text: str | bytes, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do the work of a CALL in its turn.

        Return when it is done, or earlier if a call of ours waits for a response. Raises what the work raises until
        then; what it raises later is reported. The work is cancelled along with this.

        Args:
            unique_id: the message ID.
            text: the CALL as it was received.
            work: what to do.
        """
        if self._running is not None and self._running is asyncio.current_task():
            await work()  # a handler feeds a message itself: its turn would never come
            return
        task = asyncio.create_task(self._in_turn(work))
        self._tasks.add(task)
        self.texts[unique_id] = text
        task.add_done_callback(lambda _: self._forget(task, unique_id))
        try:
            await self._until_done_or_calling(task)
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.wait({task})
            raise
        if not task.done():
            task.add_done_callback(self._done)
        elif not task.cancelled():
            task.result()

    async def _in_turn(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        async with self._turn:
            self._running = asyncio.current_task()
            try:
                await work()
            finally:
                self._running = None

    async def _until_done_or_calling(self, task: "asyncio.Task[None]") -> None:
        while not task.done() and (not self._calls or len(self._tasks) > _MOST):
            feeder = asyncio.get_running_loop().create_future()
            self._feeders.add(feeder)
            task.add_done_callback(partial(_wake, feeder))
            try:
                await feeder
            finally:
                self._feeders.discard(feeder)

    def _forget(self, task: "asyncio.Task[None]", unique_id: object) -> None:
        self._tasks.discard(task)
        self.texts.pop(unique_id, None)

    def _done(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._report(error)

    def drop_waiting(self) -> None:
        """Drop the CALLs whose turn has not come, after the connection was lost."""
        for task in self._tasks - {self._running}:
            task.cancel()

    def cancel(self) -> None:
        """Cancel all work."""
        for task in self._tasks:
            task.cancel()


def _wake(feeder: "asyncio.Future[None]", _: object = None) -> None:
    if not feeder.done():
        feeder.set_result(None)
