"""Messages from a page, handled in turns: a page cannot pause them, and may deliver thousands at once.

A browser delivers everything that has arrived without a pause in between. Messages beyond one turn's work wait here,
and all of them do while the engine has no room.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

from ocpp_core.actions import TURN
from ocpp_transports._driver._interfaces import Handle

__all__ = ["MOST_KEPT", "BrowserInbox"]

MOST_KEPT: Final = 1 << 20
"""Characters and bytes that may wait; if exceeded, the connection ends."""


class BrowserInbox:
    """Feeds messages in order with `feed`, and the end of the connection after the last one."""

    def __init__(self, feed: Callable[[str | bytes], None], next_turn: Callable[[Callable[[], None]], Handle]) -> None:
        self._feed = feed
        self._next_turn = next_turn
        self._kept: deque[str | bytes] = deque()
        self._size = 0
        self._work = 0  # units since this turn began
        self._is_held = False
        self._turn: Handle | None = None  # the next turn, if one is needed
        self._end: Callable[[], None] | None = None

    def add(self, message: str | bytes) -> bool:
        """Feed a message, now or in its turn; return False if too much waits."""
        if self._kept or self._is_held or self._work >= TURN:
            self._kept.append(message)
            self._size += len(message)
            self._await_turn()
            return self._size <= MOST_KEPT
        self._take(message)
        return True

    def hold(self, on: bool) -> None:
        """Stop feeding, or continue."""
        self._is_held = on
        self._await_turn()

    def end(self, ended: Callable[[], None]) -> None:
        """Call `ended` after the last message."""
        self._end = ended
        if not self._kept:
            self._finish()

    def drop(self) -> None:
        """Drop everything that waits. Idempotent."""
        self._kept.clear()
        self._end = None
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None

    def _take(self, message: str | bytes) -> None:
        self._work += 1 + (len(message) >> 11)
        self._feed(message)

    def _await_turn(self) -> None:
        if self._kept and not self._is_held and self._turn is None:
            self._turn = self._next_turn(self._work_off)

    def _work_off(self) -> None:
        self._turn = None
        self._work = 0
        while self._kept and not self._is_held and self._work < TURN:
            message = self._kept.popleft()
            self._size -= len(message)
            self._take(message)
        if self._kept:
            self._await_turn()
        else:
            self._finish()

    def _finish(self) -> None:
        ended, self._end = self._end, None
        if ended is not None:
            ended()
