"""Shares a fixed number of threads fairly: a station with many requests does not delay the one request of another."""

from collections import OrderedDict, deque

import anyio

__all__ = ["FairTurns"]


class FairTurns:
    """At most `limit` turns at a time; further ones wait, and each key gets one in rotation.

    All methods are for the event loop, except that `release` may also be called when there is no event loop any more.
    """

    def __init__(self, limit: int) -> None:
        self._free = limit
        self._waiting: OrderedDict[object, deque[anyio.Event]] = OrderedDict()

    async def acquire(self, key: object) -> None:
        """Wait for a turn."""
        if self._free:
            self._free -= 1
            return
        turn = anyio.Event()
        self._waiting.setdefault(key, deque()).append(turn)
        try:
            await turn.wait()
        except BaseException:  # cancelled
            if turn.is_set():
                self.release()
            else:
                self._forget(key, turn)
            raise

    def release(self) -> None:
        """End a turn; the next one goes to the key that has waited for longest since its last turn."""
        if not self._waiting:
            self._free += 1
            return
        key, turns = self._waiting.popitem(last=False)
        turns.popleft().set()
        if turns:
            self._waiting[key] = turns

    def _forget(self, key: object, turn: "anyio.Event") -> None:
        turns = self._waiting[key]
        turns.remove(turn)
        if not turns:
            del self._waiting[key]
