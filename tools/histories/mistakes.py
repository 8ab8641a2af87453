"""Mistakes to plant in the library while histories run, which must find them."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final
from unittest import mock

from ocpp_core.actions import Settle, StateChanged
from ocpp_core.client_states import Online
from ocpp_transports._driver import _driver
from ocpp_transports._server._stations._connection import OCPPServerClient
from ocpp_transports._server._stations._registry import ConnectionRegistry

__all__ = ["MISTAKES", "losing_an_early_outcome", "striking_out_the_newest"]

_EARLY: Final = 0.05
"""Seconds after a reconnect."""


@contextmanager
def losing_an_early_outcome(early: float = _EARLY) -> Iterator[None]:
    """Lose the outcome of a call that comes within a moment after a reconnect."""
    settle, change = _driver._PERFORM[Settle], _driver._PERFORM[StateChanged]
    opened: dict[Any, float] = {}
    times: Counter[Any] = Counter()

    def note(driver: Any, action: StateChanged) -> None:
        if isinstance(action.state, Online):
            opened[driver] = driver.runtime.now()
            times[driver] += 1
        change(driver, action)

    def lose(driver: Any, action: Settle) -> None:
        if not (times[driver] > 1 and driver.runtime.now() - opened[driver] < early):
            settle(driver, action)

    with mock.patch.dict(_driver._PERFORM, {Settle: lose, StateChanged: note}):
        yield


@contextmanager
def striking_out_the_newest() -> Iterator[None]:
    """Let the end of an old connection remove the newest one of its station from the directory."""
    ended = ConnectionRegistry.ended

    def strike(registry: ConnectionRegistry, station: OCPPServerClient) -> None:
        ended(registry, station)
        registry._current.pop(registry.name_of(station.identity, station.namespace), None)

    with mock.patch.object(ConnectionRegistry, "ended", strike):
        yield


MISTAKES: Final[Mapping[str, Callable[[], AbstractContextManager[None]]]] = {
    "an outcome within 50 ms after a reconnect is lost": losing_an_early_outcome,
    "the end of an old connection removes the newest one": striking_out_the_newest,
}
