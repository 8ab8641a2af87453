"""The interface between a client or server and its event loop, including sockets.

A client or server has one `SocketRuntime`: its clock, its tasks, its sockets. It never uses asyncio or trio itself.

    runtime = current_runtime("OCPPServer", in_block=True, log=log)     # in __aenter__; in_block=False outside a block
    listener = await runtime.listen(port, host, connected=connected)    # servers
    dialer = runtime.dialer(lambda: Address("csms.example", 443, ctx))  # clients
    await runtime.aclose()                                              # in __aexit__, or at the end

`connected(connection, facts)` is called for every accepted stream after its TLS handshake; it returns a
`Driver(engine, runtime, connection=connection, handshake=...)`. A client makes
`Driver(engine, runtime, session, dialer=dialer)` and feeds it `Connect`. The maker of a driver stops it at the end.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from ocpp_core._dataclasses import dataclass
from ocpp_transports._driver._accepting import AcceptRules, Connected
from ocpp_transports._driver._interfaces import Dialer, StreamInput
from ocpp_transports._driver._limits import BACKLOG
from ocpp_transports._hosts._owner import ConnectionOwner

from ._lag import LagProbe

if TYPE_CHECKING:  # a browser must load none of these
    from socket import socket
    from ssl import SSLContext

    from anyio.abc import ByteStream

    from ocpp_transports._metrics._cells import Traffic

__all__ = ["Address", "Listener", "SocketRuntime"]


@dataclass(frozen=True, slots=True)
class Address:
    """The address that a client dials; TLS with `ssl`, whose host name check uses `server_hostname`, else `host`."""

    host: str
    port: int
    ssl: "SSLContext | None" = None
    server_hostname: str | None = None
    station: str = ""
    """The identity of the client, by which a laboratory names the faults of its connections."""


class Listener(Protocol):
    """A listening TCP port."""

    @property
    def host(self) -> str:
        """The numeric address it is bound to; the first one if there are several."""

    @property
    def port(self) -> int:
        """The port it is bound to; all its addresses share it."""

    @property
    def reuse_port(self) -> bool:
        """True if other sockets may listen on its port too."""

    @property
    def closed(self) -> bool:
        """True after it has stopped accepting."""

    async def aclose(self) -> None:
        """Stop accepting; accepted connections continue. Idempotent."""


class SocketRuntime(ConnectionOwner, Protocol):
    """A runtime that also owns sockets; a browser has none."""

    @property
    def lag(self) -> LagProbe:
        """Measures how late the event loop is, while something watches."""

    def count(self, traffic: "Traffic") -> None:
        """Count the bytes of connections that are made from now on."""

    async def listen(
        self,
        port: int,
        host: str | None = None,
        *,
        ssl: "Callable[[], SSLContext] | None" = None,
        backlog: int = BACKLOG,
        reuse_port: bool = False,
        inherited: "Sequence[socket]" = (),
        connected: Connected,
        rules: AcceptRules | None = None,
    ) -> Listener:
        """Listen on a port (0 picks one) of an address or host name (None: all). Raises OSError if it cannot.

        `ssl` returns the context for the next TLS handshake. `inherited` sockets listen already; they replace the port.
        """

    def dialer(self, where: Callable[[], Address]) -> Dialer[StreamInput, bytes]:
        """Return the dialer of a client; `where` is called at every attempt."""

    def stream_dialer(self, connect: "Callable[[], Awaitable[ByteStream]]") -> Dialer[StreamInput, bytes]:
        """Return the dialer of a client over byte streams; `connect` opens one for every attempt."""

    def accept_stream(self, stream: "ByteStream", connected: Connected) -> None:
        """Serve a byte stream that was opened elsewhere."""
