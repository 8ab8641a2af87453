"""The client: a charging station's connection to its central system."""

from collections.abc import Sequence
from dataclasses import replace
from random import SystemRandom
from ssl import SSLContext
from types import TracebackType
from typing import Self, Unpack

from ocpp_core.client import Closing, Connecting, Online, Stopped, Waiting
from ocpp_core.config import ClientConfig
from ocpp_core.handshake import SecurityProfile
from ocpp_core.inputs import Close, Connect, Reconfigure
from ocpp_core.session import Session
from ocpp_core.stack import ClientStack

from ._client_options import ClientOptions
from ._driver import Driver, Slot
from ._farewells import Farewells
from ._keywords import ClientChanges, ClientKeywords
from ._registry import Handlers
from ._runtime import Address, current_runtime
from ._tls import client_context
from ._warm_up import warm_up_in_thread
from .events import CloseEvent, ConnectingEvent, DisconnectEvent, OpenEvent, ReconnectEvent
from .peer import ConnectionState, Peer

__all__ = ["OCPPClient"]


class OCPPClient(Peer):
    """A charging station that connects to a central system, and comes back when the connection is lost.

        async with OCPPClient("CP1", "wss://csms.example/ocpp", protocols=["ocpp1.6"]) as client:
            await client.connect()
            await client.call("Heartbeat", {})

    `identity` and `endpoint` make the URL, `protocols` are the subprotocols in order of preference, everything else
    is an option of `ClientOptions`. Raises ValueError or TypeError for options that make no sense, and OSError for
    certificates that cannot be read. On asyncio it also works without the block; then `close` has to be called.
    """

    _options: ClientOptions

    def __init__(
        self, identity: str, endpoint: str, *, protocols: Sequence[str], **options: Unpack[ClientKeywords]
    ) -> None:
        ClientOptions.check_names(options)
        made = ClientOptions(identity=identity, endpoint=endpoint, protocols=protocols, **options)  # type: ignore[arg-type]  # lists and ints are converted
        super().__init__(identity, made, Farewells())
        self._tls = _context(made)
        self._stack: ClientStack | None = None
        self._in_block = False

    async def __aenter__(self) -> Self:
        if self._runtime is None:
            self._start(in_block=True)
        self._in_block = True
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
    def security_profile(self) -> SecurityProfile:
        """The security profile."""
        return self._options.security_profile

    @property
    def state(self) -> ConnectionState:
        """The state of the connection; CONNECTING also while waiting for the next attempt."""
        state = None if self._stack is None else self._stack.engine.state
        if isinstance(state, Online):
            return ConnectionState.OPEN
        if isinstance(state, (Connecting, Waiting)):
            return ConnectionState.CONNECTING
        return ConnectionState.CLOSING if isinstance(state, Closing) else ConnectionState.CLOSED

    @property
    def pending(self) -> int:
        """Calls that were started and have no outcome yet, those in the offline queue included."""
        return super().pending + (0 if self._stack is None else self._stack.engine.queued)

    async def connect(self) -> str:
        """Connect, and return the negotiated subprotocol.

        In strict mode the checks are compiled first, see `warm_up`. Raises for the first attempt's failure
        `UnexpectedHttpResponse` (another status than 101), `WebsocketUpgradeError` (a wrong 101) or
        `ConnectionFailedError`; with `retry_initial_connect` further attempts follow all the same. Raises RuntimeError
        unless CLOSED, and on trio outside a block; ClosedError if it is closed meanwhile. Cancelling it closes.
        """
        if self.state is not ConnectionState.CLOSED:
            raise RuntimeError(f"expected a closed client to connect, it is {self.state.name}")
        await warm_up_in_thread(self._options)
        driver = self._driver or self._start(in_block=False)
        try:
            protocol: str = await driver.ask(Connect)
        except Exception:
            if self.state is ConnectionState.CLOSED and not self._in_block:
                await self._shut()
            raise
        except BaseException:  # cancelled: nobody waits for this connection
            driver.feed(Close(force=True))
            raise
        return protocol

    async def close(
        self, code: int = 1000, reason: str = "", *, force: bool = False, await_pending: bool = True
    ) -> CloseEvent:
        """Close and do not come back, also while connecting; see `Peer.close`. `connect` may be called again."""
        ended = await super().close(code, reason, force=force, await_pending=await_pending)
        if not self._in_block:
            await self._shut()
        return ended

    def reconfigure(self, **options: Unpack[ClientChanges]) -> None:
        """Change options: those of calls and pings at once, those of connecting at the next attempt.

        Raises as the constructor does, and then changes nothing.
        """
        made = self._options.changed(options)
        if made.identity != self.identity:
            raise ValueError("expected the identity to stay: it belongs to the connection")
        # An unchanged context is kept: its files need not be readable any more.
        is_kept = made.tls is self._options.tls and made.address.secure and self._tls is not None
        tls = self._tls if is_kept else _context(made)
        self._adopt(made)
        self._tls = tls
        if self._driver is not None:
            for config in (self._client_config(), made.link, made.upgrade):
                self._driver.feed(Reconfigure(config))

    # For the base classes

    @property
    def _session(self) -> Session | None:
        return None if self._stack is None else self._stack.session

    def _registries(self) -> Sequence[Handlers]:
        return (self._handlers,)

    def _queueing_driver(self) -> Driver | None:
        return self._start(in_block=False) if self._options.offline_queue else None

    def _retrace(self) -> None:
        if self._driver is not None:
            self._driver.feed(Reconfigure(self._client_config()))

    def _slot(self) -> Slot:
        if self._runtime is None:
            self._start(in_block=False)
        return super()._slot()

    def _state_changed(self, state: object) -> None:
        if isinstance(state, Connecting):
            self._ended = None
            self._tell("connecting", ConnectingEvent(self._options.address.url))
        elif isinstance(state, Online):
            self._opened(state)
        elif isinstance(state, Waiting):
            self._waits(state)
        elif isinstance(state, Stopped):
            self._finish(state.code, state.reason, lost=state.lost)

    # Its own

    def _opened(self, state: Online) -> None:
        if self._driver is not None:
            self._begin(self._driver, state.subprotocol)
        self._log.info(f"open, speaks {state.subprotocol}")
        self._tell("open", OpenEvent(state.subprotocol))

    def _waits(self, state: Waiting) -> None:
        self._end_serving()
        if state.lost is not None:
            self._tell("disconnect", DisconnectEvent(*state.lost))
        self._log.info(f"attempt {state.tries} follows in {state.delay:.1f} s")
        self._tell("reconnect", ReconnectEvent(state.tries, state.delay))

    def _client_config(self) -> ClientConfig:
        config = self._options.client
        return replace(config, session=replace(config.session, trace=self._traces))

    def _start(self, *, in_block: bool) -> Driver:
        """Take root in the event loop that runs this."""
        self._runtime = runtime = current_runtime(type(self).__name__, in_block=in_block)
        options = self._options
        self._stack = ClientStack(
            self._client_config(),
            options.link,
            options.upgrade,
            random=SystemRandom(),
            ids=options.id_factory,
        )
        self._driver = driver = Driver(self._stack, runtime.dialer(self._address), self._owner)
        return driver

    def _address(self) -> Address:
        where = self._options.address
        return Address(where.host, where.port, self._tls)

    async def _shut(self) -> None:
        """Leave the event loop; nothing stays behind."""
        runtime, driver = self._runtime, self._driver
        self._runtime, self._driver, self._stack = None, None, None
        if driver is not None:
            driver.stop()
        if runtime is not None:
            try:
                await self._farewells.wait(runtime)
            finally:
                await runtime.aclose()


def _context(options: ClientOptions) -> SSLContext | None:
    return client_context(options.tls) if options.address.secure else None
