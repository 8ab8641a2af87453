"""A listening port of a blocking server."""

from ocpp_transports._runtime._base import Listener

from ._threads._bridge import Bridge

__all__ = ["BlockingListener"]


class BlockingListener:
    """A listening TCP port."""

    def __init__(self, wrapped: Listener, bridge: Bridge) -> None:
        self._wrapped = wrapped
        self._bridge = bridge

    @property
    def host(self) -> str:
        """The numeric address it is bound to; the first one if there are several."""
        return self._wrapped.host

    @property
    def port(self) -> int:
        """The port it is bound to; all its addresses share it."""
        return self._wrapped.port

    @property
    def reuse_port(self) -> bool:
        """True if other sockets may listen on its port too."""
        return self._wrapped.reuse_port

    @property
    def closed(self) -> bool:
        """True after it has stopped accepting."""
        return self._wrapped.closed

    def close(self) -> None:
        """Stop accepting; accepted connections continue. Idempotent."""
        if not self.closed:
            self._bridge.run(self._wrapped.aclose)
