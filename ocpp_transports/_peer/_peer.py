"""The part that a client and a server's handle on a station share: state, closing, and the engine's reports."""

from abc import ABC, abstractmethod
from collections.abc import Coroutine
from enum import Enum
from logging import DEBUG
from math import inf
from typing import TYPE_CHECKING, Any, Self

from ocpp_core.actions import Dispatch
from ocpp_core.errors import ClosedError
from ocpp_core.inputs import Close, Command
from ocpp_transports._calls._calling import CallMixin
from ocpp_transports._driver._driver import Driver
from ocpp_transports._driver._interfaces import Completion, Runtime, complete
from ocpp_transports._handlers._caller import Caller
from ocpp_transports._handlers._dispatcher import Dispatcher
from ocpp_transports._handlers._table import Handlers
from ocpp_transports._logging._log import Log
from ocpp_transports._options._connection import PeerOptions
from ocpp_transports.event_names import PEER_EVENTS
from ocpp_transports.events import CloseEvent, DisconnectEvent

from ._close_grace import CloseGrace
from ._delegate import MESSAGE_EVENTS, PeerDelegate
from ._emitter import Emitter
from ._listening import PeerEvents
from ._mixins import HandlerMixin
from ._observers import Observers

__all__ = ["ConnectionState", "Peer"]


class ConnectionState(Enum):
    """The state of a connection; a client that waits for its next attempt is CONNECTING."""

    CONNECTING = 0
    """A client tries to connect, or waits for its next attempt."""
    OPEN = 1
    """Messages are exchanged."""
    CLOSING = 2
    """The connection is being closed."""
    CLOSED = 3
    """There is no connection, and no attempt to open one."""


