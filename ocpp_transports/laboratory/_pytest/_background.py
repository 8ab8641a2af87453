"""Exceptions of background tasks: a test in which one was raised fails."""

import asyncio
from typing import Any

from ocpp_transports.laboratory._errors import BackgroundTaskError
from ocpp_transports.laboratory._world._world import World

__all__ = ["BackgroundErrors"]


class BackgroundErrors:
    """Collects the exceptions that no test awaits, as the loop of a world reports them."""

    def __init__(self, world: World) -> None:
        self.seen: list[BaseException] = []
        self._reported = 0
        world.loop.set_exception_handler(self._note)

    def _note(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, BaseException):
            self.seen.append(error)
        loop.default_exception_handler(context)

    def expect_none(self) -> None:
        """Raise BackgroundTaskError from the first exception that was seen since the last time."""
        new = self.seen[self._reported :]
        self.note_reported()
        if new:
            more = f", and {len(new) - 1} more" if len(new) > 1 else ""
            raise BackgroundTaskError(f"a background task raised {new[0]!r}{more}") from new[0]

    def note_reported(self) -> None:
        """Note that what was seen is in the report of the test, which has failed for another reason."""
        self._reported = len(self.seen)
