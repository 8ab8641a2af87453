"""Messages that wait to be shown; independent of the document."""

from collections import deque

from ocpp_apps.station import LogEntry

__all__ = ["Backlog"]


class Backlog:
    """The newest messages without a row, oldest first; at most as many as there are rows."""

    def __init__(self, longest: int) -> None:
        self._entries: deque[LogEntry] = deque(maxlen=longest)
        self.dropped = 0
        """Messages that were dropped without a row, because newer ones filled the backlog."""

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, entry: LogEntry) -> None:
        """Add a message. If the backlog is full, drop the oldest one."""
        self.dropped += len(self._entries) == self._entries.maxlen
        self._entries.append(entry)

    def take(self, most: int) -> list[LogEntry]:
        """Remove and return the oldest messages, at most `most`."""
        return [self._entries.popleft() for _ in range(min(most, len(self._entries)))]

    def clear(self) -> None:
        """Remove all messages."""
        self._entries.clear()
        self.dropped = 0
