"""The seam between a client or server and the event loop it runs on.

A client or server has one `Runtime`: its clock, its tasks, its sockets. It never touches asyncio or trio itself.

    runtime = current_runtime("OCPPServer", in_block=True)             # in __aenter__; in_block=False outside a block
    listener = await runtime.listen(port, host, connected=on_stream)   # servers
    host = runtime.dialer(lambda: Address("csms.example", 443, ctx))   # clients: Driver(engine, host, owner), then feed
    await runtime.aclose()                                             # in __aexit__, or when all is over

`connected(host, facts)` is called for every accepted stream, when its TLS handshake is done: it makes a
`Driver(engine, host, owner)` before it returns. The owner of a driver stops it when it is done with it.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

from ocpp_transports._driver._driver import Completion, Handle, Host
from ocpp_transports._logging._log import Log
from ocpp_transports.events import ConnectionFailedEvent
from ocpp_transports.handshake import ConnectionFacts

if TYPE_CHECKING:  # a browser loads neither
    from ssl import SSLContext

    from anyio.abc import ByteStream

__all__ = [
    "BACKLOG",
    "HIGH_WATER",
    "LINGER",
    "MAX_TLS_HANDSHAKES",
    "TLS_TIMEOUT",
    "AcceptRules",
    "Address",
    "Admit",
    "Connected",
    "Listener",
    "Runtime",
    "SocketRuntime",
    "current_runtime",
]

BACKLOG: Final = 1024
"""Connections that wait to be accepted, as far as the system allows: a fleet comes back at once after an outage."""
LINGER: Final = 5.0
"""Seconds a closed connection may take to send what is left and to see the peer's end; then it is dropped."""
TLS_TIMEOUT: Final = 30.0
"""Seconds an accepted connection may take for its TLS handshake; then it is dropped."""
MAX_TLS_HANDSHAKES: Final = 256
"""TLS handshakes in progress on one listener: 75 MB at most on asyncio, and more than one core does in a second."""
HIGH_WATER: Final = 65536
"""Bytes of unsent output from which on a connection is congested; below a quarter of it, it no longer is."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a client dials: TLS with `ssl`, whose host name check uses `server_hostname`, or else `host`."""

    host: str
    port: int
    ssl: "SSLContext | None" = None
    server_hostname: str | None = None


Connected: TypeAlias = Callable[[Host, ConnectionFacts], None]
"""Called for every accepted stream; has to make its driver."""


Admit: TypeAlias = Callable[[str | None], Callable[[], None] | None]
"""Asked for every accepted socket, with its numeric address, before anything is done with it.

Returns what to call once the socket is closed, or None to have it closed at once.
"""


def _admit_all(_: str | None) -> Callable[[], None]:
    """Admit every socket, and count none."""
    return lambda: None


def _nobody_is_told(kind: str, event: ConnectionFailedEvent) -> None:
    """Stand in where no server listens."""


@dataclass(slots=True)
class AcceptRules:
    """How a server's listeners treat a connection before it is handed on; changes count from then on."""

    tls_timeout: float = TLS_TIMEOUT
    """Seconds for a TLS handshake."""
    max_tls_handshakes: int = MAX_TLS_HANDSHAKES
    """In progress on one listener."""
    admit: Admit = _admit_all
    """Which sockets may stay."""
    failed: Callable[[str, ConnectionFailedEvent], None] = _nobody_is_told
    """Told of every connection that came to nothing: what failed, and the event for it."""


class Listener(Protocol):
    """A listening TCP port."""

    @property
    def host(self) -> str:
        """The numeric address it is bound to; the first one if there are several."""

    @property
    def port(self) -> int:
        """The port it is bound to; all its addresses share it."""

    @property
    def closed(self) -> bool:
        """Whether it has stopped accepting."""

    async def aclose(self) -> None:
        """Stop accepting; connections that were accepted live on. Idempotent."""


class Runtime(Protocol):
    """The event loop as one client or server uses it; owns every task made through it."""

    def now(self) -> float:
        """Seconds on the event loop's monotonic clock."""

    def call_at(self, when: float, fn: Callable[[], None], /) -> Handle:
        """Call `fn` at `when`, early or late by little; never from within `call_at`."""

    def next_turn(self, fn: Callable[[], None], /) -> Handle:
        """Call `fn` in a later turn of the event loop, one such function a turn; see `_turns`."""

    def completion(self) -> Completion:
        """Make an empty slot."""

    def spawn(self, coro: Coroutine[Any, Any, None], /) -> Handle:
        """Run a coroutine as a task with a cancel scope of its own; an exception of it is logged and hurts nobody.

        After `aclose` it is not run.
        """

    async def aclose(self) -> None:
        """End everything: listeners, connections, tasks; returns when nothing is left.

        Connections that are closing get `LINGER` for it, all others are dropped. Works from any task; called from
        a task of this runtime it leaves that one alone, to be ended by a second call. A cancelled wait drops what
        lingers, and still ends everything before it lets the cancellation through. A task that does not end although it
        was cancelled is left behind after `_scope.STUBBORN` seconds, and logged.
        """


class SocketRuntime(Runtime, Protocol):
    """A runtime with sockets, which it owns too; a browser has none."""

    log: Log
    """Where faults go that have no caller to tell: the log of the client or server."""
    streams: set[Any]
    """Connections in tasks of others: `aclose` closes them and waits until they are taken out, told by `changed`."""

    def changed(self) -> None:
        """Wake who waits for tasks and streams to end."""

    def spawn(self, coro: Coroutine[Any, Any, None], stream: Any = None, /) -> Handle:
        """Run a coroutine as a task; one that serves a connection is ended by that alone, also after `aclose`."""

    async def listen(
        self,
        port: int,
        host: str | None = None,
        *,
        ssl: "SSLContext | None" = None,
        backlog: int = BACKLOG,
        connected: Connected,
        rules: AcceptRules | None = None,
    ) -> Listener:
        """Listen on a port (0 picks one) of an address or host name (None: all); raises OSError if it cannot."""

    def dialer(self, where: Callable[[], Address]) -> Host:
        """Make the host of a client; `where` is asked at every attempt."""

    def stream_dialer(self, connect: "Callable[[], Awaitable[ByteStream]]") -> Host:
        """Make the host of a client over byte streams that `connect` opens, one for every attempt."""

    def accept_stream(self, stream: "ByteStream", connected: Connected) -> None:
        """Serve a byte stream that was opened elsewhere."""


def current_runtime(name: str, *, in_block: bool, log: Log) -> SocketRuntime:
    """Make the runtime of a client or server for the event loop that runs this code.

    `name` is the class the user sees, `log` where faults go. Outside an `async with`
    block only asyncio has a place for tasks that outlive the function: on trio RuntimeError says to use the block.
    Raises RuntimeError where no event loop runs.
    """
    trio = sys.modules.get("trio")
    if trio is not None and trio.lowlevel.in_trio_task():
        if not in_block:
            raise RuntimeError(f"on trio, expected to be used in a block: `async with {name}(...) as ...:`")
        from ._trio import TrioRuntime  # noqa: PLC0415 - trio is no dependency: loaded where it runs

        return TrioRuntime(log)
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        raise RuntimeError("expected a running asyncio or trio event loop") from None
    from ._asyncio import AsyncioRuntime  # noqa: PLC0415 - it depends on this module

    return AsyncioRuntime(log)
