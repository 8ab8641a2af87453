"""A client on any carrier: it connects, emits events, reconnects, and is closed."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import replace
from math import inf
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeAlias, TypeVar, cast
from urllib.parse import urlsplit

from ocpp_core.action_names import Role
from ocpp_core.client import ClientEngine
from ocpp_core.client_states import ClientClosing, Connecting, Online, Stopped, Waiting
from ocpp_core.config import ClientConfig
from ocpp_core.errors import ClosedError, ConnectionLostError, OCPPError, StoreError
from ocpp_core.inputs import Close, Command, Connect, Reconfigure
from ocpp_core.session import Closing, Session
from ocpp_transports._callbacks._containment import end_program
from ocpp_transports._calls._directions import sent_by_peer
from ocpp_transports._driver._driver import Driver
from ocpp_transports._driver._interfaces import Completion, Runtime
from ocpp_transports._driver._sources import Draws, Sources
from ocpp_transports._options._connection import counting
from ocpp_transports._options._reconnect import ReconnectOptions
from ocpp_transports.events import (
    CloseEvent,
    ConnectingEvent,
    ConnectionEvent,
    DisconnectEvent,
    ErrorEvent,
    OpenEvent,
    ReconnectEvent,
)

from ._close_grace import CloseGrace
from ._enqueueing import EnqueueMixin
from ._observers import Observers
from ._peer import ConnectionState, Peer

if TYPE_CHECKING:
    from ocpp_core.durable.client import DurableClientEngine
    from ocpp_core.tolerance.station import StationQuirks
    from ocpp_transports._metrics._metrics import Metrics

    from ._client_outbox import ClientOutbox

__all__ = ["ClientCommand", "ClientPeer"]

ClientCommand: TypeAlias = Command | Connect
"""The commands that a client gives its engine."""

_R = TypeVar("_R")


def _quirks_of(options: ReconnectOptions, protocol: str = "") -> "StationQuirks | None":
    """Return what is tolerated from the central system; None without profiles."""
    if options.quirk_book is None:
        return None
    from ocpp_core.tolerance.profiles import StationFacts  # loaded only when used
    from ocpp_core.tolerance.station import StationQuirks

    path = urlsplit(options.address.url).path
    return StationQuirks(options.quirk_book, StationFacts(protocol=protocol, identity=options.identity, path=path))


class ClientPeer(EnqueueMixin, Peer):
    """The part that all clients have in common; each has its own options, event loop and host."""

    _role: ClassVar[Role] = "station"
    _sent_by_peer = sent_by_peer("station")
    _options: ReconnectOptions
    _driver: Driver[ClientCommand] | None

    def __init__(self, identity: str, options: ReconnectOptions) -> None:
        super().__init__(identity, options, CloseGrace())
        self._quirks = _quirks_of(options)
        self._engine: ClientEngine | None = None
        self._in_block = False
        self._outbox = self._make_outbox()

    async def __aenter__(self) -> Self:
        if self._runtime is None:
            self._start(in_block=True)
        self._in_block = True
        try:
            await self._open_outbox()
        except BaseException:
            self._in_block = False
            await self._shut()
            raise
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            await self.close(await_pending=exc_type is None)
        finally:
            self._in_block = False
            await self._shut()

    @property
    def endpoint(self) -> str:
        """The URL without the identity."""
        return self._options.endpoint

    @property
    def state(self) -> ConnectionState:
        """The state of the connection; CONNECTING also while waiting for the next attempt."""
        engine = self._engine
        state = None if engine is None else engine.state
        if engine is not None and isinstance(state, Online):
            closes = engine.session is not None and isinstance(engine.session.state, Closing)
            return ConnectionState.CLOSING if closes else ConnectionState.OPEN
        if isinstance(state, (Connecting, Waiting)):
            return ConnectionState.CONNECTING
        return ConnectionState.CLOSING if isinstance(state, ClientClosing) else ConnectionState.CLOSED

    @property
    def metrics(self) -> "Metrics":
        """What the client has counted. Raises RuntimeError unless the option `metrics` is on."""
        return counting(self._options)

    @property
    def pending(self) -> int:
        """Calls that were started and have no outcome yet, those in the offline queue included."""
        return super().pending + (0 if self._engine is None else self._engine.queued)

    async def connect(self) -> str:
        """Connect, and return the negotiated subprotocol.

        With `retry_initial_connect`, further attempts follow a failed one. Cancelling `connect` closes the client.

        Raises:
            ConnectionFailedError: The first attempt failed.
            StoreError: The store of the outbox cannot be opened.
            UnexpectedHttpResponse: The server responded with a status other than 101.
            WebsocketUpgradeError: The server responded with an invalid 101, or chose another subprotocol.
            RuntimeError: The client is not CLOSED, or runs on trio outside a block.
            ClosedError: The client was closed while it connected.
        """
        if self._runtime is not None:
            self._runtime.expect_here()
        if self.state is not ConnectionState.CLOSED:
            raise RuntimeError(f"cannot connect: the client is {self.state.name}; close it first")
        await self._get_ready()
        if self._outbox is not None:
            self._outbox.expect_not_opening()
        driver = self._driver or self._start(in_block=False)
        try:
            await self._open_outbox()
            protocol: str = await driver.ask(Connect)
        except Exception:
            if self.state is ConnectionState.CLOSED and not self._in_block:
                await self._shut()
            raise
        except BaseException:  # cancelled: the caller no longer waits for this connection
            driver.feed(Close(force=True))
            raise
        return protocol

    def observe(self, observer: Callable[[ConnectionEvent, Self], _R]) -> Callable[[ConnectionEvent, Self], _R]:
        """Call `observer(event, client)` with every event of every connection of this client; a decorator too.

        `event` is one of `events.ConnectionEvent`; its class tells which. Each message comes once. If the observer
        raises, the exception is logged and nothing else is affected.

        Args:
            observer: A plain function that does not block.

        Returns:
            The observer.

        Raises:
            TypeError: It is a coroutine function, or takes other arguments.
            ValueError: It observes already.
        """
        if self._observers is None:
            self._observers = Observers(self._listeners_changed, self._observer_failed)
        return self._observers.add(observer)

    def remove_observer(self, observer: Callable[[ConnectionEvent, Self], object]) -> None:
        """Stop calling this observer; ignored if it does not observe."""
        if self._observers is not None:
            self._observers.remove(observer)

    async def close(
        self, code: int = 1000, reason: str = "", *, force: bool = False, await_pending: bool = True
    ) -> CloseEvent:
        """Close and do not reconnect, also while connecting; see `Peer.close`. You may call `connect` again.

        Args:
            code: The close code.
            reason: The close reason, at most 123 bytes of UTF-8; a longer one is cut.
            force: True to drop the connection without a close handshake.
            await_pending: True to wait first for the responses to outstanding CALLs, at most `drain_timeout` seconds.

        Raises:
            ValueError: The code must not be sent (RFC 6455 §7.4).
        """
        ended = await super().close(code, reason, force=force, await_pending=await_pending)
        if not self._in_block:
            await self._shut()
        return ended

    # For each kind of client

    @abstractmethod
    def _start_engine(self, *, in_block: bool) -> tuple[Runtime, ClientEngine, Driver[ClientCommand]]:
        """Return the runtime for the running event loop, the engine, and its driver."""

    async def _get_ready(self) -> None:
        """Prepare what takes time before connecting."""

    def _observer_failed(self, error: BaseException) -> None:
        self._log.raised("an observer raised", error)
        end_program(error, self._spawn)

    def _reconnect_by(self, made: ReconnectOptions) -> None:
        """Use the options that all clients have in common from now on. Raises for another identity."""
        if made.identity != self.identity:
            raise ValueError(f"expected the identity {self.identity!r}, got {made.identity!r}")
        if made.quirks != self._options.quirks:
            self._quirks = _quirks_of(made, self._protocol or "")
        self._set_options(made)
        if self._driver is not None:
            self._driver.feed(Reconfigure(self._client_config()))
            if self._outbox is not None:
                self._outbox.configure(self._driver, made.offline_queue_config)

    def _client_config(self) -> ClientConfig:
        config = self._options.client_config(trace=self._traces)
        if self._quirks is None:
            return config
        return replace(config, session=self._quirks.configured(config.session))

    # For the base classes

    @property
    def _session(self) -> Session | None:
        return None if self._engine is None else self._engine.session

    @property
    def _may_return(self) -> bool:
        return self._is_reconnecting or (self._engine is not None and isinstance(self._engine.state, Online))

    @property
    def _is_reconnecting(self) -> bool:
        return self._engine is not None and isinstance(self._engine.state, (Connecting, Waiting))

    def _queueing_driver(self) -> Driver[ClientCommand] | None:
        may_wait = self._outbox is not None and self._ended is None  # after the end no connection is expected
        return self._start(in_block=False) if may_wait else None

    def _not_connected(self) -> OCPPError:
        if self._ended is not None:
            return ClosedError("cannot send: the client is closed; call connect() first")
        return ConnectionLostError("cannot send: not connected; call connect() first", sent=False)

    def _update_tracing(self) -> None:
        if self._driver is not None:
            self._driver.feed(Reconfigure(self._client_config()))

    def _completion(self) -> Completion[Any]:
        if self._runtime is None:
            self._start(in_block=False)
        return super()._completion()

    def _state_changed(self, state: object) -> None:
        if isinstance(state, Connecting):
            self._ended = None
            self._emit("connecting", ConnectingEvent(self._options.address.url))
        elif isinstance(state, Online):
            self._opened(state)
        elif isinstance(state, Waiting):
            self._waits(state)
        elif isinstance(state, Stopped):
            self._finish(state.code, state.reason, lost=state.lost)
            if self._outbox is not None:
                self._outbox.stopped()

    def _opened(self, state: Online) -> None:
        if self._driver is not None:
            self._begin(self._driver, state.subprotocol)
            if self._quirks is not None:  # each connection reports its quirks anew
                self._quirks = _quirks_of(self._options, state.subprotocol)
                self._driver.feed(Reconfigure(self._client_config()))
        self._resume_calls()
        self._log.info(f"open, speaks {state.subprotocol}")
        self._emit("open", OpenEvent(state.subprotocol))

    def _waits(self, state: Waiting) -> None:
        self._end_serving()
        self._log.flush()
        if state.lost is not None:
            self._emit("disconnect", DisconnectEvent(*state.lost))
        self._log.info(f"attempt {state.tries} follows in {state.delay:.1f} s")
        self._emit("reconnect", ReconnectEvent(state.tries, state.delay))

    def _start(self, *, in_block: bool) -> Driver[ClientCommand]:
        """Bind to the running event loop."""
        self._runtime, self._engine, driver = self._start_engine(in_block=in_block)
        self._driver = driver
        driver.send_timeout = self._options.send_timeout or inf
        self._log.now = self._runtime.now
        return driver

    def _make_message_engine(self, sources: Sources) -> ClientEngine:
        """Return the engine for a host that carries whole messages."""
        draws = Draws(sources.random(self.identity, secret=True), sources.ids(self._options.ids))
        engine = sources.engine(self.identity, draws, self._message_engine)
        if self._outbox is not None:
            self._outbox.engine = cast("DurableClientEngine", engine)
        return engine

    def _message_engine(self, draws: Draws) -> ClientEngine:
        config = self._client_config()
        if self._outbox is None:
            return ClientEngine(config, random=draws.random, ids=draws.ids)
        from ocpp_core.durable.client import DurableClientEngine  # loaded only when used

        settings = self._options.offline_queue_config
        engine = DurableClientEngine(config, settings, random=draws.random, ids=draws.ids)
        self._outbox.made(engine)
        return engine

    def _make_outbox(self) -> "ClientOutbox | None":
        choice = self._options.offline_queue
        if choice is False:
            return None
        from ocpp_transports.outbox._choice import store_of  # loaded only when used

        from ._client_outbox import ClientOutbox

        outbox = ClientOutbox(
            store_of(choice), self._log, is_stopped=lambda: self._ended is not None, failed=self._store_failed
        )
        self._delegate.outbox_changed = outbox.perform
        return outbox

    def _store_failed(self, error: StoreError) -> None:
        self._log.failed("the store failed", error)
        self._emit("error", ErrorEvent(error))

    def _recording_failed(self, error: Exception) -> None:
        self._emit("error", ErrorEvent(error))

    async def _open_outbox(self) -> None:
        if self._outbox is not None and self._driver is not None:
            await self._outbox.open(self._driver)

    def _open_in_memory(self, outbox: "ClientOutbox") -> None:
        if outbox.opens_at_once and self._ended is None:
            outbox.open_at_once(self._driver or self._start(in_block=False))

    async def _shut(self) -> None:
        """Release the event loop: end listeners, connections and tasks."""
        runtime, driver = self._runtime, self._driver
        self._runtime, self._driver, self._engine = None, None, None
        try:
            if self._outbox is not None:
                await self._outbox.close()
        finally:
            await self._stop(runtime, driver)

    async def _stop(self, runtime: Runtime | None, driver: Driver[ClientCommand] | None) -> None:
        if driver is not None:
            driver.stop()
        if runtime is not None:
            try:
                await self._close_grace.wait(runtime)
            finally:
                await runtime.aclose()
