"""The ports of a runtime on the virtual network."""

import errno
from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from socket import socket
from ssl import SSLContext
from typing import Any, Final

from ocpp_transports._driver._accepting import AcceptRules, Connected
from ocpp_transports._driver._limits import BACKLOG
from ocpp_transports._runtime._base import Listener
from ocpp_transports._runtime._tasks import TaskSupervisor

from ._listener import VirtualListener
from ._network import Network

__all__ = ["STATION_PORT", "VirtualPorts"]

STATION_PORT: Final = 50000
"""The port of every station."""


class VirtualPorts(TaskSupervisor):
    """What the runtimes of asyncio and trio share: a server listens on the network."""

    network: Network
    """The network."""
    virtual_listeners: dict[VirtualListener, None]
    """The open ports."""

    @abstractmethod
    def accept_link(self, is_tls: bool, connected: Connected, rules: AcceptRules, link: Any) -> None:
        """Serve a connection, or refuse it; the link is of the kind that the dialers of this runtime open."""

    async def listen(
        self,
        port: int,
        host: str | None = None,
        *,
        ssl: Callable[[], SSLContext] | None = None,
        backlog: int = BACKLOG,
        reuse_port: bool = False,
        inherited: Sequence[socket] = (),
        connected: Connected,
        rules: AcceptRules | None = None,
    ) -> Listener:
        """Listen on a port of the virtual network; see SocketRuntime."""
        rules = rules or AcceptRules()
        if inherited or rules.proxied is not None:
            what = "inherited sockets" if inherited else "proxy_protocol"
            raise OSError(errno.EOPNOTSUPP, f"cannot listen: a virtual network has no {what}; listen on a port")
        listener = VirtualListener(
            port,
            host or "0.0.0.0",  # noqa: S104 - no socket is bound
            partial(self.accept_link, ssl is not None, connected, rules),
            self._forget,
            reuse_port=reuse_port,
            is_tls=ssl is not None,
        )
        self.virtual_listeners[self.network.listen(listener)] = None
        return listener

    def _forget(self, listener: VirtualListener) -> None:
        self.virtual_listeners.pop(listener, None)
        self.network.forget_listener(listener)

    async def aclose(self) -> None:
        """End everything; see Runtime."""
        try:
            await super().aclose()
        finally:
            for listener in tuple(self.virtual_listeners):
                await listener.aclose()
