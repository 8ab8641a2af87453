"""The common memory as a table without I/O: a twin of what the scripts of the Redis store do.

Times are those of the store, in seconds, and come from the caller.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

from .rates import full_in
from .records import MOST_ANSWERS, AnswerChange, SessionChange, SharedAnswer, SharedSession, StationMemory

__all__ = ["SharedTable"]

ValueT = TypeVar("ValueT")


class _Expiring(Generic[ValueT]):
    """Values that expire."""

    def __init__(self) -> None:
        self._values: dict[str, tuple[float, ValueT]] = {}

    def get(self, key: str, now: float) -> ValueT | None:
        until, value = self._values.get(key, (now, None))
        return value if now < until else None

    def put(self, key: str, value: ValueT, until: float, now: float) -> None:
        self._values.pop(key, None)
        self._values[key] = until, value
        while self._values and self._values[oldest := next(iter(self._values))][0] <= now:
            del self._values[oldest]

    def drop(self, key: str) -> None:
        self._values.pop(key, None)


class SharedTable:
    """Sessions, responses and rates of all nodes; `fence_of` returns the fence of a station's owner, 0 without one."""

    def __init__(self, fence_of: Callable[[str], int]) -> None:
        self._fence_of = fence_of
        self._sessions: _Expiring[SharedSession] = _Expiring()
        self._answers: _Expiring[tuple[tuple[float, SharedAnswer], ...]] = _Expiring()
        self._full_at: _Expiring[float] = _Expiring()

    def read(self, name: str, key: str | None, now: float) -> StationMemory:
        """Return what is known of a station; `key` is that of its session, None for a station without one."""
        answers = self._answers.get(name, now) or ()
        session = None if key is None else self._sessions.get(key, now)
        return StationMemory(session, tuple((answer, until - now) for until, answer in answers if now < until))

    def change_session(self, change: SessionChange, now: float) -> bool:
        """Write a session; return False if there is a newer claim of the station, or a session of one."""
        kept = self._sessions.get(change.key, now)
        if max(self._fence_of(change.name), 0 if kept is None else kept.fence) > change.fence:
            return False
        self._sessions.put(change.key, SharedSession(change.fence, change.text), now + change.ttl, now)
        return True

    def add_answers(self, change: AnswerChange, now: float) -> None:
        """Add responses to a station."""
        before = () if change.replaces else self._answers.get(change.name, now) or ()
        until = now + change.window
        answers = (*before, *((until, answer) for answer in change.answers))[-MOST_ANSWERS:]
        if answers:
            self._answers.put(change.name, answers, until, now)
        else:
            self._answers.drop(change.name)

    def take(self, owner: str, tokens: int, rate: float, burst: float, now: float) -> float:
        """Take tokens from the bucket of an owner; return the seconds until it is full."""
        left = full_in((self._full_at.get(owner, now) or now) - now, tokens, rate, burst)
        self._full_at.put(owner, now + left, now + left, now)
        return left
