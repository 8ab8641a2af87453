"""The part that a blocking client and a server's blocking handle on a station share."""

from functools import partial
from math import inf
from typing import Any

from ocpp_transports._peer._peer import ConnectionState, Peer
from ocpp_transports.events import CloseEvent

from ._calls import BlockingCallMixin
from ._events import BlockingEmitter
from ._peer_events import BlockingPeerEvents
from ._registration import BlockingHandlerMixin
from ._threads._bridge import Bridge

__all__ = ["BlockingPeer"]


class BlockingPeer(BlockingCallMixin, BlockingHandlerMixin, BlockingPeerEvents):
    """The common part of `BlockingClient` and `BlockingServerClient`; each method blocks, in any thread.

    Two of them are equal if they stand for the same asynchronous object.
    """

    _wrapped: Peer
    _bridge: Bridge

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BlockingPeer) and other._wrapped is self._wrapped

    def __hash__(self) -> int:
        return hash(self._wrapped)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.identity!r} {self.protocol}>"

    @property
    def identity(self) -> str:
        """The identity of the station."""
        return self._wrapped.identity

    @property
    def protocol(self) -> str | None:
        """The negotiated subprotocol; without a connection that of the last one, None before the first."""
        return self._wrapped.protocol

    @property
    def state(self) -> ConnectionState:
        """The state of the connection."""
        state: ConnectionState = self._bridge.run(lambda: self._wrapped.state)
        return state

    @property
    def pending(self) -> int:
        """The number of calls without an outcome yet, queued ones included."""
        pending: int = self._bridge.run(lambda: self._wrapped.pending)
        return pending

    def close(
        self,
        code: int = 1000,
        reason: str = "",
        *,
        force: bool = False,
        await_pending: bool = True,
        max_wait: float = inf,
    ) -> CloseEvent:
        """Close the connection and do not reconnect.

        Closing takes at most `drain_timeout` plus `close_timeout` seconds.

        Args:
            code: The code for the peer (RFC 6455 §7.4).
            reason: The reason for the peer, at most 123 bytes.
            force: True drops the connection.
            await_pending: False does not wait for the responses to outstanding CALLs.
            max_wait: Seconds to wait; the connection closes all the same.

        Returns:
            How the connection ended.

        Raises:
            ValueError: A code that must not be sent.
            TimeoutError: It has not closed within `max_wait` seconds.
        """
        close = partial(self._wrapped.close, code, reason, force=force, await_pending=await_pending)
        return self._close(close, max_wait)

    @property
    def _emitter(self) -> BlockingEmitter:
        return BlockingEmitter(self._wrapped, self._bridge)

    def _close(self, close: Any, max_wait: float) -> CloseEvent:
        ended: CloseEvent = self._bridge.run(close, max_wait=max_wait)
        return ended
