"""CALLs without a handler that are kept until one is registered."""

from collections.abc import Callable, Sequence

from ocpp_core.actions import Dispatch
from ocpp_transports._driver._interfaces import Handle

from ._table import Handlers

__all__ = ["Held"]


class Held:
    """The held requests of one connection, in the order of arrival.

    `registered` is called after each registration in the registries; `timer` ends the hold. Both last until `end`.
    """

    __slots__ = ("_registered", "_registries", "_timer", "actions")

    def __init__(self, registries: Sequence[Handlers], registered: Callable[[], None], timer: Handle) -> None:
        self.actions: list[Dispatch] = []
        self._registries: Sequence[Handlers] = ()
        self._registered = registered
        self._timer = timer
        self.watch(registries)

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
