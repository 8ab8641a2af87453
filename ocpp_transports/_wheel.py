"""One timer of the event loop for everything that is due at the same instant.

What keeps idle connections alive falls on whole quarters of a second (`ocpp_core.timers.coarse`): however many there
are, they need at most four timers for each second of the time-out for pongs.
"""

import logging
from collections.abc import Callable
from functools import partial
from typing import Final, TypeAlias

from ocpp_core.timers import GRID

from ._driver import Handle

__all__ = ["CallAt", "Wheel"]

CallAt: TypeAlias = Callable[[float, Callable[[], None]], Handle]

_A_SECOND: Final = 1 / GRID
_log = logging.getLogger(__name__)


class _Slot:
    """An instant: what rings then, and the event loop's timer for it."""

    __slots__ = ("live", "spokes", "timer")

    def __init__(self) -> None:
        self.spokes: list[_Spoke] = []
        self.live = 0
        self.timer: Handle | None = None


class _Spoke:
    """One function of a slot; the handle that calls it off."""

    __slots__ = ("_wheel", "_when", "fn")

    def __init__(self, wheel: "Wheel", when: float, fn: Callable[[], None]) -> None:
        self._wheel = wheel
        self._when = when
        self.fn: Callable[[], None] | None = fn

    def cancel(self) -> None:
        if self.fn is not None:
            self.fn = None
            self._wheel.left(self._when)

    def ring(self) -> None:
        fn, self.fn = self.fn, None
        try:
            if fn is not None:
                fn()
        except Exception:  # noqa: BLE001 - a fault of ours must not stop the others that are due
            _log.exception("a timer failed")


class Wheel:
    """Timers on top of `call_at`; those that are due at the same point of the grid share one of it."""

    __slots__ = ("_call_at", "_slots")

    def __init__(self, call_at: CallAt) -> None:
        self._call_at = call_at
        self._slots: dict[float, _Slot] = {}

    def __len__(self) -> int:
        return len(self._slots)

    def call_at(self, when: float, fn: Callable[[], None], /) -> Handle:
        """Call `fn` at `when`, seconds of the event loop's clock; see Runtime."""
        if not (when * _A_SECOND).is_integer():
            return self._call_at(when, fn)
        slot = self._slots.get(when)
        if slot is None:
            slot = self._slots[when] = _Slot()
            slot.timer = self._call_at(when, partial(self._ring, when))
        spoke = _Spoke(self, when, fn)
        slot.spokes.append(spoke)
        slot.live += 1
        return spoke

    def _ring(self, when: float) -> None:
        for spoke in self._slots.pop(when).spokes:
            spoke.ring()

    def left(self, when: float) -> None:
        """Note that something that was due then has been called off; the last one stops the timer."""
        slot = self._slots.get(when)
        if slot is None:  # it rings at the moment
            return
        slot.live -= 1
        if not slot.live and slot.timer is not None:
            slot.timer.cancel()
            del self._slots[when]
