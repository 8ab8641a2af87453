"""CALLs without a handler that are kept until one is registered."""

from collections.abc import Callable, Sequence
from typing import Final

from ocpp_core.actions import Dispatch
from ocpp_transports._driver._interfaces import Handle, Runtime

from ._table import Handlers

__all__ = ["GRACE", "HELD", "Held"]

HELD: Final = 100
"""CALLs without a handler that a hold keeps; if exceeded, further ones get NotImplemented at once."""
GRACE: Final = 1.0
"""Seconds a hold lasts by default unless it is released earlier."""


class Held:
    """The held requests of one connection, in the order of arrival.

    `serve` is called with them after each registration in the registries; `timer` ends the hold. Both last until `end`.
    """

    __slots__ = ("_registries", "_runtime", "_serve", "_timer", "actions")

    def __init__(
        self, registries: Sequence[Handlers], runtime: Runtime, serve: Callable[[list[Dispatch]], None], timer: Handle
    ) -> None:
        self.actions: list[Dispatch] = []
        self._registries: Sequence[Handlers] = ()
        self._runtime = runtime
        self._serve = serve
        self._timer = timer
        self.watch(registries)

    @property
    def has_room(self) -> bool:
        """True unless as many are held as are allowed."""
        return len(self.actions) < HELD

    def watch(self, registries: Sequence[Handlers]) -> None:
        """Wait for handlers in these registries from now on."""
        for registry in self._registries:
            registry.unwatch(self._registered)
        for registry in registries:
            registry.watch(self._registered)
        self._registries = registries

    def take(self) -> list[Dispatch]:
        """Return the held requests and forget them."""
        actions, self.actions = self.actions, []
        return actions

    def end(self) -> list[Dispatch]:
        """Return the held requests, and stop watching the registries and the timer."""
        self._timer.cancel()
        self.watch(())
        return self.take()

    def _registered(self) -> None:
        """Search again in the loop's next turn: a handler must not run inside the code that registers it."""
        if self.actions:
            self._runtime.call_at(self._runtime.now(), self._serve_all)

    def _serve_all(self) -> None:
        self._serve(self.take())
