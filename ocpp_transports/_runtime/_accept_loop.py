"""The loop that accepts the connections of a listener, the same on every event loop.

Unlike the event loops' own servers, it leaves TLS handshakes where they can be ended.
"""

from collections.abc import Callable
from contextlib import suppress
from socket import socket
from typing import Final, Protocol

import anyio
from anyio.abc import SocketAttribute, SocketListener

from ocpp_transports._driver._accepting import AcceptRules, Connected
from ocpp_transports._tls._handshakes import TLSHandshakes

__all__ = ["ACCEPT_PAUSE", "MOST_WAITING", "AcceptLoop", "SocketHost"]

ACCEPT_PAUSE: Final = 0.1
"""Seconds to wait after accepting failed, for example because the process has no file descriptor left."""

MOST_WAITING: Final = 4096
"""Connections that a listener accepts at its end, so that a flood of new ones cannot keep it open."""

_BATCH: Final = 64
"""Connections to accept in one turn when many stations arrive at once; then other tasks run."""


class SocketHost(Protocol):
    """The runtime that serves accepted sockets, as the loop sees it."""

    async def welcome(
        self,
        accepted: socket,
        address: str,
        tls: TLSHandshakes | None,
        connected: Connected,
        rules: AcceptRules,
        closed: Callable[[], None],
        /,
    ) -> None:
        """Serve an accepted socket, without waiting; call `closed` when it is closed."""

    def accept_failed(self, rules: AcceptRules, address: str | None, error: Exception, /) -> None:
        """Report that a connection could not be accepted."""


class AcceptLoop:
    """Accepts the connections of one port, for each of its sockets.

    Args:
        host: Serves what was accepted.
        tls: The TLS handshakes of the port; None without TLS.
        connected: Called for each connection that begins.
        rules: Which connections are admitted.
    """

    def __init__(self, host: SocketHost, tls: TLSHandshakes | None, connected: Connected, rules: AcceptRules) -> None:
        self._host = host
        self._tls = tls
        self._connected = connected
        self._rules = rules

    async def run(self, listener: SocketListener) -> None:
        """Accept connections of a socket until it is cancelled."""
        listening = listener.extra(SocketAttribute.raw_socket)
        while True:
            await anyio.wait_readable(listening)  # a cancelled `sock_accept` of asyncio may lose an accepted socket
            try:
                for _ in range(_BATCH):
                    if self._tls is not None and self._tls.is_full:
                        await self._tls.until_room()
                    await self._accept_one(listening)
            except BlockingIOError:  # no connection waits any more
                continue
            except OSError as error:
                self._host.accept_failed(self._rules, None, error)
                await anyio.sleep(ACCEPT_PAUSE)

    async def accept_waiting(self, listener: SocketListener) -> None:
        """Accept what waits for a socket that ends."""
        listening = listener.extra(SocketAttribute.raw_socket)
        with suppress(OSError):  # nothing waits any more, or no file descriptor is left
            for _ in range(MOST_WAITING):
                if self._tls is not None and self._tls.is_full:
                    break
                await self._accept_one(listening)

    async def _accept_one(self, listening: socket) -> None:
        accepted, address = listening.accept()
        accepted.setblocking(False)  # the parameter is positional-only
        closed = self._rules.admit(address[0])
        if closed is None:
            accepted.close()
        else:
            await self._host.welcome(accepted, address[0], self._tls, self._connected, self._rules, closed)
