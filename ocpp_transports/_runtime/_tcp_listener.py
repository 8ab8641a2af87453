"""A listening TCP port: its sockets, the tasks that accept their connections, and how it stops.

Connections that wait in the backlog of a socket are reset when the socket closes, although their peers may have sent a
request already. So a listener accepts them first. It leaves those of inherited sockets as long as these stay open
elsewhere: the next process accepts them.
"""

import socket
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any, Protocol, TypeAlias

import anyio
from anyio.abc import SocketAttribute, SocketListener

from ocpp_transports._driver._interfaces import Handle

__all__ = ["Accept", "ListenerOwner", "TcpListener", "adopt_sockets", "open_sockets"]

Accept: TypeAlias = Callable[[SocketListener], Coroutine[Any, Any, None]]
"""Accepts connections of one socket."""


class ListenerOwner(Protocol):
    """The runtime that owns a listener, as the listener sees it."""

    def spawn_detached(self, function: Callable[[], Coroutine[Any, Any, None]], /) -> Handle:
        """Run a coroutine function as a task that the connections it begins do not keep alive."""

    async def over(self, task: Handle, /) -> None:
        """Wait until a task has ended."""

    def forget_listener(self, listener: "TcpListener", /) -> None:
        """Note that a listener is closed."""


async def open_sockets(port: int, host: str | None, backlog: int, *, reuse_port: bool) -> list[SocketListener]:
    """Open the sockets of a port, one for each address. Raises OSError with the address if the port is not available.

    Linux distributes the connections of a port among the sockets that share it with `reuse_port`.
    """
    try:
        opened = await anyio.create_tcp_listener(
            local_host=host, local_port=port, backlog=backlog, reuse_port=reuse_port
        )
    except OSError as error:
        where = f"{'all addresses' if host is None else host} port {port}"
        reason = f"cannot listen on {where}: {error.strerror or error}"
        raise type(error)(error.errno, reason) from error
    return [each for each in opened.listeners if isinstance(each, SocketListener)]


async def adopt_sockets(sockets: Sequence[socket.socket]) -> list[SocketListener]:
    """Take over sockets that listen already."""
    return [await SocketListener.from_socket(each) for each in sockets]


class TcpListener:
    """One listening port: a socket and an accepting task for each address."""

    def __init__(
        self, owner: ListenerOwner, sockets: list[SocketListener], *, reuse_port: bool, is_inherited: bool
    ) -> None:
        self.sockets = sockets
        self.reuse_port = reuse_port
        self._owner = owner
        self._is_inherited = is_inherited
        self._tasks: list[Handle] = []
        self._accept_waiting: Accept | None = None
        self._closed = False
        self._ending = anyio.Lock()
        self._address = sockets[0].extra(SocketAttribute.local_address)

    @property
    def host(self) -> str:
        """The numeric address it is bound to; the first one if there are several."""
        return str(self._address[0])

    @property
    def port(self) -> int:
        """The port it is bound to."""
        return int(self._address[1])

    @property
    def closed(self) -> bool:
        """True after it has stopped accepting."""
        return self._closed

    def accept_by(self, accept: Accept, accept_waiting: Accept) -> "TcpListener":
        """Accept connections with `accept`, once for each socket; `accept_waiting` accepts those that wait at the end.

        `accept` runs until it is cancelled.
        """
        self._tasks = [self._owner.spawn_detached(partial(accept, each)) for each in self.sockets]
        self._accept_waiting = accept_waiting
        return self

    def own_sockets(self) -> None:
        """Count inherited sockets as its own: no other process has them any more, though others share the port."""
        self._is_inherited, self.reuse_port = False, True

    async def aclose(self) -> None:
        """Stop accepting; accepted connections continue. Idempotent."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        with anyio.CancelScope(shield=True):  # it ends soon, and stopping halfway would be a leak
            await self._end()
        self._owner.forget_listener(self)

    async def _end(self) -> None:
        """Accept what waits, then close the sockets; two that end a listener at the same time wait for each other."""
        async with self._ending:
            for task in self._tasks:
                await self._owner.over(task)  # a socket must not be closed while a task waits for it
            accept_waiting, self._accept_waiting = self._accept_waiting, None
            for each in self.sockets:
                try:
                    if accept_waiting is not None and not self._is_inherited:
                        await accept_waiting(each)
                finally:
                    await each.aclose()
