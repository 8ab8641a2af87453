"""The blocking client: a charging station's connection, for programs that are not asynchronous."""

from collections.abc import Callable, Sequence
from functools import partial
from math import inf
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

from ocpp_core.handshake import SecurityProfile
from ocpp_transports._handlers._contexts import HandlerContext
from ocpp_transports._options._connection import BUNDLED_PROTOCOLS
from ocpp_transports._options._keywords import ClientChanges, ClientKeywords
from ocpp_transports._server._serving import Loop
from ocpp_transports.client import OCPPClient
from ocpp_transports.events import CloseEvent, ConnectionEvent

from ._context import BlockingHandlerContext
from ._events import presenting
from ._peer import BlockingPeer
from ._threads._bridge import MAX_THREADS, Bridge
from ._threads._signals import close_block

__all__ = ["BlockingClient"]

_R = TypeVar("_R")


class BlockingClient(BlockingPeer):
    """An `OCPPClient` whose methods block, for any thread of a program that is not asynchronous.

        with BlockingClient("CP1", "wss://csms.example/ocpp", protocols=["ocpp1.6"]) as client:
            client.connect()
            client.call("Heartbeat", {})

    The client runs on an event loop in a thread, which all blocking clients and servers of a process share. `loop`
    names it: "asyncio", "uvloop" or "trio". Handlers and listeners that are plain functions run in threads, at most
    `max_threads` at a time, and may block. All other arguments are those of `OCPPClient`, and so are the errors. It
    also works without the block; then call `close`.
    """

    _wrapped: OCPPClient

    def __init__(
        self,
        identity: str,
        endpoint: str,
        *,
        protocols: Sequence[str] = BUNDLED_PROTOCOLS,
        loop: Loop = "asyncio",
        max_threads: int = MAX_THREADS,
        **options: Unpack[ClientKeywords],
    ) -> None:
        self._wrapped = OCPPClient(identity, endpoint, protocols=protocols, **options)
        self._bridge = Bridge(self._wrapped, loop, max_threads, present=self._present, opens="connect()")

    def __enter__(self) -> Self:
        self._bridge.open()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        close_block(self.close, failed=exc_type is not None)

    @property
    def wrapped(self) -> OCPPClient:
        """The asynchronous client, for code that runs in the event loop."""
        return self._wrapped

    @property
    def endpoint(self) -> str:
        """The URL without the identity."""
        return self._wrapped.endpoint

    @property
    def security_profile(self) -> SecurityProfile:
        """The security profile that the client uses."""
        return self._wrapped.security_profile

    def connect(self, *, max_wait: float = inf) -> str:
        """Connect, and return the negotiated subprotocol; see `OCPPClient.connect`.

        Raises the errors of `OCPPClient.connect`, and TimeoutError after `max_wait` seconds; then the client is closed.
        """
        self._bridge.open()
        protocol: str = self._bridge.run(self._wrapped.connect, max_wait=max_wait)
        return protocol

    def observe(self, observer: Callable[[ConnectionEvent, Self], _R]) -> Callable[[ConnectionEvent, Self], _R]:
        """Call `observer(event, client)` with every event of every connection of this client; a decorator too.

        It runs in the event loop, between two messages, and must not block; see `OCPPClient.observe`.
        """
        self._bridge.run(self._wrapped.observe, presenting(observer, self._bridge))
        return observer

    def remove_observer(self, observer: Callable[[ConnectionEvent, Self], object]) -> None:
        """Stop calling this observer; ignored if it does not observe."""
        self._bridge.run(self._wrapped.remove_observer, presenting(observer, self._bridge))

    def reconfigure(self, **options: Unpack[ClientChanges]) -> None:
        """Change options: those of calls and pings at once, those of connecting at the next attempt.

        Raises the same errors as the constructor, and then changes nothing.
        """
        self._bridge.run(partial(self._wrapped.reconfigure, **options))

    def run_async(self, function: Callable[..., Any], *args: Any, max_wait: float = inf) -> Any:
        """Run a coroutine function in the client's event loop, and return its result.

        There it may use `wrapped`, and call many times at once. Raises its exceptions, TimeoutError after `max_wait`
        seconds, and RuntimeError if the client is not open.
        """
        return self._bridge.run(function, *args, max_wait=max_wait)

    def _close(self, close: Any, max_wait: float) -> CloseEvent:
        return self._bridge.close(close, max_wait)

    def _present(self, bridge: Bridge, value: Any) -> Any:
        if isinstance(value, HandlerContext):
            return BlockingHandlerContext[BlockingClient](value, bridge)
        return self if value is self._wrapped else value
