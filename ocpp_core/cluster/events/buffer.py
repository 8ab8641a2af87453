"""The events of a node that are not stored yet: bounded in number and bytes, so a stream that is away costs no more.

If the buffer is full, it drops the oldest messages. Other events, such as connects and disconnects, are dropped only
when it has no message. The next batch then begins with an event that states how many were dropped.
"""

from collections import deque
from typing import Final, NamedTuple

from ocpp_core._dataclasses import dataclass

from .entries import event_line

__all__ = ["GAP", "EventBatch", "EventBuffer"]

GAP: Final = "g"
"""The kind of the event that replaces dropped ones: `["g", time, messages, others]`."""


class _Kept(NamedTuple):
    order: int
    line: bytes


@dataclass(frozen=True, slots=True)
class EventBatch:
    """Successive events for one entry."""

    first: int
    """The number of the first event."""
    lines: tuple[bytes, ...]
    """The events, each a line of JSON."""


class EventBuffer:
    """Events in their order, until they are taken.

    Args:
        most_events: Events at most.
        most_bytes: Bytes of their lines at most.
    """

    def __init__(self, most_events: int, most_bytes: int) -> None:
        self._most_events = most_events
        self._most_bytes = most_bytes
        self._messages: deque[_Kept] = deque()
        self._others: deque[_Kept] = deque()
        self._order = 0
        self._number = 1
        self._missed_messages = 0
        self._missed_others = 0
        self.size: int = 0
        """Bytes of the lines."""

    def __len__(self) -> int:
        """Return the number of events, without the one that reports dropped ones."""
        return len(self._messages) + len(self._others)

    @property
    def has_news(self) -> bool:
        """True if `take` would return a batch."""
        return bool(len(self) or self._missed_messages or self._missed_others)

    def add(self, line: bytes, *, is_message: bool) -> int:
        """Add an event, and return how many were dropped: it is the one if it alone has too many bytes."""
        if len(line) > self._most_bytes:
            self._count_missed(is_message=is_message)
            return 1
        self._order += 1
        (self._messages if is_message else self._others).append(_Kept(self._order, line))
        self.size += len(line)
        dropped = 0
        while self.size > self._most_bytes or len(self) > self._most_events:
            self._drop()
            dropped += 1
        return dropped

    def _drop(self) -> None:
        is_message = bool(self._messages)
        self._count_missed(is_message=is_message)
        self.size -= len((self._messages if is_message else self._others).popleft().line)

    def _count_missed(self, *, is_message: bool) -> None:
        if is_message:
            self._missed_messages += 1
        else:
            self._missed_others += 1

    def take(self, now: float, most_bytes: int) -> EventBatch | None:
        """Remove and return the oldest events, at least one of them; None if there is nothing.

        Args:
            now: The time of day, for the report of dropped events, as seconds since 1970.
            most_bytes: Bytes of the events together, unless the first one alone has more.
        """
        lines = self._gap(now)
        room = most_bytes
        while (oldest := self._oldest()) is not None and (len(oldest[0].line) <= room or not lines):
            line = oldest.popleft().line
            self.size -= len(line)
            room -= len(line)
            lines.append(line)
        if not lines:
            return None
        batch = EventBatch(self._number, tuple(lines))
        self._number += len(lines)
        return batch

    def _gap(self, now: float) -> list[bytes]:
        if not (self._missed_messages or self._missed_others):
            return []
        gap = event_line(GAP, now, self._missed_messages, self._missed_others)
        self._missed_messages = self._missed_others = 0
        return [gap]

    def _oldest(self) -> "deque[_Kept] | None":
        if not (self._messages and self._others):
            return self._messages or self._others or None
        return self._messages if self._messages[0].order < self._others[0].order else self._others
