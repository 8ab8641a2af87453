"""A server as a whole program: it serves until SIGINT or SIGTERM, then closes its connections and ends."""

from abc import abstractmethod
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from importlib.util import find_spec
from ssl import SSLContext
from types import TracebackType
from typing import Any, Final, Literal, Self, TypeAlias

import anyio

from ocpp_transports._driver._interfaces import Handle
from ocpp_transports._driver._limits import BACKLOG
from ocpp_transports._options._tls import TLSOptions
from ocpp_transports._runtime._base import Listener
from ocpp_transports._runtime._interrupts import Interrupts
from ocpp_transports._server._listening import ServerEvents
from ocpp_transports.events import CloseEvent

__all__ = ["Loop", "ServingMixin", "expect_loop", "run_on"]

Loop: TypeAlias = Literal["asyncio", "uvloop", "trio"]
"""An event loop by its name; `uvloop` and `trio` must be installed."""

_LOOPS: Final = ("asyncio", "uvloop", "trio")
_Spawn: TypeAlias = Callable[[Coroutine[Any, Any, None]], Handle]


class ServingMixin(ServerEvents):
    """A server as a whole program, or inside one that handles signals."""

    _in_block: bool

    def run(
        self,
        port: int,
        host: str | None = None,
        *,
        ssl: SSLContext | TLSOptions | None = None,
        backlog: int = BACKLOG,
        proxy_protocol: bool = False,
        loop: Loop = "asyncio",
    ) -> None:
        """Listen and serve as a whole program, until Ctrl-C or SIGTERM.

        Then the server closes as `serve_forever` does, and this returns.

        Args:
            port: The port to listen on; 0 lets the system choose one.
            host: The address to listen on; None means all addresses.
            ssl: Replaces the option `tls`.
            backlog: Connections that wait to be accepted, 1024 by default, within the system's limit.
            proxy_protocol: True if every connection begins with a header of the PROXY protocol; see `listen`.
            loop: The event loop to run.

        Raises:
            OSError: The port is not available.
            ValueError: The loop is unknown, or `listen` raises it.
            RuntimeError: An event loop is running already.
            ImportError: The loop is not installed.
        """
        run_on(loop, partial(self.serve_forever, port, host, ssl=ssl, backlog=backlog, proxy_protocol=proxy_protocol))

    async def serve_forever(
        self,
        port: int | None = None,
        host: str | None = None,
        *,
        ssl: SSLContext | TLSOptions | None = None,
        backlog: int = BACKLOG,
        proxy_protocol: bool = False,
    ) -> None:
        """Serve until SIGINT (Ctrl-C), SIGTERM or `close`.

        It returns when everything is closed. At a signal the server closes as `close` does: outstanding calls may
        finish, the stations get 1001. A second signal drops the connections that are still open. Only the main thread
        of a program receives signals.

        Args:
            port: The port to listen on first; None if the server is listening already.
            host: The address to listen on; None means all addresses.
            ssl: Replaces the option `tls`.
            backlog: Connections that wait to be accepted, 1024 by default, within the system's limit.
            proxy_protocol: True if every connection begins with a header of the PROXY protocol; see `listen`.

        Raises:
            OSError: The port is not available.
            ValueError: `listen` raises it.
            RuntimeError: There is neither a port nor a listener.
        """
        if not self._in_block:
            async with self:
                return await self.serve_forever(port, host, ssl=ssl, backlog=backlog, proxy_protocol=proxy_protocol)
        with Interrupts() as interrupts:
            if port is not None:
                await self.listen(port, host, ssl=ssl, backlog=backlog, proxy_protocol=proxy_protocol)
            elif not self._is_listening():
                raise RuntimeError("cannot serve: the server does not listen; pass a port, or call listen() first")
            await until_closed(self, interrupts, self._spawner())
        return None

    def draining(self) -> AbstractAsyncContextManager[None]:
        """Close the server before the surrounding program handles SIGINT or SIGTERM.

            async with server, server.draining():
                yield  # in the lifespan of a web application

        For programs that drop connections at a signal, as uvicorn does (1012) before it ends the lifespan. Inside this
        block the server closes first, as in `serve_forever`, and refuses new stations (503); then the program receives
        the signal. A second signal drops the connections that are still open. Outside a program's main thread it does
        nothing.
        """
        return draining(self, self._spawner())

    # For the server

    @abstractmethod
    async def __aenter__(self) -> Self: ...

    @abstractmethod
    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None, /
    ) -> None: ...

    @abstractmethod
    async def listen(
        self,
        port: int = 0,
        host: str | None = None,
        *,
        ssl: SSLContext | TLSOptions | None = None,
        backlog: int = BACKLOG,
        proxy_protocol: bool = False,
    ) -> Listener: ...

    @abstractmethod
    async def close(
        self, code: int = 1001, reason: str = "", *, force: bool = False, await_pending: bool = True
    ) -> CloseEvent: ...

    @abstractmethod
    def _is_listening(self) -> bool: ...

    @abstractmethod
    def _spawner(self) -> _Spawn:
        """Bind to the running event loop; return the function that starts a task."""


def expect_loop(loop: object) -> None:
    """Raise ValueError unless it is the name of an event loop, and ImportError unless that one is installed."""
    if loop not in _LOOPS:
        raise ValueError(f"expected loop as one of {', '.join(_LOOPS)}, got {loop!r}")
    if find_spec(str(loop)) is None:
        raise ImportError(f"cannot run on {loop}: it is not installed; install the package {loop}", name=str(loop))


def run_on(loop: Loop, serve: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a program on this event loop; see `OCPPServer.run`."""
    expect_loop(loop)
    backend = "trio" if loop == "trio" else "asyncio"
    try:
        anyio.run(serve, backend=backend, backend_options={"use_uvloop": True} if loop == "uvloop" else None)
    except KeyboardInterrupt:  # before it listened, or because signals cannot be received
        return


async def until_closed(server: ServingMixin, interrupts: Interrupts, spawn: _Spawn) -> None:
    """Wait for a signal, or until the server is closed, and close it."""

    def wake(_: object) -> None:
        interrupts.wake()

    server.once("closing", wake)
    try:
        await interrupts.next()
    finally:
        server.off("closing", wake)
    await _close(server, interrupts, spawn)


async def _close(server: ServingMixin, interrupts: Interrupts, spawn: _Spawn) -> None:
    """Close; at the next signal drop all connections."""

    async def hasten() -> None:
        await interrupts.next()
        await server.close(force=True)

    hastening = spawn(hasten())
    try:
        await server.close()
    finally:
        hastening.cancel()


@asynccontextmanager
async def draining(server: ServingMixin, spawn: _Spawn) -> AsyncIterator[None]:
    """Close the server at a signal, then hand the signal on; see `OCPPServer.draining`."""
    with Interrupts() as interrupts:

        async def drain() -> None:
            number = await interrupts.next()
            try:
                await _close(server, interrupts, spawn)
            finally:
                if number is not None:
                    interrupts.hand_on(number)

        task = spawn(drain())
        try:
            yield
        finally:
            task.cancel()
