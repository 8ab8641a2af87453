"""A grace period for asynchronous `close` listeners before the tasks of a client or server are ended."""

from collections.abc import Callable
from typing import Final

from ocpp_transports._driver._interfaces import Completion, Runtime, complete

__all__ = ["MOMENT", "CloseGrace"]

MOMENT: Final = 1.0
"""Seconds that asynchronous `close` listeners may take before a client or server ends its tasks."""


class CloseGrace:
    """The `close` events with listeners that have not returned."""

    __slots__ = ("_running", "_waiter")

    def __init__(self) -> None:
        self._running = 0
        self._waiter: Completion[None] | None = None

    def expect(self) -> Callable[[], None]:
        """Note an event; call the returned function when its listeners have returned."""
        self._running += 1
        return self._done

    def _done(self) -> None:
        self._running -= 1
        if not self._running and self._waiter is not None:
            complete(self._waiter, None)

    async def wait(self, runtime: Runtime) -> None:
        """Wait until all have returned, at most `MOMENT` seconds."""
        if not self._running:
            return
        completion: Completion[None] = runtime.completion()
        self._waiter = completion
        timer = runtime.call_at(runtime.now() + MOMENT, lambda: complete(completion, None))
        try:
            await completion
        finally:
            timer.cancel()
            self._waiter = None
