"""Responses that are not written yet, in bounded memory."""

from collections import deque
from typing import Final

from .records import MOST_ANSWERS, AnswerChange, SharedAnswer

__all__ = ["PendingAnswers"]

_OVERHEAD: Final = 128
"""Characters that an answer counts in addition to its text and its message ID."""


class _Waiting:
    __slots__ = ("answers", "replaces", "window")

    def __init__(self) -> None:
        self.answers: deque[SharedAnswer] = deque()
        self.replaces = False
        self.window = 0.0


class PendingAnswers:
    """The newest responses to each station, until they are written; see `AnswerSink`.

    Beyond `MOST_ANSWERS` of a station its oldest one is dropped, which the newer ones would displace anyway. Beyond
    `limit` characters, those of the station that has waited longest are dropped.
    """

    def __init__(self, limit: int = 1 << 23) -> None:
        self._limit = limit
        self._stations: dict[str, _Waiting] = {}
        self._size = 0
        self.dropped: int = 0
        """Responses that were dropped because too many waited."""

    def __len__(self) -> int:
        """Return the number of stations with something to write."""
        return len(self._stations)

    def add(self, name: str, answer: SharedAnswer, window: float) -> None:
        """Add the newest response to a station."""
        station = self._stations.setdefault(name, _Waiting())
        station.window = window
        station.answers.append(answer)
        self._size += _size_of(answer)
        if len(station.answers) > MOST_ANSWERS:
            self._size -= _size_of(station.answers.popleft())
        while self._size > self._limit:
            self.dropped += len(self._take_oldest().answers)

    def forget(self, name: str) -> None:
        """Remove what waits, and have what was written before removed."""
        station = self._stations.setdefault(name, _Waiting())
        self._size -= sum(map(_size_of, station.answers))
        station.answers.clear()
        station.replaces = True

    def take(self, most: int) -> list[AnswerChange]:
        """Remove and return what waits for at most this number of stations, those that have waited longest."""
        return [self._take_oldest() for _ in range(min(most, len(self._stations)))]

    def put_back(self, changes: list[AnswerChange]) -> None:
        """Wait again with changes that were not written; newer ones come after them."""
        for change in changes:
            newer = self._stations.pop(change.name, None)
            if newer is not None:
                self._size -= sum(map(_size_of, newer.answers))
            if newer is None or not newer.replaces:
                for answer in change.answers:
                    self.add(change.name, answer, change.window)
            if newer is not None:
                for answer in newer.answers:
                    self.add(change.name, answer, newer.window)
            if change.replaces or (newer is not None and newer.replaces):
                self._stations.setdefault(change.name, _Waiting()).replaces = True

    def _take_oldest(self) -> AnswerChange:
        name = next(iter(self._stations))
        station = self._stations.pop(name)
        self._size -= sum(map(_size_of, station.answers))
        return AnswerChange(name, tuple(station.answers), station.window, station.replaces)


def _size_of(answer: SharedAnswer) -> int:
    return _OVERHEAD + len(answer.message_id) + len(answer.text)
