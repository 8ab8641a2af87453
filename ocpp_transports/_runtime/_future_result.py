"""The slot of asyncio, also where asyncio has no sockets: in a browser."""

import asyncio
from typing import Any

__all__ = ["FutureResult"]


class FutureResult:
    """A slot on an asyncio future.

    The future only says that it is filled: an exception inside it would be logged when its waiter was cancelled.
    """

    __slots__ = ("_error", "_filled", "_result")

    def __init__(self, filled: "asyncio.Future[None]") -> None:
        self._filled = filled
        self._result: Any = None
        self._error: BaseException | None = None

    def set(self, result: Any, error: BaseException | None) -> None:
        """Fill it."""
        if not self._filled.done():
            self._result = result
            self._error = error
            self._filled.set_result(None)

    async def wait(self) -> Any:
        """Return the result, or raise the error."""
        await self._filled
        if self._error is not None:
            raise self._error
        return self._result
