"""The client: a charging station's connection to its central system."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Unpack

from ocpp_core.client import ClientEngine
from ocpp_core.handshake import SecurityProfile
from ocpp_core.inputs import Reconfigure, StackInput
from ocpp_core.stack import ClientStack

from ._driver._driver import Driver
from ._driver._interfaces import Runtime
from ._driver._sources import Draws, Sources
from ._options._client import ClientOptions
from ._options._connection import BUNDLED_PROTOCOLS
from ._options._warm_up import warm_up_in_thread
from ._peer._client import ClientCommand, ClientPeer
from ._runtime._base import Address
from ._runtime._current import current_runtime
from ._runtime._recorded import record_engines
from ._tls._contexts import context_of

if TYPE_CHECKING:
    from ocpp_core.stack.durable import DurableClientStack

    from ._options._keywords import ClientChanges, ClientKeywords
    from ._peer._client_outbox import ClientOutbox

__all__ = ["OCPPClient"]


class OCPPClient(ClientPeer):
    """A charging station that connects to a central system and reconnects when the connection is lost.

        async with OCPPClient("CP1", "wss://csms.example/ocpp", protocols=["ocpp1.6"]) as client:
            await client.connect()
            await client.call("Heartbeat", {})

    On asyncio it also works without the block; then you must call `close`. In strict mode `connect` compiles the checks
    first, see `warm_up`.

    Args:
        identity: The identity of the station, the last segment of the URL.
        endpoint: The URL of the central system, `ws://` or `wss://`, without the identity.
        protocols: The subprotocols, in order of preference; by default all that are bundled, newest first.

    Raises:
        ValueError: An option has a value that is not allowed.
        TypeError: An option has the wrong type.
        OSError: A certificate cannot be read.
    """

    _options: ClientOptions

    def __init__(
        self,
        identity: str,
        endpoint: str,
        *,
        protocols: Sequence[str] = BUNDLED_PROTOCOLS,
        **options: "Unpack[ClientKeywords]",
    ) -> None:
        super().__init__(identity, ClientOptions.read(identity, endpoint, protocols, options))
        self._tls = context_of(self._options)

    @property
    def security_profile(self) -> SecurityProfile:
        """The security profile that the client uses."""
        return self._options.security_profile

    def reconfigure(self, **options: "Unpack[ClientChanges]") -> None:
        """Change options: those of calls and pings at once, those of connecting at the next attempt.

        Raises the same errors as the constructor, and then changes nothing.
        """
        made = self._options.changed(options)
        tls = context_of(made, self._options, self._tls)
        self._reconnect_by(made)
        self._tls = tls
        if self._driver is not None:
            self._driver.feed(Reconfigure(made.link))
            self._driver.feed(Reconfigure(made.upgrade))

    # For the base class

    async def _get_ready(self) -> None:
        await warm_up_in_thread(self._options)

    def _start_engine(self, *, in_block: bool) -> tuple[Runtime, ClientEngine, Driver[ClientCommand]]:
        runtime = current_runtime(type(self).__name__, in_block=in_block, log=self._log)
        if self._options.meter is not None:
            runtime.count(self._options.meter.traffic)
        record_engines(runtime, self._options.recordings, self._log, self._recording_failed)
        stack = self._make_stack(runtime.sources)
        dialer = runtime.dialer(self._address)
        driver: Driver[StackInput] = Driver(stack, runtime, self._delegate, dialer=dialer)
        return runtime, stack.engine, driver

    def _address(self) -> Address:
        where = self._options.address
        return Address(where.host, where.port, self._tls, station=self.identity)

    def _make_stack(self, sources: Sources) -> ClientStack:
        draws = Draws(sources.random(self.identity, secret=True), sources.ids(self._options.ids))
        if self._outbox is None:
            return sources.engine(self.identity, draws, self._stack)
        make = partial(self._durable_stack, self._outbox)
        self._outbox.engine = stack = sources.engine(self.identity, draws, make)
        return stack

    def _stack(self, draws: Draws) -> ClientStack:
        options = self._options
        return ClientStack(self._client_config(), options.link, options.upgrade, random=draws.random, ids=draws.ids)

    def _durable_stack(self, outbox: "ClientOutbox", draws: Draws) -> "DurableClientStack":
        """Return the stack of a client with an outbox."""
        options = self._options
        from ocpp_core.stack.durable import DurableClientStack  # loaded only when used

        stack = DurableClientStack(
            self._client_config(),
            options.link,
            options.upgrade,
            options.offline_queue_config,
            random=draws.random,
            ids=draws.ids,
        )
        outbox.made(stack.engine)
        return stack
