"""The responses to our calls, matched by message ID."""

import asyncio
from collections import deque
from typing import Any, Final, TypeAlias

from ocpp_transports.compat.messages import CallError, CallResult

__all__ = ["Response", "ResponseQueue", "wait_in"]

Response: TypeAlias = CallResult | CallError

_KEPT: Final = 4
"""Unmatched responses that are kept, the newest ones."""


class ResponseQueue:
    """The received responses, each for the caller that waits for its ID.

    A response that no caller expects counts as unmatched. The newest ones are kept for a program that sends a `Call`
    itself and awaits `_get_specific_response` afterwards. A caller that calls `expect` before it sends gets none of
    them.
    """

    def __init__(self) -> None:
        self._expected: dict[object, asyncio.Future[Response]] = {}
        self._kept: deque[Response] = deque(maxlen=_KEPT)
        self.unmatched = 0
        """Number of responses that no caller expected."""

    def put_nowait(self, response: Response) -> bool:
        """Pass a response to its caller. Return False if no caller expects it."""
        future = self._expected.get(response.unique_id)
        if future is not None and not future.done():
            future.set_result(response)
            return True
        self.unmatched += 1
        self._kept.append(response)
        return False

    def expect(self, unique_id: object) -> asyncio.Future[Response]:
        """Expect a response from now on, and return its future."""
        if unique_id not in self._expected:
            self._expected[unique_id] = asyncio.get_running_loop().create_future()
        return self._expected[unique_id]

    def forget(self, unique_id: object) -> None:
        """Expect a response no longer, whether it arrived or not."""
        future = self._expected.pop(unique_id, None)
        if future is not None:
            future.cancel()

    async def wait(self, unique_id: object, timeout: float | None) -> Response:
        """Return a response when it arrives; raise TimeoutError after `timeout` seconds, the error of `fail` if any."""
        if unique_id not in self._expected and (kept := self._take(unique_id)) is not None:
            return kept
        future = self.expect(unique_id)
        try:
            async with asyncio.timeout(timeout):
                return await future
        finally:
            self.forget(unique_id)

    def _take(self, unique_id: object) -> Response | None:
        """Remove and return a kept response."""
        found = next((response for response in self._kept if response.unique_id == unique_id), None)
        if found is not None:
            self._kept.remove(found)
        return found

    def fail(self, error: BaseException, unique_id: object = None) -> None:
        """Raise an error in the caller that expects an ID, or in all callers without one."""
        for expected in list(self._expected) if unique_id is None else [unique_id]:
            future = self._expected.get(expected)
            if future is not None and not future.done():
                future.set_exception(error)
                future.exception()  # a caller that has not begun to wait never retrieves it


async def wait_in(queue: Any, unique_id: object, timeout: float | None) -> Response:
    """Return a response from a queue of the program's own; raise TimeoutError after `timeout` seconds.

    The queue has a coroutine `get()`. Other responses are dropped.
    """
    async with asyncio.timeout(timeout):
        while True:
            response: Response = await queue.get()
            if response.unique_id == unique_id:
                return response
