"""Mistakes between the session and the outbox, which only histories with the real session find."""

from typing import Any, Final, cast

from ocpp_core.client import ClientEngine
from ocpp_core.client_states import Online
from ocpp_core.durable.client import DurableClientEngine
from ocpp_core.durable.queue import QueueBesideOutbox
from ocpp_core.outbound.calls import Calls
from ocpp_core.outbound.durable_calls import _RESERVED, _UNWRITTEN, DurableCalls

from .seeding import Patch


def window_without_reserve(self: Any, now: float) -> None:
    self._now = now
    if self.is_open and len(self._pending) < self.config.call_concurrency:
        self._outbox.take(now, live=bool(self._waiting.calls))
    Calls.fill_window(self, now)


def window_for_calls_first(self: Any, now: float) -> None:
    if self._waiting.calls:
        Calls.fill_window(self, now)
    else:
        fill_window(self, now)


def window_keeps_reserve(self: Any, now: float) -> None:
    self._now = now
    has_room = self.is_open and len(self._pending) < self.config.call_concurrency
    if has_room and self._outbox.take(now, live=bool(self._waiting.calls)):
        self._pending[_RESERVED] = _UNWRITTEN
    Calls.fill_window(self, now)


def enter_without_loss(self: Any, state: Any) -> None:
    ClientEngine._enter(self, state)
    if isinstance(state, Online):
        self.outbox.opened(state.subprotocol, self._now)


def never_announce(self: Any) -> None:
    self._is_announced = True


def announce_once(self: Any) -> Any:
    effect = poll_outbox(self)
    self._is_announced = True
    return effect


def deadline_of_calls(self: Any) -> float:
    return cast("float", self._timers.next)


fill_window = DurableCalls.fill_window
poll_outbox = DurableClientEngine.poll_outbox

SESSION_MISTAKES: Final[dict[str, list[Patch]]] = {
    "a message that is not written leaves its slot to calls": [(DurableCalls, "fill_window", window_without_reserve)],
    "the session does not ask while calls wait": [(DurableCalls, "fill_window", window_for_calls_first)],
    "a slot stays taken after its message was taken back": [(DurableCalls, "fill_window", window_keeps_reserve)],
    "the first change is announced, and no later one": [(DurableClientEngine, "poll_outbox", announce_once)],
    "no output of the outbox is announced": [(DurableClientEngine, "_announce", never_announce)],
    "the deadline of a message is not armed": [(QueueBesideOutbox, "deadline", property(deadline_of_calls))],
    "the outbox does not learn of a lost connection": [(DurableClientEngine, "_enter", enter_without_loss)],
}
