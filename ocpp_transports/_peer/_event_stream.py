"""Asynchronous iteration over events, bounded in number and in bytes."""

from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import fields, is_dataclass
from sys import getsizeof
from types import TracebackType
from typing import Any, Final, Generic, Self, TypeVar

from ocpp_transports._driver._interfaces import Completion, complete
from ocpp_transports.events import OverflowEvent

__all__ = ["MAX_SIZE", "EventStream", "size_of"]

EventT_co = TypeVar("EventT_co", covariant=True)

MAX_SIZE: Final = 16 << 20
"""Bytes of the events kept for an iterator. The size of an event with a message is the decision of the peer."""


class EventStream(AsyncIterator[EventT_co | OverflowEvent], Generic[EventT_co]):
    """The events of some names as an asynchronous iterator; as a context manager it stops listening at its end.

    It is generic in the payloads of these events. An `OverflowEvent` stands for events that it could not keep.
    """

    def __init__(
        self, limit: int, completion: Callable[[], Completion[None]], forget: "Callable[[EventStream[Any]], None]"
    ) -> None:
        self._limit = limit
        self._make_completion = completion
        self._forget = forget
        self._kept: deque[tuple[EventT_co, int]] = deque()
        self._size = 0
        self._missed = 0
        self._finished = False
        self._waiter: Completion[None] | None = None

    def put(self, payload: Any) -> None:
        """Keep an event for the reader, or count it as missed. One may always be kept, however large."""
        size = 0 if self._missed else size_of(payload, MAX_SIZE - self._size)
        is_too_much = len(self._kept) >= self._limit or self._size + size > MAX_SIZE
        if self._missed or (self._kept and is_too_much):
            self._missed += 1
        else:
            self._kept.append((payload, size))
            self._size += size
        self._wake()

    def finish(self) -> None:
        """Stop listening; kept events can still be read."""
        self._finished = True
        self._forget(self)
        self._wake()

    async def aclose(self) -> None:
        """End the iteration at once."""
        self._kept.clear()
        self._size = self._missed = 0
        self.finish()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def __anext__(self) -> EventT_co | OverflowEvent:
        """Return the next event. Raises RuntimeError if another task already waits for it."""
        while not self._kept and not self._missed:
            if self._finished:
                raise StopAsyncIteration
            await self._wait()
        if self._kept:
            payload, size = self._kept.popleft()
            self._size -= size
            return payload
        missed, self._missed = self._missed, 0
        return OverflowEvent(missed)

    async def _wait(self) -> None:
        if self._waiter is not None:
            raise RuntimeError("cannot iterate: another task already reads this stream")
        self._waiter = self._make_completion()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None:
            complete(self._waiter, None)


def size_of(payload: object, enough: int) -> int:
    """Return the size of an event with its messages in bytes, or any size above `enough` if it exceeds that."""
    size, parts = 0, [payload]
    while parts and size <= enough:
        part = parts.pop()
        size += getsizeof(part)
        if isinstance(part, dict):
            parts += part
            parts += part.values()
        elif isinstance(part, (list, tuple)):
            parts += part
        elif is_dataclass(part):
            parts += [getattr(part, each.name) for each in fields(part)]
    return size
