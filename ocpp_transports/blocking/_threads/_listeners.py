"""The running listeners of one client or server, and the moment that they get at its end."""

from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from typing import Any
from weakref import WeakValueDictionary

import anyio

from ocpp_transports._peer._close_grace import MOMENT

__all__ = ["RunningListeners"]

_current: ContextVar[object] = ContextVar("ocpp_transports_listener", default=None)
"""The listener in which this code runs, in its thread as well."""


class RunningListeners:
    """The listeners that run in threads, of one client or server."""

    def __init__(self, spawn: Callable[[Callable[[], Coroutine[Any, Any, None]]], None]) -> None:
        self.known: WeakValueDictionary[Callable[..., object], Callable[..., Any]] = WeakValueDictionary()
        """The registered listeners, by the function of the application."""
        self._spawn = spawn
        self._running: set[object] = set()
        self._changed: anyio.Event | None = None

    def start(self, listen: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Start a listener as a task of the event loop, in which it passes its events on."""
        self._running.add(listen)

        async def run() -> None:
            _current.set(listen)
            try:
                await listen()
            finally:
                self._running.discard(listen)
                if self._changed is not None:
                    self._changed.set()

        self._spawn(run)

    async def ended(self) -> None:
        """Wait until all have passed their events on, at most `MOMENT` seconds; not for the one that waits here."""
        with anyio.move_on_after(MOMENT):
            while self._running - {_current.get()}:
                self._changed = anyio.Event()
                await self._changed.wait()
