"""One timer of the event loop for everything that is due at the same instant.

Timers that keep idle connections alive fall on whole quarters of a second (`ocpp_core.timers.coarse`). Any number of
connections needs at most four timers for each second of the pong timeout.
"""

from collections.abc import Callable
from contextvars import Context
from typing import Final, TypeAlias

from ocpp_core.timers import GRID
from ocpp_transports._driver._interfaces import CallAt, Handle

__all__ = ["Failed", "SharedTimers"]

Failed: TypeAlias = Callable[[str, BaseException], None]

_A_SECOND: Final = 1 / GRID


class _Bucket:
    """One instant: the functions due then, in order, and the event loop's timer for it."""

    __slots__ = ("_buckets", "_failed", "_when", "entries", "timer")

    def __init__(self, buckets: "dict[float, _Bucket]", when: float, failed: Failed) -> None:
        self._failed = failed
        self._buckets = buckets
        self._when = when
        self.entries: dict[_Entry, None] = {}
        self.timer: Handle | None = None

    def ring(self) -> None:
        del self._buckets[self._when]  # a timer started for this instant from now on gets a new bucket
        for entry in tuple(self.entries):
            try:
                entry.ring()
            except Exception as error:  # a fault of the library must not stop the other functions that are due
                self._failed("a timer failed", error)

    def drop(self, entry: "_Entry") -> None:
        """Remove a cancelled entry; the last one stops the timer, unless it is firing."""
        self.entries.pop(entry, None)
        if not self.entries and self.timer is not None and self._buckets.get(self._when) is self:
            self.timer.cancel()
            del self._buckets[self._when]


class _Entry:
    """One function of a bucket, and the handle that cancels it."""

    __slots__ = ("_bucket", "fn")

    def __init__(self, bucket: _Bucket, fn: Callable[[], None]) -> None:
        self._bucket = bucket
        self.fn: Callable[[], None] | None = fn

    def cancel(self) -> None:
        if self.fn is not None:
            self.fn = None
            self._bucket.drop(self)

    def ring(self) -> None:
        fn, self.fn = self.fn, None
        if fn is not None:
            fn()


class SharedTimers:
    """Timers on top of `start_timer`; those due at the same point of the grid share one of its timers.

    A shared timer is started in `context`, because it belongs to no connection; `failed` is called for exceptions.
    """

    __slots__ = ("_buckets", "_context", "_failed", "_start_timer")

    def __init__(self, start_timer: CallAt, context: Context, failed: Failed) -> None:
        self._failed = failed
        self._start_timer = start_timer
        self._context = context
        self._buckets: dict[float, _Bucket] = {}

    def __len__(self) -> int:
        return len(self._buckets)

    def call_at(self, when: float, fn: Callable[[], None], /) -> Handle:
        """Call `fn` at `when`, seconds of the event loop's clock; see Runtime."""
        if not (when * _A_SECOND).is_integer():
            return self._start_timer(when, fn)
        bucket = self._buckets.get(when)
        if bucket is None:
            bucket = self._buckets[when] = _Bucket(self._buckets, when, self._failed)
            bucket.timer = self._context.run(self._start_timer, when, bucket.ring)
        entry = _Entry(bucket, fn)
        bucket.entries[entry] = None
        return entry
