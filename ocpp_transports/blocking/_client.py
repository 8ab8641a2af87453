"""The blocking client: a charging station's connection, for programs that are not asynchronous."""

from collections.abc import Callable, Sequence
from functools import partial
from math import inf
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, Unpack

from ocpp_core.handshake import SecurityProfile
from ocpp_transports._handlers._contexts import HandlerContext
from ocpp_transports._options._connection import BUNDLED_PROTOCOLS
from ocpp_transports._options._keywords import ClientChanges, ClientKeywords
from ocpp_transports._server._lifecycle._serving import Loop
from ocpp_transports.client import OCPPClient
from ocpp_transports.events import CloseEvent, ConnectionEvent

from ._context import BlockingHandlerContext
from ._events import presenting
from ._outbox._enqueueing import BlockingEnqueueMixin
from ._peer import BlockingPeer
from ._threads._bridge import MAX_THREADS, Bridge
from ._threads._signals import close_block

if TYPE_CHECKING:
    from ocpp_transports._metrics._metrics import Metrics

__all__ = ["BlockingClient"]

_R = TypeVar("_R")


class BlockingClient(BlockingEnqueueMixin, BlockingPeer):
    """An `OCPPClient` whose methods block, for any thread of a program that is not asynchronous.

        with BlockingClient("CP1", "wss://csms.example/ocpp", protocols=["ocpp1.6"]) as client:
            client.connect()
            client.call("Heartbeat", {})

    The client runs on an event loop in a thread, which all blocking clients and servers of a process share. `loop`
    names it. Handlers and listeners that are plain functions run in threads and may block. It also works without the
    block; then call `close`.

    Args:
        identity: The identity of the station; makes the URL, with `endpoint`.
        endpoint: The URL without the identity.
        protocols: The subprotocols in order of preference; by default those of OCPP, newest first.
        loop: "asyncio", "uvloop" or "trio".
        max_threads: Functions of the application that run at a time; further ones wait.
        **options: The options of `ClientOptions`.

    Raises:
        ValueError: An invalid option.
        TypeError: An invalid option.
        OSError: Certificates cannot be read.
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

    @property
    def metrics(self) -> "Metrics":
        """What the client has counted. Raises RuntimeError unless the option `metrics` is on."""
        return self._wrapped.metrics

    def connect(self, *, max_wait: float = inf) -> str:
        """Connect, and return the negotiated subprotocol.

        Raises:
            ConnectionFailedError: The first attempt failed, see `OCPPClient.connect`.
            ClosedError: The client was closed while it connected.
            TimeoutError: It is not connected within `max_wait` seconds; then it is closed.
            RuntimeError: It is not CLOSED, or its event loop was ended by an exception or a fork.
        """
        protocol: str = self._bridge.run_open(self._wrapped.connect, max_wait=max_wait)
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

        There it may use `wrapped`, and call many times at once.

        Args:
            function: The coroutine function.
            *args: Its positional arguments.
            max_wait: Seconds to wait; then it is cancelled.

        Returns:
            The result of the function.

        Raises:
            TimeoutError: There was no result within `max_wait` seconds.
            RuntimeError: The client is not open.
            Exception: What the function raised.
        """
        return self._bridge.run(function, *args, max_wait=max_wait)

    def _close(self, close: Any, max_wait: float) -> CloseEvent:
        return self._bridge.close(close, max_wait)

    def _present(self, bridge: Bridge, value: Any) -> Any:
        if isinstance(value, HandlerContext):
            return BlockingHandlerContext[Any, BlockingClient](value, bridge)
        return self if value is self._wrapped else value
