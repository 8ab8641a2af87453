"""A server as a whole program: it serves until SIGINT or SIGTERM, then closes its connections and ends."""

from abc import abstractmethod
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from importlib.util import find_spec
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Literal, Self, TypeAlias, Unpack

import anyio

from ocpp_transports._driver._interfaces import Handle
from ocpp_transports._options._server import ServerOptions
from ocpp_transports._runtime._base import Listener
from ocpp_transports._runtime._interrupts import Interrupts
from ocpp_transports._server._listening import ServerEvents
from ocpp_transports.events import CloseEvent

from ._ports import ListenKeywords

if TYPE_CHECKING:
    from ._notify import Notifier

__all__ = ["Loop", "ServingMixin", "expect_loop", "run_on"]

Loop: TypeAlias = Literal["asyncio", "uvloop", "trio"]
"""An event loop by its name; `uvloop` and `trio` must be installed."""

_LOOPS: Final = ("asyncio", "uvloop", "trio")
_Spawn: TypeAlias = Callable[[Coroutine[Any, Any, None]], Handle]


class ServingMixin(ServerEvents):
    """A server as a whole program, or inside one that handles signals."""

    _in_block: bool
    _options: ServerOptions

    def run(
        self,
        port: int | None = None,
        host: str | None = None,
        *,
        loop: Loop = "asyncio",
        **options: Unpack[ListenKeywords],
    ) -> None:
        """Listen and serve as a whole program, until Ctrl-C or SIGTERM.

        Then the server closes as `serve_forever` does, and this returns.

        Args:
            port: The port to listen on; 0 lets the system choose one, None needs `fd` or `systemd`.
            host: The address to listen on; None means all addresses.
            loop: The event loop to run.
            **options: The keyword arguments of `listen`.

        Raises:
            OSError: The port is not available.
            ValueError: The loop is unknown, or `listen` raises it.
            RuntimeError: An event loop is running already.
            ImportError: The loop is not installed.
        """
        run_on(loop, partial(self.serve_forever, port, host, **options))

    async def serve_forever(
        self,
        port: int | None = None,
        host: str | None = None,
        **options: Unpack[ListenKeywords],
    ) -> None:
        """Serve until SIGINT (Ctrl-C), SIGTERM or `close`.

        It returns when everything is closed. At a signal the server closes as `close` does: outstanding calls may
        finish, the stations get 1001. A second signal drops the connections that are still open. Only the main thread
        of a program receives signals. A service of systemd reports its start, its life and its stop (sd_notify).

        Args:
            port: The port to listen on first; None if the server is listening already.
            host: The address to listen on; None means all addresses.
            **options: The keyword arguments of `listen`.

        Raises:
            OSError: The port is not available.
            ValueError: `listen` raises it, or there are options for it without a place to listen.
            RuntimeError: There is neither a port nor a listener.
        """
        has_place = port is not None or options.get("fd") is not None or options.get("systemd", False)
        if options and not has_place:
            raise ValueError(f"expected a port, fd or systemd with {', '.join(options)}: they apply to a new listener")
        listen = partial(self.listen, port or 0, host, **options) if has_place else None
        if self._in_block:
            await self._serve(listen)
        else:
            async with self:
                await self._serve(listen)

    async def _serve(self, listen: Callable[[], Coroutine[Any, Any, Listener]] | None) -> None:
        with Interrupts() as interrupts:
            if listen is not None:
                await listen()
            elif not self._is_listening():
                raise RuntimeError("cannot serve: the server does not listen; pass a port, or call listen() first")
            await self._serve_as_service(interrupts)

    async def _serve_as_service(self, interrupts: Interrupts) -> None:
        """Serve until a signal or `close`, and tell systemd about it, if it started this process."""
        from ._notify import Notifier  # loaded only when used

        notifier, spawn = Notifier(), self._spawner()
        notifier.ready()
        alive = None if notifier.watchdog_interval is None else spawn(_keep_alive(notifier, notifier.watchdog_interval))
        try:
            await until_closed(self, interrupts, spawn, lambda: notifier.stopping(self._options.longest_close))
        finally:
            if alive is not None:
                alive.cancel()

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
        **options: Unpack[ListenKeywords],
    ) -> Listener: ...

    @abstractmethod
    async def close(
        self,
        code: int = 1001,
        reason: str = "",
        *,
        force: bool = False,
        await_pending: bool = True,
        window: float | None = None,
    ) -> CloseEvent: ...

    @abstractmethod
    async def _close_as_begun(self) -> None: ...

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


async def _keep_alive(notifier: "Notifier", interval: float) -> None:
    """Give signs of life for as long as the event loop runs."""
    while True:
        notifier.alive()
        await anyio.sleep(interval)


async def until_closed(
    server: ServingMixin, interrupts: Interrupts, spawn: _Spawn, stopping: Callable[[], None]
) -> None:
    """Wait for a signal and close the server, or until `close` is called; `stopping` is called when it begins."""

    def wake(_: object) -> None:
        interrupts.wake()

    server.once("closing", wake)
    try:
        number = await interrupts.next()
    finally:
        server.off("closing", wake)
        stopping()
    await _hastened(server._close_as_begun if number is None else server.close, server, interrupts, spawn)


async def _hastened(
    close: Callable[[], Coroutine[Any, Any, object]], server: ServingMixin, interrupts: Interrupts, spawn: _Spawn
) -> None:
    """Close; at the next signal drop all connections."""

    async def hasten() -> None:
        await interrupts.next()
        await server.close(force=True)

    hastening = spawn(hasten())
    try:
        await close()
    finally:
        hastening.cancel()


@asynccontextmanager
async def draining(server: ServingMixin, spawn: _Spawn) -> AsyncIterator[None]:
    """Close the server at a signal, then hand the signal on; see `OCPPServer.draining`."""
    with Interrupts() as interrupts:

        async def drain() -> None:
            number = await interrupts.next()
            try:
                await _hastened(server.close, server, interrupts, spawn)
            finally:
                if number is not None:
                    interrupts.hand_on(number)

        task = spawn(drain())
        try:
            yield
        finally:
            task.cancel()
