"""Drives the outboxes of all stations: inputs in, outputs to the store and the tickets, one timer."""

from collections.abc import Callable
from math import inf
from typing import Final

from ocpp_core.actions import TURN
from ocpp_core.durable.stations import StationOutboxes, StationsInput
from ocpp_core.inputs import Tick
from ocpp_core.outbox.effects import OutboxEffect
from ocpp_transports._driver._interfaces import Handle, Runtime

__all__ = ["StationsDriver"]

_BURST: Final = 256
"""Outputs that are performed in one turn of the event loop."""


class StationsDriver:
    """The effect loop of the outboxes.

    Sessions change an outbox while they handle an input. Such changes are performed in a turn of their own, so that all
    of a turn share one commit, and no session is entered twice.
    """

    def __init__(self, runtime: Runtime, perform: Callable[[OutboxEffect], None]) -> None:
        self.runtime: Runtime = runtime
        self.engine: StationOutboxes
        """The engine, which is set before the first input."""
        self._perform = perform
        self._turn: Handle | None = None
        self._timer: Handle | None = None
        self._due = inf
        self._is_performing = False
        self._has_stopped = False

    def feed(self, event: StationsInput, /) -> None:
        """Handle an input, and perform what follows. Raises the engine's errors for misuse."""
        self.engine.handle(event, self.runtime.now())
        self.perform(_BURST)

    def touched(self) -> None:
        """Perform what a session changed, in a later turn."""
        if self._turn is None and not self._is_performing and not self._has_stopped:
            self._turn = self.runtime.next_turn(self._in_turn)

    def _in_turn(self) -> int:
        self._turn = None
        self.perform(_BURST)
        return TURN

    def perform(self, most: float = inf) -> None:
        """Perform the outputs, at most this number; the rest follows in a later turn."""
        if self._is_performing or self._has_stopped:
            return
        self._is_performing = True
        try:
            has_more = self._perform_some(most)
        finally:
            self._is_performing = False
        if has_more:
            self.touched()
        self._arm()

    def _perform_some(self, most: float) -> bool:
        now = self.runtime.now()
        while most > 0:
            effect = self.engine.poll(now)
            if effect is None:
                return False
            self._perform(effect)
            most -= 1
        return True

    def stop(self) -> None:
        """Perform nothing more. Idempotent."""
        self._has_stopped = True
        for handle in (self._turn, self._timer):
            if handle is not None:
                handle.cancel()
        self._turn = self._timer = None

    def _arm(self) -> None:
        """Arm the one timer, anew only if the deadline got earlier."""
        deadline = self.engine.deadline
        if deadline < self._due and not self._has_stopped:
            if self._timer is not None:
                self._timer.cancel()
            self._due = deadline
            self._timer = self.runtime.call_at(deadline, self._fire)

    def _fire(self) -> None:
        self._timer, due, self._due = None, self._due, inf
        self.engine.handle(Tick(), max(self.runtime.now(), min(due, self.engine.deadline)))
        self.perform(_BURST)
