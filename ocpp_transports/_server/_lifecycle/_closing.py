"""How a server ends: it refuses newcomers, closes its connections, and releases the event loop."""

from abc import abstractmethod
from collections.abc import Iterable

import anyio

from ocpp_core.inputs import Close
from ocpp_transports._handlers._running import is_in_handler
from ocpp_transports._options._server import CLOSE_WINDOW
from ocpp_transports._runtime._base import Listener, SocketRuntime
from ocpp_transports._server._admitting._acceptor import Acceptor
from ocpp_transports.events import CloseEvent

from ._departures import STEP, Departures
from ._opening import OpeningMixin

__all__ = ["ClosingMixin"]


class ClosingMixin(OpeningMixin):
    """Closes everything that the server has opened."""

    _departures: Departures | None = None

    @property
    def is_draining(self) -> bool:
        """True from the beginning of `close` until `listen` or a block opens the server again.

        New stations get 503 meanwhile. A readiness check should fail too, so that a load balancer sends no further
        stations here.
        """
        acceptor = self._acceptor
        return self._closed is not None if acceptor is None else acceptor.is_closing

    async def close(
        self,
        code: int = 1001,
        reason: str = "",
        *,
        force: bool = False,
        await_pending: bool = True,
        window: float | None = None,
    ) -> CloseEvent:
        """Refuse new stations (503), close every connection, then stop listening and end every task.

        Plain HTTP requests are answered until all connections have ended. Each connection closes as with `Peer.close`,
        so all of this takes at most `window` plus `drain_timeout` plus `close_timeout` seconds, whatever the stations
        do. A second call may speed it up. You may call `listen` again afterwards.

        Args:
            code: The close code; 1001 is "going away" (RFC 6455 §7.4.1).
            reason: The close reason, at most 123 bytes of UTF-8; a longer one is cut.
            force: True to drop the connections without a close handshake.
            await_pending: True to wait for the responses to outstanding CALLs of both sides.
            window: Seconds over which the connections close, in random order, so that the stations do not return all at
                once. Until its turn, a connection is served as before. None means the option `close_window`, or 0
                without `await_pending`; `force` closes all at once.

        Raises:
            ValueError: The code must not be sent, or the window is not from 0 to 3600 seconds.
        """
        if window is not None and window not in CLOSE_WINDOW:
            raise ValueError(f"expected window {CLOSE_WINDOW}, got {window!r}")
        command = Close(code, reason, drain=await_pending, force=force)
        self._expect_here()
        command.besides = self._own_requests()
        acceptor = self._acceptor
        if acceptor is not None:
            if window is None and await_pending:
                window = self._options.close_window
            self._begin_to_close(acceptor, command, 0 if force else window or 0)
            await self._end(acceptor)
        return CloseEvent(command.code, command.reason)

    async def _leave_port(self, listeners: Iterable[Listener], patience: float) -> None:
        """Stop accepting, and wait at most so many seconds until all accepted sockets are stations or have ended.

        For listeners whose sockets another process has too, and accepts from.
        """
        for listener in listeners:
            await listener.aclose()
        acceptor = self._acceptor
        with anyio.move_on_after(patience):
            # No event tells.
            while acceptor is not None and (acceptor.places.waiting or acceptor.gate.total > len(self._registry.open)):  # noqa: ASYNC110
                await anyio.sleep(STEP)

    async def _close_as_begun(self) -> None:
        """Wait for the end that another `close` has begun, without hastening it."""
        if self._acceptor is not None and self._acceptor.is_closing:
            await self._end(self._acceptor)

    def _begin_to_close(self, acceptor: Acceptor, command: Close, window: float) -> None:
        was_closing = acceptor.is_closing
        acceptor.drain()
        if not was_closing:
            self._departures = Departures(self._registry, acceptor.runtime)
            self._emit("closing", CloseEvent(command.code, command.reason))
        if self._departures is not None:
            self._departures.close(command, window)

    async def _end(self, acceptor: Acceptor) -> None:
        """Wait until all connections have ended, then close the listeners and end every task."""
        for listener in tuple(self._listeners):
            if listener.reuse_port:
                await listener.aclose()
        while self._registry.has_open:
            await self._registry.changed()
        acceptor.close()
        for listener in tuple(self._listeners):
            await listener.aclose()
        if self._acceptor is acceptor:
            if self._departures is not None:
                command = self._departures.command
                self._emit("closed", CloseEvent(command.code, command.reason), after=self._close_grace.expect())
            await self._shut()

    def _own_requests(self) -> tuple[int, ...]:
        """Return the requests whose handlers call this: closing does not wait for them."""
        if not is_in_handler():
            return ()
        return tuple(number for station in self._registry.open for number in station._own_requests)

    async def _shut(self) -> None:
        """Release the event loop: end listeners, connections and tasks."""
        runtime, self._closed = self._runtime, self._acceptor or self._closed
        self._log.flush()
        self._security.flush()
        self._renewal.stop()
        if self._departures is not None:
            self._departures.stop()
            self._departures = None
        self._runtime = self._acceptor = self._registry.sessions = None
        self._listeners.clear()
        self._profiles.clear()
        self._end_waits()
        self._end_events()
        if runtime is not None:
            try:
                await self._close_grace.wait(runtime)
            finally:
                await self._release(runtime)

    async def _release(self, runtime: SocketRuntime) -> None:
        """Leave the cluster and close the store of messages, then end everything in the event loop."""
        try:
            if self._cluster is not None:
                await self._cluster.close()
        finally:
            try:
                if self._outbox is not None:
                    await self._outbox.close()
            finally:
                await runtime.aclose()

    @abstractmethod
    def _end_waits(self) -> None:
        """Let tasks that wait for a station learn that the server closed."""
