"""Connections of proxies that begin with a header of the PROXY protocol, before TLS.

The header is read from the socket itself, on every event loop in the same way. Nothing that follows it is taken, so TLS
and the transports of the event loops begin after it as if it had not been there.

Health checks of a proxy are no failures: a connection that ends without a byte, and one for the proxy itself (LOCAL)
that ends in its TLS handshake. A proxy may check every two seconds.
"""

import socket
from collections.abc import Callable
from typing import Final, Protocol

import anyio

from ocpp_core.proxies.proxy_protocol import MAX_LENGTH, ProxyHeader, ProxyHeaderError, ProxyHeaderReader
from ocpp_transports._driver._accepting import BAD_PROXY_HEADER, AcceptRules, Connected
from ocpp_transports._driver._interfaces import Connection, InputSink, StreamInput
from ocpp_transports.events import ConnectionFailedEvent
from ocpp_transports.handshake import ConnectionFacts

__all__ = ["HEADER_TIMEOUT", "Arrival"]

HEADER_TIMEOUT: Final = 3.0
"""Seconds for the header, which a proxy sends with the connection; then the socket is closed."""


class Gate(Protocol):
    """Decides which sockets may stay."""

    @property
    def trusts(self) -> Callable[[str | None], bool]:
        """Function that returns True for the address of a proxy; sockets of any other peer are closed."""

    def admit_behind(self, address: str | None, /) -> Callable[[], None] | None:
        """Count a socket by the address in its header; see `Admit`."""


class Arrival:
    """One accepted socket of a listener for proxies, until it is connected; see `ProxiedSocket`.

    `facts_with` returns the facts of a connection with its header.
    """

    def __init__(
        self,
        gate: Gate,
        facts_with: Callable[[ProxyHeader, ConnectionFacts], ConnectionFacts],
        rules: AcceptRules,
        address: str | None,
        connected: Connected,
        closed: Callable[[], None],
    ) -> None:
        self.address = address
        self._gate = gate
        self._facts_with = facts_with
        self._rules = rules
        self._connected = connected
        self._closed = [closed]
        self._header = ProxyHeader()

    @property
    def is_check(self) -> bool:
        """True for a connection that the proxy makes for itself."""
        return self._header.is_local

    async def read(self, accepted: socket.socket) -> bool:
        """Return True once the header is read; False, after a report, if the socket must be closed."""
        if not self._gate.trusts(self.address):
            return self._failed(ProxyHeaderError("the peer is not in trusted_proxies"))
        try:
            with anyio.fail_after(HEADER_TIMEOUT):
                header = await _read(accepted)
        except Exception as error:  # every failure is reported here and not raised
            return self._failed(error)
        if header is None:
            return False
        self._header = header
        return header.address is None or self._admit(header.address)

    def connected(self, connection: Connection[bytes], facts: ConnectionFacts) -> InputSink[StreamInput]:
        """Hand the connection over, with what its header states."""
        return self._connected(connection, self._facts_with(self._header, facts))

    def released(self) -> None:
        """Note that the socket is closed."""
        while self._closed:
            self._closed.pop()()

    def _admit(self, address: str) -> bool:
        closed = self._gate.admit_behind(address)
        if closed is None:
            return False
        self._closed.append(closed)
        self.address = address
        return True

    def _failed(self, error: Exception) -> bool:
        reason = f"no PROXY header within {HEADER_TIMEOUT:g} s" if isinstance(error, TimeoutError) else str(error)
        event = ConnectionFailedEvent(self.address, reason, error.with_traceback(None))
        self._rules.failed(BAD_PROXY_HEADER, event)
        return False


async def _read(accepted: socket.socket) -> ProxyHeader | None:
    """Return the header; None if the peer leaves without a byte. Raises OSError and ProxyHeaderError."""
    reader, has_begun = ProxyHeaderReader(), False
    while reader.header is None:
        await anyio.wait_readable(accepted)
        try:
            received = accepted.recv(MAX_LENGTH, socket.MSG_PEEK)
            accepted.recv(reader.feed(received))
        except BlockingIOError:
            continue
        except ConnectionError:
            received = b""
        if not received:
            if has_begun:
                raise ConnectionResetError("the peer left within its PROXY header")
            return None
        has_begun = True
    return reader.header
