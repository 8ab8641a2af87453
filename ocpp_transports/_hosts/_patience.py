"""Drops a connection whose congested output makes no progress.

A slow line may take minutes for a long message, and a peer that never reads accepts nothing. A timer that runs from the
beginning of the congestion cannot distinguish them; progress can.
"""

from collections.abc import Callable
from math import isfinite
from typing import Final

from ocpp_transports._driver._interfaces import Handle, Runtime

__all__ = ["LEAST_RATE", "Patience"]

LEAST_RATE: Final = 1000
"""Bytes a second that a line must carry if the progress within one message is invisible."""
_LOOKS: Final = 4
"""Number of checks within the time that may pass without progress."""


class Patience:
    """Watches the progress of congested output; calls `give_up` after `limit` seconds without any, `inf` never.

    `mark` returns the progress of the output, a value that changes if and only if something of it leaves. None ends the
    watch: the output has drained, for carriers that do not report this.
    """

    __slots__ = ("_give_up", "_limit", "_mark", "_runtime", "_seen", "_since", "_timer")

    def __init__(
        self,
        runtime: Runtime,
        limit: float,
        *,
        mark: Callable[[], int | None],
        give_up: Callable[[], object],
    ) -> None:
        self._runtime = runtime
        self._limit = limit
        self._mark = mark
        self._give_up = give_up
        self._seen = mark()
        self._since = runtime.now()
        self._timer: Handle | None = self._look_later() if isfinite(limit) else None

    def cancel(self) -> None:
        """Stop watching. Idempotent."""
        if self._timer is not None:
            self._timer.cancel()

    def _look_later(self) -> Handle:
        return self._runtime.call_at(self._runtime.now() + self._limit / _LOOKS, self._look)

    def _look(self) -> None:
        now, seen = self._runtime.now(), self._mark()
        if seen is None:
            return
        if seen != self._seen:
            self._seen, self._since = seen, now
        if now - self._since >= self._limit:
            self._give_up()
        else:
            self._timer = self._look_later()
