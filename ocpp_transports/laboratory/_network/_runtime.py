"""The runtime of asyncio on a virtual network: the production hosts, tasks and timers, on virtual connections."""

import errno
from collections.abc import Callable, Sequence
from functools import partial
from socket import socket
from ssl import SSLContext
from typing import Any, Final

from ocpp_transports._driver._accepting import AcceptRules, Connected
from ocpp_transports._driver._limits import BACKLOG
from ocpp_transports._hosts._asyncio_socket import SocketConnection
from ocpp_transports._logging._log import Log
from ocpp_transports._runtime._asyncio import AsyncioRuntime
from ocpp_transports._runtime._base import Address, Listener

from ._listener import VirtualListener
from ._network import Network
from ._sources import SeededSources

__all__ = ["VirtualRuntime"]

_PORT: Final = 50000
"""The port of every station."""


class VirtualRuntime(AsyncioRuntime):
    """The part of a virtual event loop that a client or server uses; see Runtime.

    Args:
        log: The log of the client or server.
        network: The network that it listens and dials on.
        seed: The seed of what it draws.
    """

    def __init__(self, log: Log, network: Network, seed: str) -> None:
        super().__init__(log)
        self.sources = SeededSources(seed)
        self._network = network
        self._virtual_listeners: dict[VirtualListener, None] = {}

    async def reach(self, stream: SocketConnection, address: Address) -> None:
        """Connect a stream; see AsyncioRuntime."""
        await self._network.connect(stream, address, self.context.copy(), _tls_extra(is_tls=address.ssl is not None))

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
            partial(self._accept_link, ssl is not None, connected, rules),
            self._forget,
            reuse_port=reuse_port,
            is_tls=ssl is not None,
        )
        self._virtual_listeners[self._network.listen(listener)] = None
        return listener

    def _accept_link(self, is_tls: bool, connected: Connected, rules: AcceptRules, link: Any) -> None:
        address = self._network.address_of(link.name)
        closed = rules.admit(address)
        if closed is None:
            link.refuse()
            return
        connection = self._new_socket(self, connected, closed=closed)
        context = self.context.copy()
        context.run(link.accept, connection, context, {"peername": (address, _PORT), **_tls_extra(is_tls=is_tls)})

    def _forget(self, listener: VirtualListener) -> None:
        self._virtual_listeners.pop(listener, None)
        self._network.forget_listener(listener)

    async def aclose(self) -> None:
        """End everything; see Runtime."""
        try:
            await super().aclose()
        finally:
            for listener in tuple(self._virtual_listeners):
                await listener.aclose()


class _PlayedTLS:
    """What a connection knows of a TLS that is not played: it is protected, and the peer showed no certificate."""

    def getpeercert(self, binary_form: bool = False) -> None:  # as the standard library has it
        """Return None: there is no certificate."""


def _tls_extra(*, is_tls: bool) -> dict[str, Any]:
    return {"sslcontext": True, "ssl_object": _PlayedTLS()} if is_tls else {}