class Peer(CallMixin, HandlerMixin, PeerEvents, ABC):
    """The common part of every client and of `OCPPServerClient`: calls, handlers, events, state, `close`.

    A client has one connection after another. Use this class as a type for either end; it cannot be instantiated.
    """

    _is_one_connection = False
    """True if the object ends together with its connection."""

    _hold_until = -inf
    """Time until which requests without a handler are held, in seconds of the event loop's clock."""

    _observers: Observers[Any] | None = None
    """The observers of all connections, of which this may be one."""

    def __init__(self, identity: str, options: PeerOptions, close_grace: CloseGrace) -> None:
        self._close_grace = close_grace
        self._identity = identity
        self._options = options
        self._runtime: Runtime | None = None
        self._driver: Driver[Command] | None = None
        self._protocol: str | None = None
        self._ended: CloseEvent | None = None
        self._waiters: list[Completion[CloseEvent]] | None = None  # made when needed
        self._log = Log(options.logger, identity)
        self._delegate = PeerDelegate(identity, self, self._log, self._state_changed)
        if options.meter is not None:
            from ._counting import CountingDelegate  # loaded only when used

            self._delegate = CountingDelegate.of(self._delegate, options.meter)
        self._traces = self._log.logger.isEnabledFor(DEBUG)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._identity!r} {self._protocol} {self.state.name}>"

    @property
    def identity(self) -> str:
        """The identity of the station."""
        return self._identity

    @property
    def protocol(self) -> str | None:
        """The negotiated subprotocol; without a connection that of the last one, None before the first."""
        return self._protocol

    @property
    @abstractmethod
    def state(self) -> ConnectionState:
        """The state of the connection."""

    @property
    def pending(self) -> int:
        """The number of calls without an outcome yet, queued ones included."""
        session = self._session
        return 0 if session is None else session.calls.pending + session.calls.waiting

    async def close(
        self, code: int = 1000, reason: str = "", *, force: bool = False, await_pending: bool = True
    ) -> CloseEvent:
        """Close the connection and do not reconnect; return how it ended.

        New calls are refused at once. Then the WebSocket's close handshake may take `close_timeout` seconds. A second
        call waits for the same end, and may speed it up. Cancelling the call does not stop the closing.

        Args:
            code: The close code.
            reason: The close reason, at most 123 bytes of UTF-8; a longer one is cut.
            force: True to drop the connection without a close handshake.
            await_pending: True to wait first for the responses to outstanding CALLs of both sides, at most
                `drain_timeout` seconds. It does not wait for the handler that calls it.

        Raises:
            ValueError: The code must not be sent (RFC 6455 §7.4).
        """
        command = Close(code, reason, drain=await_pending, force=force, besides=self._own_requests)
        if self._driver is None:
            self._ended = self._ended or CloseEvent(1000, "")
            return self._ended
        self._driver.runtime.expect_here()
        self._driver.feed(command)
        return await self._end()

    @property
    def _own_requests(self) -> tuple[int, ...]:
        """The requests whose handlers run the code that asks: closing must not wait for them."""
        dispatcher = self._delegate.dispatcher
        return () if dispatcher is None else dispatcher.own_requests()

    @property
    def _as_caller(self) -> Caller:
        return self

    if TYPE_CHECKING:

        @property
        def _context_client(self) -> Self:
            """The type of `ctx.client` of a handler that is registered here."""

    # For the roles

    @abstractmethod
    def _state_changed(self, state: object) -> None:
        """Handle a state change of the engine."""

    @abstractmethod
    def _update_tracing(self) -> None:
        """Let the engine trace messages, or stop, as `_traces` requires."""

    def _set_options(self, options: PeerOptions) -> None:
        """Use these options from now on, except those that belong to the engine."""
        self._options = options
        self._log.logger = options.logger
        if self._delegate.dispatcher is not None:
            self._delegate.dispatcher.detailed_errors = options.respond_with_detailed_errors
            self._delegate.dispatcher.handler_timeout = options.handler_timeout or inf
        if self._driver is not None:
            self._driver.send_timeout = options.send_timeout or inf
        self._listeners_changed()  # another logger may log other messages

    def _search(self, registries: tuple[Handlers, ...]) -> None:
        super()._search(registries)
        if self._delegate.dispatcher is not None:
            self._delegate.dispatcher.search(registries)

    def _begin(self, driver: Driver[Command], protocol: str) -> None:
        """Prepare for the requests of a new connection, and hold those without a handler for a while.

        The dispatcher is made with the first request: a connection without any costs less.
        """
        self._protocol = self._log.protocol = protocol
        if self._observers is not None and self._observers.is_wanted:
            self._listeners_changed()
        grace = self._options.handler_grace
        self._hold_until = driver.runtime.now() + grace if grace else -inf
        self._delegate.dispatcher = None
        self._delegate.dispatched = self._serve_first

    def _serve_first(self, action: Dispatch) -> None:
        driver = self._driver
        if driver is None:
            return
        options, delegate = self._options, self._delegate
        delegate.dispatcher = dispatcher = Dispatcher(
            driver,
            self._registries,
            client=self,
            protocol=self._protocol,
            observer=delegate,
            in_order=options.in_order,
            detailed_errors=options.respond_with_detailed_errors,
            handler_timeout=options.handler_timeout or inf,
            hold_until=self._hold_until,
        )
        delegate.dispatched = dispatcher.dispatched
        dispatcher.dispatched(action)

    def _release(self) -> None:
        """Release held requests: there was time to register handlers."""
        self._hold_until = -inf
        if self._delegate.dispatcher is not None:
            self._delegate.dispatcher.release()

    def _end_serving(self) -> None:
        """Release everything held for a connection that has ended."""
        if self._delegate.dispatcher is not None:
            self._delegate.dispatcher.end()

    def _finish(self, code: int, reason: str, *, lost: bool) -> None:
        """Notify listeners and waiters that the connection ended; `lost` means that this side had not closed it."""
        self._ended = ended = CloseEvent(code, reason)
        try:
            self._log.flush()
            self._log.info(f"closed ({code}{': ' + reason if reason else ''})")
            self._end_serving()
            if lost:
                self._emit("disconnect", DisconnectEvent(code, reason))
            self._emit("close", ended, after=self._close_grace.expect())
        finally:  # even if a listener failed: tasks that wait for the end get it
            self._end_events(for_good=self._is_one_connection)
            self._release_waiters(ended)

    def _release_waiters(self, ended: CloseEvent) -> None:
        for completion in self._pauses or ():
            complete(completion, ClosedError("closed before the call was repeated", sent=True))
        waiters, self._waiters = self._waiters, None
        for waiter in waiters or ():
            complete(waiter, ended)

    async def _end(self) -> CloseEvent:
        """Wait until the connection has ended."""
        if self._ended is not None:
            return self._ended
        completion: Completion[CloseEvent] = self._completion()
        self._waiters = [*(self._waiters or ()), completion]
        try:
            ended = await completion
        finally:
            if self._waiters is not None and completion in self._waiters:
                self._waiters.remove(completion)
        return ended

    def _make_emitter(self) -> Emitter:
        emitter = Emitter(
            PEER_EVENTS,
            spawn=self._spawn,
            completion=self._completion,
            log=self._log.raised,
            changed=self._listeners_changed,
        )
        if self._is_one_connection and self._ended is not None:
            emitter.finish(for_good=True)
        return emitter

    def _listeners_changed(self) -> None:
        """Relay events while there are observers, and trace messages while anything needs them."""
        observers = self._observers
        if observers is not None and observers.is_wanted:
            self._emitter.relay = self._relay
        elif self._listened_to is not None:
            self._listened_to.relay = None
        traces = (
            self._log.wants_messages
            or (observers is not None and observers.wants_messages)
            or (self._listened_to is not None and self._listened_to.listens(*MESSAGE_EVENTS))
        )
        if traces != self._traces:
            self._traces = traces
            self._update_tracing()

    def _relay(self, name: str, event: Any) -> None:
        if self._observers is not None:
            self._observers.notify(name, event, self)

    def _spawn(self, coro: Coroutine[Any, Any, None]) -> None:
        if self._runtime is None:
            coro.close()
        else:
            self._runtime.spawn(coro)

    def _completion(self) -> Completion[Any]:
        if self._runtime is None:
            raise RuntimeError(
                f"cannot wait: the {type(self).__name__} is not in use; enter its block or connect it first"
            )
        return self._runtime.completion()
