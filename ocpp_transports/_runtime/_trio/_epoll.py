"""The runtime of trio on Linux: one epoll serves all plain TCP connections, streams serve those with TLS."""

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from anyio.abc import SocketAttribute

from ocpp_transports._driver._accepting import AcceptRules, Connected, ProxiedSocket
from ocpp_transports._driver._interfaces import Connection, InputSink, StreamInput
from ocpp_transports._hosts._epoll._connection import EpollConnection
from ocpp_transports._hosts._failure import failure
from ocpp_transports._logging._log import Log
from ocpp_transports._runtime._base import Address
from ocpp_transports._tls._handshakes import TLSHandshakes

from ._runtime import TrioRuntime, connect_tcp

if TYPE_CHECKING:
    from ocpp_transports._metrics._cells import Traffic

__all__ = ["EpollRuntime"]


class EpollRuntime(TrioRuntime):
    """The part of a trio event loop that a client or server uses, where `select.epoll` exists; see Runtime."""

    def __init__(self, log: Log) -> None:
        super().__init__(log)
        self._new_socket: type[EpollConnection] = EpollConnection

    def count(self, traffic: "Traffic") -> None:
        """Count bytes; see SocketRuntime."""
        from ocpp_transports._hosts._epoll._counted import CountedEpoll  # loaded only when used

        super().count(traffic)
        self._new_socket = CountedEpoll

    def reach(self, address: Address, driver: InputSink[StreamInput], attempt: int) -> Connection[bytes]:
        """Begin to open a connection; see TrioRuntime."""
        if address.ssl is not None:
            return super().reach(address, driver, attempt)
        connection = self._new_socket(self, attempt)
        connection.driver = driver
        if not self.is_closed:
            connection.opening = self.spawn(self._open(connection, address), connection)
        return connection

    async def _open(self, connection: EpollConnection, address: Address) -> None:
        try:
            stream = await connect_tcp(address)
            connection.open(stream.extra(SocketAttribute.raw_socket))
        except Exception as error:  # every exception of the resolver or the network is an outcome
            connection.failed(failure(error, f"{address.host}:{address.port}"))

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
        if tls is not None:
            await super().welcome(accepted, address, tls, connected, rules, closed)
        elif rules.proxied is not None:
            arrival = rules.proxied(rules, address, connected, closed)
            connection = self._new_socket(self, closed=arrival.released)
            connection.opening = self.spawn(self._await_header(connection, accepted, arrival, rules), connection)
        else:
            self._serve(self._new_socket(self, closed=closed), accepted, address, connected, rules)

    async def _await_header(
        self, connection: EpollConnection, accepted: socket.socket, arrival: ProxiedSocket, rules: AcceptRules
    ) -> None:
        is_read = False
        try:
            is_read = await arrival.read(accepted)
        finally:
            if not is_read:
                accepted.close()
                connection.unopened()
        if is_read:
            self._serve(connection, accepted, arrival.address, arrival.connected, rules)

    def _serve(
        self,
        connection: EpollConnection,
        accepted: socket.socket,
        address: str | None,
        connected: Connected,
        rules: AcceptRules,
    ) -> None:
        try:
            connection.accept(accepted, address, connected)
        except OSError as error:  # the system watches no more sockets, or has no descriptor for the epoll
            self.accept_failed(rules, address, error)
