"""The runtime of asyncio and uvloop."""

import asyncio
import socket
from collections.abc import Callable, Coroutine, Sequence
from contextvars import Context
from functools import partial
from typing import TYPE_CHECKING, Any

from ocpp_transports._driver._accepting import AcceptRules, Connected, ProxiedSocket
from ocpp_transports._driver._interfaces import Dialer, Handle, InputSink, StreamInput
from ocpp_transports._hosts._asyncio_socket import SocketConnection
from ocpp_transports._logging._log import Log
from ocpp_transports._tls._alerts import sending_alerts
from ocpp_transports._tls._handshakes import TLSHandshakes

from ._base import Address
from ._happy_eyeballs import connect
from ._tasks import Task, TaskSupervisor

if TYPE_CHECKING:
    from ocpp_transports._metrics._cells import Traffic

__all__ = ["AsyncioRuntime"]


class _Dialer:
    """The dialer of a client; a partial function would take five times the memory."""

    __slots__ = ("_runtime", "_where")

    def __init__(self, runtime: "AsyncioRuntime", where: Callable[[], Address]) -> None:
        self._runtime = runtime
        self._where = where

    def __call__(self, driver: InputSink[StreamInput], attempt: int, _: Sequence[str]) -> SocketConnection:
        return self._runtime.dial(self._where, driver, attempt)


