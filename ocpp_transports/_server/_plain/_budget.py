"""Limits the bytes of plain responses that peers may leave unread in this process."""

from collections import deque
from collections.abc import Callable
from typing import Final

from ocpp_transports._driver._limits import LINGER

__all__ = ["MAX_RESPONSES", "ResponseBudget"]

MAX_RESPONSES: Final = 16 << 20
"""Bytes of plain responses within 5 seconds; if exceeded, requests for a function or `/metrics` get 503."""


class ResponseBudget:
    """The bytes of recent responses; `now` is the clock, in seconds.

    A connection has `LINGER` seconds to send its response. How much a peer has read is not known, so a response counts
    for that long.
    """

    __slots__ = ("_now", "_recent", "_total")

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._recent: deque[tuple[float, int]] = deque()
        self._total = 0

    @property
    def is_spent(self) -> bool:
        """True if no further response may be made now."""
        self._forget(self._now())
        return self._total >= MAX_RESPONSES

    def spend(self, size: int) -> None:
        """Count a response of `size` bytes."""
        now = self._now()
        self._forget(now)
        self._recent.append((now + LINGER, size))
        self._total += size

    def _forget(self, now: float) -> None:
        recent = self._recent
        while recent and recent[0][0] <= now:
            self._total -= recent.popleft()[1]
