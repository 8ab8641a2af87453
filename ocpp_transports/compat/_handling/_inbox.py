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
_MOST_CHARACTERS: Final = 1 << 20
"""Characters of their texts; beyond, the same."""

Reported: TypeAlias = Callable[[BaseException], None]
"""Function that writes an exception which no caller gets to the log."""


class Inbox:
    """The received CALLs of one charge point that have no answer yet."""

    def __init__(self, report: Reported) -> None:
        self._report = report
        self._tasks: dict[asyncio.Task[None], None] = {}
        self._waiting: dict[asyncio.Task[None], None] = {}
        self._feeders: dict[asyncio.Future[None], None] = {}
        self._calls = 0
        self._characters = 0
        self._begin()

    def _begin(self) -> None:
        """Begin with a connection: nothing waits for what the former one left."""
        self._turn = asyncio.Lock()
        self._running: asyncio.Task[None] | None = None
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
        texts = self.texts
        texts[unique_id] = text
        self._characters += len(text)
        task = asyncio.create_task(self._in_turn(work))
        self._tasks[task] = None
        if self._running is not task:  # as with an eager task factory
            self._waiting[task] = None
        task.add_done_callback(lambda _: self._forget(task, unique_id, texts))
        try:
            await self._until_done_or_calling(task)
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.wait({task})
            self._done(task)
            raise
        if not task.done():
            task.add_done_callback(self._done)
            return
        self._forget(task, unique_id, texts)  # before the callback does it, as the next CALL may have the same ID
        if not task.cancelled():
            task.result()

    async def _in_turn(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        async with self._turn:
            task = self._running = asyncio.current_task()
            self._waiting.pop(task, None)  # type: ignore[arg-type]  # a coroutine always runs in a task
            try:
                await work()
            finally:
                if self._running is task:
                    self._running = None

    async def _until_done_or_calling(self, task: "asyncio.Task[None]") -> None:
        await asyncio.sleep(0)  # let the work begin, also if its feeder never waits for a message
        while not task.done() and (not self._calls or self._is_full):
            feeder = asyncio.get_running_loop().create_future()
            self._feeders[feeder] = None
            task.add_done_callback(partial(_wake, feeder))
            try:
                await feeder
            finally:
                self._feeders.pop(feeder, None)

    @property
    def _is_full(self) -> bool:
        return len(self._tasks) > _MOST or self._characters > _MOST_CHARACTERS

    def _forget(self, task: "asyncio.Task[None]", unique_id: object, texts: dict[object, str | bytes]) -> None:
        if task in self._tasks:  # else another CALL may have its ID by now
            del self._tasks[task]
            self._waiting.pop(task, None)
            self._characters -= len(texts.pop(unique_id))

    def _done(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._report(error)

    def lose(self) -> None:
        """Drop the CALLs whose turn has not come, after the connection was lost.

        A handler that runs goes on, and the CALLs of the next connection do not wait for it.
        """
        for task in self._waiting:
            task.cancel()
        self._begin()

    def cancel(self) -> None:
        """Cancel all work."""
        for task in self._tasks:
            task.cancel()


def _wake(feeder: "asyncio.Future[None]", _: object = None) -> None:
    if not feeder.done():
        feeder.set_result(None)
