"""The closing of a server's connections, all at once or spread over a window of time.

If all stations of a server lose their connection at the same time, all return at the same time, and the server that
replaces this one gets all their handshakes at once. In a window, each station has a moment of its own, in random order.
"""

from collections.abc import Sequence
from math import inf
from typing import Final

from ocpp_core.inputs import Close
from ocpp_transports._driver._interfaces import Handle, Runtime
from ocpp_transports._server._stations._connection import OCPPServerClient
from ocpp_transports._server._stations._registry import ConnectionRegistry

__all__ = ["STEP", "Departures"]

STEP: Final = 0.05
"""Seconds between two looks at which stations are due."""


class Departures:
    """Closes the connections of a server, each once its moment has come; until then they are served as before."""

    def __init__(self, registry: ConnectionRegistry, runtime: Runtime) -> None:
        self._registry = registry
        self._runtime = runtime
        self._waiting: list[OCPPServerClient] = list(registry.open)
        runtime.sources.random("departures").shuffle(self._waiting)
        self._begun = self._until = inf
        self._count = 0
        """Stations that wait when the window begins."""
        self.command = Close()
        """The last command to close."""
        self._timer: Handle | None = None

    def close(self, command: Close, window: float) -> None:
        """Close every connection with this command, within `window` seconds.

        A second call also applies to connections that close already: it may hasten them. It may shorten the window, and
        never extends it.
        """
        command.besides += self.command.besides
        self.command = command
        waiting = set(self._waiting)
        self._registry.close_all(command, besides=waiting)
        now = self._runtime.now()
        if now + window < self._until:
            self._begun, self._until, self._count = now, now + window, len(waiting)
        self._step()

    def stop(self) -> None:
        """Close no further connection. Idempotent."""
        self._waiting.clear()
        self._stop_timer()

    def _step(self) -> None:
        """Close the connections that are due now."""
        self._stop_timer()
        for station in self._take(self._due()):
            self._registry.close_one(station, self.command)
        if self._waiting:
            self._timer = self._runtime.call_at(self._runtime.now() + STEP, self._step)

    def _due(self) -> int:
        """Return how many of the waiting stations have to close by now; the first one closes at once."""
        now = self._runtime.now()
        if now >= self._until:
            return len(self._waiting)
        closed = self._count - len(self._waiting)
        return 1 + int(self._count * (now - self._begun) / (self._until - self._begun)) - closed

    def _take(self, count: int) -> Sequence[OCPPServerClient]:
        taken = self._waiting[:count]
        del self._waiting[:count]
        return taken

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
