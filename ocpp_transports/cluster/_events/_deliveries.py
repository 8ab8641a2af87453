"""The entries that a consumer got and has not acknowledged yet."""

from collections.abc import Iterator
from typing import Final

import anyio

from ._log import EntryPosition

__all__ = ["EventDeliveries", "EventDelivery"]


class EventDelivery:
    """An entry that was delivered, until all of its events are acknowledged."""

    __slots__ = ("left", "position", "returned", "stream")

    def __init__(self, stream: int, position: EntryPosition) -> None:
        self.stream: Final = stream
        self.position: Final = position
        self.left: set[str] = set()
        """The IDs of the events that are not acknowledged."""
        self.returned: list[str] = []
        """The IDs of the events that the program got."""


class EventDeliveries:
    """The deliveries of one consumer of a group; `most` is how many may be unacknowledged."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._unacknowledged: dict[tuple[int, EntryPosition], EventDelivery] = {}
        self._done: dict[EventDelivery, None] = {}
        self._changed = anyio.Event()
        self._finished = anyio.Event()

    def begin(self, stream: int, position: EntryPosition) -> EventDelivery | None:
        """Note an entry that the store delivered; return None if it was delivered before and is not stored as done."""
        key = (stream, position)
        if key in self._unacknowledged:
            return None
        delivery = self._unacknowledged[key] = EventDelivery(stream, position)
        return delivery

    @property
    def is_full(self) -> bool:
        """True while no more entries should be read."""
        return len(self._unacknowledged) >= self._most

    async def wait_for_room(self) -> None:
        """Wait until fewer than `most` entries are unacknowledged."""
        while self.is_full:
            self._changed = anyio.Event()
            await self._changed.wait()

    def acknowledge(self, delivery: EventDelivery, event: str) -> None:
        """Note that the program is done with an event, of this ID."""
        delivery.left.discard(event)
        if not delivery.left:
            self.finish(delivery)

    def acknowledge_returned(self) -> None:
        """Note that the program is done with all events that it got."""
        for delivery in tuple(self._unacknowledged.values()):
            if delivery.returned and delivery not in self._done:
                delivery.left.difference_update(delivery.returned)
                if not delivery.left:
                    self.finish(delivery)

    def finish(self, delivery: EventDelivery) -> None:
        """Note that nothing of an entry is left."""
        self._done[delivery] = None
        self._finished.set()

    async def wait_for_finished(self) -> None:
        """Wait until entries are finished."""
        await self._finished.wait()

    def finished(self) -> Iterator[tuple[int, list[EventDelivery]]]:
        """Iterate over the finished entries of each stream."""
        for stream in sorted({delivery.stream for delivery in self._done}):
            yield stream, [delivery for delivery in self._done if delivery.stream == stream]

    def forget(self, deliveries: list[EventDelivery]) -> None:
        """Forget entries: the store knows that they are done."""
        for delivery in deliveries:
            self._done.pop(delivery, None)
            self._unacknowledged.pop((delivery.stream, delivery.position), None)
        if not self._done:
            self._finished = anyio.Event()
        self._changed.set()
