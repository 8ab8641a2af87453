"""The memory of requests that a node has seen, so that none is executed twice."""

from enum import Enum, auto
from typing import Final

from ocpp_core.cluster.records import NodeId

__all__ = ["Seen", "SeenRequests"]

_WINDOW: Final = 16_384
"""Numbers below the largest one of a caller that are told apart."""
_ALL: Final = (1 << _WINDOW) - 1
_DELAY: Final = 60.0
"""Seconds that a frame may be delayed."""


class Seen(Enum):
    """Whether a request is new."""

    NEW = auto()
    """It is new, and from now on it is seen."""
    AGAIN = auto()
    """It was seen before."""
    UNKNOWN = auto()
    """It may have been seen before."""


class SeenRequests:
    """The numbers of the requests of each caller; at most 2 KiB for a caller, however many requests it sends.

    A caller numbers its requests upwards. Of each caller the largest number is kept, and one bit for each of the 16384
    below it. Smaller ones count as `UNKNOWN`, so a full memory never lets a request run twice. A caller is forgotten
    `longest` seconds and a minute after its last request. If the memory is full, the one that was silent the longest
    gives way to a new one after a minute: no carrier delays a frame for so long, unless this process was stopped.

    Args:
        max_callers: Callers that are remembered; all requests of further ones are `UNKNOWN` until one gives way.
        longest: Seconds that a call may take.
    """

    def __init__(self, max_callers: int, longest: float) -> None:
        self._max_callers = max_callers
        self._kept = longest + _DELAY
        self._callers: dict[NodeId, _Window] = {}  # the one that was silent the longest is the first

    def __len__(self) -> int:
        """Return the number of callers that are remembered."""
        return len(self._callers)

    def note(self, caller: NodeId, number: int, now: float) -> Seen:
        """Note a request, and return whether it is new."""
        while self._forget_one(now - self._kept):
            pass
        window = self._callers.pop(caller, None)
        if window is None:
            if len(self._callers) >= self._max_callers and not self._forget_one(now - _DELAY):
                return Seen.UNKNOWN
            window = _Window()
        self._callers[caller] = window
        window.last_request = now
        return window.note(number)

    def note_missing(self, caller: NodeId, number: int, now: float) -> bool:
        """Note a request that its caller misses, and return True if it certainly did not arrive.

        A caller that was forgotten looks new, so this is certain only above its first remembered number.
        """
        window = self._callers.get(caller)
        is_above = window is not None and number > window.first
        return self.note(caller, number, now) is Seen.NEW and is_above

    def _forget_one(self, before: float) -> bool:
        """Forget the caller that was silent the longest, if since a time; return False if it was not."""
        for caller, window in self._callers.items():
            if window.last_request <= before:
                del self._callers[caller]
                return True
            break
        return False


class _Window:
    __slots__ = ("_largest", "_seen", "first", "last_request")

    def __init__(self) -> None:
        self._largest = -1
        self._seen = 0
        """Bit n is set if `largest - n` was seen."""
        self.first = -1
        """The number that was noted first; -1 before."""
        self.last_request = 0.0

    def note(self, number: int) -> Seen:
        if self.first < 0:
            self.first = number
        ahead = number - self._largest
        if ahead > 0:
            self._seen = ((self._seen << ahead) & _ALL if ahead < _WINDOW else 0) | 1
            self._largest = number
            return Seen.NEW
        if -ahead >= _WINDOW:
            return Seen.UNKNOWN
        bit = 1 << -ahead
        if self._seen & bit:
            return Seen.AGAIN
        self._seen |= bit
        return Seen.NEW
