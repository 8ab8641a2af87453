"""How a server ends: it refuses newcomers, closes its connections, and releases the event loop."""

from abc import abstractmethod

from ocpp_core.inputs import Close
from ocpp_transports._server._admitting._acceptor import Acceptor
from ocpp_transports.events import CloseEvent

from ._opening import OpeningMixin

__all__ = ["ClosingMixin"]


class ClosingMixin(OpeningMixin):
    """Closes everything that the server has opened."""

    async def close(
        self, code: int = 1001, reason: str = "", *, force: bool = False, await_pending: bool = True
    ) -> CloseEvent:
        """Stop listening, refuse new connections (503), close every connection, and end every task.

        Each connection closes as with `Peer.close`, so it takes at most `drain_timeout` plus `close_timeout` seconds,
        whatever the stations do. You may call `listen` again afterwards.

        Args:
            code: The close code; 1001 is "going away" (RFC 6455 §7.4.1).
            reason: The close reason, at most 123 bytes of UTF-8; a longer one is cut.
            force: True to drop the connections without a close handshake.
            await_pending: True to wait for the responses to outstanding CALLs.

        Raises:
            ValueError: The code must not be sent.
        """
        command = Close(code, reason, drain=await_pending, force=force)
        self._expect_here()
        acceptor = self._acceptor
        if acceptor is not None:
            await self._close(acceptor, command)
        return CloseEvent(command.code, command.reason)

    async def _close(self, acceptor: Acceptor, command: Close) -> None:
        if not acceptor.is_closing:
            self._emit("closing", CloseEvent(command.code, command.reason))
        acceptor.close()
        self._registry.close_all(command)
        for listener in tuple(self._listeners):
            await listener.aclose()
        while self._registry.open:
            await self._registry.changed()
        if self._acceptor is acceptor:
            ended = CloseEvent(command.code, command.reason)
            self._emit("closed", ended, after=self._close_grace.expect())
            await self._shut()

    async def _shut(self) -> None:
        """Release the event loop: end listeners, connections and tasks."""
        runtime, self._closed = self._runtime, self._acceptor or self._closed
        self._log.flush()
        self._security.flush()
        self._renewal.stop()
        self._runtime = self._acceptor = self._registry.sessions = None
        self._listeners.clear()
        self._end_waits()
        self._end_events()
        if runtime is not None:
            try:
                await self._close_grace.wait(runtime)
            finally:
                await runtime.aclose()

    @abstractmethod
    def _end_waits(self) -> None:
        """Let tasks that wait for a station learn that the server closed."""
