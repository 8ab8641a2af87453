"""The blocking server: a central system, for programs that are not asynchronous."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from math import inf
from ssl import SSLContext
from types import TracebackType
from typing import Any, Final, Self, TypeVar, Unpack, cast, overload

from ocpp_transports._driver._limits import BACKLOG
from ocpp_transports._handlers._caller import CallKeywords, Params
from ocpp_transports._handlers._contexts import HandlerContext
from ocpp_transports._options._keywords import ServerKeywords
from ocpp_transports._options._tls import TLSOptions
from ocpp_transports._runtime._base import Listener
from ocpp_transports._server._connection import OCPPServerClient
from ocpp_transports._server._directory import StationDirectory
from ocpp_transports._server._serving import Loop
from ocpp_transports.events import CloseEvent, ConnectionEvent
from ocpp_transports.handshake import AuthHandler
from ocpp_transports.plain_http import HttpHandler
from ocpp_transports.server import OCPPServer

from ._calls import call_options, safe
from ._context import BlockingHandlerContext
from ._events import BlockingEmitter, presenting
from ._registration import BlockingHandlerMixin
from ._server_events import BlockingServerEvents
from ._station import BlockingServerClient
from ._threads._bridge import MAX_THREADS, Bridge
from ._threads._signals import close_block, interrupts

__all__ = ["BlockingListener", "BlockingServer"]

_A = TypeVar("_A", bound=AuthHandler)
_H = TypeVar("_H", bound=HttpHandler)
_ObserverT = TypeVar("_ObserverT", bound=Callable[[ConnectionEvent, BlockingServerClient | None], object])

_ASKED: Final = {
    "auth": ("auth", "accept", "reject", "handshake"),
    "credentials": ("credentials", "identity"),
    "identify": ("identify", "certificate", "identity"),
}
"""The options that are functions and may block, with their arguments."""


class BlockingListener:
    """A listening TCP port."""

    def __init__(self, wrapped: Listener, bridge: Bridge) -> None:
        self._wrapped = wrapped
        self._bridge = bridge

    @property
    def host(self) -> str:
        """The numeric address it is bound to; the first one if there are several."""
        return self._wrapped.host

    @property
    def port(self) -> int:
        """The port it is bound to; all its addresses share it."""
        return self._wrapped.port

    @property
    def closed(self) -> bool:
        """True after it has stopped accepting."""
        return self._wrapped.closed

    def close(self) -> None:
        """Stop accepting; accepted connections continue. Idempotent."""
        if not self.closed:
            self._bridge.run(self._wrapped.aclose)


class BlockingServer(BlockingHandlerMixin, BlockingServerEvents):
    """An `OCPPServer` whose methods block, for any thread of a program that is not asynchronous.

        server = BlockingServer(protocols=["ocpp1.6"])

        @server.handle("Heartbeat")
        def heartbeat(ctx):                 # runs in a thread and may block
            return {"currentTime": utc_now()}

        server.serve_forever(9000)          # as a whole program, until Ctrl-C or SIGTERM

        with server:                        # or inside your program
            server.listen(9000)

    The server runs on an event loop in a thread, which all blocking clients and servers of a process share. `loop`
    names it: "asyncio", "uvloop" or "trio". Handlers, listeners, and functions for `auth`, `credentials`, `identify`
    and `http` that are plain functions run in threads, at most `max_threads` at a time, and may block. All other
    arguments are those of `OCPPServer`, and so are the errors. It also works without the block; then call `close`.
    """

    _wrapped: OCPPServer

    def __init__(
        self, *, loop: Loop = "asyncio", max_threads: int = MAX_THREADS, **options: Unpack[ServerKeywords]
    ) -> None:
        self._wrapped = OCPPServer(**options)
        self._bridge = Bridge(self._wrapped, loop, max_threads, present=_present, opens="listen()")
        self._wrapped.reconfigure(**self._in_threads(options))

    def __enter__(self) -> Self:
        self._bridge.open()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        close_block(self.close, failed=exc_type is not None)

    def __repr__(self) -> str:
        return f"<BlockingServer {self._wrapped!r}>"

    @property
    def wrapped(self) -> OCPPServer:
        """The asynchronous server, for code that runs in the event loop."""
        return self._wrapped

    # Accepting stations

    def auth(self, handler: _A) -> _A:
        """Register the function that accepts or rejects handshakes, and return it; usable as a decorator.

        A plain function runs in a thread and may block; otherwise see `OCPPServer.auth`. Raises ValueError if one is
        registered already, TypeError if it is not callable.
        """
        self._bridge.run(self._wrapped.auth, self._bridge.in_thread(handler, *_ASKED["auth"]))
        return handler

    def http(self, path: str) -> Callable[[_H], _H]:
        """Register a function that answers the plain GET and HEAD requests of a path; use it as a decorator.

        A plain function runs in a thread and may block; otherwise see `OCPPServer.http`. Raises ValueError for a path
        that has a function or is not valid in a request, TypeError if it is not a function.
        """

        def register(handler: _H) -> _H:
            in_thread = self._bridge.in_thread(handler, "http handler", "request")
            self._bridge.run(self._wrapped.http(path), in_thread)
            return handler

        return register

    def listen(
        self,
        port: int = 0,
        host: str | None = None,
        *,
        ssl: SSLContext | TLSOptions | None = None,
        backlog: int = BACKLOG,
    ) -> BlockingListener:
        """Listen on a TCP port and return the listener, with its `host`, `port` and `close()`.

        The server then accepts stations until `close`, whatever this thread does. The arguments and the errors are
        those of `OCPPServer.listen`.
        """
        self._bridge.open()
        listener = self._bridge.run(partial(self._wrapped.listen, port, host, ssl=ssl, backlog=backlog))
        return BlockingListener(listener, self._bridge)

    def serve_forever(
        self,
        port: int | None = None,
        host: str | None = None,
        *,
        ssl: SSLContext | TLSOptions | None = None,
        backlog: int = BACKLOG,
    ) -> None:
        """Serve until SIGINT (Ctrl-C), SIGTERM or `close`; return when everything is closed.

        At a signal the server closes as `close` does: outstanding calls may finish, the stations get 1001. A second
        signal drops the connections that are still open. With a port it listens first; without one it must be listening
        already. Only the main thread of a program receives signals. Raises the same errors as `listen`, and
        RuntimeError if there is neither a port nor a listener.
        """
        serve = partial(self._wrapped.serve_forever, port, host, ssl=ssl, backlog=backlog)
        with interrupts(), self:
            try:
                self._bridge.run(serve)
            except KeyboardInterrupt:
                with suppress(KeyboardInterrupt):
                    close_block(self.close, failed=False)

    def reconfigure(self, **options: Unpack[ServerKeywords]) -> None:
        """Change options for connections accepted from now on; `tls` applies from the next `listen`.

        Raises the same errors as the constructor, and ValueError for a security profile that a listener does not meet.
        """
        self._bridge.run(partial(self._wrapped.reconfigure, **self._in_threads(options)))

    # Stations

    @property
    def clients(self) -> tuple[BlockingServerClient, ...]:
        """The connected stations, each as its newest connection."""
        return tuple(map(self._bridge.present, self._bridge.run(lambda: self._wrapped.clients)))

    @property
    def directory(self) -> StationDirectory:
        """The directory in which the server looks up stations; its methods run in the event loop.

        See `OCPPServer.directory`.
        """
        return self._wrapped.directory

    @directory.setter
    def directory(self, directory: StationDirectory) -> None:
        self._bridge.run(setattr, self._wrapped, "directory", directory)

    def get_client(self, identity: str) -> BlockingServerClient | None:
        """Return the station's newest connection, or None if it is not connected."""
        found: BlockingServerClient | None = self._bridge.present(self._bridge.run(self._wrapped.get_client, identity))
        return found

    def wait_for_client(self, identity: str, *, timeout: float = inf) -> BlockingServerClient:
        """Return the station's connection as soon as there is one.

        Raises TimeoutError after `timeout` seconds, ClosedError if the server closes, RuntimeError if it is not open.
        """
        station = self._bridge.run(partial(self._wrapped.wait_for_client, identity, timeout=timeout))
        return cast("BlockingServerClient", self._bridge.present(station))

    @overload
    def call(
        self,
        identity: str,
        action: str,
        params: Params = ...,
        /,
        *,
        max_wait: float = ...,
        **options: Unpack[CallKeywords],
    ) -> dict[str, Any]: ...
    @overload
    def call(
        self,
        identity: str,
        protocol: str,
        action: str,
        params: Params = ...,
        /,
        *,
        max_wait: float = ...,
        **options: Unpack[CallKeywords],
    ) -> dict[str, Any]: ...
    def call(
        self, identity: str, /, *args: Any, max_wait: float = inf, **options: Unpack[CallKeywords]
    ) -> dict[str, Any]:
        """Call a connected station: `BlockingServerClient.call` with its identity first.

        Raises ConnectionLostError with `sent=False` if it is not connected.
        """
        call = partial(self._wrapped.call, identity, *args, **call_options(self._bridge, options))
        result: dict[str, Any] = self._bridge.run(call, max_wait=max_wait)
        return result

    @overload
    def safe_call(
        self,
        identity: str,
        action: str,
        params: Params = ...,
        /,
        *,
        max_wait: float = ...,
        **options: Unpack[CallKeywords],
    ) -> dict[str, Any] | None: ...
    @overload
    def safe_call(
        self,
        identity: str,
        protocol: str,
        action: str,
        params: Params = ...,
        /,
        *,
        max_wait: float = ...,
        **options: Unpack[CallKeywords],
    ) -> dict[str, Any] | None: ...
    def safe_call(
        self, identity: str, /, *args: Any, max_wait: float = inf, **options: Unpack[CallKeywords]
    ) -> dict[str, Any] | None:
        """Call a connected station, and return None if the call fails."""
        call = partial(self._wrapped.safe_call, identity, *args, **call_options(self._bridge, options))
        return safe(lambda: self._bridge.run(call, max_wait=max_wait))

    def run_async(self, function: Callable[..., Any], *args: Any, max_wait: float = inf) -> Any:
        """Run a coroutine function in the server's event loop, and return its result.

        There it may use `wrapped`, and call many stations at once. Raises its exceptions, TimeoutError after `max_wait`
        seconds, and RuntimeError if the server is not open.
        """
        return self._bridge.run(function, *args, max_wait=max_wait)

    # Events

    def observe(self, observer: _ObserverT) -> _ObserverT:
        """Call `observer(event, client)` with every event of every connection of this server; a decorator too.

        It runs in the event loop, between two messages, and must not block; see `OCPPServer.observe`.
        """
        self._bridge.run(self._wrapped.observe, presenting(observer, self._bridge))
        return observer

    def remove_observer(self, observer: Callable[[ConnectionEvent, BlockingServerClient | None], object]) -> None:
        """Stop calling this observer; ignored if it does not observe."""
        self._bridge.run(self._wrapped.remove_observer, presenting(observer, self._bridge))

    # Closing

    def close(
        self,
        code: int = 1001,
        reason: str = "",
        *,
        force: bool = False,
        await_pending: bool = True,
        max_wait: float = inf,
    ) -> CloseEvent:
        """Stop listening, close every connection, end every task, and release the event loop; see `OCPPServer.close`.

        Closing takes at most `drain_timeout` plus `close_timeout` seconds, whatever the stations do. You may call
        `listen` again afterwards. Raises ValueError for a code that must not be sent, and TimeoutError after `max_wait`
        seconds; the server still closes.
        """
        close = partial(self._wrapped.close, code, reason, force=force, await_pending=await_pending)
        return self._bridge.close(close, max_wait)

    # Internals

    @property
    def _emitter(self) -> BlockingEmitter:
        return BlockingEmitter(self._wrapped, self._bridge)

    def _in_threads(self, options: ServerKeywords) -> ServerKeywords:
        """Return the options with functions that run in threads in place of plain functions."""
        given: dict[str, Any] = {**options}
        for name, arguments in _ASKED.items():
            if callable(given.get(name)):
                given[name] = self._bridge.in_thread(given[name], *arguments)
        return cast("ServerKeywords", given)


def _present(bridge: Bridge, value: Any) -> Any:
    if isinstance(value, HandlerContext):
        return BlockingHandlerContext[BlockingServerClient](value, bridge)
    return BlockingServerClient(value, bridge) if isinstance(value, OCPPServerClient) else value