class AsyncioRuntime(TaskSupervisor):
    """The part of an asyncio event loop that a client or server uses; see Runtime."""

    def __init__(self, log: Log) -> None:
        self._loop = asyncio.get_running_loop()
        super().__init__(self._loop.time, self._loop.create_future, log)
        self._accepted: dict[socket.socket, None] = {}
        self._new_socket: type[SocketConnection] = SocketConnection

    def count(self, traffic: "Traffic") -> None:
        """Count bytes; see SocketRuntime."""
        from ocpp_transports._hosts._counted import CountedSocket  # loaded only when used

        super().count(traffic)
        self._new_socket = CountedSocket

    def is_here(self) -> bool:
        """Return True in this event loop; see TaskSupervisor."""
        try:
            return asyncio.get_running_loop() is self._loop
        except RuntimeError:
            return False

    def start_timer(self, when: float, fn: Callable[[], None], /) -> Handle:
        """Start a timer; see TaskSupervisor."""
        return self._loop.call_at(when, fn)

    def start(self, task: Task, coro: Coroutine[Any, Any, None], context: Context) -> None:
        """Start a task; see TaskSupervisor."""
        running = self._loop.create_task(coro, context=context)
        task.cancel_it = running.cancel
        running.add_done_callback(partial(self._done, task))

    def _done(self, task: Task, running: "asyncio.Task[None]") -> None:
        self.ended(task, None if running.cancelled() else running.exception())

    def dialer(self, where: Callable[[], Address]) -> Dialer[StreamInput, bytes]:
        """Return the dialer of a client; see SocketRuntime."""
        return _Dialer(self, where)

    def dial(self, where: Callable[[], Address], driver: InputSink[StreamInput], attempt: int) -> SocketConnection:
        """Begin one attempt of a client."""
        stream = self._new_socket(self, attempt=attempt)
        stream.driver = driver
        if not self.is_closed:
            stream.opening = self.spawn(self._open(stream, where), stream)
        return stream

    async def _open(self, stream: SocketConnection, where: Callable[[], Address]) -> None:
        target = "the server"
        try:
            address = where()
            target = f"{address.host}:{address.port}"
            await self.reach(stream, address)
        except Exception as error:  # every exception of the resolver, the network or TLS is an outcome
            # The traceback forms a reference cycle with the handshake: 300 KB until a full garbage collection.
            stream.failed(error.with_traceback(None) if isinstance(error, OSError) else error, target)

    async def reach(self, stream: SocketConnection, address: Address) -> None:
        """Connect a stream to this address. Raises every exception of the resolver, the network or TLS."""
        connected = await connect(address.host, address.port)
        try:
            await self._carry(stream, connected, address)
        except BaseException:
            connected.close()
            raise
        if stream.has_ended:  # uvloop has closed the file descriptor, which may be another one's already
            connected.detach()

    async def _carry(self, stream: SocketConnection, connected: socket.socket, address: Address) -> None:
        if address.ssl is None:
            await self._loop.create_connection(lambda: stream, sock=connected)
            return
        name = address.server_hostname or address.host
        with sending_alerts(address.ssl, connected):
            await self._loop.create_connection(lambda: stream, sock=connected, ssl=address.ssl, server_hostname=name)

    async def welcome(
        self,
        accepted: socket.socket,
        address: str,
        tls: TLSHandshakes | None,
        connected: Connected,
        rules: AcceptRules,
        closed: Callable[[], None],
    ) -> None:
        """Serve an accepted socket; see TaskSupervisor."""
        if rules.proxied is not None:
            self._await_header(accepted, rules.proxied(rules, address, connected, closed), tls, rules)
        else:
            self._welcome(accepted, address, tls, self._new_socket(self, connected, closed=closed), rules)

    def _welcome(
        self,
        accepted: socket.socket,
        address: str,
        tls: TLSHandshakes | None,
        connection: SocketConnection,
        rules: AcceptRules,
    ) -> None:
        """Serve an accepted socket. The connection ends its task, until it has a transport.

        On uvloop a transport that is cancelled while it opens never reports its loss.
        """
        self._accepted[accepted] = None
        if tls is None:
            taking = self._take(connection, accepted, address, rules)
        else:
            tls.begin(connection)
            taking = self._take_tls(connection, accepted, address, tls)
        connection.opening = self.spawn(taking, connection)

    def _await_header(
        self, accepted: socket.socket, arrival: ProxiedSocket, tls: TLSHandshakes | None, rules: AcceptRules
    ) -> None:
        """Serve an accepted socket of a proxy after its header; until then it has its place among the handshakes."""
        self._accepted[accepted] = None
        connection = self._new_socket(self, arrival.connected, closed=arrival.released)
        if tls is not None:
            tls.begin(connection)
        connection.opening = self.spawn(self._take_arrival(connection, accepted, arrival, tls, rules), connection)

    async def _take_arrival(
        self,
        connection: SocketConnection,
        accepted: socket.socket,
        arrival: ProxiedSocket,
        tls: TLSHandshakes | None,
        rules: AcceptRules,
    ) -> None:
        self._accepted.pop(accepted, None)
        is_read = False
        try:
            is_read = await arrival.read(accepted)
        finally:
            if not is_read:
                accepted.close()
                connection.opened()
                if tls is not None:
                    tls.leave(connection)
        if is_read and tls is None:
            await self._take(connection, accepted, arrival.address, rules)
        elif is_read and tls is not None:
            await self._take_tls(connection, accepted, arrival.address, tls, is_check=arrival.is_check)

    async def _take(
        self, connection: SocketConnection, accepted: socket.socket, address: str | None, rules: AcceptRules
    ) -> None:
        self._accepted.pop(accepted, None)
        try:
            await self._loop.connect_accepted_socket(lambda: connection, accepted)
        except OSError as error:  # the peer has left already
            accepted.close()
            self.accept_failed(rules, address, error)
        finally:
            connection.opened()

    async def _take_tls(
        self,
        connection: SocketConnection,
        accepted: socket.socket,
        address: str | None,
        tls: TLSHandshakes,
        *,
        is_check: bool = False,
    ) -> None:
        self._accepted.pop(accepted, None)
        try:
            with tls.handshake(connection, accepted, address, is_check=is_check):
                await self._loop.connect_accepted_socket(
                    lambda: connection, accepted, ssl=tls.context, ssl_handshake_timeout=tls.timeout
                )
        finally:
            connection.opened()

    async def aclose(self) -> None:
        """End everything; see Runtime."""
        try:
            await super().aclose()
        finally:
            while self._accepted:  # sockets whose task was cancelled before it began
                self._accepted.popitem()[0].close()
