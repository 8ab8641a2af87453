"""A worker: it serves on the sockets of its supervisor, and ends when it is told to.

Its supervisor gives orders on a stream, on which the worker shows that its event loop runs. If the supervisor is killed
the stream ends, and the worker goes on until the next supervisor of the port has it close. SIGTERM and SIGINT close it
as any server.
"""

import faulthandler
import os
import signal
import socket
import sys
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Final, TypeAlias, cast

import anyio
from anyio.abc import TaskGroup
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from ocpp_transports._driver._interfaces import Handle
from ocpp_transports._runtime._interrupts import Interrupts
from ocpp_transports._runtime._tcp_listener import TcpListener
from ocpp_transports._server._lifecycle._serving import run_on
from ocpp_transports.cluster._settings import Cluster
from ocpp_transports.cluster._workers._port_directory import socket_of_worker
from ocpp_transports.cluster._workers._registry._backend import WorkersBackend
from ocpp_transports.cluster._workers._registry._link import SupervisorLink
from ocpp_transports.cluster._workers._settings import READY, REGISTRY, Order, WorkerSettings
from ocpp_transports.server import OCPPServer

from ._next_supervisor import connect_to_next
from ._orders import follow_supervisors, show_life
from ._target import make_server

__all__ = ["main"]

_HANDOVER: Final = 5.0
"""Seconds for handshakes that are in progress when a successor takes over."""
_RESTART: Final = 1012
"""Service restart (IANA's registry of close codes): the station may return at once."""
_Orders: TypeAlias = MemoryObjectReceiveStream[Order | None]
_Giving: TypeAlias = MemoryObjectSendStream[Order | None]
"""None stands for the end of a server that the application closes."""


def main(given: Mapping[str, Any]) -> None:
    """Serve as the supervisor's argument says. Raises what the application raises before it serves."""
    settings = WorkerSettings(**given)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # it is for the supervisor; the application may receive it
    if sys.stderr is not None:
        faulthandler.enable()  # the supervisor sends SIGABRT if the event loop stands still
    run_on(settings.loop, partial(_serve, settings))


async def _serve(settings: WorkerSettings) -> None:
    with socket.socket(fileno=settings.channel) as channel, socket.socket(fileno=settings.registry) as registry:
        for each in (channel, registry):
            each.setblocking(False)
            each.set_inheritable(False)
        server = await make_server(settings.target)
        with Interrupts() as interrupts:
            async with anyio.create_task_group() as tasks:
                _join(server, settings, registry, tasks)
                async with server:
                    listeners = [await _listen(server, fd) for fd in settings.sockets]
                    await _Serving(server, listeners, settings).until_told(interrupts, channel)
                tasks.cancel_scope.cancel()


def _join(server: OCPPServer, settings: WorkerSettings, registry: socket.socket, tasks: TaskGroup) -> None:
    """Have the server share a registry with the other workers, unless the application has a cluster or directory.

    In any cluster the workers connect to each other over Unix sockets, unless the application has the server advertise
    another address.
    """
    if server._options.cluster is None and server._directory is server._registry:
        link = SupervisorLink(registry, partial(connect_to_next, settings.directory, REGISTRY))
        tasks.start_soon(link.run)
        server._join(Cluster(WorkersBackend(link), name=f"worker-{settings.number}"))
    path = socket_of_worker(settings.directory)
    if server._cluster is not None and path is not None:
        server._cluster.advertise(f"unix://{path}")


async def _listen(server: OCPPServer, fd: int) -> TcpListener:
    try:
        return cast("TcpListener", await server.listen(fd=fd))
    finally:
        os.close(fd)  # the server has a copy


class _Serving:
    """A server that listens, and its end."""

    def __init__(self, server: OCPPServer, listeners: list[TcpListener], settings: WorkerSettings) -> None:
        self._server = server
        self._listeners = listeners
        self._settings = settings
        self._longest_close = server._options.longest_close + _HANDOVER

    async def until_told(self, interrupts: Interrupts, channel: socket.socket) -> None:
        """Report that it serves, and close the server at an order or a signal, or as the application does."""
        giving, orders = anyio.create_memory_object_stream[Order | None](8)
        spawn: Callable[[Coroutine[Any, Any, None]], Handle] = self._server._spawner()
        with giving, orders:
            self._server.once("closing", lambda _: _give(giving, None))
            with suppress(OSError):  # the supervisor was killed meanwhile
                channel.send(b"%s%f\n" % (READY, self._longest_close))
            tasks = [spawn(_signals(interrupts, giving)), spawn(self._follow(channel, giving))]
            if self._settings.interval is not None:
                tasks.append(spawn(show_life(channel, self._settings.interval)))
            try:
                order = await orders.receive()
                tasks.append(spawn(self._hasten(orders)))
                await self._close(order)
            finally:
                for each in tasks:
                    each.cancel()

    async def _follow(self, channel: socket.socket, giving: _Giving) -> None:
        directory, obey = self._settings.directory, partial(_give, giving)
        await follow_supervisors(channel, directory, self._longest_close, obey, self._own_sockets)

    def _own_sockets(self) -> None:
        """Note that no supervisor keeps the sockets open."""
        for each in self._listeners:
            each.own_sockets()

    async def _close(self, order: Order | None) -> None:
        if order is None:
            await self._server._close_as_begun()
        elif order is Order.RETIRE:
            await self._server._leave_port(self._listeners, _HANDOVER)
            await self._server.close(_RESTART, "service restart")
        else:
            await self._server.close(force=order is Order.DROP)

    async def _hasten(self, orders: _Orders) -> None:
        while await orders.receive() is not Order.DROP:
            pass
        await self._server.close(force=True)


def _give(giving: _Giving, order: Order | None) -> None:
    with suppress(anyio.WouldBlock, anyio.ClosedResourceError, anyio.BrokenResourceError):
        giving.send_nowait(order)


async def _signals(interrupts: Interrupts, giving: _Giving) -> None:
    """Close at the first signal, drop the connections at the second one."""
    order = Order.STOP
    while True:
        await interrupts.next()
        _give(giving, order)
        order = Order.DROP
